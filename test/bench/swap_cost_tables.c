/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap_cost_tables.c - geometries, MCUboot's figures, and limits of the swap cost bench.
 *
 * MCUboot's seconds were measured with its unchanged bootutil (v2.4.0+114) and the same
 * time model, images of that percentage of the slot; its swap-scratch, swap-move and
 * swap-offset where the geometry allows them. On psoc62_2m its slot is taken as aligned to
 * sectors and row writes as single operations (its Cypress port erases each row first,
 * which costs 39 to 45 s more).
 */
#include "test/bench/swap_cost.h"

#include <stdio.h>
#include <string.h>

#define NOR(bytes, sector, sector_us, page, us)                                               \
    {                                                                                         \
        .name = "nor", .size = (bytes), .sector_size = (sector), .prog_size = 8,              \
        .page_size = (page), .erased = 0xff, .erase_us = (sector_us), .page_us = (us),        \
    }
#define ROWS_512                                                                              \
    {                                                                                         \
        .name = "rows", .size = 0x80000, .sector_size = 512, .prog_size = 512,                \
        .page_size = 512, .erased = 0xff, .row_write = true, .erase_us = 11000,               \
        .page_us = 5000, .write_us = 16000,                                                   \
    }

static const struct sim_map others[] = {
    {
        .name = "B: 4 KiB sectors, 1 MiB, scratch 4 KiB",
        .parts = {NOR(0x300000, 0x1000, 45000, 256, 400)},
        .parts_count = 1,
        .primary = {0, 0, 0x100000},
        .secondary = {0, 0x100000, 0x100000},
        .scratch = {0, 0x200000, 0x1000},
        .journal = {0, 0x210000, 0xc000},
        .image_size_max = 0x100000,
    },
    {
        .name = "B: same, scratch 32 KiB",
        .parts = {NOR(0x300000, 0x1000, 45000, 256, 400)},
        .parts_count = 1,
        .primary = {0, 0, 0x100000},
        .secondary = {0, 0x100000, 0x100000},
        .scratch = {0, 0x200000, 0x8000},
        .journal = {0, 0x210000, 0xc000},
        .image_size_max = 0x100000,
    },
    {
        .name = "C: 32 KiB sectors, 2 MiB, scratch 32 KiB",
        .parts = {NOR(0x600000, 0x8000, 120000, 256, 400)},
        .parts_count = 1,
        .primary = {0, 0, 0x200000},
        .secondary = {0, 0x200000, 0x200000},
        .scratch = {0, 0x400000, 0x8000},
        .journal = {0, 0x480000, 0x60000},
        .image_size_max = 0x200000,
    },
    {
        .name = "D: 512 B rows, 192 KiB, scratch 4 KiB",
        .parts = {ROWS_512},
        .parts_count = 1,
        .primary = {0, 0, 0x30000},
        .secondary = {0, 0x30000, 0x30000},
        .scratch = {0, 0x60000, 0x1000},
        .journal = {0, 0x70000, 0x8000},
        .image_size_max = 0x30000,
    },
    {
        .name = "D: same, scratch 48 KiB",
        .parts = {ROWS_512},
        .parts_count = 1,
        .primary = {0, 0, 0x30000},
        .secondary = {0, 0x30000, 0x30000},
        .scratch = {0, 0x60000, 0xc000},
        .journal = {0, 0x70000, 0x8000},
        .image_size_max = 0x30000,
    },
};

