/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_map.c - which copies go into the decoder's map.
 *
 * An entry says from where on the result is a copy with another distance between old and new. A copy that goes on
 * with the distance of the one before needs none. Of the others the longest are worth most.
 */
#include "tool/delta_map.h"

#include <stdlib.h>
#include <string.h>

enum { WORTH_MIN = 12 };

static uint32_t drift(const struct delta_copy *copy)
{
    return copy->old_off - copy->new_off;
}

/* Join copies that go on with the same distance. */
static void join(struct delta_copies *map)
{
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        struct delta_copy *last = count > 0 ? &map->list[count - 1] : NULL;
        if (last != NULL && drift(last) == drift(&map->list[i])) {
            last->len = map->list[i].new_off + map->list[i].len - last->new_off;
        } else {
            map->list[count++] = map->list[i];
        }
    }
    map->count = count;
}

/* Leave out those shorter than `least`. */
static void drop(struct delta_copies *map, uint32_t least)
{
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (map->list[i].len >= least) {
            map->list[count++] = map->list[i];
        }
    }
    map->count = count;
    join(map);
}

int delta_map_choose(const struct delta_copies *copies, size_t most, struct delta_copies *ret_map)
{
    *ret_map = (struct delta_copies){.list = malloc((copies->count + 1) * sizeof copies->list[0]), .count = copies->count};
    if (ret_map->list == NULL) {
        return tool_refuse("out of memory");
    }
    if (copies->count > 0) {
        memcpy(ret_map->list, copies->list, copies->count * sizeof copies->list[0]);
    }
    join(ret_map);
    for (uint32_t least = WORTH_MIN; ret_map->count > 0; least += 1 + least / 16) {
        drop(ret_map, least);
        if (ret_map->count <= most) {
            break;
        }
    }
    if (ret_map->count > 0 && ret_map->list[0].new_off == 0 && ret_map->list[0].old_off == 0) {
        ret_map->count--;
        memmove(ret_map->list, ret_map->list + 1, ret_map->count * sizeof ret_map->list[0]);
    }
    return 0;
}
