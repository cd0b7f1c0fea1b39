/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - what a pipe or socket brings, handed over line by line. */
#ifndef OTTER_TOOL_LINES_H
#define OTTER_TOOL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define LINES_SIZE 1024u /* a longer line comes in several */

/* Zero-initialise. */
struct lines {
    char text[LINES_SIZE];
    size_t len;
};

/* Read what is there now, at most once, and hand over each whole line without its "\n" or
 * "\r\n". False: the other side is gone, or the file is broken. A line that is not whole yet
 * stays for the next call. */
bool lines_read(struct lines *lines, int fd, void (*on_line)(void *ctx, const char *line), void *ctx);

#endif
