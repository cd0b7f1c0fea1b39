/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_rules.c - the rules that a flash map's areas must keep among themselves.
 *
 * Two areas may never meet in one erase sector: erasing for one would take bytes of the
 * other. The first and last sector of a slot may reach beyond the slot, if nobody lives
 * there (psoc62_2m: the secondary begins 0x200 into a 0x40000 sector).
 */
#include <stdio.h>
#include <string.h>

#include "tool/flashmap_parts.h"

enum { VECTOR_ALIGN = 0x400 };

const struct flashmap_area *flashmap_find(const struct flashmap *map, enum flashmap_role role,
                                          uint8_t app)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        if (map->areas[i].role == role && map->areas[i].app == app) {
            return &map->areas[i];
        }
    }
    return NULL;
}

const struct flashmap_area *flashmap_journal(const struct flashmap *map)
{
    return map->journal < 0 ? NULL : &map->areas[map->journal];
}

static uint32_t round_down(uint32_t value, uint32_t unit)
{
    return value - value % unit;
}

/* Rounded up, or 0 when that leaves 32 bits: then there is no suggestion to make. */
static uint32_t round_up(uint32_t value, uint32_t unit)
{
    uint64_t up = ((uint64_t)value + unit - 1) / unit * unit;
    return up > UINT32_MAX ? 0 : (uint32_t)up;
}

void flashmap_sectors(const struct flashmap *map, const struct flashmap_area *area,
                      uint32_t *ret_first, uint32_t *ret_end)
{
    uint32_t sector = map->devices[area->device].sector_size;
    *ret_first = round_down(area->base, sector);
    *ret_end = round_up(area->base + area->size, sector);
}

static void place(struct flashmap *map, struct flashmap_area *area, struct flashmap_report *report)
{
    if (area->size == 0) {
        flashmap_error(report, "%s is 0: leave the area out, or give it a size", area->size_key);
        return;
    }
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        if (area->addr < device->addr || area->addr - device->addr >= device->size) {
            continue;
        }
        area->device = i;
        area->base = area->addr - device->addr;
        if (area->size > device->size - area->base) {
            flashmap_error(report,
                           "%s: %s at 0x%08X, size 0x%X, ends at 0x%08llX, beyond the end of %s "
                           "flash at 0x%08X; largest size there: 0x%X",
                           area->size_key, area->label, area->addr, area->size,
                           (unsigned long long)area->addr + area->size, device->name,
                           device->addr + device->size, device->size - area->base);
        }
        return;
    }
    const struct flashmap_device *first = &map->devices[0];
    flashmap_error(report, "%s: %s at 0x%08X lies in no flash of %s (%s flash: 0x%08X to 0x%08X%s)",
                   area->key, area->label, area->addr, map->platform, first->name, first->addr,
                   first->addr + first->size - 1,
                   map->devices_count > 1 ? ", and more" : ", no other");
}

void flashmap_place(struct flashmap *map, struct flashmap_report *report)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        place(map, &map->areas[i], report);
        bool runs = map->areas[i].role == FLASHMAP_PRIMARY;
        map->xip = map->xip || (runs && map->devices[map->areas[i].device].xip);
    }
}

/* "; suggested address for X: 0x..." with the first good base at or above `from`, or why
 * there is none. */
struct suggestion {
    char text[96];
};

static bool is_slot(const struct flashmap_area *area)
{
    return area->role == FLASHMAP_PRIMARY || area->role == FLASHMAP_SECONDARY;
}

static struct suggestion suggest(const struct flashmap *map, const struct flashmap_area *area,
                                 uint32_t from)
{
    const struct flashmap_device *device = &map->devices[area->device];
    struct suggestion suggestion;
    uint64_t base = round_up(from, device->sector_size);
    if (is_slot(area) && area->size > map->trailer_size) {
        uint32_t off = (from + area->size - map->trailer_size) % device->sector_size;
        base = (uint64_t)from + (off ? device->sector_size - off : 0);
    }
    while (area->role == FLASHMAP_PRIMARY && base < device->size &&
           (device->addr + base) % VECTOR_ALIGN != 0) {
        base += device->sector_size;
    }
    if (base + area->size > device->size) {
        (void)snprintf(suggestion.text, sizeof suggestion.text,
                       "; above it %s does not fit: make it smaller", area->label);
    } else {
        (void)snprintf(suggestion.text, sizeof suggestion.text,
                       "; suggested address for %s: 0x%08X", area->label,
                       (uint32_t)(device->addr + base));
    }
    return suggestion;
}

