/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate.c - `otter emulate`: an emulated board with real firmware, from options to an exit code.
 *
 * Everything is read and checked before anything is made or started.
 */
#include <popt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "otter/result.h"
#include "tool/emulate.h"
#include "tool/emulate_firmware.h"
#include "tool/emulate_qemu.h"
#include "tool/firmware.h"
#include "tool/image_file.h"
#include "tool/print.h"

#define MAP_DEFAULT "psoc62_2m_ext_swap_single"
#define CUTS_DEFAULT 20
#define SHIFT_MAX 10u

/* ---- options ---- */

static int check_numbers(const struct emulate_options *o)
{
    uint64_t shift;
    if (o->pace < 0 || o->pace > 10) {
        return tool_usage("--pace %g is not a number from 0 to 10", o->pace);
    }
    if (o->gdb_port < 0 || o->gdb_port > 0xffff) {
        return tool_usage("--gdb %d is not a port", o->gdb_port);
    }
    if (o->icount && strcmp(o->icount, "auto") != 0 && !tool_number(o->icount, SHIFT_MAX, &shift)) {
        return tool_usage("--icount '%s' is not 0 to %u, nor auto", o->icount, SHIFT_MAX);
    }
    return 0;
}

static int check_versions(const struct emulate_options *o)
{
    struct otter_version version;
    if (o->tls && strcmp(o->tls, "1.2") != 0 && strcmp(o->tls, "1.3") != 0) {
        return tool_usage("--tls '%s' is neither 1.2 nor 1.3", o->tls);
    }
    if (o->sick && !tool_version_parse(o->sick, &version)) {
        return tool_usage("--sick '%s' is not a version", o->sick);
    }
    return 0;
}

static int check_cuts(struct emulate *emulate)
{
    struct emulate_options *o = &emulate->options;
    if (o->cuts_count < 1 || o->cuts_count > 1000000) {
        return tool_usage("--cuts %d is not 1 to 1,000,000", o->cuts_count);
    }
    if (o->cuts_seed < -1) {
        return tool_usage("--cuts-seed %lld is less than 0", o->cuts_seed);
    }
    uint32_t fresh = 1;
    if (o->cuts_seed < 0) {
        (void)!getrandom(&fresh, sizeof fresh, 0);
        o->cuts_seed = fresh;
    }
    int rc = 0;
    for (const char **text = o->cuts; rc == 0 && text && *text; text++) {
        rc = emulate_cuts_add(&emulate->cuts, *text, (uint32_t)o->cuts_count, (uint64_t)o->cuts_seed);
    }
    return rc;
}

/* The board's own loopback has no server: this machine is another one to it. */
static int check_server(const struct provision *provision)
{
    const char *host = provision->host;
    if (host && (strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0)) {
        return tool_usage("--server '%s': the board reaches this machine as 192.0.2.2, so name that, and make the "
                          "certificate for it (`otter certs --server 192.0.2.2`)", provision->server);
    }
    return 0;
}

static int check_options(struct emulate *emulate, const char **args)
{
    if (args[0] && args[1]) {
        return tool_usage("one IMAGE at most; `otter emulate --help` lists the options");
    }
    emulate->image_path = args[0];
    int rc = check_numbers(&emulate->options);
    rc = rc ? rc : check_versions(&emulate->options);
    rc = rc ? rc : check_cuts(emulate);
    rc = rc ? rc : provision_check(&emulate->provision);
    rc = rc ? rc : check_server(&emulate->provision);
    return rc ? rc : watch_check(&emulate->watch);
}

/* ---- what goes in ---- */

static int load_board(struct emulate *emulate)
{
    static const struct flashmap_options plain = {.kit = NULL};
    const char *map = emulate->options.map ? emulate->options.map : MAP_DEFAULT;
    int rc = flashmap_open(map, &plain, &emulate->map);
    if (rc != 0) {
        return rc;
    }
    emulate->board = board_of_map(&emulate->map);
    if (!emulate->board) {
        return tool_refuse("no emulated board has the platform %s", emulate->map.platform);
    }
    rc = board_place(emulate->board, &emulate->map);
    return rc ? rc : provision_board(&emulate->provision, &emulate->map, NULL, emulate->board_name);
}

static int load_key(struct emulate *emulate)
{
    struct emulate_options *o = &emulate->options;
    o->key = o->key ? o->key : emulate_firmware_test_key();
    if (!o->key) {
        return tool_refuse("the test key went with the source tree: name one with --key");
    }
    int rc = tool_key_read(o->key, false, &emulate->key);
    if (rc == 0 && emulate->key.verify.type != OTTER_SIG_ECDSA_P256) {
        rc = tool_refuse("'%s' is an %s key: the bootloader of these boards knows ECDSA P-256 only", o->key,
                         emulate->key.name);
    }
    return rc ? rc : provision_load_jobs(&emulate->provision, &emulate->key);
}

/* As a factory would: only what the bootloader will start. */
static int check_image(const struct emulate *emulate)
{
    struct tool_bytes slot = emulate->image;
    const char *path = emulate->image_path ? emulate->image_path : "ota-https 1.0.0";
    if (slot.len > emulate->map.geometry[0].image_size_max) {
        return tool_refuse("'%s' has %zu bytes, the flash map takes images of at most %u", path, slot.len,
                           emulate->map.geometry[0].image_size_max);
    }
    return tool_image_accepts(path, &slot, &emulate->key);
}

