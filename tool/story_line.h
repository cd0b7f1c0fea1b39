/* SPDX-License-Identifier: Apache-2.0 */
/* story_line.h - lines and bars of a story: inside of tool/story*.c. */
#ifndef OTTER_TOOL_STORY_LINE_H
#define OTTER_TOOL_STORY_LINE_H

#include "tool/story.h"

enum story_colour {
    STORY_PLAIN,
    STORY_DIM,
    STORY_IN_BOARD,
    STORY_IN_BOOT,
    STORY_IN_APP,
    STORY_GOOD,
    STORY_BAD
};

/* One line about the event, if its level asks for it. */
void story_line(struct story *story, const json_t *event, enum story_colour colour, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "done" of "total" as a bar on the current line, on a terminal. */
void story_bar(struct story *story, const json_t *event, const char *what);

enum story_level story_level_of(const struct story *story, const json_t *event);

/* A member of the event; "" or 0 when it has none such. */
const char *story_text(const json_t *event, const char *key);
int64_t story_number(const json_t *event, const char *key);

/* "98,816" */
const char *story_grouped(int64_t value, char text_out[32]);

#endif
