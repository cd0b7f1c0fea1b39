/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_folder.c - everything that lies on a host board's flash: each area of its map, the images
 * in its slots, and every journal record that can be read, in the order of its place.
 *
 * Works on a private view of the file, so the device may be running.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/host/event.h"
#include "slot/bytes.h"
#include "slot/journal.h"
#include "tool/device_folder.h"
#include "tool/inspect.h"
#include "tool/print.h"

static struct otter_area area_of(const struct device_folder *folder, const struct flashmap_area *area)
{
    return (struct otter_area){&folder->device.flash.devices[area->device].flash, area->base, area->size};
}

static int read_area(const struct otter_area *area, struct tool_bytes *ret_bytes)
{
    ret_bytes->len = area->size;
    ret_bytes->data = malloc(area->size + 1u);
    if (!ret_bytes->data) {
        return tool_refuse("out of memory");
    }
    sim_flash_peek(sim_flash_of(area), area->base, ret_bytes->data, area->size);
    return 0;
}

static bool is_blank(const struct tool_bytes *bytes, uint8_t erased)
{
    for (size_t i = 0; i < bytes->len; i++) {
        if (bytes->data[i] != erased) {
            return false;
        }
    }
    return true;
}

/* A word for what is in a slot, and the image there when it has one. */
static json_t *slot_json(const struct device_folder *folder, const struct otter_area *area,
                         const struct tool_bytes *bytes)
{
    struct tool_verdict verdict;
    struct otter_view view = otter_view_of(area);
    char version[TOOL_VERSION_SIZE];
    char hash[2 * OTTER_HASH_SIZE + 1];
    char why[TOOL_WHY_SIZE];
    tool_image_judge(&view, folder->device.keys, folder->device.keys_count, &verdict);
    if (!verdict.parsed) {
        return is_blank(bytes, area->flash->erased)
                   ? json_pack("{s:s}", "content", "blank")
                   : json_pack("{s:s, s:s}", "content", "no image", "reason",
                               tool_fault_why(verdict.fault, bytes, why));
    }
    json_t *json = json_pack("{s:s, s:s, s:I, s:s, s:b}", "content", "image", "version",
                             tool_version_text(&verdict.image.version, version), "size",
                             (json_int_t)verdict.image.size, "sha256",
                             tool_hex(verdict.image.hash, OTTER_HASH_SIZE, hash), "verified",
                             (int)(verdict.fault == 0));
    if (verdict.fault != 0) {
        json_object_set_new(json, "reason", json_string(tool_fault_why(verdict.fault, bytes, why)));
    }
    return json;
}

static void describe_state(const struct otter_record *record, char *text, size_t size)
{
    unsigned attempts = record->verdict & 15u;
    int len = snprintf(text, size, "%s", host_phase_str((enum otter_phase)record->phase));
    if (attempts != 0) {
        len += snprintf(text + len, size - (size_t)len, ", attempt %u", attempts);
    }
    if (record->verdict >> 4 != 0) {
        len += snprintf(text + len, size - (size_t)len, ", reason %s",
                        otter_reason_str((enum otter_reason)(record->verdict >> 4)));
    }
    if ((record->flags & OTTER_RECORD_PERM) != 0) {
        len += snprintf(text + len, size - (size_t)len, ", permanent");
    }
    if (load_le32(record->body + 12) != 0) {
        (void)snprintf(text + len, size - (size_t)len, ", units out %u in %u of %u bytes, sizes %u and %u",
                       (unsigned)load_le16(record->body), (unsigned)load_le16(record->body + 2),
                       (unsigned)load_le32(record->body + 12), (unsigned)load_le32(record->body + 4),
                       (unsigned)load_le32(record->body + 8));
    }
}

static void describe_image(const uint8_t *hash, const uint8_t *raw, char *text, size_t size)
{
    const struct otter_version version = {raw[0], raw[1], (uint16_t)load_le16(raw + 2), load_le32(raw + 4)};
    char version_text[TOOL_VERSION_SIZE];
    char hex[2 * OTTER_REJECT_HASH_SIZE + 1] = "";
    if (hash) {
        (void)tool_hex(hash, OTTER_REJECT_HASH_SIZE, hex);
    }
    (void)snprintf(text, size, "version %s%s%s", tool_version_text(&version, version_text),
                   hash ? ", SHA-256 begins " : "", hex);
}

static void describe(const struct otter_record *record, char *text, size_t size)
{
    size_t len;
    switch ((enum otter_record_type)record->type) {
    case OTTER_RECORD_HEAD:
        (void)snprintf(text, size, "vouches for %u records from %u on", (unsigned)load_le32(record->body + 4),
                       (unsigned)load_le32(record->body));
        break;
    case OTTER_RECORD_STATE:
        describe_state(record, text, size);
        break;
    case OTTER_RECORD_IMAGE:
    case OTTER_RECORD_REJECT:
        describe_image(record->body, record->body + OTTER_REJECT_HASH_SIZE, text, size);
        break;
    case OTTER_RECORD_FLOOR:
        describe_image(NULL, record->body, text, size);
        len = strlen(text);
        (void)snprintf(text + len, size - len, ", security counter %u", (unsigned)load_le32(record->body + 8));
        break;
    case OTTER_RECORD_DOWNLOAD:
        (void)snprintf(text, size, "%u bytes in the secondary", (unsigned)load_le32(record->body));
        break;
    }
}

