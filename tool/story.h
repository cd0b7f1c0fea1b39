/* SPDX-License-Identifier: Apache-2.0 */
/* story.h - the events of a running device, told to a person. */
#ifndef OTTER_TOOL_STORY_H
#define OTTER_TOOL_STORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How much is told, for each of board, boot and app. */
enum story_level { STORY_QUIET, STORY_ERRORS, STORY_NORMAL, STORY_ALL };
enum story_who { STORY_BOARD, STORY_BOOT, STORY_APP, STORY_WHO };

struct story {
    enum story_level level[STORY_WHO];
    bool overwrite; /* the map's mode: how a swap is called */
    bool terminal;  /* progress bars */
    bool colours;
    bool utf8;
    bool bar;           /* a bar stands on the current line */
    bool status;        /* somebody else draws bars there */
    bool said_why;      /* the line before told an outcome: a retry need not */
    const char *moving; /* what the bootloader's bar is for */
};

void story_begin(struct story *story);

/* "LEVEL" for all, or "app=LEVEL,boot=LEVEL": quiet, errors, normal, all. False: neither. */
bool story_set_levels(struct story *story, const char *text);

/* One event with "t" in it, as one line, or none. */
void story_tell(struct story *story, const json_t *event);

/* The LED toggled: shown on a terminal until the next line. */
void story_led(struct story *story, bool on);

/* End a line that a bar stands on. */
void story_end(struct story *story);

#endif
