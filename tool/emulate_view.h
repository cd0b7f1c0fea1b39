/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_view.h - the last line of a terminal while a board runs: time, LED, what it does, how
 * far it is.
 *
 * The story scrolls above it. Without a terminal nothing is drawn.
 */
#ifndef OTTER_TOOL_EMULATE_VIEW_H
#define OTTER_TOOL_EMULATE_VIEW_H

#include "tool/story.h"

struct emulate_view {
    struct story *story; /* NULL: nothing is drawn */
    bool led_on;
    uint64_t led_ms;     /* when it toggled last; 0: not yet */
    uint32_t period_ms;  /* between its last two toggles; 0: not known */
    char version[32];    /* of the application that runs */
    char doing[40];
    int64_t done, total; /* of a bar; total 0: none */
};

/* Draws only on a terminal, and when `wanted`. */
void emulate_view_begin(struct emulate_view *view, struct story *story, bool wanted);
bool emulate_view_draws(const struct emulate_view *view);

/* What happened, before or after the story told it. */
void emulate_view_event(struct emulate_view *view, const json_t *event);
void emulate_view_led(struct emulate_view *view, bool on, uint64_t now_ms);

void emulate_view_draw(const struct emulate_view *view, uint64_t ms_since_start);

#endif
