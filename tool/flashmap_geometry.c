/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_geometry.c - what a map allows: boundaries, the largest image, the swap unit.
 *
 * A boundary is a slot offset that is an erase-sector boundary in both slots at once; swap
 * units end there. The formulas are those of SPEC.md, "Flash maps", and boot/swap.c.
 */
#include "slot/trailer.h"
#include "tool/flashmap_parts.h"

enum { IMAGE_SIZE_MIN = 0x1000 };

/* Slots side by side, in the terms of the formulas. */
struct pair {
    const struct flashmap *map;
    const struct flashmap_area *primary, *secondary;
    uint32_t primary_sector, secondary_sector;
    uint32_t slot_size; /* of the smaller one */
};

static uint64_t lcm(uint32_t a, uint32_t b)
{
    uint32_t x = a;
    uint32_t y = b;
    while (y != 0) {
        uint32_t rest = x % y;
        x = y;
        y = rest;
    }
    return (uint64_t)a / x * b;
}

/* step 0: sectors of the two slots never end together. */
static void find_boundaries(const struct pair *pair, struct flashmap_geometry *geometry)
{
    uint64_t step = lcm(pair->primary_sector, pair->secondary_sector);
    uint32_t ps = pair->primary_sector;
    uint64_t x = (ps - pair->primary->base % ps) % ps;
    while (x < step && (pair->secondary->base + x) % pair->secondary_sector != 0) {
        x += ps;
    }
    bool found = x < step && x <= UINT32_MAX && step <= UINT32_MAX;
    geometry->boundary_first = found ? (uint32_t)x : 0;
    geometry->boundary_step = found ? (uint32_t)step : 0;
}

static bool boundaries_serve(const struct pair *pair, const struct flashmap_geometry *geometry,
                             struct flashmap_report *report)
{
    uint32_t ps = pair->primary_sector;
    uint32_t ss = pair->secondary_sector;
    if (geometry->boundary_step == 0) {
        flashmap_error(report,
                       "%s and %s: erase sectors of %s at 0x%08X (0x%X) and %s at 0x%08X (0x%X) "
                       "never line up, so there is no swap; move %s to a multiple of 0x%X",
                       pair->primary->key, pair->secondary->key, pair->primary->label,
                       pair->primary->addr, ps, pair->secondary->label, pair->secondary->addr, ss,
                       pair->secondary->label, ss);
        return false;
    }
    if (geometry->boundary_first > pair->slot_size) {
        flashmap_error(report,
                       "%s: the smaller slot, 0x%X bytes, ends before the first erase sector "
                       "boundary that both slots share, at 0x%X; make it larger",
                       pair->secondary->size_key, pair->slot_size, geometry->boundary_first);
        return false;
    }
    return true;
}

/* The last boundary that leaves `room` bytes of the secondary free behind it; 0: none. */
static uint32_t last_boundary(const struct pair *pair, const struct flashmap_geometry *geometry,
                              uint32_t room)
{
    uint32_t limit = pair->secondary->size < room ? 0 : pair->secondary->size - room;
    if (limit > pair->slot_size) {
        limit = pair->slot_size;
    }
    if (limit < geometry->boundary_first) {
        return 0;
    }
    uint32_t steps = (limit - geometry->boundary_first) / geometry->boundary_step;
    return geometry->boundary_first + steps * geometry->boundary_step;
}

static uint32_t scratch_size(const struct flashmap *map)
{
    return map->scratch < 0 ? 0 : map->areas[map->scratch].size;
}

static void swap_limit(const struct pair *pair, struct flashmap_geometry *geometry,
                       struct flashmap_report *report)
{
    const struct flashmap *map = pair->map;
    uint32_t step = geometry->boundary_step;
    uint32_t end = last_boundary(pair, geometry, 0);
    if (map->scratch >= 0 && scratch_size(map) < step) {
        flashmap_error(report,
                       "%s: insufficient scratch area, 0x%X bytes: a swap unit of these slots is "
                       "0x%X; suggested size: 0x%X",
                       map->areas[map->scratch].size_key, scratch_size(map), step, step);
        return;
    }
    if (map->scratch < 0 && pair->secondary->size - end < step) {
        uint32_t whole = end;
        end = last_boundary(pair, geometry, step);
        if (end >= IMAGE_SIZE_MIN) {
            flashmap_note(report,
                          "no scratch area: images of %s are limited to 0x%X in place of 0x%X, so "
                          "that the secondary keeps room for one swap unit of 0x%X",
                          pair->primary->label, end, whole, step);
        }
    }
    geometry->image_size_max = end;
    uint32_t hole = pair->secondary->size - end;
    geometry->hole_size = hole > scratch_size(map) ? hole : scratch_size(map);
    uint32_t unit = geometry->hole_size < map->unit_max ? geometry->hole_size : map->unit_max;
    unit -= unit % step;
    geometry->unit_size = unit > 0 ? unit : step;
    geometry->units = (end + geometry->unit_size - 1) / geometry->unit_size;
    geometry->records = 2 * geometry->units + 1; /* begin, the steps but the last, TRIAL */
}

