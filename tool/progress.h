/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - a bar on stderr while something takes time; nothing at all in a pipe.
 */
#ifndef OTTER_TOOL_PROGRESS_H
#define OTTER_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* borrowed; of a path its last part */
    bool is_live;     /* stderr is a terminal that can move its cursor */
    int shown;        /* percent; -1: nothing yet */
};
void progress_begin(struct progress *progress, const char *what);
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
void progress_end(struct progress *progress); /* the line is empty again */

#endif
