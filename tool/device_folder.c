/* SPDX-License-Identifier: Apache-2.0 */
/* device_folder.c - a host board's folder, read and checked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "otter/result.h"
#include "tool/device_folder.h"
#include "tool/jws.h"

#define SMALL_FILE_MAX (1024u * 1024u)

const char *device_job_key(size_t index, char buf[DEVICE_NAME_SIZE])
{
    (void)snprintf(buf, DEVICE_NAME_SIZE, "job_key_%zu.pem", index + 1);
    return buf;
}

char *device_path(const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        (void)tool_refuse("out of memory");
        return NULL;
    }
    return path;
}

bool device_parts(const struct flashmap *map, struct sim_geometry parts[SIM_DEVICES_MAX])
{
    if (map->devices_count > SIM_DEVICES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        const struct sim_geometry *part = sim_part(device->timing);
        if (!part) {
            return false;
        }
        parts[i] = *part;
        parts[i].size = device->size;
        parts[i].sector_size = device->sector_size;
        parts[i].block_size = device->block_size;
        parts[i].prog_size = device->prog_size;
        parts[i].erased = device->erased;
        parts[i].row_write = device->row_write;
    }
    return true;
}

void device_folder_layout(struct device_folder *folder)
{
    const struct otter_flash *flash[FLASHMAP_DEVICES_MAX] = {NULL};
    for (uint32_t i = 0; i < folder->map.devices_count && i < SIM_DEVICES_MAX; i++) {
        flash[i] = &folder->device.flash.devices[i].flash;
    }
    flashmap_layout(&folder->map, flash, &folder->device.layout);
}

/* A file of the folder that device.json names or not. */
static int read_part(const struct device_folder *folder, const char *name, struct tool_bytes *ret_bytes)
{
    if (!name) {
        return 0;
    }
    char *path = device_path(folder->path, name);
    int rc = path ? tool_read_file(path, SMALL_FILE_MAX, ret_bytes) : TOOL_REFUSED;
    free(path);
    return rc;
}

struct numbers {
    json_int_t port, poll_ms, initial_ms, retry_ms, retry_max_ms, stall_ms, trial_ms, health_ms, trial_boots, watchdog_ms,
        range_size, job_keys, hardware_revision;
    int plain, permanent, no_report, no_clock;
};

struct names {
    const char *map, *mode, *ca, *cert, *key, *token;
};

static bool in_range(const struct numbers *n)
{
    const json_int_t spans[] = {n->poll_ms,  n->initial_ms, n->retry_ms,    n->retry_max_ms, n->stall_ms,
                                n->trial_ms, n->health_ms,  n->watchdog_ms, n->range_size, n->hardware_revision};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (spans[i] < 0 || spans[i] > 2147483647) {
            return false;
        }
    }
    return n->port > 0 && n->port <= 0xffff && n->trial_boots > 0 && n->trial_boots <= 15 && n->watchdog_ms > 0 &&
           n->job_keys >= 0 && n->job_keys <= (json_int_t)HOST_KEYS_MAX;
}

static int unpack(struct device_folder *folder, const char *path, struct numbers *n, struct names *names)
{
    struct host_config *config = &folder->device.config;
    json_error_t error;
    int rc = json_unpack_ex(
        folder->json, &error, 0,
        "{s:{s:s, s:I, s:b}, s:s, s:s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s,"
        " s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s?s, s?s, s?I, s?I, s?s, s?s}",
        "server", "host", &config->host, "port", &n->port, "plain", &n->plain, "map", &names->map, "board",
        &config->board, "mode", &names->mode, "product", &config->product, "manufacturer", &config->manufacturer,
        "manufacturer_id", &config->manufacturer_id, "serial", &config->serial, "device_id", &config->device_id,
        "ca", &names->ca, "cert", &names->cert, "client_key", &names->key, "poll_ms", &n->poll_ms, "initial_ms",
        &n->initial_ms, "retry_ms", &n->retry_ms, "retry_max_ms", &n->retry_max_ms, "stall_ms", &n->stall_ms, "trial_ms", &n->trial_ms, "health_ms", &n->health_ms,
        "trial_boots", &n->trial_boots, "watchdog_ms", &n->watchdog_ms, "range_size", &n->range_size, "permanent",
        &n->permanent, "no_report", &n->no_report, "no_clock", &n->no_clock, "job_path",
        &config->job_path, "image_path", &config->image_path, "job_keys", &n->job_keys, "hardware_revision",
        &n->hardware_revision, "ring", &config->ring, "token", &names->token);
    if (rc != 0) {
        return tool_refuse("'%s': %s; make the device again with `otter device init`", path, error.text);
    }
    if (!in_range(n)) {
        return tool_refuse("'%s': a number is out of range; make the device again with `otter device init`", path);
    }
    return 0;
}

static void take_hosts(struct device_folder *folder)
{
    struct host_config *config = &folder->device.config;
    const json_t *hosts = json_object_get(folder->json, "hosts");
    for (size_t i = 0; i < json_array_size(hosts) && i < HOST_HOSTS_MAX; i++) {
        const char *host = json_string_value(json_array_get(hosts, i));
        if (host) {
            config->hosts[config->hosts_count++] = host;
        }
    }
}

static void take_numbers(struct device_folder *folder, const struct numbers *n)
{
    struct host_config *config = &folder->device.config;
    config->port = (uint16_t)n->port;
    config->plain = n->plain;
    config->poll_ms = (uint32_t)n->poll_ms;
    config->initial_ms = (uint32_t)n->initial_ms;
    config->retry_max_ms = (uint32_t)n->retry_max_ms;
    config->stall_ms = (uint32_t)n->stall_ms;
    config->retry_ms = (uint32_t)n->retry_ms;
    config->trial_ms = (uint32_t)n->trial_ms;
    config->health_ms = (uint32_t)n->health_ms;
    config->trial_boots = (uint8_t)n->trial_boots;
    config->range_size = (uint32_t)n->range_size;
    config->hardware_revision = (uint32_t)n->hardware_revision;
    config->permanent = n->permanent;
    config->no_report = n->no_report;
    config->no_clock = n->no_clock;
    folder->watchdog_ms = (uint32_t)n->watchdog_ms;
}

