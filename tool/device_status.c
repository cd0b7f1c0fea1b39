/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_status.c - `otter device status`: what a host board's flash says.
 *
 * Looks at a private view of the flash file, so it changes nothing and may be used while
 * the device runs (it then sees what a power cut at this moment would leave).
 */
#include <fcntl.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "board/host/event.h"
#include "board/host/script.h"
#include "otter/result.h"
#include "tool/device.h"
#include "tool/device_folder.h"
#include "tool/print.h"

#define HASH_SHOWN 8u /* bytes */

static json_t *version_json(const struct otter_version *version)
{
    char text[HOST_VERSION_SIZE];
    host_version_print(version, text);
    return json_string(text);
}

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
    char text[2 * OTTER_HASH_SIZE + 1];
    return json_string(tool_hex(bytes, len, text));
}

/* An image at the start of an area, or null. */
static json_t *slot_json(const struct device_folder *folder, const struct otter_area *slot)
{
    struct otter_view view = otter_view_of(slot);
    struct otter_image image;
    if (slot->size == 0 || otter_image_parse(&view, &image) < 0) {
        return json_null();
    }
    int err = otter_image_verify(&view, &image, folder->device.keys, folder->device.keys_count, NULL, NULL);
    return json_pack("{s:o, s:I, s:o, s:b}", "version", version_json(&image.version), "size", (json_int_t)image.size,
                     "sha256", hex_json(image.hash, OTTER_HASH_SIZE), "verified", (int)(err == 0));
}

/* After a swap the previous image lies one unit up in the secondary; null when it does not,
 * or when its top is in the scratch area. */
static json_t *fallback_json(const struct device_folder *folder, const struct otter_state *state)
{
    struct otter_area up = folder->device.layout.secondary;
    if (state->old_size == 0 || state->unit_size == 0 || state->unit_size >= up.size) {
        return json_null();
    }
    up.base += state->unit_size;
    up.size -= state->unit_size;
    json_t *found = slot_json(folder, &up);
    if (!json_is_true(json_object_get(found, "verified"))) {
        json_decref(found);
        return json_null();
    }
    return found;
}

static json_t *rejects_json(const struct otter_state *state)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < state->rejects_count; i++) {
        (void)json_array_append_new(list, json_pack("{s:o, s:o}", "version", version_json(&state->rejects[i].version),
                                                    "sha256_begins",
                                                    hex_json(state->rejects[i].hash, OTTER_REJECT_HASH_SIZE)));
    }
    return list;
}

static json_t *wear_json(const struct sim_flash *flash, const char *name)
{
    uint64_t total = 0;
    uint32_t worst = 0;
    uint32_t sectors = flash->geometry.size / flash->geometry.sector_size;
    for (uint32_t i = 0; i < sectors; i++) {
        total += flash->wear[i];
        worst = flash->wear[i] > worst ? flash->wear[i] : worst;
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "device", name, "part", flash->geometry.name, "sectors",
                     (json_int_t)sectors, "sector_size", (json_int_t)flash->geometry.sector_size, "erases",
                     (json_int_t)total, "worst_sector", (json_int_t)worst);
}

static json_t *wears_json(const struct device_folder *folder)
{
    json_t *wear = json_array();
    for (unsigned i = 0; i < folder->device.flash.devices_count; i++) {
        (void)json_array_append_new(wear, wear_json(&folder->device.flash.devices[i], folder->map.devices[i].name));
    }
    return wear;
}

static bool is_blank(const struct otter_area *area)
{
    for (uint32_t off = 0; off < area->size; off++) {
        uint8_t byte;
        sim_flash_peek(sim_flash_of(area), area->base + off, &byte, 1);
        if (byte != area->flash->erased) {
            return false;
        }
    }
    return true;
}

static bool is_running(const struct device_folder *folder)
{
    int fd = open(folder->flash_path, O_RDONLY | O_CLOEXEC);
    bool running = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return running;
}

static const char *journal_word(const struct otter_layout *layout)
{
    if (layout->journal.size == 0) {
        return "none";
    }
    return is_blank(&layout->journal) ? "blank" : "present";
}

