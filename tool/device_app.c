/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_app.c - `otter device app`: a payload whose behaviour is known.
 *
 * Same options, same bytes: without --seed the filler follows from the version, so two
 * versions differ all over, as two builds of real firmware do. In front of the payload is
 * room for the image header, as a linker script leaves it.
 */
#include <popt.h>
#include <stdlib.h>

#include "board/host/script.h"
#include "tool/device.h"
#include "tool/tool.h"

#define SIZE_DEFAULT (96 * 1024)
#define SIZE_MAX_APP (16 * 1024 * 1024)
#define LED_MS_MAX 60000
#define ROOM_DEFAULT 0x400
#define ROOM_MAX 0x10000

struct app_options {
    char *version;
    char *behave;
    char *output;
    int led_ms;
    int size, room;
    long long seed;
};

static int check(const struct app_options *options, struct host_script *ret_script)
{
    if (!options->version || !options->output) {
        return tool_usage("--version and -o are needed; `otter device app --help` lists the options");
    }
    if (host_version_parse(options->version, &ret_script->version) < 0) {
        return tool_usage("--version '%s' is not MAJOR.MINOR.REVISION[+BUILD], e.g. 1.2.3", options->version);
    }
    if (host_behave_parse(options->behave ? options->behave : "healthy", &ret_script->behave) < 0) {
        return tool_usage("--behave '%s' is not one of healthy, sick, hang, silent", options->behave);
    }
    if (options->led_ms < 1 || options->led_ms > LED_MS_MAX) {
        return tool_usage("--led %d is not 1 to %d milliseconds", options->led_ms, LED_MS_MAX);
    }
    if (options->size < (int)HOST_SCRIPT_SIZE || options->size > SIZE_MAX_APP) {
        return tool_usage("--size %d is not %u to %d bytes", options->size, HOST_SCRIPT_SIZE, SIZE_MAX_APP);
    }
    if (options->room < 0 || options->room > ROOM_MAX) {
        return tool_usage("--header-size %d is not 0 to %d bytes", options->room, ROOM_MAX);
    }
    ret_script->led_ms = (uint32_t)options->led_ms;
    return 0;
}

static int write_payload(const struct app_options *options, const struct host_script *script)
{
    const struct otter_version *version = &script->version;
    uint64_t seed = (uint64_t)options->seed;
    if (options->seed < 0) {
        seed = (uint64_t)version->major << 56 | (uint64_t)version->minor << 48 |
               (uint64_t)version->revision << 32 | version->build;
    }
    size_t room = (size_t)options->room;
    size_t size = (size_t)options->size;
    uint8_t *file = calloc(1, room + size);
    if (!file) {
        return tool_refuse("out of memory");
    }
    host_script_write(script, seed, file + room, size);
    int rc = tool_write_file(options->output, file, room + size, 0644);
    free(file);
    return rc;
}

static void free_options(struct app_options *options)
{
    free(options->version);
    free(options->behave);
    free(options->output);
}

int device_app(int argc, const char **argv)
{
    struct app_options options = {.led_ms = 1000, .size = SIZE_DEFAULT, .room = ROOM_DEFAULT, .seed = -1};
    struct poptOption table[] = {
        {"version", 0, POPT_ARG_STRING, &options.version, 0, "what the application calls itself", "V"},
        {"led", 0, POPT_ARG_INT, &options.led_ms, 0, "milliseconds between two toggles of the LED [1000]", "MS"},
        {"behave", 0, POPT_ARG_STRING, &options.behave, 0,
         "healthy: confirms; sick: fails its health check; hang: an endless loop; silent: never confirms [healthy]", "HOW"},
        {"size", 0, POPT_ARG_INT, &options.size, 0, "of the payload [98304]", "BYTES"},
        {"header-size", 0, POPT_ARG_INT, &options.room, 0, "room for the image header in front of it [0x400]", "BYTES"},
        {"seed", 0, POPT_ARG_LONGLONG, &options.seed, 0, "of the filler [follows from the version]", "N"},
        {"output", 'o', POPT_ARG_STRING, &options.output, 0, "the payload, not signed yet", "OUT.bin"},
        {"help", 0, POPT_ARG_NONE, NULL, 0, "show this", NULL},
        POPT_TABLEEND,
    };
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("device app", argc, argv, table, "--version V -o OUT.bin [option...]", &context, &args, &rc) != 0) {
        free_options(&options);
        return rc;
    }
    struct host_script script;
    rc = args[0] ? tool_usage("'%s' is not an option; `otter device app --help` lists them", args[0])
                 : check(&options, &script);
    if (rc == 0) {
        rc = write_payload(&options, &script);
    }
    free_options(&options);
    poptFreeContext(context);
    return rc;
}
