/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.c - one simulated flash device: the rules, the operations, the counts.
 *
 * Every operation first marks its units torn, then changes bytes, then marks them erased
 * or programmed: a process killed in between leaves units that are known to be torn.
 * Bytes are stored XOR the erased value: erased is zero in every plane.
 */
#include "sim/sim.h"

#include "otter/result.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct operation {
    uint32_t off, len;
    const uint8_t *data; /* NULL: erase */
    bool row_write;
    uint32_t cost_us;
};

static int violation(struct sim_flash *flash, uint32_t off, size_t len, const char *rule)
{
    struct sim_power *power = flash->power;
    power->violations++;
    snprintf(power->violation, sizeof power->violation, "sim: %s, offset 0x%x, %zu bytes: %s",
             flash->geometry.name, off, len, rule);
    if (power->violated == NULL) {
        fprintf(stderr, "%s\n", power->violation);
        abort();
    }
    power->violated(power->ctx, power->violation);
    return OTTER_ERR_ARG;
}

static bool inside(const struct sim_flash *flash, uint32_t off, size_t len)
{
    uint32_t size = flash->geometry.size;
    return off <= size && len <= size - off;
}

/* Peek and poke are the test's own: outside the device is a mistake of the test. */
static void must_be_inside(const struct sim_flash *flash, uint32_t off, size_t len, const char *what)
{
    if (!inside(flash, off, len)) {
        fprintf(stderr, "sim: %s, offset 0x%x, %zu bytes: %s outside the device\n",
                flash->geometry.name, off, len, what);
        abort();
    }
}

void sim_flash_touch(struct sim_flash *flash, uint32_t off, uint32_t len)
{
    uint32_t sector = flash->geometry.sector_size;
    for (uint32_t i = off / sector; i <= (off + len - 1) / sector; i++) {
        flash->mark[i] |= SIM_MARK_TOUCHED | SIM_MARK_DIRTY | SIM_MARK_STALE;
    }
}

static void set_units(struct sim_flash *flash, uint32_t off, uint32_t len, enum sim_unit state)
{
    uint32_t unit = flash->geometry.prog_size;
    atomic_signal_fence(memory_order_seq_cst);
    memset(flash->unit + off / unit, (int)state, len / unit);
    atomic_signal_fence(memory_order_seq_cst);
}

/* Most of the time of a campaign goes here: eight bytes at a time. */
static void copy_xor(uint8_t *to, const uint8_t *from, size_t len, uint8_t mask)
{
    uint64_t wide = mask * 0x0101010101010101u;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    for (; i < len; i++) {
        to[i] = from[i] ^ mask;
    }
}

static void apply(struct sim_flash *flash, const struct operation *op)
{
    set_units(flash, op->off, op->len, SIM_UNIT_TORN);
    if (op->data == NULL) {
        memset(flash->data + op->off, 0, op->len);
    } else {
        copy_xor(flash->data + op->off, op->data, op->len, flash->geometry.erased);
    }
    set_units(flash, op->off, op->len, op->data == NULL ? SIM_UNIT_ERASED : SIM_UNIT_PROGRAMMED);
}

static void count_wear(struct sim_flash *flash, const struct operation *op)
{
    if (op->data == NULL || op->row_write) {
        uint32_t sector = flash->geometry.sector_size;
        flash->count.erased_bytes += op->len;
        for (uint32_t i = op->off / sector; i < (op->off + op->len) / sector; i++) {
            flash->wear[i]++;
        }
    }
}

static int perform(struct sim_flash *flash, const struct operation *op)
{
    struct sim_power *power = flash->power;
    power->ops++;
    power->time_us += op->cost_us;
    flash->count.busy_us += op->cost_us;
    count_wear(flash, op);
    sim_flash_touch(flash, op->off, op->len);
    if (power->ops == power->cut_at) {
        if (power->outcome == SIM_DONE) {
            apply(flash, op);
        } else if (power->outcome != SIM_NOT_DONE) {
            sim_torn(flash, op->off, op->len, op->data, op->row_write);
        }
        if (power->lost != NULL) {
            power->lost(power->ctx);
        }
        fprintf(stderr, "sim: power was cut, but the program goes on\n");
        abort();
    }
    uint8_t mark = flash->mark[op->off / flash->geometry.sector_size];
    if ((mark & SIM_MARK_LOUD) != 0) {
        return OTTER_ERR_IO;
    }
    apply(flash, op);
    if ((mark & SIM_MARK_SILENT) != 0 && op->data != NULL) {
        flash->data[op->off] ^= 1u;
    }
    return OTTER_OK;
}

