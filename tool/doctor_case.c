/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_case.c - the device that is asked about: a folder's own flash, or one made to be like
 * what a status or a report tells.
 *
 * A made device runs an empty image of the right version, signed with a key made for it; what
 * it remembers (floor, rejects, the newest job) is put into the agent's state (doctor_run.c).
 */
#include <stdlib.h>
#include <string.h>

#include "otter/result.h"
#include "tool/doctor.h"
#include "tool/print.h"
#include "tool/sign.h"

enum { FILE_MAX_SIZE = 1 << 20, EMPTY_SIZE = 64, HEADER_SIZE = 0x400 };
#define MAP_DEFAULT "psoc62_2m_ext_swap_single"

static int open_folder(struct doctor_case *doctor, const char *path)
{
    struct device_folder *folder = &doctor->device;
    int rc = device_folder_open(folder, path);
    rc = rc ? rc : device_flash_view(folder);
    if (rc != 0) {
        return rc;
    }
    doctor->has_flash = true;
    doctor->knows_keys = true;
    return 0;
}

static int read_json(const char *path, json_t **ret_root)
{
    struct tool_bytes bytes;
    json_error_t error;
    int rc = tool_read_file(path, FILE_MAX_SIZE, &bytes);
    if (rc != 0) {
        return rc;
    }
    *ret_root = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &error);
    tool_bytes_free(&bytes);
    return json_is_object(*ret_root) ? 0 : tool_refuse("'%s' line %d: %s", path, error.line, *ret_root ? "no JSON object" : error.text);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* ---- what is known of a made device ---- */
static void add_reject(struct doctor_case *doctor, const char *version, const char *hash)
{
    struct doctor_memory *memory = &doctor->memory;
    struct otter_reject *reject = &memory->rejects[memory->rejects_count];
    size_t len = 0;
    if (memory->rejects_count < OTTER_REJECTS_MAX && tool_version_parse(version, &reject->version)) {
        if (strlen(hash) == 2 * sizeof reject->hash) {
            (void)tool_unhex(hash, reject->hash, &len);
        }
        memory->rejects_count++;
    }
}

static int take_status(struct doctor_case *doctor, const char *path, const json_t *root)
{
    struct doctor_memory *memory = &doctor->memory;
    const char *running = text(json_object_get(root, "primary"), "version");
    size_t i;
    json_t *reject;
    if (!tool_version_parse(running, &memory->running)) {
        return tool_refuse("'%s' does not tell what runs (primary, version): is it from `otter device status --json`?", path);
    }
    (void)tool_version_parse(text(root, "floor"), &memory->floor);
    memory->job_sequence = (uint32_t)json_integer_value(json_object_get(root, "job_sequence"));
    json_array_foreach(json_object_get(root, "rejected"), i, reject)
    {
        add_reject(doctor, text(reject, "version"), text(reject, "sha256_begins"));
    }
    return 0;
}

static int take_report(struct doctor_case *doctor, const char *path, const json_t *root)
{
    struct doctor_memory *memory = &doctor->memory;
    bool confirmed = strcmp(text(root, "result"), "confirmed") == 0;
    if (!tool_version_parse(text(root, confirmed ? "to" : "from"), &memory->running)) {
        return tool_refuse("'%s' does not tell what runs (from, to): is it a device's report?", path);
    }
    memory->floor = memory->running;
    memory->job_sequence = (uint32_t)json_integer_value(json_object_get(root, "sequence"));
    if (strcmp(text(root, "result"), "reverted") == 0) {
        add_reject(doctor, text(root, "to"), "");
    }
    return 0;
}

/* ---- the made device ---- */
static void take_provision(struct doctor_case *doctor, const struct provision *provision)
{
    struct host_config *config = &doctor->device.device.config;
    config->host = provision->host ? provision->host : "server";
    config->port = provision->port;
    config->plain = provision->plain;
    config->product = provision->product;
    config->manufacturer = provision->manufacturer;
    config->manufacturer_id = provision->manufacturer_id;
    config->serial = provision->serial;
    config->device_id = provision->device_id;
    config->job_path = provision->job_path;
    config->image_path = provision->image_path;
    config->no_clock = provision->no_clock;
    config->permanent = provision->permanent;
    config->ring = provision->ring;
    config->hardware_revision = (uint32_t)provision->hardware_revision;
    for (size_t i = 0; i < provision->job_keys_count; i++) {
        config->job_keys[config->job_keys_count++] = provision->job_key[i].verify;
    }
    for (size_t i = 0; provision->hosts && provision->hosts[i] && i < HOST_HOSTS_MAX; i++) {
        config->hosts[config->hosts_count++] = provision->hosts[i];
    }
}

