/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thumb.c - the filter for Thumb-2 (Cortex-M): BL and B.W; LDR literal, B, B<cond>.
 *
 * ADR, CBZ and calls over more than 4 MiB were tried and are worth less than their code.
 */
#include "delta/filter.h"

#include "delta/source.h"

/* Which bits say what it is, and how many bits of distance in units of 1 << shift. In halfwords it
 * is signed and counts from the address + 4, in words it is not and counts from a multiple of 4. */
struct form {
    uint16_t mask;
    uint16_t code;
    uint8_t bits;
    uint8_t shift;
    uint8_t kind;
};
static const struct form forms[] = {
    {0xf800, 0xf000, 22, 1, OTTER_DELTA_CALL}, /* BL, B.W over less than 4 MiB: so is the second halfword, & 0xb800 */
    {0xf800, 0x4800, 8, 2, OTTER_DELTA_POOL},  /* LDR literal */
    {0xf800, 0xe000, 11, 1, OTTER_DELTA_NEAR}, /* B */
    {0xf000, 0xd000, 8, 1, OTTER_DELTA_NEAR}   /* B<cond>; and UDF, SVC, which do no harm */
};

static const struct form *find_form(uint32_t code)
{
    for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((code & forms[i].mask) == forms[i].code) {
            return i > 0u || (code & 0xb8000000u) == 0xb8000000u ? &forms[i] : NULL;
        }
    }
    return NULL;
}

static uint32_t from_where(const struct form *form, uint32_t address)
{
    return (address + 4u) >> form->shift << form->shift;
}

static uint32_t top_of(const struct form *form)
{
    return form->shift == 2u ? 0u : 1u << (form->bits - 1u);
}

static enum otter_delta_kind find_thumb(const uint8_t bytes[4], uint32_t address, uint32_t *ret_target)
{
    uint32_t code = load32(bytes);
    const struct form *form = find_form(code);
    if (form == NULL) {
        return OTTER_DELTA_PLAIN;
    }
    uint32_t top = top_of(form);
    uint32_t value = form->kind == OTTER_DELTA_CALL ? (code & 0x7ffu) << 11 | (code >> 16 & 0x7ffu) : code & ((1u << form->bits) - 1u);
    *ret_target = from_where(form, address) + (((value ^ top) - top) << form->shift);
    return (enum otter_delta_kind)form->kind;
}

static bool aim_thumb(uint8_t bytes[4], uint32_t address, uint32_t target)
{
    uint32_t code = load32(bytes);
    const struct form *form = find_form(code);
    uint32_t top = top_of(form);
    uint32_t value = target - from_where(form, address) + (top << form->shift);
    if (value >> form->bits >> form->shift != 0u || (value & ((1u << form->shift) - 1u)) != 0u) {
        return false;
    }
    value = (value >> form->shift) ^ top;
    if (form->kind == OTTER_DELTA_CALL) {
        store32(bytes, (code & 0xf800f800u) | value >> 11 | (value & 0x7ffu) << 16);
    } else {
        store32(bytes, (code & ~((1u << form->bits) - 1u)) | value);
    }
    return true;
}

const struct otter_delta_filter otter_delta_thumb = {.find = find_thumb, .aim = aim_thumb};