/* Each read of an unstable unit settles on old, new or a mixture; one choice per call. */
static void flicker(struct sim_flash *flash, uint32_t off, uint8_t *buf, size_t len)
{
    uint32_t unit = flash->geometry.prog_size;
    uint64_t choice = sim_random(&flash->power->random) % 3;
    for (size_t i = 0; i < len; i++) {
        uint8_t state = flash->unit[(off + i) / unit];
        bool old = state == SIM_UNIT_OLD_NEXT || state == SIM_UNIT_OLD_NOW;
        if (!old && (state != SIM_UNIT_UNSTABLE || choice == 0)) {
            continue;
        }
        uint8_t mask = 0xff;
        if (state == SIM_UNIT_UNSTABLE && choice == 2) {
            mask = (uint8_t)sim_random(&flash->power->random);
        }
        uint8_t other = flash->other[off + i] ^ flash->geometry.erased;
        buf[i] = (uint8_t)((buf[i] & ~mask) | (other & mask));
    }
}

void sim_flash_peek(const struct sim_flash *flash, uint32_t off, void *buf, size_t len)
{
    must_be_inside(flash, off, len, "peek");
    copy_xor(buf, flash->data + off, len, flash->geometry.erased);
}

/* The units of a range that alternate: the other reading is next. */
static void alternate(struct sim_flash *flash, uint32_t off, size_t len)
{
    uint32_t unit = flash->geometry.prog_size;
    for (uint32_t i = off / unit; i <= (off + len - 1) / unit; i++) {
        uint8_t state = flash->unit[i];
        if (state == SIM_UNIT_NEW_NEXT || state == SIM_UNIT_OLD_NEXT) {
            flash->unit[i] = (uint8_t)(SIM_UNIT_NEW_NEXT + SIM_UNIT_OLD_NEXT - state);
            sim_flash_touch(flash, i * unit, unit);
        }
    }
}

void sim_board_power_on(struct sim_board *board)
{
    for (unsigned d = 0; d < board->devices_count; d++) {
        struct sim_flash *flash = &board->devices[d];
        uint32_t unit = flash->geometry.prog_size;
        for (uint32_t i = 0; flash->any_marginal && i < flash->geometry.size / unit; i++) {
            uint8_t state = flash->unit[i];
            if (state >= SIM_UNIT_NEW_NOW) {
                flash->unit[i] = (uint8_t)(SIM_UNIT_NEW_NOW + SIM_UNIT_OLD_NOW - state);
                sim_flash_touch(flash, i * unit, unit);
            }
        }
    }
}

/* Does this read go wrong? A silent one gets a wrong bit, the loud one an error. */
static int go_wrong(struct sim_flash *flash, uint32_t off, uint8_t *buf, size_t len)
{
    struct sim_read_fault *fault = &flash->fault;
    if (off >= fault->off + fault->size || off + len <= fault->off) {
        return OTTER_OK;
    }
    if (--fault->after != 0) {
        return OTTER_OK;
    }
    if (fault->count != UINT64_MAX) {
        fault->count--;
    }
    fault->after = fault->count != 0;
    if (fault->silent) {
        uint64_t bit = (fault->off + fault->lies++) * 0x9e3779b1u % (8 * len);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return fault->silent ? OTTER_OK : OTTER_ERR_IO;
}

static int sim_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct sim_flash *flash = ctx;
    if (!inside(flash, off, len)) {
        return violation(flash, off, len, "read outside the device");
    }
    flash->count.reads++;
    flash->count.read_bytes += len;
    sim_flash_peek(flash, off, buf, len);
    if (flash->fault.after != 0 && len != 0 && go_wrong(flash, off, buf, len) < 0) {
        return OTTER_ERR_IO;
    }
    if (!flash->any_marginal || len == 0) {
        return OTTER_OK;
    }
    uint32_t unit = flash->geometry.prog_size;
    bool unstable = false;
    for (uint32_t i = off / unit; i <= (off + len - 1) / unit; i++) {
        if (flash->unit[i] == SIM_UNIT_ECC) {
            return OTTER_ERR_IO;
        }
        unstable = unstable || flash->unit[i] >= SIM_UNIT_UNSTABLE;
    }
    if (unstable) {
        flicker(flash, off, buf, len);
        alternate(flash, off, len);
    }
    return OTTER_OK;
}

static bool all_erased(const struct sim_flash *flash, uint32_t off, uint32_t len)
{
    uint32_t unit = flash->geometry.prog_size;
    for (uint32_t i = off / unit; i < (off + len) / unit; i++) {
        if (flash->unit[i] != SIM_UNIT_ERASED) {
            return false;
        }
    }
    return true;
}

