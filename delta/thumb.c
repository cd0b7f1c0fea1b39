/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thumb.c - the filter for Thumb-2 (Cortex-M): BL, B.W; LDR literal, ADR, B, B<cond>, CBZ/CBNZ.
 */
#include "delta/filter.h"

static uint32_t half(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static void store_half(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static bool is_long(uint32_t first, uint32_t second)
{
    return (first & 0xf800u) == 0xf000u && ((second & 0xd000u) == 0xd000u || (second & 0xd000u) == 0x9000u);
}

/* BL and B.W (T4): a signed distance of 25 bits, its top bits folded with the sign. */
static uint32_t long_distance(uint32_t first, uint32_t second)
{
    uint32_t sign = first >> 10 & 1u;
    uint32_t i1 = (second >> 13 & 1u) ^ sign ^ 1u;
    uint32_t i2 = (second >> 11 & 1u) ^ sign ^ 1u;
    uint32_t distance = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3ffu) << 12 | (second & 0x7ffu) << 1;
    return (distance ^ 0x1000000u) - 0x1000000u;
}

static bool aim_long(uint8_t bytes[4], uint32_t distance)
{
    if (distance + 0x1000000u >= 0x2000000u || (distance & 1u) != 0u) {
        return false;
    }
    uint32_t sign = distance >> 24 & 1u;
    uint32_t i1 = (distance >> 23 & 1u) ^ sign ^ 1u;
    uint32_t i2 = (distance >> 22 & 1u) ^ sign ^ 1u;
    store_half(bytes, 0xf000u | sign << 10 | (distance >> 12 & 0x3ffu));
    store_half(bytes + 2, (half(bytes + 2) & 0xd000u) | i1 << 13 | i2 << 11 | (distance >> 1 & 0x7ffu));
    return true;
}

/* The short ones: which bits are fixed, and how many bits of distance in which units. */
struct form {
    uint16_t mask;
    uint16_t code;
    uint8_t bits;
    uint8_t shift;
    bool is_signed;
    bool from_word; /* the distance counts from a multiple of 4 */
};
static const struct form forms[] = {
    {0xf800, 0x4800, 8, 2, false, true}, /* LDR literal */
    {0xf800, 0xa000, 8, 2, false, true}, /* ADR */
    {0xf800, 0xe000, 11, 1, true, false}, /* B */
    {0xf000, 0xd000, 8, 1, true, false}, /* B<cond> */
    {0xf500, 0xb100, 6, 1, false, false} /* CBZ, CBNZ: the distance is split */
};

static const struct form *find_form(uint32_t code)
{
    for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((code & forms[i].mask) == forms[i].code) {
            return (code & 0xfe00u) == 0xde00u ? NULL : &forms[i]; /* UDF, SVC */
        }
    }
    return NULL;
}

static uint32_t from_where(const struct form *form, uint32_t address)
{
    return form->from_word ? (address + 4u) & ~3u : address + 4u;
}

static enum otter_delta_kind find_thumb(const uint8_t bytes[4], uint32_t address, uint32_t *ret_target)
{
    uint32_t code = half(bytes);
    if (is_long(code, half(bytes + 2))) {
        *ret_target = address + 4u + long_distance(code, half(bytes + 2));
        return OTTER_DELTA_CALL;
    }
    const struct form *form = find_form(code);
    if (form == NULL) {
        return OTTER_DELTA_PLAIN;
    }
    uint32_t value = code & ((1u << form->bits) - 1u);
    if (form->bits == 6u) {
        value = (code >> 3 & 31u) | (code >> 4 & 32u);
    }
    uint32_t top = form->is_signed ? 1u << (form->bits - 1u) : 0u;
    *ret_target = from_where(form, address) + (((value ^ top) - top) << form->shift);
    return form->from_word ? OTTER_DELTA_POOL : OTTER_DELTA_NEAR;
}

static bool aim_thumb(uint8_t bytes[4], uint32_t address, uint32_t target)
{
    uint32_t code = half(bytes);
    if (is_long(code, half(bytes + 2))) {
        return aim_long(bytes, target - address - 4u);
    }
    const struct form *form = find_form(code);
    uint32_t distance = target - from_where(form, address);
    uint32_t top = form->is_signed ? 1u << (form->bits - 1u) : 0u;
    uint32_t value = (distance >> form->shift) + top;
    if (form->is_signed && (distance & 0x80000000u) != 0u) {
        value = top - ((0u - distance) >> form->shift);
    }
    if (value >> form->bits != 0u || (distance & ((1u << form->shift) - 1u)) != 0u) {
        return false;
    }
    value = (value ^ top) & ((1u << form->bits) - 1u);
    if (form->bits == 6u) {
        store_half(bytes, (code & 0xfd07u) | (value & 31u) << 3 | (value & 32u) << 4);
    } else {
        store_half(bytes, (code & form->mask) | (code & ~(uint32_t)form->mask & ~((1u << form->bits) - 1u)) | value);
    }
    return true;
}

const struct otter_delta_filter otter_delta_thumb = {.id = 1, .words = true, .find = find_thumb, .aim = aim_thumb};
