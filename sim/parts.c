/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.c - the flash parts of the five maps, with their times.
 *
 * Times are typical ones: S25HS256T and S25FL512S from the vendor's memory-slot
 * configuration; PSOC 6 row write 16 ms from its driver, erase 11 ms and row program 5 ms
 * from the datasheet; XMC7200 as recalled, its 128 B sector erase (5 ms) assumed.
 *
 * PSOC 6 comes in three ways to write the same cells: whole rows in one operation; erase
 * of a 4 KiB subsector, then row programs (a row write where no whole subsector fits);
 * erase of a 256 KiB sector, then row programs (likewise).
 */
#include "sim/sim.h"

#include <string.h>

#define PSOC6(part, bytes, block)                                                             \
    {                                                                                         \
        .name = part, .size = (bytes), .sector_size = 512, .prog_size = 512,                  \
        .block_size = (block), .page_size = 512, .erased = 0x00, .row_write = true,           \
        .erase_us = 11000, .block_us = 11000, .page_us = 5000, .write_us = 16000,             \
    }
#define NOR_256K(part, bytes)                                                                 \
    {                                                                                         \
        .name = part, .size = (bytes), .sector_size = 0x40000, .prog_size = 512,              \
        .page_size = 512, .erased = 0xff, .erase_us = 520000, .page_us = 340,                 \
    }
#define XMC7200_CODE(part, bytes, sector, us)                                                 \
    {                                                                                         \
        .name = part, .size = (bytes), .sector_size = (sector), .prog_size = 32,              \
        .page_size = 512, .erased = 0xff, .erase_us = (us), .page_us = 300,                   \
    }
#define XMC7200_WORK(part, bytes, sector, us)                                                 \
    {                                                                                         \
        .name = part, .size = (bytes), .sector_size = (sector), .prog_size = 4,               \
        .page_size = 128, .erased = 0xff, .erase_us = (us), .unit_us = 30,                    \
    }

static const struct sim_geometry parts[] = {
    PSOC6("psoc6-2m", 0x200000, 0),
    PSOC6("psoc6-2m-subsector", 0x200000, 0x1000),
    PSOC6("psoc6-2m-sector", 0x200000, 0x40000),
    PSOC6("psoc6-512k", 0x80000, 0),
    PSOC6("psoc6-512k-subsector", 0x80000, 0x1000),
    PSOC6("psoc6-512k-sector", 0x80000, 0x40000),
    NOR_256K("s25hs256t", 0x2000000),
    NOR_256K("s25fl512s", 0x4000000),
    XMC7200_CODE("xmc7200-code-large", 0x7f0000, 0x8000, 45000),
    XMC7200_CODE("xmc7200-code-small", 0x40000, 0x2000, 15000),
    XMC7200_WORK("xmc7200-work-large", 0x30000, 0x800, 80000),
    XMC7200_WORK("xmc7200-work-small", 0x10000, 0x80, 5000),
};

const struct sim_geometry *sim_part(const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(name, parts[i].name) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}
