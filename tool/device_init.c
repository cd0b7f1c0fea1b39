/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_init.c - `otter device init`: what a factory does to a new board.
 *
 * The flash is erased, the first image programmed into the primary slot, and the journal
 * left blank: the bootloader makes it at its first start. The folder is built beside its
 * place and renamed, so that it is there whole or not at all.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "otter/result.h"
#include "tool/device.h"
#include "tool/device_folder.h"
#include "tool/flashmap_kits.h"
#include "tool/key.h"
#include "tool/provision.h"

#define SMALL_FILE_MAX (1024u * 1024u)
#define IMAGE_FILE_MAX (64u * 1024u * 1024u)

_Static_assert(PROVISION_HOSTS_MAX == HOST_HOSTS_MAX && PROVISION_JOB_KEYS_MAX == HOST_KEYS_MAX,
               "what can be said can be kept");

struct init_options {
    char *map, *kit, *mode, *key, *image;
    int watchdog_ms;
};

struct init {
    struct init_options options;
    struct provision provision;
    const char *folder;
    char *aside; /* where it is built */
    struct flashmap map;
    struct tool_key key;
    struct tool_bytes image;
    struct sim_board flash;
    char board[PROVISION_BOARD_SIZE];
};

static int check_needed(struct init *init, const char **args)
{
    struct init_options *o = &init->options;
    if (!args[0] || args[1]) {
        return tool_usage("one new folder is needed; `otter device init --help` lists the options");
    }
    init->folder = args[0];
    if ((!o->map && !o->kit) || !o->key || !o->image || !init->provision.server) {
        return tool_usage("--map (or --kit), --key, --image and --server are needed; "
                          "`otter device init --help` lists the options");
    }
    if (o->watchdog_ms < 100) {
        return tool_usage("--watchdog-ms %d is less than 100", o->watchdog_ms);
    }
    return provision_check(&init->provision);
}

/* ---- what goes in ---- */

static int load_parts(struct init *init)
{
    const struct init_options *o = &init->options;
    const struct flashmap_kit *kit = o->kit ? flashmap_kit_find(o->kit) : NULL;
    if (o->kit && !kit) {
        return tool_usage("--kit '%s' is not known; `otter flashmap show --help` tells how to list kits", o->kit);
    }
    struct flashmap_options map_options = {.kit = o->kit, .mode = o->mode};
    int rc = flashmap_open(o->map ? o->map : kit->map, &map_options, &init->map);
    rc = rc ? rc : provision_board(&init->provision, &init->map, o->kit, init->board);
    rc = rc ? rc : tool_key_read(o->key, false, &init->key);
    rc = rc ? rc : provision_load_jobs(&init->provision, &init->key);
    return rc ? rc : tool_read_file(o->image, IMAGE_FILE_MAX, &init->image);
}

/* ---- the folder ---- */

static int write_part(const struct init *init, const char *name, const void *data, size_t len, unsigned mode)
{
    char *path = device_path(init->aside, name);
    int rc = path ? tool_write_file(path, data, len, mode) : TOOL_REFUSED;
    free(path);
    return rc;
}

static int copy_part(const struct init *init, const char *from, const char *name, unsigned mode)
{
    if (!from) {
        return 0;
    }
    struct tool_bytes bytes;
    int rc = tool_read_file(from, SMALL_FILE_MAX, &bytes);
    if (rc == 0) {
        rc = write_part(init, name, bytes.data, bytes.len, mode);
        tool_bytes_free(&bytes);
    }
    return rc;
}

/* A map that came from a file is kept in the folder; a built-in one goes by its name. */
static bool map_is_file(const struct init *init)
{
    struct stat st;
    return init->options.map && stat(init->options.map, &st) == 0;
}

static json_t *list(const char *const *strings)
{
    json_t *array = json_array();
    for (size_t i = 0; strings && strings[i]; i++) {
        (void)json_array_append_new(array, json_string(strings[i]));
    }
    return array;
}

static json_t *describe(const struct init *init)
{
    const struct provision *o = &init->provision;
    const char *map = map_is_file(init) ? DEVICE_MAP : init->map.name;
    return json_pack(
        "{s:i, s:s, s:s*, s:{s:s, s:i, s:b}, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*,"
        " s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:s*, s:s*, s:o, s:i, s:i, s:s*, s:s*}",
        "format", 1, "map", map, "mode", init->options.mode, "server", "host", o->host, "port", (int)o->port, "plain",
        (int)o->plain, "board", init->board, "product", o->product, "manufacturer", o->manufacturer,
        "manufacturer_id", o->manufacturer_id, "serial", o->serial, "device_id", o->device_id, "ca",
        o->ca ? DEVICE_CA : NULL, "cert", o->cert ? DEVICE_CERT : NULL, "client_key",
        o->key_file ? DEVICE_CLIENT_KEY : NULL, "poll_ms", o->poll_ms, "initial_ms", o->initial_ms, "retry_ms",
        o->retry_ms, "retry_max_ms", o->retry_max_ms, "stall_ms", o->stall_ms, "trial_ms", o->trial_ms, "health_ms",
        o->health_ms, "trial_boots", o->trial_boots, "watchdog_ms", init->options.watchdog_ms, "range_size", o->range_size,
        "permanent", o->permanent, "no_report", o->no_report, "no_clock", o->no_clock, "job_path",
        o->job_path, "image_path", o->image_path, "hosts", list(o->hosts), "job_keys", (int)o->job_keys_count,
        "hardware_revision", o->hardware_revision, "ring", o->ring, "token", o->token ? DEVICE_TOKEN : NULL);
}

