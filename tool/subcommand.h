/* SPDX-License-Identifier: Apache-2.0 */
/* subcommand.h - commands that have commands of their own: `otter device`, `otter flashmap`, `otter delta`. */
#ifndef OTTER_TOOL_SUBCOMMAND_H
#define OTTER_TOOL_SUBCOMMAND_H

struct subcommand {
    const char *name;                        /* "show"; NULL ends a list */
    const char *whole;                       /* "flashmap show": begins its messages */
    int (*run)(int argc, const char **argv); /* argv[0] is its name */
    const char *summary;
};

struct subcommands {
    const char *name;  /* "flashmap" */
    const char *about; /* a line or more, without the last end of line */
    const struct subcommand *list;
};

/* Run the one that argv[1] names, or help; returns its exit code. */
int subcommand_run(const struct subcommands *commands, int argc, const char **argv);

#endif
