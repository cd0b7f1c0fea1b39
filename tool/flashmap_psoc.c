/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_psoc.c - the PSoC dialect of a flash map.
 *
 *   external_flash:   [ { model | flash-size, erase-size [, mode: "XIP"] } ]
 *   boot_and_upgrade: { bootloader: {...}, application_1: {...} ... application_4 }
 *
 * Every leaf under boot_and_upgrade is {"description", "value"}, a leaf under
 * external_flash is plain.
 */
#include <stdio.h>
#include <string.h>

#include "tool/flashmap_parts.h"

enum {
    INTERNAL_ADDR = 0x10000000,
    EXTERNAL_ADDR = 0x18000000,
    EXTERNAL_WINDOW = 0x08000000,
    ROW_SIZE = 0x200,
    SUBSECTOR_SIZE = 8 * ROW_SIZE, /* of the larger erases the one that fits swap units best */
    EXTERNAL_PROG_SIZE = 512 /* the page: a program operation costs the same for less */
};

struct model {
    const char *name;
    uint32_t size, erase_size;
};

/* The parts that the replaced tools know by name; the name carries the size in Mbit. */
static const struct model models[] = {
    {"FM25Q04", 0x80000, 0x1000},      {"FM25W04", 0x80000, 0x1000},
    {"FM25Q08", 0x100000, 0x1000},     {"FM25W08", 0x100000, 0x1000},
    {"P25Q05H", 0x10000, 0x1000},      {"P25Q10H", 0x20000, 0x1000},
    {"P25Q20H", 0x40000, 0x1000},      {"P25Q40H", 0x80000, 0x1000},
    {"S25HS256T", 0x2000000, 0x40000}, {"S25HS512T", 0x4000000, 0x40000},
    {"S25FL512S", 0x4000000, 0x40000}, {"S25HS01GT", 0x8000000, 0x40000},
};

static const struct model *model_find(const char *name, struct flashmap_report *report)
{
    char list[192] = "";
    size_t len = 0;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (strcmp(name, models[i].name) == 0) {
            return &models[i];
        }
        len +=
            (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", models[i].name);
    }
    flashmap_error(report,
                   "external_flash[0].model '%s' is not known; known: %s; or give flash-size "
                   "and erase-size",
                   flashmap_quote(name).text, list);
    return NULL;
}

static bool sizes_of(json_t *chip, struct flashmap_device *device, struct flashmap_report *report)
{
    const char *model_name = flashmap_string(chip, "external_flash[0]", "model", false, report);
    bool has_sizes = json_object_get(chip, "flash-size") || json_object_get(chip, "erase-size");
    if (json_object_get(chip, "model") && has_sizes) {
        flashmap_error(report,
                       "external_flash[0] has both model and flash-size or erase-size: keep one");
        return false;
    }
    if (!has_sizes) {
        if (!model_name) {
            flashmap_error(report, "external_flash[0] needs model, or flash-size and erase-size");
            return false;
        }
        const struct model *model = model_find(model_name, report);
        if (model) {
            (void)snprintf(device->model, sizeof device->model, "%s", model->name);
            device->size = model->size;
            device->sector_size = model->erase_size;
        }
        return model != NULL;
    }
    bool has_size = flashmap_number(chip, "external_flash[0]", "flash-size", false, true,
                                    &device->size, report);
    return flashmap_number(chip, "external_flash[0]", "erase-size", false, true,
                           &device->sector_size, report) &&
           has_size;
}

static bool sizes_fit(const struct flashmap_device *device, struct flashmap_report *report)
{
    if (device->sector_size == 0 || device->sector_size % EXTERNAL_PROG_SIZE != 0) {
        flashmap_error(
            report,
            "external_flash[0].erase-size 0x%X must be a multiple of 0x%X, the program unit",
            device->sector_size, EXTERNAL_PROG_SIZE);
        return false;
    }
    if (device->size == 0 || device->size % device->sector_size != 0) {
        flashmap_error(report,
                       "external_flash[0].flash-size 0x%X must be a multiple of erase-size 0x%X",
                       device->size, device->sector_size);
        return false;
    }
    if (device->size > EXTERNAL_WINDOW) {
        flashmap_error(
            report,
            "external_flash[0].flash-size 0x%X is more than the CPU's window at 0x%08X shows: 0x%X",
            device->size, EXTERNAL_ADDR, EXTERNAL_WINDOW);
        return false;
    }
    return true;
}

static void add_external(json_t *chip, struct flashmap *map, struct flashmap_report *report)
{
    static const char *const known[] = {"model", "flash-size", "erase-size", "mode", NULL};
    if (!json_is_object(chip)) {
        flashmap_error(report, "external_flash[0] must be an object");
        return;
    }
    flashmap_known_keys(chip, "external_flash[0]", known, report);
    struct flashmap_device device = {.name = "external",
                                     .timing = "s25hs256t",
                                     .addr = EXTERNAL_ADDR,
                                     .erased = 0xff,
                                     .prog_size = EXTERNAL_PROG_SIZE,
                                     .external = true};
    const char *mode = flashmap_string(chip, "external_flash[0]", "mode", false, report);
    if (mode && strcmp(mode, "XIP") != 0) {
        flashmap_error(report, "external_flash[0].mode '%s' is not known; known: XIP",
                       flashmap_quote(mode).text);
    }
    device.xip = mode && strcmp(mode, "XIP") == 0;
    if (sizes_of(chip, &device, report) && sizes_fit(&device, report)) {
        map->devices[map->devices_count++] = device;
    }
}

