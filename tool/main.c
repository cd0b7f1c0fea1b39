/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the host command `otter`: finds the command and runs it.
 *
 * The table of commands is tool/commands.def. Exit codes: 0 done, 1 refused, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/tool.h"

struct command {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *summary;
};

static const struct command commands[] = {
#define COMMAND(name, function, summary) {name, function, summary},
#include "tool/commands.def"
#undef COMMAND
    {NULL, NULL, NULL},
};

static void print_help(FILE *out)
{
    fputs("usage: otter COMMAND [option...]\n\nOver-the-air updates for microcontrollers.\n\n", out);
    for (const struct command *command = commands; command->name; command++) {
        fprintf(out, "  %-12s %s\n", command->name, command->summary);
    }
    fputs("\n`otter COMMAND --help` explains one command.\n", out);
}

static int run(int argc, const char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return TOOL_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("otter " OTTER_VERSION);
        return TOOL_OK;
    }
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(argv[1], command->name) == 0) {
            tool_set_command(command->name);
            return command->run(argc - 1, argv + 1);
        }
    }
    return tool_usage("no command '%s'; `otter --help` lists them", argv[1]);
}

/* A caller that closed stdout must not make some other file take its place, and our messages. */
static void keep_standard_streams(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDONLY); /* writing there fails, and main says so */
    }
    if (fd > STDERR_FILENO) {
        (void)close(fd);
    }
}

/* What a command printed must have arrived: a full disk behind stdout is an error too. */
int main(int argc, const char **argv)
{
    keep_standard_streams();
    int rc = run(argc, argv);
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (rc == TOOL_OK && !written) {
        return tool_refuse("cannot write to stdout: %s", strerror(errno));
    }
    return rc;
}