/* Before anything is built: a wrong name is told at once. */
static int load_named_image(struct emulate *emulate)
{
    if (!emulate->image_path || emulate_flash_exists(emulate->options.flash)) {
        return 0;
    }
    int rc = tool_read_file(emulate->image_path, TOOL_FIRMWARE_SIZE_MAX, &emulate->image);
    return rc ? rc : check_image(emulate);
}

static int load_first_image(struct emulate *emulate, const char *folder)
{
    if (emulate->image_path || emulate_flash_exists(emulate->options.flash)) {
        return 0;
    }
    int rc = emulate_firmware_image(folder, emulate->map.name, &emulate->key, &emulate->image);
    return rc ? rc : check_image(emulate);
}

static int load_firmware(struct emulate *emulate)
{
    const struct emulate_options *o = &emulate->options;
    char *folder = NULL;
    int rc = emulate_firmware_find(emulate->board, emulate->map.name, o->firmware, o->bootloader, &folder,
                                   &emulate->bootloader);
    rc = rc ? rc : load_first_image(emulate, folder);
    free(folder);
    return rc;
}

static int emulate_board(struct emulate *emulate, const char **args)
{
    int rc = check_options(emulate, args);
    rc = rc ? rc : load_board(emulate);
    rc = rc ? rc : load_key(emulate);
    rc = rc ? rc : provision_check_certificates(&emulate->provision);
    rc = rc ? rc : load_named_image(emulate);
    rc = rc ? rc : emulate_qemu_installed();
    rc = rc ? rc : load_firmware(emulate);
    rc = rc ? rc : emulate_settings(emulate);
    rc = rc ? rc : emulate_flash_open(emulate->options.flash, emulate->board, &emulate->map, &emulate->image,
                                      &emulate->flash);
    return rc ? rc : emulate_run(emulate);
}

static void free_emulate(struct emulate *emulate)
{
    struct emulate_options *o = &emulate->options;
    char *const strings[] = {o->map, o->flash, o->firmware, o->bootloader, o->key,
                             o->tls, o->sick,  o->uart,     o->icount,     emulate->bootloader};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        free(strings[i]);
    }
    tool_list_free(o->cuts);
    provision_free(&emulate->provision);
    watch_end(&emulate->watch);
    tool_bytes_free(&emulate->image);
    tool_key_free(&emulate->key);
    emulate_flash_close(&emulate->flash);
    if (emulate->settings_fd >= 0) {
        (void)close(emulate->settings_fd);
    }
}

int tool_emulate(int argc, const char **argv)
{
    static struct emulate emulate;
    struct emulate_options *o = &emulate.options;
    struct poptOption device[PROVISION_OPTIONS];
    struct poptOption watch[WATCH_OPTIONS];
    emulate = (struct emulate){.options = {.cuts_count = CUTS_DEFAULT, .cuts_seed = -1}, .flash = {.fd = -1}, .settings_fd = -1};
    provision_begin(&emulate.provision);
    provision_table(&emulate.provision, device);
    watch_table(&emulate.watch, watch);
    struct poptOption table[] = {
        {"map", 0, POPT_ARG_STRING, &o->map, 0, "flash map, and so the board [" MAP_DEFAULT "]", "MAP"},
        {"flash", 0, POPT_ARG_STRING, &o->flash, 0,
         "file behind the board's flash, kept between runs; made when it is not there [a temporary one]", "FILE"},
        {"firmware", 0, POPT_ARG_STRING, &o->firmware, 0,
         "folder of built firmware [the source tree's, built when needed]", "DIR"},
        {"bootloader", 0, POPT_ARG_STRING, &o->bootloader, 0, "[DIR/bootloader-MAP.elf]", "ELF"},
        {"key", 0, POPT_ARG_STRING, &o->key, 0,
         "images must be signed with it; only its public half goes in [the key for tests, which everybody has]", "KEY.pem"},
        {"tls", 0, POPT_ARG_STRING, &o->tls, 0, "only this version: 1.2 or 1.3 [both]", "V"},
        {"pace", 0, POPT_ARG_DOUBLE, &o->pace, 0,
         "let flash take time: 1 as long as on a real part, 0.1 a tenth of that [0]", "F"},
        {"sick", 0, POPT_ARG_STRING, &o->sick, 0, "an application of this version fails its health check", "V"},
        {"power-cut-at", 0, POPT_ARG_ARGV, &o->cuts, 0,
         "kill QEMU, then power on again: SECONDS after power-on, EVENT+SECONDS (swap+0.2), or random; given several "
         "times: one after the other", "WHEN"},
        {"cuts", 0, POPT_ARG_INT, &o->cuts_count, 0, "how often, when random [20]", "N"},
        {"cuts-seed", 0, POPT_ARG_LONGLONG, &o->cuts_seed, 0, "the same random choices again [new ones]", "S"},
        {"uart", 0, POPT_ARG_STRING, &o->uart, 0, "append what the UART says to this file", "FILE"},
        {"icount", 0, POPT_ARG_STRING, &o->icount, 0,
         "count instructions: each takes 2^SHIFT ns of the board's time, or auto", "SHIFT"},
        {"gdb", 0, POPT_ARG_INT, &o->gdb_port, 0, "wait for gdb on this port of 127.0.0.1", "PORT"},
        {"help", 0, POPT_ARG_NONE, NULL, 0, "show this", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "What the device knows:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, watch, 0, "What is told, and when to end:", NULL},
        POPT_TABLEEND,
    };
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("emulate", argc, argv, table, "[option...] [IMAGE]   (IMAGE: the first firmware of a new board, signed)", &context, &args, &rc) == 0) {
        rc = emulate_board(&emulate, args);
        poptFreeContext(context);
    }
    free_emulate(&emulate);
    return rc;
}