void flashmap_psoc_devices(json_t *root, const struct flashmap_platform *platform,
                           struct flashmap *map, struct flashmap_report *report)
{
    map->trailer_size = ROW_SIZE;
    map->devices[map->devices_count++] = (struct flashmap_device){.name = "internal",
                                                                  .addr = INTERNAL_ADDR,
                                                                  .size = platform->internal_size,
                                                                  .sector_size = ROW_SIZE,
                                                                  .block_size = SUBSECTOR_SIZE,
                                                                  .prog_size = ROW_SIZE,
                                                                  .erased = 0x00,
                                                                  .row_write = true};
    (void)snprintf(map->devices[0].timing, sizeof map->devices[0].timing, "%s",
                   platform->internal_size > 0x80000 ? "psoc6-2m" : "psoc6-512k");
    json_t *chips = json_object_get(root, "external_flash");
    if (!chips) {
        return;
    }
    if (!json_is_array(chips) || json_array_size(chips) == 0) {
        flashmap_error(report, "external_flash must be an array with one object");
    } else if (json_array_size(chips) > 1) {
        flashmap_error(report, "external_flash names %zu chips: one is supported",
                       json_array_size(chips));
    } else {
        add_external(json_array_get(chips, 0), map, report);
    }
}

/* Names of the leaves of one area. */
struct leaf_pair {
    const char *addr, *size;
    enum flashmap_role role;
    bool required;
};

static void read_pair(json_t *object, const char *path, const struct leaf_pair *pair, uint8_t app,
                      struct flashmap *map, struct flashmap_report *report)
{
    bool any = json_object_get(object, pair->addr) || json_object_get(object, pair->size);
    if (!any && !pair->required) {
        return;
    }
    uint32_t addr = 0;
    uint32_t size = 0;
    bool has_addr = flashmap_number(object, path, pair->addr, true, true, &addr, report);
    if (flashmap_number(object, path, pair->size, true, true, &size, report) && has_addr) {
        struct flashmap_area *area = flashmap_add_area(map, pair->role, app, addr, size);
        flashmap_path(area->key, sizeof area->key, path, pair->addr);
        flashmap_path(area->size_key, sizeof area->size_key, path, pair->size);
    }
}

/* Two images that share one secondary: not something this bootloader does. */
static void refuse_shared_slot(json_t *object, const char *path, struct flashmap_report *report)
{
    if (json_object_get(object, "shared_slot")) {
        flashmap_error(report, "%s.shared_slot: slots shared by several images are not supported",
                       path);
    }
}

static void read_application(json_t *parent, const char *name, uint8_t app, struct flashmap *map,
                             struct flashmap_report *report)
{
    static const char *const known[] = {
        "address", "size", "upgrade_address", "upgrade_size", "shared_slot", "core", NULL};
    static const struct leaf_pair pairs[] = {
        {"address", "size", FLASHMAP_PRIMARY, true},
        {"upgrade_address", "upgrade_size", FLASHMAP_SECONDARY, true}};
    char path[FLASHMAP_KEY_SIZE];
    flashmap_path(path, sizeof path, "boot_and_upgrade", name);
    json_t *object = flashmap_object(parent, "boot_and_upgrade", name, true, report);
    if (!object) {
        return;
    }
    flashmap_known_keys(object, path, known, report);
    refuse_shared_slot(object, path, report);
    const char *core = flashmap_string(object, path, "core", true, report);
    if (core && strcmp(core, "CM4") != 0 && strcmp(core, "CM0P") != 0) {
        flashmap_error(report, "%s.core '%s' is not known; known: CM4, CM0P", path,
                       flashmap_quote(core).text);
    } else if (core && app == 1) {
        map->core = strcmp(core, "CM4") == 0 ? "CM4" : "CM0P";
    }
    read_pair(object, path, &pairs[0], app, map, report);
    read_pair(object, path, &pairs[1], app, map, report);
}

void flashmap_psoc_areas(json_t *root, struct flashmap *map, struct flashmap_report *report)
{
    static const char *const known[] = {"bootloader",    "application_1", "application_2",
                                        "application_3", "application_4", NULL};
    static const char *const known_boot[] = {
        "address",        "size",        "scratch_address", "scratch_size",
        "status_address", "status_size", "shared_slot",     NULL};
    static const struct leaf_pair pairs[] = {
        {"address", "size", FLASHMAP_BOOTLOADER, true},
        {"scratch_address", "scratch_size", FLASHMAP_SCRATCH, false},
        {"status_address", "status_size", FLASHMAP_STATUS, false}};
    json_t *object = flashmap_object(root, "", "boot_and_upgrade", true, report);
    if (!object) {
        return;
    }
    flashmap_known_keys(object, "boot_and_upgrade", known, report);
    json_t *boot = flashmap_object(object, "boot_and_upgrade", "bootloader", true, report);
    if (boot) {
        flashmap_known_keys(boot, "boot_and_upgrade.bootloader", known_boot, report);
        refuse_shared_slot(boot, "boot_and_upgrade.bootloader", report);
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            read_pair(boot, "boot_and_upgrade.bootloader", &pairs[i], 0, map, report);
        }
    }
    for (uint8_t app = 1; app <= map->apps_count; app++) {
        read_application(object, known[app], app, map, report);
    }
}
