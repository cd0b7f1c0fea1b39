/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.c - `otter inspect`: what is in a file that has to do with updates.
 *
 * An image, a slot with its trailer, a signed job document, or a host board's folder. Exit code 1 when a device would
 * refuse what is shown.
 */
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/delta_show.h"
#include "tool/device_folder.h"
#include "tool/firmware.h"
#include "tool/inspect.h"
#include "tool/job_file.h"
#include "tool/jws.h"

/* 0 when the image fits the slots of a flash map; NULL: no map was named. */
static int check_fit(const char *path, const char *map_name, const struct inspect_image *image)
{
    static const struct flashmap_options plain = {.kit = NULL};
    struct flashmap map;
    if (!map_name || !image->has_header) {
        return 0;
    }
    int rc = flashmap_open(map_name, &plain, &map);
    if (rc != 0) {
        return rc;
    }
    uint32_t room = map.geometry[0].image_size_max;
    if (image->end > room) {
        return tool_refuse("'%s': the image has %llu bytes, the flash map takes %u", path,
                           (unsigned long long)image->end, (unsigned)room);
    }
    return 0;
}

static int inspect_file(const char *path, const char *map_name, bool json)
{
    struct tool_firmware file;
    int rc = tool_firmware_read(path, &file);
    if (rc != 0) {
        return rc;
    }
    struct inspect_image *image = malloc(sizeof *image);
    if (!image) {
        tool_bytes_free(&file.bytes);
        return tool_refuse("out of memory");
    }
    inspect_image_read(&file.bytes, image);
    int fit = check_fit(path, map_name, image);
    rc = fit == 0 && image->accepted ? TOOL_OK : TOOL_REFUSED;
    if (json) {
        json_t *root = inspect_image_json(image);
        json_object_set_new(root, "file", json_string(path));
        (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
        json_decref(root);
    } else if (image->has_header) {
        inspect_image_print(path, image);
    } else {
        rc = tool_refuse("'%s': %s", path, image->why);
    }
    free(image);
    tool_bytes_free(&file.bytes);
    return rc;
}

/* The folder of a device whose flash file this is; NULL: it is not one. free() it. */
static char *folder_of_flash(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (strcmp(slash ? slash + 1 : path, DEVICE_FLASH) != 0) {
        return NULL;
    }
    char *folder = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    char *settings = folder ? device_path(folder, DEVICE_FILE) : NULL;
    bool found = settings && access(settings, R_OK) == 0;
    free(settings);
    if (!found) {
        free(folder);
        folder = NULL;
    }
    return folder;
}

/* *ret_is: it is a signed job document, and the exit code is what came of it. */
static int try_jws(const char *path, const char *key_path, bool json, bool *ret_is)
{
    struct tool_bytes bytes = {NULL, 0};
    struct stat st;
    *ret_is = false;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)JOB_FILE_MAX) {
        return 0;
    }
    int rc = tool_read_file(path, JOB_FILE_MAX, &bytes);
    *ret_is = rc != 0 || tool_jws_is(bytes.data, bytes.len);
    if (rc == 0 && *ret_is) {
        rc = inspect_jws(path, &bytes, key_path, json);
    }
    tool_bytes_free(&bytes);
    return rc;
}

/* *ret_is: it is a patch, and its head was shown. */
static int try_patch(const char *path, bool json, bool *ret_is)
{
    uint8_t head[OTTER_DELTA_HEADER_SIZE];
    struct otter_delta_header header;
    struct tool_bytes bytes = {NULL, 0};
    struct delta_view view;
    FILE *in = fopen(path, "rbe");
    *ret_is = in && fread(head, 1, sizeof head, in) == sizeof head && otter_delta_read_header(head, sizeof head, &header) == 0;
    if (in) {
        (void)fclose(in);
    }
    int rc = *ret_is ? tool_read_file(path, OTTER_DELTA_SIZE_MAX, &bytes) : 0;
    if (rc == 0 && *ret_is) {
        delta_view_of(path, &bytes, NULL, &view);
        delta_say(&view, json);
    }
    tool_bytes_free(&bytes);
    return rc;
}

static int inspect(const char *path, const char *map_name, const char *key_path, bool json)
{
    struct stat st;
    bool is_jws = false;
    int tried = try_jws(path, key_path, json, &is_jws);
    if (is_jws) {
        return tried;
    }
    if (key_path) {
        return tool_usage("--job-key is for a signed job document, and '%s' is none", path);
    }
    bool is_patch = false;
    tried = try_patch(path, json, &is_patch);
    if (is_patch) {
        return tried;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return inspect_folder(path, json);
    }
    char *folder = folder_of_flash(path);
    int rc = folder ? inspect_folder(folder, json) : inspect_file(path, map_name, json);
    free(folder);
    return rc;
}

int tool_inspect(int argc, const char **argv)
{
    int json = 0;
    char *map_name = NULL;
    char *job_key = NULL;
    const struct poptOption table[] = {
        {"map", 0, POPT_ARG_STRING, &map_name, 0, "flash map that an image must fit", "MAP"},
        {"job-key", 0, POPT_ARG_STRING, &job_key, 0, "key that a signed job document is checked with", "KEY.pem"},
        {"json", 0, POPT_ARG_NONE, &json, 0, "one JSON object for machines", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("inspect", argc, argv, table, "[--json] [--map MAP] [--job-key KEY] FILE   (image, slot, signed job, patch, or a device's folder)",
                     &context, &args, &rc) != 0) {
        return rc;
    }
    if (!args[0] || args[1]) {
        rc = tool_usage("one file is needed: `otter inspect FILE`");
    } else {
        rc = inspect(args[0], map_name, job_key, json != 0);
    }
    free(map_name);
    free(job_key);
    poptFreeContext(context);
    return rc;
}
