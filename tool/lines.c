/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - bytes collected into lines. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tool/lines.h"

static void hand_over(struct lines *lines, size_t len, void (*on_line)(void *ctx, const char *line), void *ctx)
{
    char line[LINES_SIZE];
    size_t end = len > 0 && lines->text[len - 1] == '\r' ? len - 1 : len;
    memcpy(line, lines->text, end);
    line[end] = 0;
    on_line(ctx, line);
}

bool lines_read(struct lines *lines, int fd, void (*on_line)(void *ctx, const char *line), void *ctx)
{
    ssize_t n = read(fd, lines->text + lines->len, LINES_SIZE - 1 - lines->len);
    if (n <= 0) {
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    }
    lines->len += (size_t)n;
    char *newline;
    while ((newline = memchr(lines->text, '\n', lines->len)) != NULL) {
        size_t len = (size_t)(newline - lines->text);
        hand_over(lines, len, on_line, ctx);
        lines->len -= len + 1;
        memmove(lines->text, newline + 1, lines->len);
    }
    if (lines->len == LINES_SIZE - 1) {
        hand_over(lines, lines->len, on_line, ctx);
        lines->len = 0;
    }
    return true;
}