static json_t *journal_json(const struct tool_bytes *bytes)
{
    static const char *const names[] = {"", "head", "state", "image", "reject", "floor", "download"};
    json_t *list = json_array();
    for (size_t off = 0; off + OTTER_RECORD_SIZE <= bytes->len; off += OTTER_RECORD_SIZE) {
        struct otter_record record;
        char text[160] = "";
        if (otter_record_decode(bytes->data + off, &record)) {
            describe(&record, text, sizeof text);
            json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:s, s:b}", "offset", (json_int_t)off, "seq",
                                                  (json_int_t)record.seq, "type", names[record.type], "says", text,
                                                  "follows", (int)(record.flags & OTTER_RECORD_FOLLOWS)));
        }
    }
    return list;
}

static json_t *area_json(const struct device_folder *folder, const struct flashmap_area *place)
{
    struct otter_area area = area_of(folder, place);
    struct tool_bytes bytes;
    if (read_area(&area, &bytes) != 0) {
        return NULL;
    }
    bool is_slot = place->role == FLASHMAP_PRIMARY || place->role == FLASHMAP_SECONDARY;
    json_t *json = is_slot ? slot_json(folder, &area, &bytes)
                           : json_pack("{s:s}", "content", is_blank(&bytes, area.flash->erased) ? "blank" : "data");
    if (place == flashmap_journal(&folder->map)) {
        json_object_set_new(json, "records", journal_json(&bytes));
    }
    json_object_set_new(json, "area", json_string(place->label));
    json_object_set_new(json, "device", json_string(folder->map.devices[place->device].name));
    json_object_set_new(json, "offset", json_integer(place->base));
    json_object_set_new(json, "bytes", json_integer(place->size));
    tool_bytes_free(&bytes);
    return json;
}

static json_t *flash_json(const struct device_folder *folder)
{
    json_t *areas = json_array();
    for (uint32_t i = 0; i < folder->map.areas_count; i++) {
        json_t *area = area_json(folder, &folder->map.areas[i]);
        if (!area) {
            json_decref(areas);
            return NULL;
        }
        json_array_append_new(areas, area);
    }
    return json_pack("{s:s, s:s, s:o}", "kind", "device", "map", folder->map.name, "areas", areas);
}

static const char *text(const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    return value ? value : "";
}

static void print_area(const json_t *area)
{
    printf("  %-12s %-10s 0x%08llx %10lld  %s", text(area, "area"), text(area, "device"),
           (long long)json_integer_value(json_object_get(area, "offset")),
           (long long)json_integer_value(json_object_get(area, "bytes")), text(area, "content"));
    if (strcmp(text(area, "content"), "image") == 0) {
        printf(" %s, %lld bytes, SHA-256 %.16s, %s", text(area, "version"),
               (long long)json_integer_value(json_object_get(area, "size")), text(area, "sha256"),
               json_is_true(json_object_get(area, "verified")) ? "verified" : text(area, "reason"));
    } else if (text(area, "reason")[0] != 0) {
        printf(": %s", text(area, "reason"));
    }
    putchar('\n');
}

static void print_journal(const json_t *records)
{
    size_t index;
    const json_t *record;
    printf("\n  %10s %8s  %-9s %s\n", "offset", "record", "type", "says");
    json_array_foreach(records, index, record)
    {
        printf("  0x%08llx %8lld  %-9s %s\n", (long long)json_integer_value(json_object_get(record, "offset")),
               (long long)json_integer_value(json_object_get(record, "seq")), text(record, "type"), text(record, "says"));
    }
}

static void print_flash(const char *path, const json_t *flash)
{
    size_t index;
    const json_t *area;
    const json_t *areas = json_object_get(flash, "areas");
    printf("%s: a device with the flash map %s\n\n", path, text(flash, "map"));
    printf("  %-12s %-10s %10s %10s  %s\n", "area", "device", "offset", "bytes", "content");
    json_array_foreach(areas, index, area)
    {
        print_area(area);
    }
    json_array_foreach(areas, index, area)
    {
        if (json_array_size(json_object_get(area, "records")) != 0) {
            print_journal(json_object_get(area, "records"));
        }
    }
}

int inspect_folder(const char *path, bool json)
{
    static struct device_folder folder; /* large, and must not move */
    int rc = device_folder_open(&folder, path);
    rc = rc ? rc : device_flash_view(&folder);
    if (rc == 0) {
        json_t *flash = flash_json(&folder);
        sim_board_close(&folder.device.flash);
        rc = flash ? TOOL_OK : TOOL_REFUSED;
        if (flash && json) {
            (void)json_dumpf(flash, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
            putchar('\n');
        } else if (flash) {
            print_flash(path, flash);
        }
        json_decref(flash);
    }
    device_folder_close(&folder);
    return rc;
}