static int sim_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct sim_flash *flash = ctx;
    const struct sim_geometry *geometry = &flash->geometry;
    const uint8_t *data = buf;
    if (!inside(flash, off, len)) {
        return violation(flash, off, len, "program outside the device");
    }
    if (len == 0 || off % geometry->prog_size != 0 || len % geometry->prog_size != 0) {
        return violation(flash, off, len, "program is not whole program units");
    }
    while (len > 0) {
        uint32_t chunk = geometry->page_size - off % geometry->page_size;
        chunk = len < chunk ? (uint32_t)len : chunk;
        if (!all_erased(flash, off, chunk)) {
            return violation(flash, off, chunk, "program of a unit that is not freshly erased");
        }
        flash->count.pages++;
        flash->count.prog_bytes += chunk;
        uint32_t cost_us = geometry->page_us + chunk / geometry->prog_size * geometry->unit_us;
        int err = perform(flash, &(struct operation){off, chunk, data, false, cost_us});
        if (err < 0) {
            return err;
        }
        off += chunk;
        data += chunk;
        len -= chunk;
    }
    return OTTER_OK;
}

static int sim_erase(void *ctx, uint32_t off, uint32_t size)
{
    struct sim_flash *flash = ctx;
    const struct sim_geometry *geometry = &flash->geometry;
    bool block = size == geometry->block_size && size != geometry->sector_size;
    if (!inside(flash, off, size)) {
        return violation(flash, off, size, "erase outside the device");
    }
    if (size == 0 || (!block && size != geometry->sector_size) || off % size != 0) {
        return violation(flash, off, size, "erase is not one sector or one block");
    }
    if (block) {
        flash->count.blocks++;
    } else {
        flash->count.erases++;
    }
    uint32_t cost_us = block ? geometry->block_us : geometry->erase_us;
    return perform(flash, &(struct operation){off, size, NULL, false, cost_us});
}

static int sim_write(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct sim_flash *flash = ctx;
    const struct sim_geometry *geometry = &flash->geometry;
    const uint8_t *data = buf;
    if (!inside(flash, off, len)) {
        return violation(flash, off, len, "row write outside the device");
    }
    if (len == 0 || off % geometry->sector_size != 0 || len % geometry->sector_size != 0) {
        return violation(flash, off, len, "row write is not whole sectors");
    }
    for (size_t done = 0; done < len; done += geometry->sector_size) {
        flash->count.writes++;
        flash->count.prog_bytes += geometry->sector_size;
        int err = perform(flash, &(struct operation){off + (uint32_t)done, geometry->sector_size,
                                                     data + done, true, geometry->write_us});
        if (err < 0) {
            return err;
        }
    }
    return OTTER_OK;
}

void sim_flash_poke(struct sim_flash *flash, uint32_t off, const void *buf, size_t len)
{
    const uint8_t *from = buf;
    uint32_t unit = flash->geometry.prog_size;
    must_be_inside(flash, off, len, "poke");
    if (len == 0) {
        return;
    }
    sim_flash_touch(flash, off, (uint32_t)len);
    for (size_t i = 0; i < len; i++) {
        flash->data[off + i] = from[i] ^ flash->geometry.erased;
    }
    for (uint32_t i = off / unit; i <= (off + len - 1) / unit; i++) {
        bool blank = true;
        for (uint32_t j = 0; j < unit; j++) {
            blank = blank && flash->data[i * unit + j] == 0;
        }
        flash->unit[i] = blank ? SIM_UNIT_ERASED : SIM_UNIT_PROGRAMMED;
    }
}

bool sim_flash_marginal(const struct sim_flash *flash, uint32_t off, size_t len, uint32_t *ret_off)
{
    uint32_t unit = flash->geometry.prog_size;
    must_be_inside(flash, off, len, "query");
    if (!flash->any_marginal || len == 0) {
        return false;
    }
    for (uint32_t i = off / unit; i <= (off + len - 1) / unit; i++) {
        if (flash->unit[i] >= SIM_UNIT_TORN) {
            if (ret_off != NULL) {
                *ret_off = i * unit;
            }
            return true;
        }
    }
    return false;
}

void sim_flash_break(struct sim_flash *flash, uint32_t off, bool silent)
{
    flash->mark[off / flash->geometry.sector_size] |=
        (uint8_t)(silent ? SIM_MARK_SILENT : SIM_MARK_LOUD);
}

void sim_flash_bind(struct sim_flash *flash, struct sim_power *power)
{
    const struct sim_geometry *geometry = &flash->geometry;
    flash->power = power;
    flash->flash = (struct otter_flash){
        .ctx = flash,
        .read = sim_read,
        .prog = sim_prog,
        .erase = sim_erase,
        .write = geometry->row_write ? sim_write : NULL,
        .size = geometry->size,
        .sector_size = geometry->sector_size,
        .block_size = geometry->block_size,
        .prog_size = geometry->prog_size,
        .erased = geometry->erased,
    };
}

struct sim_flash *sim_flash_of(const struct otter_area *area)
{
    return area->flash->ctx;
}

void sim_power_cut_after(struct sim_power *power, uint64_t n, enum sim_outcome outcome)
{
    power->cut_at = n == 0 ? 0 : power->ops + n;
    power->outcome = outcome;
}