/* The overlap or the shared sector of two areas, `a` being the lower one. */
static void check_pair(const struct flashmap *map, const struct flashmap_area *a,
                       const struct flashmap_area *b, struct flashmap_report *report)
{
    uint32_t a_first, a_end, b_first, b_end;
    const struct flashmap_device *device = &map->devices[a->device];
    flashmap_sectors(map, a, &a_first, &a_end);
    flashmap_sectors(map, b, &b_first, &b_end);
    if (a_end <= b_first) {
        return;
    }
    uint32_t a_last = a->addr + a->size - 1;
    if (a_last >= b->addr) {
        uint32_t b_last = b->addr + b->size - 1;
        flashmap_error(report,
                       "%s and %s overlap in 0x%08X to 0x%08X: %s is 0x%08X to 0x%08X, %s is "
                       "0x%08X to 0x%08X%s",
                       a->key, b->key, b->addr, a_last < b_last ? a_last : b_last, a->label,
                       a->addr, a_last, b->label, b->addr, b_last, suggest(map, b, a_end).text);
        return;
    }
    flashmap_error(report,
                   "%s and %s share an erase sector: %s ends at 0x%08X and %s begins at 0x%08X, "
                   "both in the sector at 0x%08X (sectors of 0x%X)%s",
                   a->key, b->key, a->label, a->addr + a->size, b->label, b->addr,
                   device->addr + b_first, device->sector_size, suggest(map, b, a_end).text);
}

static void check_pairs(const struct flashmap *map, struct flashmap_report *report)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        for (uint32_t j = i + 1; j < map->areas_count; j++) {
            const struct flashmap_area *a = &map->areas[i];
            const struct flashmap_area *b = &map->areas[j];
            if (a->device == b->device) {
                bool in_order = a->addr <= b->addr;
                check_pair(map, in_order ? a : b, in_order ? b : a, report);
            }
        }
    }
}

static void check_multiple(const char *key, const char *what, uint32_t value, uint32_t unit,
                           const char *unit_name, struct flashmap_report *report)
{
    if (value % unit != 0) {
        flashmap_error(
            report, "%s: misaligned %s 0x%X: must be a multiple of 0x%X, the %s; suggested: 0x%X",
            key, what, value, unit, unit_name, round_up(value, unit));
    }
}

/* Scratch and records are erased and filled as whole sectors. */
static void check_whole_sectors(const struct flashmap *map, const struct flashmap_area *area,
                                struct flashmap_report *report)
{
    const struct flashmap_device *device = &map->devices[area->device];
    if (area->base % device->sector_size != 0) {
        flashmap_error(report,
                       "%s: misaligned %s at 0x%08X: must begin on an erase sector of 0x%X%s",
                       area->key, area->label, area->addr, device->sector_size,
                       suggest(map, area, area->base).text);
    }
    check_multiple(area->size_key, "size", area->size, device->sector_size, "erase sector", report);
}

/* The replaced bootloader's rule: the trailer at a slot's end begins on an erase sector,
 * so that erasing it takes no byte of an image. Kept, so that maps stay exchangeable. */
static void check_trailer(const struct flashmap *map, const struct flashmap_area *slot,
                          struct flashmap_report *report)
{
    const struct flashmap_device *device = &map->devices[slot->device];
    if (slot->size <= map->trailer_size) {
        return; /* reported by the geometry: too small for an image */
    }
    uint32_t trailer_base = slot->base + slot->size - map->trailer_size;
    if (trailer_base % device->sector_size != 0) {
        flashmap_error(report,
                       "%s: misaligned %s: its trailer, the last 0x%X bytes, begins at 0x%08X, not "
                       "on an erase sector of 0x%X%s",
                       slot->key, slot->label, map->trailer_size, device->addr + trailer_base,
                       device->sector_size, suggest(map, slot, slot->base).text);
    }
}

