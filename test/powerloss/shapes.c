/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shapes.c - scaled-down flash maps for exhaustive power-cut runs.
 *
 * psoc62: a 256 KiB NOR sector becomes 1 KiB, a 512 B row 64 B. xmc7200: a 32 KiB sector
 * becomes 512 B and a slot 12 sectors; a 2 KiB work sector 32 B. 128 B journal sectors
 * keep their size (4 records each), so the journal has fewer of them.
 */
#include "test/powerloss/shapes.h"

#include <string.h>

#define ROWS(bytes, block)                                                                    \
    {                                                                                         \
        .name = "rows", .size = (bytes), .sector_size = 64, .prog_size = 64,                  \
        .block_size = (block), .page_size = 64, .erased = 0x00, .row_write = true,            \
        .erase_us = 11000, .block_us = 11000, .page_us = 5000, .write_us = 16000,             \
    }
#define NOR(bytes, sector, prog, page)                                                        \
    {                                                                                         \
        .name = "nor", .size = (bytes), .sector_size = (sector), .prog_size = (prog),         \
        .page_size = (page), .erased = 0xff, .erase_us = 520000, .page_us = 340,              \
    }
#define SMALL(title, bytes, sector, page)                                                     \
    {                                                                                         \
        .name = title, .size = (bytes), .sector_size = (sector), .prog_size = 4,              \
        .page_size = (page), .erased = 0xff, .erase_us = 5000, .unit_us = 30,                 \
    }

