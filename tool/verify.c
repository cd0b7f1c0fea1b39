/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - `otter verify`: would a device take this image?
 *
 * Asks slot/image.c, the code that runs on the device. Without a key only form and hash can be
 * judged, and the answer says so.
 */
#include <jansson.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/firmware.h"
#include "tool/flashmap.h"
#include "tool/image_file.h"
#include "tool/print.h"

#define KEYS_MAX 16

struct task {
    const char *path;
    const char **key_paths;
    struct tool_key keys[KEYS_MAX];
    size_t keys_count;
    uint64_t size_max; /* 0: no slot named */
    bool json;
};

static int read_keys(struct task *task)
{
    for (const char **path = task->key_paths; path && *path; path++) {
        if (task->keys_count == KEYS_MAX) {
            return tool_usage("at most %d keys", KEYS_MAX);
        }
        int rc = tool_key_read(*path, false, &task->keys[task->keys_count]);
        if (rc != 0) {
            return rc;
        }
        task->keys_count++;
    }
    return 0;
}

static int size_limit(const char *map_name, const char *slot_size, uint64_t *ret_max)
{
    *ret_max = 0;
    if (map_name && slot_size) {
        return tool_usage("give --map or --slot-size, not both");
    }
    if (slot_size && (!tool_number(slot_size, UINT32_MAX, ret_max) || *ret_max == 0)) {
        return tool_usage("--slot-size '%s': a number of bytes is needed", slot_size);
    }
    if (!map_name) {
        return 0;
    }
    static const struct flashmap_options plain = {.kit = NULL};
    struct flashmap map;
    int rc = flashmap_open(map_name, &plain, &map);
    if (rc == 0) {
        *ret_max = map.geometry[0].image_size_max;
    }
    return rc;
}

static const struct tool_key *signer_of(const struct task *task, const struct otter_key *signer)
{
    for (size_t i = 0; i < task->keys_count; i++) {
        if (signer && signer->pubkey == task->keys[i].der.data) {
            return &task->keys[i];
        }
    }
    return NULL;
}

static void print_json(const struct task *task, const struct tool_verdict *verdict, int fault,
                       const char *why)
{
    char text[2 * OTTER_HASH_SIZE + 1];
    char version[TOOL_VERSION_SIZE];
    json_t *root = json_object();
    json_object_set_new(root, "file", json_string(task->path));
    json_object_set_new(root, "ok", json_boolean(fault == 0));
    json_object_set_new(root, "signature", json_string(task->keys_count == 0 ? "not-checked"
                                                       : fault == 0          ? "good"
                                                                             : "refused"));
    if (fault != 0) {
        json_object_set_new(root, "fault", json_string(tool_fault_name(fault)));
        json_object_set_new(root, "reason", json_string(why));
    }
    if (verdict->parsed) {
        const struct otter_image *image = &verdict->image;
        json_object_set_new(root, "version", json_string(tool_version_text(&image->version, version)));
        json_object_set_new(root, "size", json_integer(image->size));
        json_object_set_new(root, "sha256", json_string(tool_hex(image->hash, OTTER_HASH_SIZE, text)));
    }
    const struct tool_key *key = signer_of(task, verdict->signer);
    if (fault == 0 && key) {
        json_object_set_new(root, "key", json_string(tool_hex(key->hash, OTTER_HASH_SIZE, text)));
    }
    (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(root);
}

static void print_good(const struct task *task, const struct tool_verdict *verdict)
{
    char version[TOOL_VERSION_SIZE];
    const struct tool_key *key = signer_of(task, verdict->signer);
    printf("%s: version %s, %u bytes, hash good, ", task->path,
           tool_version_text(&verdict->image.version, version), (unsigned)verdict->image.size);
    if (key) {
        fputs("signed by ", stdout);
        fputs(key->name, stdout);
        fputs(" key ", stdout);
        tool_print_hex(stdout, key->hash, 8);
        putchar('\n');
    } else {
        puts("signature NOT checked: give --key");
    }
}

static int judge(const struct task *task, const struct tool_bytes *bytes)
{
    struct otter_key keys[KEYS_MAX];
    struct otter_flash flash;
    struct otter_area area;
    struct tool_verdict verdict;
    char why[TOOL_WHY_SIZE];
    for (size_t i = 0; i < task->keys_count; i++) {
        keys[i] = task->keys[i].verify;
    }
    tool_memory_flash(bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    tool_image_judge(&view, keys, task->keys_count, &verdict);
    int fault = verdict.fault;
    if (fault == OTTER_IMAGE_NOT_SIGNED && task->keys_count == 0) {
        fault = 0;
    }
    (void)tool_fault_why(fault, bytes, why);
    if (fault == 0 && task->size_max != 0 && verdict.image.size > task->size_max) {
        fault = OTTER_IMAGE_TOO_LARGE;
        (void)snprintf(why, sizeof why, "the image has %u bytes, the slot takes %llu",
                       (unsigned)verdict.image.size, (unsigned long long)task->size_max);
    }
    if (task->json) {
        print_json(task, &verdict, fault, why);
    } else if (fault == 0) {
        print_good(task, &verdict);
    }
    if (fault != 0) {
        return task->json ? TOOL_REFUSED : tool_refuse("'%s': %s", task->path, why);
    }
    return TOOL_OK;
}

static int verify(struct task *task, const char *map_name, const char *slot_size)
{
    struct tool_firmware file;
    int rc = size_limit(map_name, slot_size, &task->size_max);
    rc = rc ? rc : read_keys(task);
    rc = rc ? rc : tool_firmware_read(task->path, &file);
    if (rc == 0) {
        rc = judge(task, &file.bytes);
        tool_bytes_free(&file.bytes);
    }
    for (size_t i = 0; i < task->keys_count; i++) {
        tool_key_free(&task->keys[i]);
    }
    return rc;
}

int tool_verify(int argc, const char **argv)
{
    struct task task = {.path = NULL};
    char *map_name = NULL;
    char *slot_size = NULL;
    int json = 0;
    const struct poptOption table[] = {
        {"key", 'k', POPT_ARG_ARGV, &task.key_paths, 0, "a key that devices trust; may be repeated",
         "KEY.pem"},
        {"map", 0, POPT_ARG_STRING, &map_name, 0, "flash map that the image must fit", "MAP"},
        {"slot-size", 'S', POPT_ARG_STRING, &slot_size, 0, "bytes that the image must fit", "N"},
        {"json", 0, POPT_ARG_NONE, &json, 0, "one JSON object for machines", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("verify", argc, argv, table, "[--key KEY.pem]... [--map MAP | --slot-size N] IMAGE",
                     &context, &args, &rc) != 0) {
        free(map_name);
        free(slot_size);
        tool_list_free(task.key_paths);
        return rc;
    }
    task.json = json != 0;
    task.path = args[0];
    rc = args[0] && !args[1] ? verify(&task, map_name, slot_size)
                             : tool_usage("one image is needed: `otter verify --key KEY.pem IMAGE`");
    free(map_name);
    free(slot_size);
    tool_list_free(task.key_paths);
    poptFreeContext(context);
    return rc;
}
