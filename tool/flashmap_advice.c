/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_advice.c - would a swap be better off with its scratch area somewhere else?
 *
 * A swap of a full-size image moves its top unit out of the slot. Large sectors far away
 * from small ones make that cheap: XMC7200 work flash takes 1.5 s for what a code flash
 * sector takes in 64 ms. A free gap behind the secondary is tried on a copy of the map.
 */
#include "tool/flashmap_parts.h"
#include "tool/flashmap_view.h"

/* Below this gain nothing is said. */
static const double GAIN_MIN = 0.02;

static void use_scratch(struct flashmap *map, uint32_t device, uint32_t base, uint32_t size)
{
    uint32_t addr = map->devices[device].addr + base;
    if (map->scratch < 0) {
        (void)flashmap_add_area(map, FLASHMAP_SCRATCH, 0, addr, size);
        map->scratch = (int)map->areas_count - 1;
    }
    struct flashmap_area *area = &map->areas[map->scratch];
    area->addr = addr;
    area->size = size;
    area->device = device;
    area->base = base;
}

/* A gap on the secondary's device, behind it: one swap unit as large as may be, or one step. */
static bool better_place(const struct flashmap *map, struct flashmap *ret_better)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    const struct flashmap_area *secondary = &map->areas[geometry->secondary];
    uint32_t step = geometry->boundary_step;
    uint32_t sizes[] = {map->unit_max - map->unit_max % step, step};
    for (int i = 0; i < 2; i++) {
        uint32_t first, end, base;
        flashmap_sectors(map, secondary, &first, &end);
        if (sizes[i] > 0 && flashmap_find_gap(map, secondary->device, end, sizes[i], &base)) {
            *ret_better = *map;
            use_scratch(ret_better, secondary->device, base, sizes[i]);
            return true;
        }
    }
    return false;
}

void flashmap_advise(const struct flashmap *map, struct flashmap_report *report)
{
    struct flashmap better;
    struct flashmap_report ignored = {{NULL, 0}, {NULL, 0}};
    if (map->mode != OTTER_MODE_SWAP || map->trailers || map->areas_count == FLASHMAP_AREAS_MAX ||
        !better_place(map, &better)) {
        return;
    }
    flashmap_check_geometry(&better, &ignored);
    flashmap_report_free(&ignored);
    const struct flashmap_area *scratch = &better.areas[better.scratch];
    uint32_t image = map->geometry[0].image_size_max;
    uint32_t larger = better.geometry[0].image_size_max;
    double now_s = flashmap_install_time(map).slow_s;
    double then_s = flashmap_install_time(&better).slow_s;
    if (larger > image) {
        flashmap_note(
            report,
            "a scratch area at 0x%08X, size 0x%X, free in %s flash, would allow images of 0x%X",
            scratch->addr, scratch->size, map->devices[scratch->device].name, larger);
    } else if (then_s >= 0 && then_s < (1 - GAIN_MIN) * now_s) {
        flashmap_note(report,
                      "with the scratch area at 0x%08X, size 0x%X, free in %s flash, a swap of the "
                      "largest image "
                      "would take %.1f s in place of %.1f s",
                      scratch->addr, scratch->size, map->devices[scratch->device].name, then_s,
                      now_s);
    }
}
