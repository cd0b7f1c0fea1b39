/* SPDX-License-Identifier: Apache-2.0 */
/* subcommand.c - finds the sub-command and runs it. */
#include <stdio.h>
#include <string.h>

#include "tool/subcommand.h"
#include "tool/tool.h"

static void print_help(const struct subcommands *commands, FILE *out)
{
    fprintf(out, "usage: otter %s COMMAND [option...]\n\n%s\n\n", commands->name, commands->about);
    for (const struct subcommand *command = commands->list; command->name; command++) {
        fprintf(out, "  %-8s %s\n", command->name, command->summary);
    }
    fprintf(out, "\n`otter %s COMMAND --help` explains one command.\n", commands->name);
}

int subcommand_run(const struct subcommands *commands, int argc, const char **argv)
{
    if (argc < 2) {
        print_help(commands, stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(commands, stdout);
        return TOOL_OK;
    }
    for (const struct subcommand *command = commands->list; command->name; command++) {
        if (strcmp(argv[1], command->name) == 0) {
            tool_set_command(command->whole);
            return command->run(argc - 1, argv + 1);
        }
    }
    return tool_usage("no command '%s'; `otter %s --help` lists them", argv[1], commands->name);
}