static int load_map(struct device_folder *folder, const struct names *names)
{
    bool copied = strcmp(names->map, DEVICE_MAP) == 0;
    char *path = copied ? device_path(folder->path, DEVICE_MAP) : strdup(names->map);
    struct flashmap_options options = {.mode = names->mode};
    int rc = path ? flashmap_open(path, &options, &folder->map) : TOOL_REFUSED;
    free(path);
    return rc;
}

static int load_key(struct device_folder *folder)
{
    char *path = device_path(folder->path, DEVICE_KEY);
    struct tool_key *key = calloc(1, sizeof *key);
    int rc = path && key ? tool_key_read(path, false, key) : TOOL_REFUSED;
    free(path);
    if (rc != 0) {
        free(key);
        return rc;
    }
    folder->boot_key = key;
    folder->device.keys[0] = key->verify;
    folder->device.keys_count = 1;
    return 0;
}

/* A key that is named but not there is an error: a device must not fall back to plain jobs. */
static int load_job_keys(struct device_folder *folder, size_t count)
{
    struct host_config *config = &folder->device.config;
    folder->job_keys = count > 0 ? calloc(count, sizeof *folder->job_keys) : NULL;
    if (count > 0 && !folder->job_keys) {
        return tool_refuse("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        char name[DEVICE_NAME_SIZE];
        char *path = device_path(folder->path, device_job_key(i, name));
        int rc = path ? tool_job_key_read(path, false, &folder->job_keys[i]) : TOOL_REFUSED;
        free(path);
        if (rc != 0) {
            return rc;
        }
        folder->job_keys_count = i + 1;
        config->job_keys[i] = folder->job_keys[i].verify;
    }
    config->job_keys_count = count;
    return 0;
}

static int load_token(struct device_folder *folder, const char *name)
{
    struct tool_bytes bytes = {NULL, 0};
    int rc = read_part(folder, name, &bytes);
    if (rc == 0 && name) {
        folder->token = strndup((const char *)bytes.data, bytes.len);
        folder->device.config.token = folder->token;
        rc = folder->token ? 0 : tool_refuse("out of memory");
    }
    tool_bytes_free(&bytes);
    return rc;
}

static int load_certificates(struct device_folder *folder, const struct names *names)
{
    struct host_config *config = &folder->device.config;
    int rc = read_part(folder, names->ca, &folder->ca);
    rc = rc ? rc : read_part(folder, names->cert, &folder->cert);
    rc = rc ? rc : read_part(folder, names->key, &folder->key);
    config->ca = folder->ca.data;
    config->ca_len = folder->ca.len;
    config->cert = folder->cert.data;
    config->cert_len = folder->cert.len;
    config->key = folder->key.data;
    config->key_len = folder->key.len;
    return rc;
}

static int load_json(struct device_folder *folder, const char *path)
{
    struct tool_bytes bytes;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return tool_refuse("'%s' is not a device's folder: it has no " DEVICE_FILE "; `otter device init` makes one",
                           folder->path);
    }
    int rc = tool_read_file(path, SMALL_FILE_MAX, &bytes);
    if (rc != 0) {
        return rc;
    }
    json_error_t error;
    folder->json = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &error);
    tool_bytes_free(&bytes);
    return folder->json ? 0 : tool_refuse("'%s' line %d: %s", path, error.line, error.text);
}

int device_folder_open(struct device_folder *folder, const char *path)
{
    memset(folder, 0, sizeof *folder);
    folder->path = path;
    folder->flash_path = device_path(path, DEVICE_FLASH);
    char *json_path = device_path(path, DEVICE_FILE);
    struct numbers numbers = {0};
    struct names names = {0};
    int rc = folder->flash_path && json_path ? load_json(folder, json_path) : TOOL_REFUSED;
    rc = rc ? rc : unpack(folder, json_path, &numbers, &names);
    if (rc == 0) {
        take_numbers(folder, &numbers);
        take_hosts(folder);
        rc = load_map(folder, &names);
    }
    rc = rc ? rc : load_key(folder);
    rc = rc ? rc : load_job_keys(folder, (size_t)numbers.job_keys);
    rc = rc ? rc : load_token(folder, names.token);
    rc = rc ? rc : load_certificates(folder, &names);
    if (rc == 0) {
        folder->device.flash_path = folder->flash_path;
        device_folder_layout(folder);
    }
    free(json_path);
    return rc;
}

int device_flash_view(struct device_folder *folder)
{
    int err = sim_board_view(&folder->device.flash, folder->flash_path, 1);
    return err < 0 ? tool_refuse("cannot read '%s': %s", folder->flash_path,
                                 err == OTTER_ERR_IO ? strerror(errno) : "not a flash file")
                   : 0;
}

void device_folder_close(struct device_folder *folder)
{
    json_decref(folder->json);
    tool_bytes_free(&folder->ca);
    tool_bytes_free(&folder->cert);
    tool_bytes_free(&folder->key);
    if (folder->boot_key) {
        tool_key_free(folder->boot_key);
        free(folder->boot_key);
    }
    for (size_t i = 0; i < folder->job_keys_count; i++) {
        tool_key_free(&folder->job_keys[i]);
    }
    free(folder->job_keys);
    free(folder->token);
    free(folder->flash_path);
}
