/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - the copy map: an array in RAM, sorted by the place in the base. */
#include "delta/map.h"

#include <string.h>

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
    store24(delta->map[at].old_off, old_off);
    store24(delta->map[at].new_off, new_off);
    delta->entries++;
    return true;
}

uint32_t otter_delta_map_translate(const struct otter_delta *delta, uint32_t old_off)
{
    size_t at = rank(delta, old_off);
    if (at == 0u) {
        return old_off;
    }
    const struct otter_delta_entry *entry = &delta->map[at - 1u];
    return load24(entry->new_off) + old_off - load24(entry->old_off);
}

void otter_delta_map_follow(struct otter_delta *delta)
{
    delta->next_off = OTTER_DELTA_SIZE_MAX + 1u;
    for (size_t i = 0; i < delta->entries; i++) {
        uint32_t new_off = load24(delta->map[i].new_off);
        if (new_off == delta->pos) {
            delta->source = load24(delta->map[i].old_off);
            delta->from_new = false;
        } else if (new_off > delta->pos && new_off < delta->next_off) {
            delta->next_off = new_off;
        }
    }
}

uint32_t otter_delta_map_source(const struct otter_delta *delta, uint32_t pos)
{
    uint32_t best = 0;
    uint32_t source = pos;
    for (size_t i = 0; i < delta->entries; i++) {
        uint32_t new_off = load24(delta->map[i].new_off);
        if (new_off <= pos && new_off >= best) {
            best = new_off;
            source = load24(delta->map[i].old_off) + pos - new_off;
        }
    }
    return source;
}
