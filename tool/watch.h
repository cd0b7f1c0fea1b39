/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - a running device, watched: its events are told and kept, and conditions met.
 *
 * The same options and the same words for the host board (`otter device run`) and the emulated
 * boards (`otter emulate`).
 */
#ifndef OTTER_TOOL_WATCH_H
#define OTTER_TOOL_WATCH_H

#include <popt.h>
#include <stdio.h>

#include "tool/story.h"
#include "tool/until.h"

#define WATCH_OPTIONS 6u /* with the end of the table */

/* Zero-initialise. */
struct watch {
    const char **until_texts;
    char *log_text;
    char *events_path;
    double timeout_s; /* 0: never */
    int json;
    struct until_list until;
    struct story story;
    FILE *events;
    uint64_t started_ms; /* of "t" */
};

void watch_table(struct watch *watch, struct poptOption table[WATCH_OPTIONS]);

/* The options make sense: 0 or TOOL_USAGE after saying what does not. Opens no file. */
int watch_check(struct watch *watch);

/* Time starts. `overwrite`: the map's mode. 0 or TOOL_REFUSED. */
int watch_begin(struct watch *watch, bool overwrite);
void watch_end(struct watch *watch); /* what the options took is freed, too */

/* Tell one event, which is consumed; true: the conditions are met. */
bool watch_tell(struct watch *watch, json_t *event);

/* The exit code for a run that ended with the conditions not met. */
int watch_timed_out(const struct watch *watch);
int watch_stopped(const struct watch *watch); /* by the user */

#endif
