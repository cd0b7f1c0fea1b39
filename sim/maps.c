/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.c - the five flash maps as a table.
 *
 * Offsets are into the device: internal flash begins at 0x10000000, the external window
 * at 0x18000000, XMC7200 work flash at 0x14000000 (large sectors) and 0x14030000 (small).
 */
#include "sim/maps.h"

#include "otter/result.h"

#include <string.h>

struct entry {
    const char *name;
    const char *parts[SIM_DEVICES_MAX];
    struct sim_place primary, secondary, scratch, journal;
    enum otter_mode mode;
    uint32_t image_size_max, primary_addr;
};

static const struct entry entries[SIM_MAPS_COUNT] = {
    {
        .name = "psoc62_2m_ext_overwrite_single",
        .parts = {"psoc6-2m", "s25hs256t"},
        .primary = {0, 0x18000, 0x1c0000},
        .secondary = {1, 0x200, 0x1c0000},
        .journal = {0, 0x1e8000, 0x6c00},
        .mode = OTTER_MODE_OVERWRITE,
        .image_size_max = 0x1bfe00,
        .primary_addr = 0x10018000,
    },
    {
        .name = "psoc62_2m_ext_swap_single",
        .parts = {"psoc6-2m", "s25hs256t"},
        .primary = {0, 0x28000, 0x1c0000},
        .secondary = {1, 0x200, 0x1c0000},
        .scratch = {1, 0x440000, 0x80000},
        .journal = {0, 0x1e8000, 0x6c00},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1bfe00,
        .primary_addr = 0x10028000,
    },
    {
        .name = "psoc62_512k_xip_swap_single",
        .parts = {"psoc6-512k", "s25hs256t"},
        .primary = {1, 0, 0x140200},
        .secondary = {1, 0x180000, 0x140200},
        .scratch = {1, 0x440000, 0x80000},
        .journal = {0, 0x18000, 0x3c00},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x140000,
        .primary_addr = 0x18000000,
    },
    {
        .name = "xmc7200_int_overwrite_single",
        .parts = {"xmc7200-code-large", "xmc7200-work-small"},
        .primary = {0, 0x80000, 0x200000},
        .secondary = {0, 0x3f8000, 0x200000},
        .journal = {1, 0, 0x2800},
        .mode = OTTER_MODE_OVERWRITE,
        .image_size_max = 0x200000,
        .primary_addr = 0x10080000,
    },
    {
        .name = "xmc7200_int_swap_single",
        .parts = {"xmc7200-code-large", "xmc7200-work-large", "xmc7200-work-small"},
        .primary = {0, 0x80000, 0x200000},
        .secondary = {0, 0x3f8000, 0x200000},
        .scratch = {1, 0, 0x8000},
        .journal = {2, 0, 0x2800},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x200000,
        .primary_addr = 0x10080000,
    },
};

const char *sim_map_name(unsigned index)
{
    return index < SIM_MAPS_COUNT ? entries[index].name : NULL;
}

bool sim_map_find(const char *name, struct sim_map *ret_map)
{
    const struct entry *entry = entries;
    while (entry < entries + SIM_MAPS_COUNT && strcmp(entry->name, name) != 0) {
        entry++;
    }
    if (entry == entries + SIM_MAPS_COUNT) {
        return false;
    }
    *ret_map = (struct sim_map){
        .name = entry->name,
        .primary = entry->primary,
        .secondary = entry->secondary,
        .scratch = entry->scratch,
        .journal = entry->journal,
        .mode = entry->mode,
        .image_size_max = entry->image_size_max,
        .primary_addr = entry->primary_addr,
    };
    while (ret_map->parts_count < SIM_DEVICES_MAX && entry->parts[ret_map->parts_count] != NULL) {
        ret_map->parts[ret_map->parts_count] = *sim_part(entry->parts[ret_map->parts_count]);
        ret_map->parts_count++;
    }
    return true;
}

bool sim_map_use(struct sim_map *map, const char *part, const char *instead)
{
    const struct sim_geometry *geometry = sim_part(instead);
    bool used = false;
    for (unsigned i = 0; geometry != NULL && i < map->parts_count; i++) {
        if (strcmp(map->parts[i].name, part) == 0 && map->parts[i].size == geometry->size) {
            map->parts[i] = *geometry;
            used = true;
        }
    }
    return used;
}

static struct otter_area area_of(const struct sim_board *board, const struct sim_place *place)
{
    return (struct otter_area){
        .flash = place->size == 0 ? NULL : &board->devices[place->device].flash,
        .base = place->base,
        .size = place->size,
    };
}

struct otter_layout sim_map_layout(const struct sim_map *map, const struct sim_board *board)
{
    return (struct otter_layout){
        .primary = area_of(board, &map->primary),
        .secondary = area_of(board, &map->secondary),
        .scratch = area_of(board, &map->scratch),
        .journal = area_of(board, &map->journal),
        .mode = map->mode,
        .image_size_max = map->image_size_max,
        .unit_max = map->unit_max,
        .primary_addr = map->primary_addr,
    };
}

int sim_map_build(const struct sim_map *map, struct sim_board *board, uint64_t seed,
                  const char *path, struct otter_layout *ret_layout)
{
    const struct sim_place *places[] = {&map->primary, &map->secondary, &map->scratch, &map->journal};
    for (unsigned i = 0; i < 4; i++) {
        if (places[i]->size != 0 && (places[i]->device >= map->parts_count ||
                                     places[i]->base > map->parts[places[i]->device].size ||
                                     places[i]->size > map->parts[places[i]->device].size - places[i]->base)) {
            return OTTER_ERR_ARG;
        }
    }
    int err = sim_board_create(board, map->parts, map->parts_count, seed, path);
    if (err == 0) {
        *ret_layout = sim_map_layout(map, board);
    }
    return err;
}
