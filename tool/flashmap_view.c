/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_view.c - what all views of a flash map share: segments, texts, times, JSON.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"
#include "tool/flashmap_view.h"

bool flashmap_device_used(const struct flashmap *map, uint32_t device)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        if (map->areas[i].device == device) {
            return true;
        }
    }
    return false;
}

/* The lowest area on the device at or above `base`. Checked maps have no overlaps. */
static const struct flashmap_area *next_area(const struct flashmap *map, uint32_t device,
                                             uint32_t base)
{
    const struct flashmap_area *next = NULL;
    for (uint32_t i = 0; i < map->areas_count; i++) {
        const struct flashmap_area *area = &map->areas[i];
        if (area->device == device && area->base >= base && (!next || area->base < next->base)) {
            next = area;
        }
    }
    return next;
}

/* What is being listed, and how far it came (device offset). */
struct listing {
    struct flashmap_segment *segments;
    uint32_t count, base, addr;
};

static void list_until(struct listing *listing, uint32_t until, const struct flashmap_area *area,
                       const struct flashmap_area *with)
{
    if (until > listing->base) {
        listing->segments[listing->count++] = (struct flashmap_segment){
            area, with, listing->addr + listing->base, until - listing->base};
        listing->base = until;
    }
}

uint32_t flashmap_segments(const struct flashmap *map, uint32_t device,
                           struct flashmap_segment segments[FLASHMAP_SEGMENTS_MAX])
{
    const struct flashmap_device *on = &map->devices[device];
    struct listing listing = {segments, 0, 0, on->addr};
    const struct flashmap_area *area;
    while ((area = next_area(map, device, listing.base)) != NULL) {
        uint32_t end = area->base + area->size;
        bool fixed = area->role == FLASHMAP_BOOTLOADER; /* never erased, so nothing with it */
        list_until(&listing, fixed ? area->base : area->base - area->base % on->sector_size, NULL,
                   NULL);
        list_until(&listing, area->base, NULL, area);
        list_until(&listing, end, area, NULL);
        uint32_t rest = (on->sector_size - end % on->sector_size) % on->sector_size;
        list_until(&listing, fixed ? end : end + rest, NULL, area);
    }
    list_until(&listing, on->size, NULL, NULL);
    return listing.count;
}

struct flashmap_text flashmap_size_text(uint32_t size)
{
    struct flashmap_text text;
    bool mib = size >= 1u << 20;
    double value = (double)size / (mib ? 1u << 20 : 1u << 10);
    if (size < 1024) {
        (void)snprintf(text.text, sizeof text.text, "%u B", size);
        return text;
    }
    int len = snprintf(text.text, sizeof text.text, "%.2f", value);
    while (text.text[len - 1] == '0') {
        len--;
    }
    len -= text.text[len - 1] == '.';
    (void)snprintf(text.text + len, sizeof text.text - (size_t)len, " %s", mib ? "MiB" : "KiB");
    return text;
}

struct flashmap_text flashmap_count_text(uint32_t count)
{
    struct flashmap_text text;
    if (count >= 1000000) {
        (void)snprintf(text.text, sizeof text.text, "%u,%03u,%03u", count / 1000000,
                       count / 1000 % 1000, count % 1000);
    } else if (count >= 1000) {
        (void)snprintf(text.text, sizeof text.text, "%u,%03u", count / 1000, count % 1000);
    } else {
        (void)snprintf(text.text, sizeof text.text, "%u", count);
    }
    return text;
}

struct flashmap_text flashmap_hash_text(const struct flashmap *map, uint32_t digits)
{
    struct flashmap_text text = {{0}};
    for (uint32_t i = 0; i < digits / 2 && 2 * i + 2 < sizeof text.text; i++) {
        (void)snprintf(text.text + 2 * i, 3, "%02x", map->hash[i]);
    }
    return text;
}

static uint64_t round_up_div(uint64_t value, uint64_t unit)
{
    return unit == 0 ? 0 : (value + unit - 1) / unit;
}