static int write_json(const struct init *init)
{
    json_t *object = describe(init);
    char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    char *whole = NULL;
    if (!text || asprintf(&whole, "%s\n", text) < 0) {
        free(text);
        return tool_refuse("out of memory");
    }
    int rc = write_part(init, DEVICE_FILE, whole, strlen(whole), 0644);
    free(whole);
    free(text);
    return rc;
}

static int write_public_key(const struct init *init, const struct tool_key *key, const char *from, const char *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    int rc = TOOL_REFUSED;
    if (bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
        long len = BIO_get_mem_data(bio, &pem);
        rc = write_part(init, name, pem, (size_t)len, 0644);
    } else {
        rc = tool_refuse("cannot take the public half of '%s'", from);
    }
    BIO_free(bio);
    return rc;
}

static int write_keys(const struct init *init)
{
    const struct provision *o = &init->provision;
    int rc = write_public_key(init, &init->key, init->options.key, DEVICE_KEY);
    for (size_t i = 0; rc == 0 && i < o->job_keys_count; i++) {
        char name[DEVICE_NAME_SIZE];
        rc = write_public_key(init, &o->job_key[i], o->job_keys[i], device_job_key(i, name));
    }
    return rc == 0 && o->token ? write_part(init, DEVICE_TOKEN, o->token, strlen(o->token), 0600) : rc;
}

/* ---- the flash ---- */

static int check_image(const struct init *init, const struct otter_layout *layout)
{
    struct otter_view view = otter_view_of(&layout->primary);
    struct otter_image image;
    const char *path = init->options.image;
    int err = otter_image_parse(&view, &image);
    if (err < 0) {
        return tool_refuse("'%s' is not an image that this bootloader starts (%s); `otter inspect` says more", path,
                           otter_err_str(err));
    }
    if (image.size > layout->image_size_max) {
        return tool_refuse("'%s' has %u bytes, the flash map takes images of at most %u", path, image.size,
                           layout->image_size_max);
    }
    err = otter_image_verify(&view, &image, &init->key.verify, 1, NULL, NULL);
    if (err < 0) {
        return tool_refuse("'%s' is not signed with the key '%s' (%s)", path, init->options.key, otter_err_str(err));
    }
    return 0;
}

static int program_flash(struct init *init, struct device_folder *folder, const char *path)
{
    struct sim_geometry parts[SIM_DEVICES_MAX];
    struct sim_board *flash = &folder->device.flash;
    if (!device_parts(&init->map, parts)) {
        return tool_refuse("the simulator has no parts like those of the map '%s'", init->map.name);
    }
    if (sim_board_create(flash, parts, init->map.devices_count, 1, path) < 0) {
        return tool_refuse("cannot write '%s': %s", path, strerror(errno));
    }
    folder->map = init->map;
    device_folder_layout(folder);
    const struct otter_area *primary = &folder->device.layout.primary;
    int rc = TOOL_REFUSED;
    if (init->image.len > primary->size) {
        rc = tool_refuse("'%s' has %zu bytes, the primary slot only %u", init->options.image, init->image.len,
                         primary->size);
    } else {
        sim_flash_poke(sim_flash_of(primary), primary->base, init->image.data, init->image.len);
        rc = check_image(init, &folder->device.layout);
    }
    sim_board_close(flash);
    return rc;
}

static int make_flash(struct init *init)
{
    struct statvfs disk;
    uint64_t need = 4 * (uint64_t)init->image.len + SMALL_FILE_MAX;
    if (statvfs(init->aside, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < need) {
        return tool_refuse("cannot write '%s': the disk is full (%llu bytes are needed)", init->folder,
                           (unsigned long long)need);
    }
    struct device_folder *folder = calloc(1, sizeof *folder);
    char *path = device_path(init->aside, DEVICE_FLASH);
    int rc = folder && path ? program_flash(init, folder, path) : TOOL_REFUSED;
    free(path);
    free(folder);
    return rc;
}

static void remove_part(const struct init *init, const char *name)
{
    char *path = device_path(init->aside, name);
    if (path) {
        (void)unlink(path);
    }
    free(path);
}

static void remove_aside(const struct init *init)
{
    static const char *const names[] = {DEVICE_FILE, DEVICE_FLASH, DEVICE_KEY,        DEVICE_MAP,
                                        DEVICE_CA,   DEVICE_CERT,  DEVICE_CLIENT_KEY, DEVICE_TOKEN};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        remove_part(init, names[i]);
    }
    for (size_t i = 0; i < PROVISION_JOB_KEYS_MAX; i++) {
        char name[DEVICE_NAME_SIZE];
        remove_part(init, device_job_key(i, name));
    }
    (void)rmdir(init->aside);
}

