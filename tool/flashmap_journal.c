/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_journal.c - a place for the journal: the map's own, or the first gap that fits.
 *
 * The journal is the `state` area, else the status area, else assigned: where the platform
 * has it by habit, if that is free, else the first free gap on the device with the smallest
 * sectors (a record then costs least), else on the next larger.
 */
#include "tool/flashmap_parts.h"

/* Below these a compaction may find no room: slot/journal.c, SPEC.md. */
enum { CELL_SIZE_MIN = 32, HALF_SECTORS_MIN = 6, HALF_CELLS_MIN = 12 };

static uint32_t cell_size(const struct flashmap_device *device)
{
    return device->prog_size > CELL_SIZE_MIN ? device->prog_size : CELL_SIZE_MIN;
}

/* Bytes of the smallest journal on this device: two halves of whole sectors. */
static uint32_t size_min(const struct flashmap_device *device)
{
    uint32_t sectors =
        (HALF_CELLS_MIN * cell_size(device) + device->sector_size - 1) / device->sector_size;
    if (sectors < HALF_SECTORS_MIN) {
        sectors = HALF_SECTORS_MIN;
    }
    uint64_t size = 2ull * sectors * device->sector_size;
    return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

/* The end of the first area whose sectors meet [base, base + size), or 0: it is free. */
static uint32_t taken_until(const struct flashmap *map, uint32_t device, uint32_t base,
                            uint32_t size)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        uint32_t first, end;
        if (map->areas[i].device != device) {
            continue;
        }
        flashmap_sectors(map, &map->areas[i], &first, &end);
        if (first < base + size && base < end) {
            return end;
        }
    }
    return 0;
}

/* Every area skipped ends further up, so this ends. */
bool flashmap_find_gap(const struct flashmap *map, uint32_t index, uint32_t from, uint32_t size,
                       uint32_t *ret_base)
{
    const struct flashmap_device *device = &map->devices[index];
    uint32_t base = from;
    while (base <= device->size && size <= device->size - base) {
        uint32_t end = taken_until(map, index, base, size);
        if (end == 0) {
            *ret_base = base;
            return true;
        }
        base = end;
    }
    return false;
}

static bool habitual_place(const struct flashmap *map, const struct flashmap_platform *platform,
                           uint32_t *ret_index, uint32_t *ret_base)
{
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        uint32_t base = platform->state_addr - device->addr;
        if (platform->state_addr < device->addr || base >= device->size ||
            platform->state_size > device->size - base || base % device->sector_size != 0 ||
            platform->state_size % device->sector_size != 0 ||
            platform->state_size < size_min(device)) {
            continue;
        }
        *ret_index = i;
        *ret_base = base;
        return taken_until(map, i, base, platform->state_size) == 0;
    }
    return false;
}

/* Devices in order of sector size, then of the map. */
static uint64_t rank(const struct flashmap *map, uint32_t index)
{
    return (uint64_t)map->devices[index].sector_size << 8 | index;
}

/* The device next in rank after *index (UINT32_MAX: the first of all). */
static bool next_device(const struct flashmap *map, uint32_t *index)
{
    uint64_t after = *index == UINT32_MAX ? 0 : rank(map, *index) + 1;
    bool found = false;
    for (uint32_t i = 0; i < map->devices_count; i++) {
        if (rank(map, i) >= after && (!found || rank(map, i) < rank(map, *index))) {
            *index = i;
            found = true;
        }
    }
    return found;
}

/* First the usual size, then the smallest that will do, device by device. */
static bool free_place(const struct flashmap *map, const struct flashmap_platform *platform,
                       uint32_t *ret_index, uint32_t *ret_base, uint32_t *ret_size)
{
    uint32_t index = UINT32_MAX;
    while (next_device(map, &index)) {
        const struct flashmap_device *device = &map->devices[index];
        uint32_t smallest = size_min(device);
        uint32_t usual = platform->state_size - platform->state_size % device->sector_size;
        uint32_t sizes[] = {usual > smallest ? usual : smallest, smallest};
        for (int i = 0; i < 2; i++) {
            if (flashmap_find_gap(map, index, 0, sizes[i], ret_base)) {
                *ret_index = index;
                *ret_size = sizes[i];
                return true;
            }
        }
    }
    return false;
}

static void assign(struct flashmap *map, const struct flashmap_platform *platform,
                   struct flashmap_report *report)
{
    uint32_t index = 0;
    uint32_t base = 0;
    uint32_t size = platform->state_size;
    if (!habitual_place(map, platform, &index, &base) &&
        !free_place(map, platform, &index, &base, &size)) {
        const struct flashmap_device *device = &map->devices[0];
        flashmap_error(report,
                       "no place for the journal: no gap of 0x%X bytes is free in %s flash; make a "
                       "slot smaller, or give up the journal with \"state\": \"trailer\"",
                       size_min(device), device->name);
        return;
    }
    const struct flashmap_device *device = &map->devices[index];
    struct flashmap_area *area =
        flashmap_add_area(map, FLASHMAP_STATE, 0, device->addr + base, size);
    flashmap_path(area->key, sizeof area->key, "", "(assigned)");
    flashmap_path(area->size_key, sizeof area->size_key, "", "(assigned)");
    area->assigned = true;
    area->device = index;
    area->base = base;
    map->journal = (int)map->areas_count - 1;
    flashmap_note(report,
                  "the map has no place for the journal: assigned 0x%08X, size 0x%X, free in %s "
                  "flash; to fix it, add \"state\": {\"address\": \"0x%X\", \"size\": \"0x%X\"}",
                  area->addr, size, device->name, area->addr, size);
}

static void check_size(struct flashmap *map, struct flashmap_report *report)
{
    const struct flashmap_area *area = flashmap_journal(map);
    const struct flashmap_device *device = &map->devices[area->device];
    map->cell_size = cell_size(device);
    map->half_size = area->size / 2 - area->size / 2 % device->sector_size;
    if (area->size < size_min(device)) {
        flashmap_error(
            report,
            "%s: insufficient %s area, 0x%X bytes: the journal needs two halves of at least %d "
            "erase sectors (0x%X each) and %d records (0x%X each); suggested size: 0x%X",
            area->size_key, area->label, area->size, HALF_SECTORS_MIN, device->sector_size,
            HALF_CELLS_MIN, map->cell_size, size_min(device));
    }
}

void flashmap_check_journal(struct flashmap *map, const struct flashmap_platform *platform,
                            struct flashmap_report *report)
{
    for (uint32_t i = 0; i < map->areas_count && !map->trailers; i++) {
        enum flashmap_role role = map->areas[i].role;
        if (role == FLASHMAP_STATE || (role == FLASHMAP_STATUS && map->journal < 0)) {
            map->journal = (int)i;
        }
    }
    if (map->trailers) {
        flashmap_note(report,
                      "no journal: MCUboot's trailers are used, for an agent over MCUboot%s",
                      map->mode == OTTER_MODE_SWAP
                          ? "; the bootloader of this project does not swap without one"
                          : "");
        return;
    }
    if (map->journal < 0 && report->errors.count == 0) {
        assign(map, platform, report);
    }
    if (map->journal >= 0) {
        check_size(map, report);
    }
}
