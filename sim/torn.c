/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torn.c - what an interrupted operation leaves behind.
 *
 * Flash that lost power in the middle of an erase or a program may hold any mixture of
 * old and new bits, may read right and be weak, may read differently each time, or may
 * fail its ECC. Every unit of the operation is marginal afterwards: only an erase makes
 * it trustworthy again. Bytes here are XOR the erased value (0: erased).
 */
#include "sim/sim.h"

#include <string.h>

static const char *const outcome_names[SIM_OUTCOMES] = {
    [SIM_NOT_DONE] = "not-done",       [SIM_DONE] = "done",
    [SIM_FIRST_HALF] = "first-half",   [SIM_SECOND_HALF] = "second-half",
    [SIM_RANDOM] = "random",           [SIM_BARELY] = "barely",
    [SIM_NEARLY] = "nearly",           [SIM_WEAK] = "weak",
    [SIM_UNSTABLE] = "unstable",       [SIM_ALTERNATE] = "alternate",
    [SIM_BY_BOOT] = "by-boot",         [SIM_ECC] = "ecc",
    [SIM_NEIGHBOURS] = "neighbours",
};

const char *sim_outcome_str(enum sim_outcome outcome)
{
    return (unsigned)outcome < SIM_OUTCOMES ? outcome_names[outcome] : "unknown";
}

bool sim_outcome_parse(const char *name, enum sim_outcome *ret_outcome)
{
    for (unsigned i = 0; i < SIM_OUTCOMES; i++) {
        if (strcmp(name, outcome_names[i]) == 0) {
            *ret_outcome = (enum sim_outcome)i;
            return true;
        }
    }
    return false;
}

uint64_t sim_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint8_t sparse(uint64_t *random)
{
    uint64_t r = sim_random(random);
    return (uint8_t)(r & (r >> 8) & (r >> 16) & (r >> 24)); /* one bit in sixteen */
}

/* How far the operation is through a byte: the mask of bits that are new. */
static uint8_t progress(struct sim_power *power, uint32_t i, uint32_t len)
{
    switch (power->outcome) {
    case SIM_FIRST_HALF:
        return i < len / 2 ? 0xff : 0;
    case SIM_SECOND_HALF:
        return i < len / 2 ? 0 : 0xff;
    case SIM_BARELY:
        return sparse(&power->random);
    case SIM_NEARLY:
        return (uint8_t)~sparse(&power->random);
    case SIM_WEAK:
    case SIM_UNSTABLE:
    case SIM_ALTERNATE:
    case SIM_BY_BOOT:
        return 0xff;
    case SIM_RANDOM:
    case SIM_ECC:
    case SIM_NEIGHBOURS:
    case SIM_NOT_DONE:
    case SIM_DONE:
    case SIM_OUTCOMES:
        break;
    }
    return (uint8_t)sim_random(&power->random);
}

static enum sim_unit state_after(enum sim_outcome outcome)
{
    if (outcome == SIM_WEAK) {
        return SIM_UNIT_WEAK;
    }
    if (outcome == SIM_UNSTABLE) {
        return SIM_UNIT_UNSTABLE;
    }
    if (outcome == SIM_ALTERNATE) {
        return SIM_UNIT_NEW_NEXT;
    }
    if (outcome == SIM_BY_BOOT) {
        return SIM_UNIT_OLD_NOW; /* the power on that follows turns it */
    }
    return outcome == SIM_ECC ? SIM_UNIT_ECC : SIM_UNIT_TORN;
}

/* Three bits of a weak program read either way. */
static void flicker_bits(struct sim_flash *flash, uint32_t off, uint32_t len)
{
    memcpy(flash->other + off, flash->data + off, len);
    for (int n = 0; n < 3; n++) {
        uint64_t r = sim_random(&flash->power->random);
        uint32_t at = off + (uint32_t)(r % len);
        flash->other[at] ^= (uint8_t)(1u << (r >> 61));
        flash->unit[at / flash->geometry.prog_size] = SIM_UNIT_UNSTABLE;
    }
}

static void tear_neighbours(struct sim_flash *flash, uint32_t off, uint32_t len)
{
    uint32_t unit = flash->geometry.prog_size;
    uint32_t sides[2] = {off - unit, off + len};
    for (int n = 0; n < 2; n++) {
        if (sides[n] >= flash->geometry.size) {
            continue; /* also off < unit, which wrapped */
        }
        sim_flash_touch(flash, sides[n], unit);
        for (uint32_t i = 0; i < unit; i++) {
            flash->data[sides[n] + i] ^= sparse(&flash->power->random);
        }
        flash->unit[sides[n] / unit] = SIM_UNIT_TORN;
    }
}

void sim_torn(struct sim_flash *flash, uint32_t off, uint32_t len, const uint8_t *data,
              bool row_write)
{
    struct sim_power *power = flash->power;
    uint32_t unit = flash->geometry.prog_size;
    flash->any_marginal = true;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t before = flash->data[off + i];
        uint8_t after = data == NULL ? 0 : data[i] ^ flash->geometry.erased;
        uint8_t mask = progress(power, i, len);
        if (data == NULL && power->outcome == SIM_NEARLY) {
            after = 0xff; /* parts program a sector full before they erase it */
            mask = i < len / 4 ? 0xff : 0;
        }
        if (row_write && power->outcome == SIM_RANDOM) {
            before &= (uint8_t)sim_random(&power->random); /* erase had begun */
        }
        flash->other[off + i] = before;
        flash->data[off + i] = (uint8_t)((after & mask) | (before & ~mask));
    }
    memset(flash->unit + off / unit, (int)state_after(power->outcome), len / unit);
    if (power->outcome == SIM_WEAK && data != NULL) {
        flicker_bits(flash, off, len);
    }
    if (power->outcome == SIM_NEIGHBOURS) {
        tear_neighbours(flash, off, len);
    }
}