static int make_flash(struct doctor_case *doctor, const char *map, const char *mode)
{
    struct device_folder *folder = &doctor->device;
    struct sim_geometry parts[SIM_DEVICES_MAX];
    struct flashmap_options options = {.mode = mode[0] ? mode : NULL};
    int rc = flashmap_open(map, &options, &folder->map);
    if (rc != 0) {
        return rc;
    }
    if (!device_parts(&folder->map, parts) ||
        sim_board_create(&folder->device.flash, parts, folder->map.devices_count, 1, NULL) < 0) {
        return tool_refuse("flash map '%s': no memory for it, or a part that is not simulated", map);
    }
    doctor->has_flash = true;
    device_folder_layout(folder);
    return 0;
}

static int program_primary(struct doctor_case *doctor)
{
    static uint8_t program[HEADER_SIZE + EMPTY_SIZE];
    const struct otter_area *primary = &doctor->device.device.layout.primary;
    struct tool_bytes input = {program, sizeof program};
    struct tool_bytes image = {NULL, 0};
    int rc = tool_key_make("ecdsa-p256", &doctor->own_key);
    if (rc != 0) {
        return rc;
    }
    memset(program + HEADER_SIZE, 0x5a, EMPTY_SIZE);
    const struct tool_sign sign = {.key = &doctor->own_key, .version = doctor->memory.running, .header_size = HEADER_SIZE,
                                   .erased = primary->flash->erased};
    rc = tool_sign_image(&sign, &input, &image);
    if (rc == 0) {
        sim_flash_poke(sim_flash_of(primary), primary->base, image.data, image.len);
    }
    tool_bytes_free(&image);
    struct host_device *device = &doctor->device.device;
    device->keys[device->keys_count++] = doctor->own_key.verify;
    return rc;
}

static int read_keys(struct doctor_case *doctor, const char *const *paths)
{
    struct host_device *device = &doctor->device.device;
    for (; paths && *paths; paths++) {
        if (device->keys_count == HOST_KEYS_MAX) {
            return tool_usage("at most %u keys", HOST_KEYS_MAX - 1);
        }
        struct tool_key *key = &doctor->keys[doctor->keys_count];
        int rc = tool_key_read(*paths, false, key);
        if (rc != 0) {
            return rc;
        }
        doctor->keys_count++;
        doctor->knows_keys = true;
        device->keys[device->keys_count++] = key->verify;
    }
    return 0;
}

static int make_device(struct doctor_case *doctor, const struct doctor_source *source)
{
    struct host_config *config = &doctor->device.device.config;
    json_t *root = NULL;
    const char *path = source->status ? source->status : source->report;
    int rc = read_json(path, &root);
    doctor->told = root;
    rc = rc ? rc : source->status ? take_status(doctor, path, root) : take_report(doctor, path, root);
    doctor->is_made = true;
    if (rc == 0) {
        const char *map = source->map ? source->map : text(root, "map")[0] ? text(root, "map") : MAP_DEFAULT;
        rc = make_flash(doctor, map, text(root, "mode"));
    }
    if (rc == 0) {
        take_provision(doctor, source->provision);
        config->board = source->provision->board ? source->provision->board : text(root, "board");
        config->board = config->board[0] ? config->board : NULL;
        config->device_id = config->device_id ? config->device_id : text(root, "device");
        rc = program_primary(doctor);
    }
    return rc ? rc : read_keys(doctor, source->keys);
}

int doctor_case_open(struct doctor_case *doctor, const struct doctor_source *source)
{
    return source->device ? open_folder(doctor, source->device) : make_device(doctor, source);
}

void doctor_case_free(struct doctor_case *doctor)
{
    if (doctor->has_flash) {
        sim_board_close(&doctor->device.device.flash);
    }
    if (!doctor->is_made) {
        device_folder_close(&doctor->device);
    }
    for (size_t i = 0; i < doctor->keys_count; i++) {
        tool_key_free(&doctor->keys[i]);
    }
    if (doctor->own_key.pkey) {
        tool_key_free(&doctor->own_key);
    }
    doctor_patches_free(doctor);
    json_decref(doctor->told);
    json_decref(doctor->document);
    tool_bytes_free(&doctor->job);
    tool_bytes_free(&doctor->image);
}
