/* SPDX-License-Identifier: Apache-2.0 */
/* tool.c - messages and options, the same for every command. */
#include <popt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/tool.h"

static const char *current_command;
static _Thread_local struct tool_catch catching; /* a server's workers have visitors of their own */

void tool_set_command(const char *name)
{
    current_command = name;
}

struct tool_catch tool_catch_begin(char *line, size_t size)
{
    struct tool_catch before = catching;
    catching = (struct tool_catch){true, line, size};
    return before;
}

void tool_catch_end(struct tool_catch before)
{
    catching = before;
}

/* One line whatever the names in it contain. */
__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
    char *line = NULL;
    if (vasprintf(&line, format, args) < 0) {
        line = NULL;
    }
    for (char *at = line; at && *at; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at;
    }
    if (catching.active) {
        if (catching.size > 0) {
            snprintf(catching.line, catching.size, "%s", line ? line : "out of memory");
        }
        free(line);
        return;
    }
    fprintf(stderr, "otter%s%s: %s\n", current_command ? " " : "", current_command ? current_command : "",
            line ? line : "out of memory");
    free(line);
}

int tool_refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return TOOL_REFUSED;
}

int tool_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return TOOL_USAGE;
}

int tool_options(const char *command, int argc, const char **argv, const struct poptOption *table,
                 const char *usage, poptContext *ret_context, const char ***ret_args, int *ret_exit)
{
    static const char *no_args[] = {NULL};
    static char whole[64]; /* popt prints it as the command, and keeps argv */
    bool help = false;
    (void)snprintf(whole, sizeof whole, "otter %s", command);
    argv[0] = whole;
    for (int i = 1; i < argc && argv[i]; i++) {
        help = help || (argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2] == 'h' &&
                        argv[i][3] == 'e' && argv[i][4] == 'l' && argv[i][5] == 'p' && !argv[i][6]);
    }
    poptContext context = poptGetContext(command, argc, argv, table, 0);
    poptSetOtherOptionHelp(context, usage);
    if (help) {
        poptPrintHelp(context, stdout, 0);
        poptFreeContext(context);
        *ret_exit = TOOL_OK;
        return -1;
    }
    int rc = poptGetNextOpt(context);
    if (rc < -1) {
        *ret_exit = tool_usage("%s: %s; `otter %s --help` lists the options",
                               poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(rc), command);
        poptFreeContext(context);
        return -1;
    }
    const char **args = poptGetArgs(context);
    *ret_context = context;
    *ret_args = args ? args : no_args;
    return 0;
}

void tool_list_free(const char **list)
{
    for (const char **text = list; text && *text; text++) {
        free((void *)(uintptr_t)*text);
    }
    free(list);
}