/* Erase and program `size` bytes from a sector's beginning; false: no model. */
static bool add_fill(struct flashmap_time *time, const struct flashmap_device *device,
                     uint32_t size)
{
    const struct sim_geometry *part = sim_part(device->timing);
    if (!part) {
        return false;
    }
    double program_us = (double)round_up_div(size, part->page_size) * part->page_us +
                        (double)round_up_div(size, part->prog_size) * part->unit_us;
    uint64_t sectors = round_up_div(size, device->sector_size);
    if (!device->row_write) {
        double fill_s = ((double)sectors * part->erase_us + program_us) / 1e6;
        time->slow_s += fill_s;
        time->fast_s += fill_s;
        return true;
    }
    uint64_t blocks = device->block_size ? round_up_div(size, device->block_size) : sectors;
    time->slow_s += (double)sectors * part->write_us / 1e6;
    time->fast_s += ((double)blocks * part->erase_us + program_us) / 1e6;
    return true;
}

/* Records are written one by one: a row each, or cells of a sector erased before. */
static bool add_records(struct flashmap_time *time, const struct flashmap *map, uint32_t records)
{
    const struct flashmap_area *journal = flashmap_journal(map);
    if (!journal) {
        return true;
    }
    const struct flashmap_device *device = &map->devices[journal->device];
    const struct sim_geometry *part = sim_part(device->timing);
    if (!part) {
        return false;
    }
    double record_us = part->write_us;
    if (!device->row_write) {
        double cells =
            device->sector_size / map->cell_size ? device->sector_size / map->cell_size : 1;
        record_us = part->page_us + (double)map->cell_size / part->prog_size * part->unit_us +
                    part->erase_us / cells;
    }
    time->slow_s += records * record_us / 1e6;
    time->fast_s += records * record_us / 1e6;
    return true;
}

struct flashmap_time flashmap_install_time(const struct flashmap *map)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    const struct flashmap_device *primary = &map->devices[map->areas[geometry->primary].device];
    const struct flashmap_area *secondary = &map->areas[geometry->secondary];
    struct flashmap_time time = {0, 0};
    uint32_t size = geometry->image_size_max;
    bool known = add_fill(&time, primary, size) && add_records(&time, map, geometry->records);
    if (map->mode == OTTER_MODE_SWAP) {
        uint32_t top = 0; /* the unit that the slot has no room for goes to scratch */
        if (map->scratch >= 0 && size + geometry->unit_size > secondary->size) {
            const struct flashmap_area *scratch = &map->areas[map->scratch];
            top = geometry->unit_size < size ? geometry->unit_size : size;
            known = known && add_fill(&time, &map->devices[scratch->device], top);
        }
        known = known && add_fill(&time, &map->devices[secondary->device], size - top);
    }
    return known ? time : (struct flashmap_time){-1, -1};
}

struct flashmap_time flashmap_revert_time(const struct flashmap *map)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    const struct flashmap_device *primary = &map->devices[map->areas[geometry->primary].device];
    struct flashmap_time time = {0, 0};
    bool known = add_fill(&time, primary, geometry->image_size_max) &&
                 add_records(&time, map, geometry->units + 4);
    return known ? time : (struct flashmap_time){-1, -1};
}

static void add_hex(json_t *object, const char *key, uint32_t value)
{
    char text[16];
    (void)snprintf(text, sizeof text, "0x%X", value);
    (void)json_object_set_new(object, key, json_string(text));
}

static json_t *devices_json(const struct flashmap *map)
{
    json_t *devices = json_array();
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        json_t *object = json_pack("{s:s, s:b, s:b}", "name", device->name, "xip", device->xip,
                                   "row_write", device->row_write);
        add_hex(object, "address", device->addr);
        add_hex(object, "size", device->size);
        add_hex(object, "erase_size", device->sector_size);
        add_hex(object, "program_size", device->prog_size);
        add_hex(object, "erase_value", device->erased);
        if (device->model[0]) {
            (void)json_object_set_new(object, "model", json_string(device->model));
        }
        (void)json_array_append_new(devices, object);
    }
    return devices;
}