/* The running image is on trial only in that phase; in others it is the confirmed one. */
static json_t *status_json(struct device_folder *folder)
{
    const struct otter_layout *layout = &folder->device.layout;
    const char *journal = journal_word(layout);
    json_t *wear = wears_json(folder); /* before the state is opened: that may erase, in the view */
    struct otter_state state;
    int err = otter_state_open(&state, layout);
    if (err < 0) {
        (void)tool_refuse("the journal cannot be read (%s)%s", otter_err_str(err),
                          err == OTTER_ERR_REFUSED ? ": it was written under another flash map" : "");
        json_decref(wear);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:s, s:i, s:s, s:o, s:I, s:o, s:{s:s, s:I}, s:o, s:I, s:{s:I, s:I}}", "map",
                     folder->map.name, "mode", layout->mode == OTTER_MODE_SWAP ? "swap" : "overwrite", "board",
                     folder->device.config.board, "running", (int)is_running(folder), "primary",
                     slot_json(folder, &layout->primary), "secondary", slot_json(folder, &layout->secondary), "fallback", fallback_json(folder, &state), "phase",
                     host_phase_str(state.phase), "attempts", (int)state.attempts, "reason",
                     otter_reason_str(state.reason), "rejected", rejects_json(&state), "download",
                     (json_int_t)state.download.off, "floor", version_json(&state.floor_version), "journal", "state",
                     journal, "sequence", (json_int_t)state.journal.seq, "wear", wear, "image_size_max",
                     (json_int_t)layout->image_size_max, "job", "sequence", (json_int_t)state.job_sequence, "issued",
                     (json_int_t)state.job_issued);
}

/* ---- for people ---- */

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_slot(const char *name, const json_t *slot)
{
    if (json_is_null(slot)) {
        printf("%-10s no image\n", name);
        return;
    }
    printf("%-10s %s, %lld bytes, SHA-256 %.*s..., %s\n", name, text(slot, "version"),
           (long long)number(slot, "size"), (int)(2 * HASH_SHOWN), text(slot, "sha256"),
           json_is_true(json_object_get(slot, "verified")) ? "verified" : "does not verify");
}

static void print_state(const json_t *status)
{
    const char *phase = text(status, "phase");
    printf("%-10s %s", "phase", phase);
    if (strcmp(phase, "trial") == 0) {
        printf(", %d trial boots begun", (int)number(status, "attempts"));
    }
    puts(strcmp(phase, "idle") == 0 ? ": the primary is confirmed" : "");
    if (strcmp(text(status, "reason"), "none") != 0) {
        printf("%-10s the last image was not kept: %s; not reported yet\n", "reason", text(status, "reason"));
    }
    size_t index;
    json_t *reject;
    const json_t *rejected = json_object_get(status, "rejected");
    json_array_foreach(rejected, index, reject)
    {
        printf("%-10s %s, SHA-256 %.*s..., never tried again\n", index == 0 ? "rejected" : "", text(reject, "version"),
               (int)(2 * HASH_SHOWN), text(reject, "sha256_begins"));
    }
    if (number(status, "download") > 0) {
        printf("%-10s %lld bytes so far\n", "download", (long long)number(status, "download"));
    }
}

static void print_status(const json_t *status)
{
    printf("%-10s %s (%s), board %s%s\n", "device", text(status, "map"), text(status, "mode"), text(status, "board"),
           json_is_true(json_object_get(status, "running")) ? ", running now" : "");
    print_slot("primary", json_object_get(status, "primary"));
    print_slot("secondary", json_object_get(status, "secondary"));
    if (!json_is_null(json_object_get(status, "fallback"))) {
        print_slot("fallback", json_object_get(status, "fallback"));
    }
    print_state(status);
    const json_t *journal = json_object_get(status, "journal");
    if (strcmp(text(journal, "state"), "present") == 0) {
        printf("%-10s %lld records written so far\n", "journal", (long long)number(journal, "sequence"));
    } else {
        printf("%-10s %s\n", "journal", text(journal, "state"));
    }
    size_t index;
    json_t *wear;
    json_array_foreach(json_object_get(status, "wear"), index, wear)
    {
        printf("%-10s %s (%s): %lld erases, at most %lld of one sector\n", index == 0 ? "wear" : "",
               text(wear, "device"), text(wear, "part"), (long long)number(wear, "erases"),
               (long long)number(wear, "worst_sector"));
    }
}

static int show_status(struct device_folder *folder, const char *path, bool as_json)
{
    int rc = device_folder_open(folder, path);
    if (rc != 0) {
        return rc;
    }
    rc = device_flash_view(folder);
    if (rc != 0) {
        return rc;
    }
    json_t *status = status_json(folder);
    sim_board_close(&folder->device.flash);
    if (!status) {
        return TOOL_REFUSED;
    }
    if (as_json) {
        (void)json_dumpf(status, stdout, JSON_INDENT(2));
        puts("");
    } else {
        print_status(status);
    }
    json_decref(status);
    return TOOL_OK;
}

int device_status(int argc, const char **argv)
{
    static struct device_folder folder;
    int as_json = 0;
    struct poptOption table[] = {
        {"json", 0, POPT_ARG_NONE, &as_json, 0, "for machines", NULL},
        {"help", 0, POPT_ARG_NONE, NULL, 0, "show this", NULL},
        POPT_TABLEEND,
    };
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("device status", argc, argv, table, "[--json] DIR", &context, &args, &rc) != 0) {
        return rc;
    }
    if (!args[0] || args[1]) {
        rc = tool_usage("one device folder is needed");
    } else {
        rc = show_status(&folder, args[0], as_json != 0);
        device_folder_close(&folder);
    }
    poptFreeContext(context);
    return rc;
}
