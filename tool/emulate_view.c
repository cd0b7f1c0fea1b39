/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_view.c - the status line of a running board. */
#include <stdio.h>
#include <string.h>

#include "tool/emulate_line.h"
#include "tool/emulate_view.h"

#define BAR_WIDTH 20

void emulate_view_begin(struct emulate_view *view, struct story *story, bool wanted)
{
    memset(view, 0, sizeof *view);
    if (wanted && story->terminal) {
        view->story = story;
        story->status = true;
    }
}

bool emulate_view_draws(const struct emulate_view *view)
{
    return view->story != NULL;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

static void set_doing(struct emulate_view *view, const char *version, const char *doing)
{
    (void)snprintf(view->doing, sizeof view->doing, "%s%s%s", version, *version ? " " : "", doing);
    view->total = 0;
}

/* By the name of an event, phase or outcome; the version of the event, or of what runs. */
static const struct {
    const char *name, *doing;
    bool names_version;
} doings[] = {
    {"power-on", "power on", false},     {"power-cut", "no power", false}, {"hello", "bootloader", false},
    {"swap-resumed", "swap", false},     {"swap", "swap", false},          {"revert", "revert", false},
    {"revert-resumed", "revert", false}, {"hang", "hangs", true},          {"download", "download", true},
    {"installing", "verified", true},    {"confirmed", "confirmed", true}, {"current", "up to date", true},
    {"restart", "restarts", false},      {"off", "off", false},
};

void emulate_view_event(struct emulate_view *view, const json_t *event)
{
    const char *version = text_of(event, "version");
    if (emulate_line_is(event, "progress")) {
        view->done = json_integer_value(json_object_get(event, "done"));
        view->total = json_integer_value(json_object_get(event, "total"));
    } else if (emulate_line_is(event, "started")) {
        view->led_ms = view->period_ms = 0; /* another application, another period */
        (void)snprintf(view->version, sizeof view->version, "%s", version);
        set_doing(view, version, json_is_true(json_object_get(event, "on_trial")) ? "on trial" : "runs");
    }
    for (size_t i = 0; i < sizeof doings / sizeof doings[0]; i++) {
        if (emulate_line_is(event, doings[i].name)) {
            bool named = doings[i].names_version;
            set_doing(view, !named ? "" : *version ? version : view->version, doings[i].doing);
        }
    }
}

void emulate_view_led(struct emulate_view *view, bool on, uint64_t now_ms)
{
    view->period_ms = view->led_ms ? (uint32_t)(now_ms - view->led_ms) : 0;
    view->led_ms = now_ms;
    view->led_on = on;
}

static void draw_bar(const struct emulate_view *view)
{
    char bar[BAR_WIDTH + 1];
    if (view->total <= 0 || view->done > view->total) {
        return;
    }
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', (size_t)(view->done * BAR_WIDTH / view->total));
    bar[BAR_WIDTH] = 0;
    printf("  [%s] %3d %%", bar, (int)(view->done * 100 / view->total));
}

void emulate_view_draw(const struct emulate_view *view, uint64_t ms_since_start)
{
    struct story *story = view->story;
    if (!story) {
        return;
    }
    const char *lamp = story->utf8 ? (view->led_on ? "\u25cf" : "\u25cb") : view->led_on ? "*" : "o";
    story_end(story);
    printf("%8.1f s  %s%s%s LED", (double)ms_since_start / 1000.0, story->colours && view->led_on ? "\033[33;1m" : "", lamp,
           story->colours ? "\033[0m" : "");
    if (view->period_ms > 0) {
        printf(" %4u ms", view->period_ms);
    }
    printf("  %s", view->doing);
    draw_bar(view);
    story->bar = true;
    (void)fflush(stdout);
}