static json_t *segments_json(const struct flashmap *map, bool gaps)
{
    struct flashmap_segment segments[FLASHMAP_SEGMENTS_MAX];
    json_t *list = json_array();
    for (uint32_t d = 0; d < map->devices_count; d++) {
        uint32_t count = flashmap_segments(map, d, segments);
        for (uint32_t i = 0; i < count; i++) {
            const struct flashmap_area *area = segments[i].area;
            if (gaps == (area != NULL) || segments[i].with) {
                continue;
            }
            json_t *object = json_pack("{s:s}", "device", map->devices[d].name);
            if (area) {
                (void)json_object_set_new(object, "name", json_string(area->label));
                (void)json_object_set_new(object, "assigned", json_boolean(area->assigned));
                add_hex(object, "offset", area->base);
            }
            add_hex(object, "address", segments[i].addr);
            add_hex(object, "size", segments[i].size);
            (void)json_array_append_new(list, object);
        }
    }
    return list;
}

static json_t *lines_json(const struct flashmap_lines *lines)
{
    json_t *list = json_array();
    for (uint32_t i = 0; lines && i < lines->count; i++) {
        (void)json_array_append_new(list, json_string(lines->line[i]));
    }
    return list;
}

static void add_time(json_t *object, const char *key, struct flashmap_time time)
{
    if (time.slow_s >= 0) {
        (void)json_object_set_new(
            object, key,
            json_pack("{s:f, s:f}", "seconds", time.slow_s, "seconds_by_blocks", time.fast_s));
    }
}

static void add_checked(json_t *root, const struct flashmap *map)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    char hash[2 * OTTER_HASH_SIZE + 1];
    for (uint32_t i = 0; i < OTTER_HASH_SIZE; i++) {
        (void)snprintf(hash + 2 * i, 3, "%02x", map->hash[i]);
    }
    (void)json_object_set_new(root, "hash", json_string(hash));
    (void)json_object_set_new(root, "platform", json_string(map->platform));
    (void)json_object_set_new(root, "core", json_string(map->core));
    (void)json_object_set_new(root, "mode",
                              json_string(map->mode == OTTER_MODE_SWAP ? "swap" : "overwrite"));
    (void)json_object_set_new(root, "xip", json_boolean(map->xip));
    (void)json_object_set_new(root, "applications", json_integer(map->apps_count));
    (void)json_object_set_new(root, "image_size_max", json_integer(geometry->image_size_max));
    (void)json_object_set_new(root, "journal_records", json_integer(geometry->records));
    (void)json_object_set_new(root, "devices", devices_json(map));
    (void)json_object_set_new(root, "areas", segments_json(map, false));
    (void)json_object_set_new(root, "gaps", segments_json(map, true));
    add_time(root, "install", flashmap_install_time(map));
    if (map->mode == OTTER_MODE_SWAP) {
        (void)json_object_set_new(root, "swap_unit", json_integer(geometry->unit_size));
        (void)json_object_set_new(root, "swap_units", json_integer(geometry->units));
        add_hex(root, "boundary_first", geometry->boundary_first);
        add_hex(root, "boundary_step", geometry->boundary_step);
        add_time(root, "revert", flashmap_revert_time(map));
    }
}

json_t *flashmap_to_json(const struct flashmap *map, const struct flashmap_report *report)
{
    bool good = !report || report->errors.count == 0;
    json_t *root = json_pack("{s:s, s:b}", "name", map->name, "ok", good);
    (void)json_object_set_new(root, "errors", lines_json(report ? &report->errors : NULL));
    (void)json_object_set_new(root, "notes", lines_json(report ? &report->notes : NULL));
    if (good) {
        add_checked(root, map);
    }
    return root;
}
