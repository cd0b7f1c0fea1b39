/* SPDX-License-Identifier: Apache-2.0 */
/* device_story.h - the events of a running device, told to a person. */
#ifndef OTTER_TOOL_DEVICE_STORY_H
#define OTTER_TOOL_DEVICE_STORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct story {
    bool overwrite; /* the map's mode: how a swap is called */
    bool terminal;  /* progress bars */
    bool colours;
    bool utf8;
    bool bar;           /* a bar stands on the current line */
    const char *moving; /* what the bootloader's bar is for */
};

void story_begin(struct story *story, bool overwrite);

/* One event with "t" in it, as one line, or none. */
void story_tell(struct story *story, const json_t *event);

/* The LED toggled: shown on a terminal until the next line. */
void story_led(struct story *story, bool on);

/* End a line that a bar stands on. */
void story_end(struct story *story);

#endif
