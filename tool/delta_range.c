/* SPDX-License-Identifier: Apache-2.0 */
/* delta_range.c - the range encoder, with carries. */
#include "tool/delta_range.h"

#include <stdlib.h>
#include <string.h>

void delta_range_begin(struct delta_range *range)
{
    memset(range, 0, sizeof *range);
    range->range = 0xffffffffu;
    range->cached = 1;
}

static void put(struct delta_range *range, uint8_t byte)
{
    if (range->len == range->room) {
        size_t room = range->room == 0 ? 4096 : 2 * range->room;
        uint8_t *bytes = realloc(range->bytes, room);
        if (bytes == NULL) {
            range->failed = true;
            return;
        }
        range->bytes = bytes;
        range->room = room;
    }
    range->bytes[range->len++] = byte;
}

static void shift(struct delta_range *range)
{
    if ((uint32_t)range->low < 0xff000000u || range->low >> 32 != 0) {
        uint8_t carry = (uint8_t)(range->low >> 32);
        for (uint8_t byte = range->cache; range->cached > 0; byte = 0xff) {
            range->cached--;
            put(range, (uint8_t)(byte + carry));
        }
        range->cache = (uint8_t)(range->low >> 24);
    }
    range->cached++;
    range->low = (range->low & 0x00ffffffu) << 8;
}

void delta_range_bit(struct delta_range *range, uint32_t p, unsigned bit)
{
    while (range->range < 0x1000000u) {
        range->range = range->range << 8 | 0xffu;
        shift(range);
    }
    uint32_t bound = (uint32_t)(((uint64_t)range->range * p) >> 16);
    if (bit != 0) {
        range->range = bound;
    } else {
        range->low += bound + 1u;
        range->range -= bound + 1u;
    }
}

/* The value in [low, low + range] that ends in the most zero bits. */
void delta_range_end(struct delta_range *range)
{
    uint64_t high = range->low + range->range;
    for (unsigned bits = 32; bits > 0; bits--) {
        uint64_t value = high >> bits << bits;
        if (value >= range->low) {
            range->low = value;
            break;
        }
    }
    for (unsigned i = 0; i < 5; i++) {
        shift(range);
    }
    for (unsigned i = 0; i < 4 && range->len > 1 && range->bytes[range->len - 1] == 0; i++) {
        range->len--;
    }
    if (!range->failed) { /* the first byte is always 0: the decoder begins with the second */
        range->len--;
        memmove(range->bytes, range->bytes + 1, range->len);
    }
}