static const struct sim_map shapes[] = {
    {
        .name = "psoc62_2m_ext_overwrite_single",
        .parts = {ROWS(0x2c00, 0), NOR(0x4800, 0x400, 64, 64)},
        .parts_count = 2,
        .primary = {0, 0x140, 0x1c00},
        .secondary = {1, 0x40, 0x1c00},
        .journal = {0, 0x1d80, 54 * 64},
        .mode = OTTER_MODE_OVERWRITE,
        .image_size_max = 0x1bc0,
    },
    {
        .name = "psoc62_2m_ext_swap_single",
        .parts = {ROWS(0x2c00, 0), NOR(0x4c00, 0x400, 64, 64)},
        .parts_count = 2,
        .primary = {0, 0x140, 0x1c00},
        .secondary = {1, 0x40, 0x1c00},
        .scratch = {1, 0x4400, 0x800},
        .journal = {0, 0x1d80, 54 * 64},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1bc0,
        .unit_max = 0x800,
    },
    {
        .name = "psoc62_512k_xip_swap_single",
        .parts = {ROWS(0x1000, 0), NOR(0x4c00, 0x400, 64, 64)},
        .parts_count = 2,
        .primary = {1, 0, 0x1440},
        .secondary = {1, 0x1800, 0x1440},
        .scratch = {1, 0x4400, 0x800},
        .journal = {0, 0x400, 30 * 64},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1400,
        .unit_max = 0x800,
    },
    {
        .name = "xmc7200_int_overwrite_single",
        .parts = {NOR(0x4000, 0x200, 32, 128), SMALL("work-small", 0x1000, 0x80, 128)},
        .parts_count = 2,
        .primary = {0, 0x400, 0x1800},
        .secondary = {0, 0x2000, 0x1800},
        .journal = {1, 0, 20 * 0x80},
        .mode = OTTER_MODE_OVERWRITE,
        .image_size_max = 0x1800,
    },
    {
        .name = "xmc7200_int_swap_single",
        .parts = {NOR(0x4000, 0x200, 32, 128), SMALL("work-large", 0x400, 0x20, 32),
                  SMALL("work-small", 0x1000, 0x80, 128)},
        .parts_count = 3,
        .primary = {0, 0x400, 0x1800},
        .secondary = {0, 0x2000, 0x1800},
        .scratch = {1, 0, 0x200},
        .journal = {2, 0, 20 * 0x80},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1800,
        .unit_max = 0x2000,
    },
    /* Beyond the five: a unit of one sector; subsector erase with row writes at the edges. */
    {
        .name = "psoc62_2m_unit_1",
        .parts = {ROWS(0x2c00, 0), NOR(0x4c00, 0x400, 64, 64)},
        .parts_count = 2,
        .primary = {0, 0x140, 0x1c00},
        .secondary = {1, 0x40, 0x1c00},
        .scratch = {1, 0x4400, 0x400},
        .journal = {0, 0x1d80, 54 * 64},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1bc0,
        .unit_max = 0x400,
    },
    {
        .name = "psoc62_2m_subsector",
        .parts = {ROWS(0x2c00, 0x200), NOR(0x4c00, 0x400, 64, 64)},
        .parts_count = 2,
        .primary = {0, 0x140, 0x1c00},
        .secondary = {1, 0x40, 0x1c00},
        .scratch = {1, 0x4400, 0x800},
        .journal = {0, 0x1d80, 54 * 64},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1bc0,
        .unit_max = 0x800,
    },
    /* One NOR with 4 KiB sectors (here 256 B), four journal sectors a half. */
    {
        .name = "nor_4k",
        .parts = {NOR(0x6000, 0x100, 8, 32)},
        .parts_count = 1,
        .primary = {0, 0, 0x1000},
        .secondary = {0, 0x1000, 0x1000},
        .scratch = {0, 0x2000, 0x200},
        .journal = {0, 0x3000, 12 * 0x100},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1000,
        .unit_max = 0x800,
    },
    /* No journal: MCUboot's trailers hold the request. The largest image ends where their sectors begin. */
    {
        .name = "xmc7200_int_overwrite_trailers",
        .parts = {NOR(0x4000, 0x200, 32, 128)},
        .parts_count = 1,
        .primary = {0, 0x400, 0x1800},
        .secondary = {0, 0x2000, 0x1800},
        .mode = OTTER_MODE_OVERWRITE,
        .image_size_max = 0x1800 - 2 * 0x200,
    },
    {
        .name = "nor_4k_trailers",
        .parts = {NOR(0x4000, 0x100, 8, 32)},
        .parts_count = 1,
        .primary = {0, 0, 0x1000},
        .secondary = {0, 0x1000, 0x1000},
        .mode = OTTER_MODE_OVERWRITE,
        .image_size_max = 0x1000 - 2 * 0x100,
    },
    /* Unequal sectors, and no scratch: the largest image leaves one boundary free. */
    {
        .name = "unequal_no_scratch",
        .parts = {NOR(0x2000, 0x400, 8, 32), NOR(0x3000, 0x100, 4, 32)},
        .parts_count = 2,
        .primary = {0, 0x400, 0x1400},
        .secondary = {1, 0x100, 0x1400},
        .journal = {1, 0x2000, 12 * 0x100},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x1000,
        .unit_max = 0x800,
    },
    /* Rows everywhere and a journal of 12 rows a half: compactions within one swap. */
    {
        .name = "rows_tiny_journal",
        .parts = {ROWS(0x4000, 0)},
        .parts_count = 1,
        .primary = {0, 0, 0xc00},
        .secondary = {0, 0x1000, 0xc00},
        .scratch = {0, 0x2000, 0xc0},
        .journal = {0, 0x3000, 24 * 64},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0xc00,
        .unit_max = 0x80,
    },
    {
        .name = "rows_small_journal",
        .parts = {ROWS(0x4000, 0)},
        .parts_count = 1,
        .primary = {0, 0, 0xc00},
        .secondary = {0, 0x1000, 0xc00},
        .scratch = {0, 0x2000, 0xc0},
        .journal = {0, 0x3000, 46 * 64},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0xc00,
        .unit_max = 0x80,
    },
};

const char *shape_name(unsigned index)
{
    return index < sizeof shapes / sizeof shapes[0] ? shapes[index].name : NULL;
}

bool shape_find(const char *name, struct sim_map *ret_map)
{
    static const char true_size[] = "true-size/";
    if (strncmp(name, true_size, sizeof true_size - 1) == 0) {
        return sim_map_find(name + sizeof true_size - 1, ret_map);
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(name, shapes[i].name) == 0) {
            *ret_map = shapes[i];
            return true;
        }
    }
    return geometry_find(name, ret_map);
}
