/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_xmc.c - the XMC dialect of a flash map, and its platform file.
 *
 *   map:      bootloader: { bootloader_area, status_area, scratch_area: {address, size} }
 *             application_1: { slots: { boot, upgrade, size } } ... application_4
 *   platform: memory_regions: [ {address, size, erase_size, erase_value, type} ]
 *             core_list: [ {name, id} ]
 *
 * Leaves are plain hex strings. `type` is spelled mem_type in one of the two platform
 * files that are in use: both are read.
 */
#include <stdio.h>
#include <string.h>

#include "tool/flashmap_parts.h"

enum { TRAILER_SIZE = 0x8000 };

/* The four kinds of memory; one device each. */
static const struct kind {
    const char *type, *name, *timing;
    uint32_t prog_size;
    uint32_t banks; /* logical banks */
} kinds[] = {
    {"INTERNAL_FLASH_CODE_LARGE", "code_large", "xmc7200-code-large", 32, 2},
    {"INTERNAL_FLASH_CODE_SMALL", "code_small", "xmc7200-code-small", 32, 2},
    {"INTERNAL_FLASH_WORK_LARGE", "work_large", "xmc7200-work-large", 4, 1},
    {"INTERNAL_FLASH_WORK_SMALL", "work_small", "xmc7200-work-small", 4, 1},
};

static const struct kind *kind_of(json_t *region, const char *path, struct flashmap_report *report)
{
    const char *type = flashmap_string(region, path, "type", false, report);
    const char *mem_type = flashmap_string(region, path, "mem_type", false, report);
    if (type && mem_type) {
        flashmap_error(report, "%s has both type and mem_type: keep one", path);
        return NULL;
    }
    type = type ? type : mem_type;
    if (!type) {
        flashmap_error(report, "%s.type is missing", path);
        return NULL;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(type, kinds[i].type) == 0) {
            return &kinds[i];
        }
    }
    flashmap_error(report, "%s.type '%s' is not known; known: %s, %s, %s, %s", path,
                   flashmap_quote(type).text, kinds[0].type, kinds[1].type, kinds[2].type,
                   kinds[3].type);
    return NULL;
}

static bool region_fits(const struct flashmap_device *device, const char *path,
                        struct flashmap_report *report)
{
    if (device->sector_size == 0 || device->sector_size % device->prog_size != 0) {
        flashmap_error(report, "%s.erase_size 0x%X must be a multiple of 0x%X, the program unit",
                       path, device->sector_size, device->prog_size);
        return false;
    }
    if (device->size == 0 || device->size % device->sector_size != 0) {
        flashmap_error(report, "%s.size 0x%X must be a multiple of erase_size 0x%X", path,
                       device->size, device->sector_size);
        return false;
    }
    if (device->addr > UINT32_MAX - device->size) {
        flashmap_error(report, "%s reaches beyond 32-bit addresses", path);
        return false;
    }
    return true;
}

static bool region_is_free(const struct flashmap *map, const struct flashmap_device *device,
                           const char *path, struct flashmap_report *report)
{
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *other = &map->devices[i];
        if (strcmp(device->name, other->name) == 0) {
            flashmap_error(report, "%s: a second region of type %s", path, device->name);
            return false;
        }
        if (device->addr < other->addr + other->size && other->addr < device->addr + device->size) {
            flashmap_error(report, "%s: the region at 0x%08X overlaps memory_regions[%u] at 0x%08X",
                           path, device->addr, i, other->addr);
            return false;
        }
    }
    return true;
}

static void read_region(json_t *region, const char *path, struct flashmap *map,
                        struct flashmap_report *report)
{
    static const char *const known[] = {"address", "size",     "erase_size", "erase_value",
                                        "type",    "mem_type", NULL};
    if (!json_is_object(region)) {
        flashmap_error(report, "%s must be an object", path);
        return;
    }
    flashmap_known_keys(region, path, known, report);
    const struct kind *kind = kind_of(region, path, report);
    struct flashmap_device device = {.erased = 0xff};
    uint32_t erased = 0;
    bool complete = kind != NULL;
    complete &= flashmap_number(region, path, "address", false, true, &device.addr, report);
    complete &= flashmap_number(region, path, "size", false, true, &device.size, report);
    complete &=
        flashmap_number(region, path, "erase_size", false, true, &device.sector_size, report);
    complete &= flashmap_number(region, path, "erase_value", false, true, &erased, report);
    if (!complete) {
        return;
    }
    if (erased != 0xff && erased != 0) {
        flashmap_error(report, "%s.erase_value 0x%X must be 0xFF or 0x00", path, erased);
        return;
    }
    device.erased = (uint8_t)erased;
    device.prog_size = kind->prog_size;
    (void)snprintf(device.name, sizeof device.name, "%s", kind->name);
    (void)snprintf(device.timing, sizeof device.timing, "%s", kind->timing);
    uint32_t bank_size = device.size / kind->banks;
    if (kind->banks > 1 && device.sector_size && bank_size % device.sector_size == 0) {
        device.bank_size = bank_size;
    }
    if (region_fits(&device, path, report) && region_is_free(map, &device, path, report)) {
        map->devices[map->devices_count++] = device;
    }
}

