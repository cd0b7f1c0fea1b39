/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - the copy map: an array in RAM in the order of the result, and its order in the base. */
#include "delta/map.h"

#include <string.h>

enum { SCAN_MAX = 64 };

static uint32_t old_of(const struct otter_delta *delta, size_t i)
{
    return delta->map[i].old_low | (uint32_t)delta->map[i].old_high << 16;
}

/* Where an entry begins in the result; where the last one ends, after it. */
static uint32_t new_of(const struct otter_delta *delta, size_t i)
{
    return i < delta->entries ? delta->map[i].new_low | (uint32_t)delta->map[i].new_high << 16 : delta->header.size;
}

bool otter_delta_map_add(struct otter_delta *delta, uint32_t old_off, uint32_t new_off)
{
    size_t at = delta->entries;
    if (at >= OTTER_DELTA_MAP_MAX) {
        return false;
    }
    delta->map[at].old_low = (uint16_t)old_off;
    delta->map[at].old_high = (uint8_t)(old_off >> 16);
    delta->map[at].new_low = (uint16_t)new_off;
    delta->map[at].new_high = (uint8_t)(new_off >> 16);
    for (; at > 0u && old_of(delta, delta->order[at - 1u]) > old_off; at--) {
        delta->order[at] = delta->order[at - 1u];
    }
    delta->order[at] = (uint8_t)delta->entries;
    delta->entries++;
    return true;
}

/* How many entries begin at or before old_off. */
static size_t rank(const struct otter_delta *delta, uint32_t old_off)
{
    size_t low = 0;
    size_t high = delta->entries;
    while (low < high) {
        size_t middle = (low + high) / 2u;
        if (old_of(delta, delta->order[middle]) <= old_off) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Of the entries that reach to old_off the longest; else the one that ends closest before it. */
uint32_t otter_delta_map_translate(const struct otter_delta *delta, uint32_t old_off)
{
    uint32_t longest = 0;
    uint32_t closest = UINT32_MAX;
    uint32_t result = old_off;
    size_t top = rank(delta, old_off);
    size_t bottom = top > SCAN_MAX ? top - SCAN_MAX : 0u;
    for (; top > bottom; top--) {
        size_t i = delta->order[top - 1u];
        uint32_t new_off = new_of(delta, i);
        uint32_t away = old_off - old_of(delta, i);
        uint32_t len = new_of(delta, i + 1u) - new_off;
        if (away < len ? len > longest : longest == 0u && away - len < closest) {
            longest = away < len ? len : 0u;
            closest = away - len;
            result = new_off + away;
        }
    }
    return result;
}

/* Use entry i. */
static void enter(struct otter_delta *delta, size_t i)
{
    delta->entry = (uint8_t)i;
    delta->from_off = new_of(delta, i);
    delta->next_off = new_of(delta, i + 1u);
    delta->from_new = false;
    delta->source = old_of(delta, i);
}

void otter_delta_map_begin(struct otter_delta *delta)
{
    delta->pos = 0;
    enter(delta, 0);
}

void otter_delta_map_follow(struct otter_delta *delta)
{
    while (delta->pos == delta->next_off && delta->entry + 1u < delta->entries) {
        enter(delta, delta->entry + 1u);
    }
}

uint32_t otter_delta_map_source(const struct otter_delta *delta)
{
    return old_of(delta, delta->entry) + delta->pos - delta->from_off;
}
