/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_folder.h - a host board's folder: device.json, flash.bin, keys and certificates.
 *
 * The folder is complete: the flash map, when it is not a built-in one, and every key and
 * certificate are copied into it by `otter device init`. One run at a time holds its lock.
 */
#ifndef OTTER_TOOL_DEVICE_FOLDER_H
#define OTTER_TOOL_DEVICE_FOLDER_H

#include <jansson.h>

#include "board/host/device.h"
#include "tool/flashmap.h"
#include "tool/tool.h"

#define DEVICE_FILE "device.json"
#define DEVICE_FLASH "flash.bin"
#define DEVICE_KEY "boot_key.pem" /* public */
#define DEVICE_MAP "flashmap.json"
#define DEVICE_CA "ca.crt"
#define DEVICE_CERT "client.crt"
#define DEVICE_CLIENT_KEY "client.key"
#define DEVICE_TOKEN "token"
#define DEVICE_MODE_DIGITS 4u
#define DEVICE_NAME_SIZE 24u

/* In place: the layout points into it, so it must not move. */
struct device_folder {
    const char *path;
    char *flash_path;
    json_t *json;
    struct tool_bytes ca, cert, key;
    struct tool_key *boot_key;
    struct tool_key *job_keys; /* HOST_KEYS_MAX; NULL: none */
    size_t job_keys_count;
    char *token;
    struct flashmap map;
    uint32_t watchdog_ms;
    struct host_device device;
};

/* Read everything but the flash itself. 0, or TOOL_REFUSED after saying why; close in
 * both cases. */
int device_folder_open(struct device_folder *folder, const char *path);
void device_folder_close(struct device_folder *folder);

/* Look into its flash file, of which nothing is written: sim_board_close ends it. 0, or
 * TOOL_REFUSED after saying why. */
int device_flash_view(struct device_folder *folder);

/* Bind a board's devices as the map has them: the layout of folder->device. */
void device_folder_layout(struct device_folder *folder);

/* The simulated parts of a map, in the order of its devices; false: one is unknown. */
bool device_parts(const struct flashmap *map, struct sim_geometry parts[SIM_DEVICES_MAX]);

/* The name of a job key's file, public, from 0; returns the buffer. */
const char *device_job_key(size_t index, char buf[DEVICE_NAME_SIZE]);

/* "FOLDER/NAME"; free() it. NULL: out of memory, said. */
char *device_path(const char *folder, const char *name);

#endif
