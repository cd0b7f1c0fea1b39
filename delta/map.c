/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - the copy map: an array in RAM, sorted by the place in the base. */
#include "delta/map.h"

#include <string.h>

enum { SCAN_MAX = 64 };

static uint32_t load24(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

static void store24(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
    bytes[2] = (uint8_t)(value >> 16);
}

/* How many entries begin at or before old_off. */
static size_t rank(const struct otter_delta *delta, uint32_t old_off)
{
    size_t low = 0;
    size_t high = delta->entries;
    while (low < high) {
        size_t middle = (low + high) / 2u;
        if (load24(delta->map[middle].old_off) <= old_off) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

bool otter_delta_map_add(struct otter_delta *delta, uint32_t old_off, uint32_t new_off)
{
    if (delta->entries >= OTTER_DELTA_MAP_MAX) {
        return false;
    }
    size_t at = rank(delta, old_off);
    memmove(&delta->map[at + 1u], &delta->map[at], (delta->entries - at) * sizeof delta->map[0]);
    delta->entries++;
    for (size_t i = 0; i < delta->entries; i++) {
        delta->map[i].next = (uint8_t)(delta->map[i].next + (delta->map[i].next >= at ? 1u : 0u));
    }
    delta->last = (uint8_t)(delta->last + (delta->entries > 1u && delta->last >= at ? 1u : 0u));
    store24(delta->map[at].old_off, old_off);
    store24(delta->map[at].new_off, new_off);
    delta->map[delta->last].next = (uint8_t)at;
    delta->last = (uint8_t)at;
    delta->map[at].next = (uint8_t)at; /* itself: the end */
    return true;
}

/* Where the entry after this one begins in the result. */
static uint32_t end_of(const struct otter_delta *delta, size_t i)
{
    size_t next = delta->map[i].next;
    return next == i ? delta->header.size : load24(delta->map[next].new_off);
}

/* Of the entries that reach to old_off the longest; else the one that ends closest before it. */
uint32_t otter_delta_map_translate(const struct otter_delta *delta, uint32_t old_off)
{
    uint32_t longest = 0;
    uint32_t closest = UINT32_MAX;
    uint32_t result = old_off;
    size_t top = rank(delta, old_off);
    size_t bottom = top > SCAN_MAX ? top - SCAN_MAX : 0u;
    for (size_t i = top; i-- > bottom;) {
        uint32_t new_off = load24(delta->map[i].new_off);
        uint32_t away = old_off - load24(delta->map[i].old_off);
        uint32_t len = end_of(delta, i) - new_off;
        if (away < len ? len > longest : longest == 0u && away - len < closest) {
            longest = away < len ? len : 0u;
            closest = away - len;
            result = new_off + away;
        }
    }
    return result;
}

static void enter(struct otter_delta *delta, size_t i)
{
    delta->entry = (uint8_t)i;
    delta->from_new = false;
    delta->source = load24(delta->map[i].old_off);
    delta->from_off = load24(delta->map[i].new_off);
    delta->next_off = end_of(delta, i);
}

/* The first entry is the one that no other leads to: the one put in first, at 0. */
void otter_delta_map_begin(struct otter_delta *delta)
{
    size_t first = 0;
    delta->pos = 0;
    while (load24(delta->map[first].new_off) != 0u || load24(delta->map[first].old_off) != 0u) {
        first++;
    }
    enter(delta, first);
}

void otter_delta_map_follow(struct otter_delta *delta)
{
    while (delta->pos == delta->next_off && delta->map[delta->entry].next != delta->entry) {
        enter(delta, delta->map[delta->entry].next);
    }
}

uint32_t otter_delta_map_source(const struct otter_delta *delta)
{
    return load24(delta->map[delta->entry].old_off) + delta->pos - delta->from_off;
}
