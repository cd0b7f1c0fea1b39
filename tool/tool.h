/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.h - what every command of the host tool shares: exit codes, messages, files.
 */
#ifndef OTTER_TOOL_H
#define OTTER_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTTER_VERSION "0.1.0"

/* The commands themselves, one per line of commands.def. */
#define COMMAND(name, function, summary) int function(int argc, const char **argv);
#include "tool/commands.def"
#undef COMMAND

enum tool_exit { TOOL_OK = 0, TOOL_REFUSED = 1, TOOL_USAGE = 2 };

/* The command's name, for the front of messages ("otter sign: ..."). */
void tool_set_command(const char *name);

/* One plain line on stderr: what was wrong, where, what to do. Return the exit code. */
int tool_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Until tool_catch_end, what these would say goes into `line` (NULL: nowhere), cut to `size`;
 * the last one wins. For a server that must tell its visitor. They nest, each thread for itself. */
struct tool_catch {
    bool active;
    char *line;
    size_t size;
};
struct tool_catch tool_catch_begin(char *line, size_t size); /* returns what was before */
void tool_catch_end(struct tool_catch before);

/* A whole file in memory, NUL-terminated behind `len`; release with tool_bytes_free. */
struct tool_bytes {
    uint8_t *data;
    size_t len;
};
void tool_bytes_free(struct tool_bytes *bytes);

/* 0, or TOOL_REFUSED after saying why (missing, a directory, too large, ...). */
int tool_read_file(const char *path, size_t size_max, struct tool_bytes *ret_bytes);

/* Write aside, fsync, rename: the file is either as before or whole. mode: 0644, 0600. A kill
 * leaves at most what was written aside: the path, TOOL_ASIDE and six letters or digits. */
#define TOOL_ASIDE ".aside-"
int tool_write_file(const char *path, const void *data, size_t len, unsigned mode);

/* Likewise several: all are written aside before the first is renamed, in this order, so
 * that a full disk leaves every one as before. */
struct tool_file {
    const char *path;
    const void *data;
    size_t len;
    unsigned mode;
};
int tool_write_files(const struct tool_file *files, size_t count);

/* Make the folder unless it is there. *ret_made: remove it again if the work fails. */
int tool_make_folder(const char *folder, bool *ret_made);

/* Options: popt tables, with one convention for --help and errors. Returns 0 when the
 * command shall run, else *ret_exit is its exit code. Arguments left over are in
 * ret_args (NULL-terminated, borrowed from the popt context, which the caller frees). */
struct poptOption;
typedef struct poptContext_s *poptContext;
int tool_options(const char *command, int argc, const char **argv, const struct poptOption *table,
                 const char *usage, poptContext *ret_context, const char ***ret_args, int *ret_exit);

/* Release what a POPT_ARG_ARGV option collected. NULL: nothing. */
void tool_list_free(const char **list);

#endif