/* Up to the last boundary as well, where there is one: the limit then does not depend on
 * the mode, and no sector is erased for the few bytes that a slot has in it. */
static void overwrite_limit(const struct pair *pair, struct flashmap_geometry *geometry)
{
    uint32_t end = geometry->boundary_step ? last_boundary(pair, geometry, 0) : 0;
    geometry->image_size_max = end >= IMAGE_SIZE_MIN ? end : pair->slot_size;
    uint32_t unit = pair->map->unit_max > pair->primary_sector ? pair->map->unit_max : pair->primary_sector;
    unit -= unit % pair->primary_sector;
    /* begin, the copies but the last, IDLE, FLOOR, FLOOR */
    geometry->records = 3 + (geometry->image_size_max + unit - 1) / unit;
}

/* Without a journal: where the sectors begin that are the trailer's. */
static uint32_t trailer_limit(const struct flashmap *map, const struct flashmap_area *area)
{
    const struct flashmap_device *device = &map->devices[area->device];
    const struct otter_flash flash = {.sector_size = device->sector_size, .prog_size = device->prog_size};
    const struct otter_area slot = {&flash, area->base, area->size};
    uint32_t limit = otter_trailer_limit(&slot, map->mode);
    return limit != 0 || area->size < map->trailer_size ? limit : area->size - map->trailer_size;
}

static void leave_trailers(const struct pair *pair, struct flashmap_geometry *geometry)
{
    uint32_t primary = pair->map->mode == OTTER_MODE_SWAP ? trailer_limit(pair->map, pair->primary)
                                                          : pair->primary->size - pair->map->trailer_size; /* no marks */
    uint32_t secondary = trailer_limit(pair->map, pair->secondary);
    uint32_t limit = primary < secondary ? primary : secondary;
    if (geometry->image_size_max > limit) {
        geometry->image_size_max = limit;
    }
}

static void check_app(struct flashmap *map, uint8_t app, struct flashmap_report *report)
{
    struct flashmap_geometry *geometry = &map->geometry[app - 1];
    struct pair pair = {.map = map,
                        .primary = flashmap_find(map, FLASHMAP_PRIMARY, app),
                        .secondary = flashmap_find(map, FLASHMAP_SECONDARY, app)};
    pair.primary_sector = map->devices[pair.primary->device].sector_size;
    pair.secondary_sector = map->devices[pair.secondary->device].sector_size;
    pair.slot_size =
        pair.primary->size < pair.secondary->size ? pair.primary->size : pair.secondary->size;
    geometry->primary = (uint32_t)(pair.primary - map->areas);
    geometry->secondary = (uint32_t)(pair.secondary - map->areas);
    if (pair.slot_size < map->trailer_size + IMAGE_SIZE_MIN) {
        flashmap_error(
            report,
            "%s: the slots (0x%X bytes) are too small for an image and its trailer; smallest: 0x%X",
            pair.primary->size < pair.secondary->size ? pair.primary->size_key
                                                      : pair.secondary->size_key,
            pair.slot_size, map->trailer_size + IMAGE_SIZE_MIN);
        return;
    }
    uint32_t errors = report->errors.count;
    find_boundaries(&pair, geometry);
    if (map->mode == OTTER_MODE_OVERWRITE) {
        overwrite_limit(&pair, geometry);
    } else if (boundaries_serve(&pair, geometry, report)) {
        swap_limit(&pair, geometry, report);
    }
    if (map->trailers) {
        leave_trailers(&pair, geometry);
    }
    if (report->errors.count == errors && geometry->image_size_max < IMAGE_SIZE_MIN) {
        flashmap_error(
            report,
            "%s: no room for an image: swap units of 0x%X leave 0x%X bytes; make the slots larger",
            pair.secondary->size_key, geometry->boundary_step, geometry->image_size_max);
    }
    if (pair.primary->size != pair.secondary->size) {
        flashmap_note(report, "%s and %s differ in size (0x%X, 0x%X): the smaller one counts",
                      pair.primary->size_key, pair.secondary->size_key, pair.primary->size,
                      pair.secondary->size);
    }
}

void flashmap_check_geometry(struct flashmap *map, struct flashmap_report *report)
{
    for (uint8_t app = 1; app <= map->apps_count; app++) {
        check_app(map, app, report);
    }
    if (map->apps_count > 1) {
        flashmap_note(report, "%u applications: layout and header are for application_1",
                      map->apps_count);
    }
}