static int fill_folder(struct init *init)
{
    const struct provision *o = &init->provision;
    int rc = write_json(init);
    rc = rc ? rc : write_keys(init);
    rc = rc ? rc : copy_part(init, map_is_file(init) ? init->options.map : NULL, DEVICE_MAP, 0644);
    rc = rc ? rc : copy_part(init, o->ca, DEVICE_CA, 0644);
    rc = rc ? rc : copy_part(init, o->cert, DEVICE_CERT, 0644);
    rc = rc ? rc : copy_part(init, o->key_file, DEVICE_CLIENT_KEY, 0600);
    return rc ? rc : make_flash(init);
}

static int make_folder(struct init *init)
{
    size_t len = strlen(init->folder);
    while (len > 1 && init->folder[len - 1] == '/') {
        len--;
    }
    if (asprintf(&init->aside, "%.*s.XXXXXX", (int)len, init->folder) < 0) {
        init->aside = NULL;
        return tool_refuse("out of memory");
    }
    if (!mkdtemp(init->aside)) {
        return tool_refuse("cannot make '%s': %s", init->folder, strerror(errno));
    }
    int rc = chmod(init->aside, 0755) == 0 ? fill_folder(init) : tool_refuse("cannot make '%s'", init->folder);
    if (rc == 0 && rename(init->aside, init->folder) != 0) {
        rc = errno == ENOTEMPTY || errno == EEXIST
                 ? tool_refuse("'%s' exists and is not empty: name a new folder", init->folder)
                 : tool_refuse("cannot make '%s': %s", init->folder, strerror(errno));
    }
    if (rc != 0) {
        remove_aside(init);
    }
    return rc;
}

static void free_init(struct init *init)
{
    struct init_options *o = &init->options;
    char *const strings[] = {o->map, o->kit, o->mode, o->key, o->image, init->aside};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        free(strings[i]);
    }
    provision_free(&init->provision);
    tool_bytes_free(&init->image);
    tool_key_free(&init->key);
}

static int init_device(struct init *init, const char **args)
{
    int rc = check_needed(init, args);
    rc = rc ? rc : load_parts(init);
    rc = rc ? rc : provision_check_certificates(&init->provision);
    rc = rc ? rc : make_folder(init);
    if (rc == 0) {
        printf("%s: a device with the flash map %s, board %s, server %s\n", init->folder, init->map.name, init->board,
               init->provision.server);
        const char *origin = tool_key_known_origin(&init->key);
        if (origin) {
            printf("for tests only: its key is %s, which everybody has\n", origin);
        }
    }
    return rc;
}

int device_init(int argc, const char **argv)
{
    static struct init init;
    struct init_options *o = &init.options;
    struct poptOption device[PROVISION_OPTIONS];
    o->watchdog_ms = 4000;
    provision_begin(&init.provision);
    provision_table(&init.provision, device);
    struct poptOption table[] = {
        {"map", 0, POPT_ARG_STRING, &o->map, 0, "flash map: a built-in name or a JSON file", "MAP"},
        {"kit", 0, POPT_ARG_STRING, &o->kit, 0, "one of the known kits: its map and its Board string", "NAME"},
        {"mode", 0, POPT_ARG_STRING, &o->mode, 0, "swap or overwrite, in place of what follows from the map", "MODE"},
        {"key", 0, POPT_ARG_STRING, &o->key, 0, "images must be signed with it; only its public half is kept", "KEY.pem"},
        {"image", 0, POPT_ARG_STRING, &o->image, 0, "the first firmware, signed", "IMG.bin"},
        {"watchdog-ms", 0, POPT_ARG_INT, &o->watchdog_ms, 0, "an unfed watchdog resets after this [4000]", "MS"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "What the device knows:", NULL},
        {"help", 0, POPT_ARG_NONE, NULL, 0, "show this", NULL},
        POPT_TABLEEND,
    };
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("device init", argc, argv, table, "--map MAP --key KEY.pem --image IMG.bin --server URL [option...] DIR",
                     &context, &args, &rc) == 0) {
        rc = init_device(&init, args);
        poptFreeContext(context);
    }
    free_init(&init);
    return rc;
}
