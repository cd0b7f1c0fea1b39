/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.py defines SECTOR and SECTORS_MAX.
 *
 * Erase steps: whatever offset is asked for, the step covers it, lies inside the area, and erasing it
 * erases one sector or one block of the device. No sum wraps, also at the end of a device of 4 GiB
 * less one sector.
 */
#include "otter/flash.h"
#include "proof.h"

static struct otter_flash flash;
static struct otter_area area;
static uint32_t first, size;

static int see_erase(void *ctx, uint32_t off, uint32_t len)
{
    (void)ctx;
    uint32_t unit = len == flash.sector_size ? flash.sector_size : flash.block_size;
    PROVE(len == unit && off % unit == 0);
    PROVE(off <= flash.size && len <= flash.size - off);
    PROVE(off <= area.base + first && len >= area.base + first - off + size);
    return OTTER_OK;
}

int main(void)
{
    flash = (struct otter_flash){.erase = see_erase, .sector_size = SECTOR};
    flash.block_size = nondet_bool() ? 16 * flash.sector_size : 0;
    uint32_t count = nondet_u32();
    ASSUME(count > 0 && count <= SECTORS_MAX);
    flash.size = count * flash.sector_size;
    area = (struct otter_area){&flash, nondet_u32(), nondet_u32()};
    ASSUME(area.base <= flash.size && area.size <= flash.size - area.base);
    uint32_t off = nondet_u32();
    ASSUME(off < area.size);
    first = otter_area_step(&area, off, nondet_u32(), &size);
    PROVE(first <= off && off - first < size);
    PROVE(first <= area.size && size <= area.size - first);
    PROVE(otter_area_erase(&area, first, size) == OTTER_OK);
    return 0;
}
