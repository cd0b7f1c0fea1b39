/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - `otter device`: finds the sub-command and runs it. */
#include <stdio.h>
#include <string.h>

#include "tool/device.h"
#include "tool/tool.h"

struct subcommand {
    const char *name;
    const char *whole;
    int (*run)(int argc, const char **argv);
    const char *summary;
};

static const struct subcommand subcommands[] = {
    {"app", "device app", device_app, "make a firmware payload that behaves as told; sign it with `otter sign`"},
    {"init", "device init", device_init, "make a device: flash file, bootloader key, first image, server"},
    {"run", "device run", device_run, "power it on: bootloader, application, agent, resets, power cuts"},
    {"status", "device status", device_status, "what its flash says, running or not"},
    {"enrol", "device enrol", device_enrol, "a token with which a device reports to `otter serve`; or take it away"},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

static void print_help(FILE *out)
{
    fputs("usage: otter device COMMAND [option...]\n\n"
          "A whole device on this machine: the real bootloader and the real agent, as\n"
          "processes over simulated flash in a file.\n\n",
          out);
    for (int i = 0; i < SUBCOMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].summary);
    }
    fputs("\n`otter device COMMAND --help` explains one command.\n", out);
}

int tool_device(int argc, const char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return TOOL_OK;
    }
    for (int i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0) {
            tool_set_command(subcommands[i].whole);
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    return tool_usage("no command '%s'; `otter device --help` lists them", argv[1]);
}