static const struct {
    const char *map, *part, *instead, *name;
} variants[] = {
    {"psoc62_2m_ext_swap_single", "psoc6-2m", "psoc6-2m-subsector",
     "psoc62_2m_ext_swap_single, 4 KiB erase"},
    {"psoc62_2m_ext_swap_single", "psoc6-2m", "psoc6-2m-sector",
     "psoc62_2m_ext_swap_single, 256 KiB erase"},
    {"psoc62_2m_ext_overwrite_single", "psoc6-2m", "psoc6-2m-subsector",
     "psoc62_2m_ext_overwrite_single, 4 KiB erase"},
    {"psoc62_2m_ext_overwrite_single", "psoc6-2m", "psoc6-2m-sector",
     "psoc62_2m_ext_overwrite_single, 256 KiB erase"},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

bool bench_map(unsigned index, struct sim_map *ret_map)
{
    if (index < SIM_MAPS_COUNT) {
        return sim_map_find(sim_map_name(index), ret_map);
    }
    index -= SIM_MAPS_COUNT;
    if (index < COUNT(variants)) {
        bool found = sim_map_find(variants[index].map, ret_map) &&
                     sim_map_use(ret_map, variants[index].part, variants[index].instead);
        ret_map->name = variants[index].name;
        return found;
    }
    index -= (unsigned)COUNT(variants);
    if (index < COUNT(others)) {
        *ret_map = others[index];
        return true;
    }
    return false;
}

const char *mcuboot_figure(const char *map, unsigned percent, bool revert)
{
    static const struct {
        const char *map;
        unsigned percent;
        const char *install, *revert;
    } figures[] = {
        {"psoc62_2m_ext_swap_single", 25, "scratch 20.4", "scratch 20.4"},
        {"psoc62_2m_ext_swap_single", 90, "scratch 65.2", "scratch 65.2"},
        {"psoc62_2m_ext_overwrite_single", 25, "overwrite-fast 15.4", ""},
        {"psoc62_2m_ext_overwrite_single", 90, "overwrite-fast 52.7", ""},
        {"B: 4 KiB sectors, 1 MiB, scratch 4 KiB", 25, "scratch 10.2, move 10.1, offset 6.8",
         "scratch 10.2, move 10.2, offset 7.0"},
        {"B: 4 KiB sectors, 1 MiB, scratch 4 KiB", 90, "scratch 36.1, move 36.1, offset 24.1",
         "scratch 36.1, move 36.2, offset 24.3"},
        {"B: same, scratch 32 KiB", 25, "scratch 10.4", "scratch 10.4"},
        {"B: same, scratch 32 KiB", 90, "scratch 36.2", "scratch 36.2"},
        {"C: 32 KiB sectors, 2 MiB, scratch 32 KiB", 25, "scratch 8.6, move 8.5, offset 5.7",
         "scratch 8.6, move 8.6, offset 6.1"},
        {"C: 32 KiB sectors, 2 MiB, scratch 32 KiB", 90, "scratch 30.2, move 30.1, offset 20.1",
         "scratch 30.2, move 30.2, offset 20.5"},
        {"D: 512 B rows, 192 KiB, scratch 4 KiB", 25, "scratch 5.3", "scratch 5.3"},
        {"D: 512 B rows, 192 KiB, scratch 4 KiB", 90, "scratch 18.8", "scratch 18.8"},
        {"D: same, scratch 48 KiB", 25, "move 9.3, offset 6.2", "move 9.3, offset 6.3"},
        {"D: same, scratch 48 KiB", 90, "move 33.3, offset 22.2", "move 33.3, offset 22.3"},
    };
    for (size_t i = 0; i < COUNT(figures); i++) {
        if (figures[i].percent == percent && strcmp(figures[i].map, map) == 0) {
            return revert ? figures[i].revert : figures[i].install;
        }
    }
    return "";
}

/* Where the true minimum lies above 1.02, and why (swap cost, DESIGN.md). */
struct limit limit_of(const struct row *row, bool revert)
{
    static const struct {
        const char *map;
        unsigned percent, permille;
        const char *why;
    } limits[] = {
        {"xmc7200_int_swap_single", 100, 1205,
         "the image reaches the last sector: the hole is 16 small work-flash sectors"},
    };
    for (size_t i = 0; !revert && i < COUNT(limits); i++) {
        if (limits[i].percent == row->percent && strcmp(limits[i].map, row->map) == 0) {
            return (struct limit){limits[i].permille, limits[i].why};
        }
    }
    return (struct limit){1020, ""};
}