static void check_slot(const struct flashmap *map, const struct flashmap_area *slot,
                       struct flashmap_report *report)
{
    const struct flashmap_device *device = &map->devices[slot->device];
    uint32_t errors = report->errors.count;
    check_multiple(slot->key, "address", slot->addr, device->prog_size, "program unit", report);
    check_multiple(slot->size_key, "size", slot->size, device->prog_size, "program unit", report);
    if (errors == report->errors.count) {
        check_trailer(map, slot, report);
    }
    if (slot->role != FLASHMAP_PRIMARY) {
        return;
    }
    if (slot->addr % VECTOR_ALIGN != 0) {
        flashmap_error(report,
                       "%s: misaligned %s at 0x%08X: the vector table behind the image header "
                       "needs a multiple of 0x%X%s",
                       slot->key, slot->label, slot->addr, VECTOR_ALIGN,
                       suggest(map, slot, slot->base).text);
    }
    if (device->external && !device->xip) {
        flashmap_error(report,
                       "%s: %s at 0x%08X is in external flash, where code does not run; add "
                       "\"mode\": \"XIP\" to external_flash[0], or use internal flash",
                       slot->key, slot->label, slot->addr);
    }
}

static uint32_t bank_of(const struct flashmap_device *device, uint32_t off)
{
    return off / device->bank_size;
}

/* A part with logical banks cannot erase the bank that it runs from. */
static void check_banks(const struct flashmap *map, uint8_t app, struct flashmap_report *report)
{
    const struct flashmap_area *primary = flashmap_find(map, FLASHMAP_PRIMARY, app);
    const struct flashmap_area *secondary = flashmap_find(map, FLASHMAP_SECONDARY, app);
    const struct flashmap_device *device = &map->devices[primary->device];
    if (primary->device != secondary->device || device->bank_size == 0) {
        return;
    }
    const struct flashmap_area *slots[] = {primary, secondary};
    bool split = false;
    for (int i = 0; i < 2; i++) {
        uint32_t bank = bank_of(device, slots[i]->base);
        if (bank != bank_of(device, slots[i]->base + slots[i]->size - 1)) {
            split = true;
            flashmap_error(report,
                           "%s: %s (0x%08X to 0x%08X) lies across the bank boundary at 0x%08X; a "
                           "slot must be in one bank%s",
                           slots[i]->key, slots[i]->label, slots[i]->addr,
                           slots[i]->addr + slots[i]->size - 1,
                           device->addr + (bank + 1) * device->bank_size,
                           suggest(map, slots[i], (bank + 1) * device->bank_size).text);
        }
    }
    if (!split && bank_of(device, primary->base) == bank_of(device, secondary->base)) {
        uint32_t other = bank_of(device, primary->base) == 0 ? device->bank_size : 0;
        flashmap_error(report,
                       "%s and %s: %s at 0x%08X and %s at 0x%08X are in the same bank of %s flash, "
                       "which cannot be erased while code runs from it%s",
                       primary->key, secondary->key, primary->label, primary->addr,
                       secondary->label, secondary->addr, device->name,
                       suggest(map, secondary, other).text);
    }
}

void flashmap_check_areas(const struct flashmap *map, struct flashmap_report *report)
{
    check_pairs(map, report);
    for (uint32_t i = 0; i < map->areas_count; i++) {
        const struct flashmap_area *area = &map->areas[i];
        if (area->role == FLASHMAP_BOOTLOADER) {
            if (map->devices[area->device].external) {
                flashmap_error(
                    report,
                    "%s: the bootloader at 0x%08X must be in internal flash, where the chip starts",
                    area->key, area->addr);
            }
        } else if (is_slot(area)) {
            check_slot(map, area, report);
        } else {
            check_whole_sectors(map, area, report);
        }
    }
    for (uint8_t app = 1; app <= map->apps_count; app++) {
        check_banks(map, app, report);
    }
}
