/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - a bar on stderr while something takes time; nothing at all in a pipe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/progress.h"

enum { BAR_WIDTH = 32, NAME_WIDTH = 28 };

void progress_begin(struct progress *progress, const char *what)
{
    const char *terminal = getenv("TERM");
    const char *slash = strrchr(what, '/');
    *progress = (struct progress){slash ? slash + 1 : what, isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0, -1};
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
    char drawn[BAR_WIDTH + 1];
    done = done < total ? done : total;
    int percent = total > 0 ? (int)(done * 100 / total) : 0;
    if (!progress->is_live || percent == progress->shown) {
        return;
    }
    progress->shown = percent;
    memset(drawn, ' ', BAR_WIDTH);
    memset(drawn, '#', (size_t)percent * BAR_WIDTH / 100);
    drawn[BAR_WIDTH] = 0;
    fprintf(stderr, "\r%.*s [%s] %3d %%", NAME_WIDTH, progress->what, drawn, percent);
    (void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->is_live && progress->shown >= 0) {
        fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
    progress->is_live = false;
}