void flashmap_xmc_devices(json_t *root, struct flashmap *map, struct flashmap_report *report)
{
    static const char *const known[] = {"memory_regions", "core_list", NULL};
    map->trailer_size = TRAILER_SIZE;
    flashmap_known_keys(root, "the platform file", known, report);
    json_t *regions = json_object_get(root, "memory_regions");
    if (!json_is_array(regions) || json_array_size(regions) == 0) {
        flashmap_error(report, "platform file: memory_regions must be an array of regions");
        return;
    }
    size_t count = json_array_size(regions);
    if (count > FLASHMAP_DEVICES_MAX) {
        flashmap_error(report, "platform file: %zu memory_regions, at most %u are supported", count,
                       FLASHMAP_DEVICES_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char path[FLASHMAP_KEY_SIZE];
        (void)snprintf(path, sizeof path, "memory_regions[%zu]", i);
        read_region(json_array_get(regions, i), path, map, report);
    }
    json_t *cores = json_object_get(root, "core_list");
    if (cores && !json_is_array(cores)) {
        flashmap_error(report, "platform file: core_list must be an array");
    }
}

static void read_slot(json_t *slots, const char *path, const char *key, enum flashmap_role role,
                      uint8_t app, uint32_t size, struct flashmap *map,
                      struct flashmap_report *report)
{
    uint32_t addr = 0;
    if (flashmap_number(slots, path, key, false, true, &addr, report) && size) {
        struct flashmap_area *area = flashmap_add_area(map, role, app, addr, size);
        flashmap_path(area->key, sizeof area->key, path, key);
        flashmap_path(area->size_key, sizeof area->size_key, path, "size");
    }
}

static void read_application(json_t *root, const char *name, uint8_t app, struct flashmap *map,
                             struct flashmap_report *report)
{
    static const char *const known[] = {"slots", NULL};
    static const char *const known_slots[] = {"boot", "upgrade", "size", NULL};
    json_t *object = flashmap_object(root, "", name, true, report);
    if (!object) {
        return;
    }
    flashmap_known_keys(object, name, known, report);
    json_t *slots = flashmap_object(object, name, "slots", true, report);
    if (!slots) {
        return;
    }
    char path[FLASHMAP_KEY_SIZE];
    flashmap_path(path, sizeof path, name, "slots");
    flashmap_known_keys(slots, path, known_slots, report);
    uint32_t size = 0;
    if (flashmap_number(slots, path, "size", false, true, &size, report) && size == 0) {
        flashmap_error(report, "%s.size is 0: a slot needs room for an image", path);
    }
    read_slot(slots, path, "boot", FLASHMAP_PRIMARY, app, size, map, report);
    read_slot(slots, path, "upgrade", FLASHMAP_SECONDARY, app, size, map, report);
}

void flashmap_xmc_areas(json_t *root, struct flashmap *map, struct flashmap_report *report)
{
    static const char *const known_boot[] = {"bootloader_area", "status_area", "scratch_area",
                                             NULL};
    static const enum flashmap_role roles[] = {FLASHMAP_BOOTLOADER, FLASHMAP_STATUS,
                                               FLASHMAP_SCRATCH};
    static const char *const apps[] = {"application_1", "application_2", "application_3",
                                       "application_4"};
    json_t *boot = flashmap_object(root, "", "bootloader", true, report);
    if (boot) {
        flashmap_known_keys(boot, "bootloader", known_boot, report);
        for (size_t i = 0; i < 3; i++) {
            json_t *area = flashmap_object(boot, "bootloader", known_boot[i], i == 0, report);
            char path[FLASHMAP_KEY_SIZE];
            flashmap_path(path, sizeof path, "bootloader", known_boot[i]);
            if (area) {
                flashmap_read_area(area, path, false, roles[i], map, report);
            }
        }
    }
    for (uint8_t app = 1; app <= map->apps_count; app++) {
        read_application(root, apps[app - 1], app, map, report);
    }
}
