/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - the events of a running device as lines that read as a story: how they look.
 *
 * Colours and progress bars are for terminals only. The words are story_words.c's.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/story_line.h"
#include "tool/terminal.h"

#define BAR_WIDTH 32u

static const char *const colour_codes[] = {
    [STORY_PLAIN] = "", [STORY_DIM] = "\033[2m", [STORY_IN_BOARD] = "\033[33m", [STORY_IN_BOOT] = "\033[36m",
    [STORY_IN_APP] = "\033[34m", [STORY_GOOD] = "\033[32m", [STORY_BAD] = "\033[31m",
};

void story_begin(struct story *story)
{
    const char *terminal = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    memset(story, 0, sizeof *story);
    story->terminal = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    (void)story_set_levels(story, "normal");
    story->utf8 = terminal_has_utf8();
    story->moving = "copy";
    story->colours = story->terminal && !(no_colour && *no_colour);
}

static const char *const who_names[STORY_WHO] = {"board", "boot", "app"};
static const char *const level_names[] = {"quiet", "errors", "normal", "all"};

/* One of `names`, `len` bytes long; -1: none of them. */
static int find_name(const char *const *names, int count, const char *name, size_t len)
{
    for (int i = 0; i < count; i++) {
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0) {
            return i;
        }
    }
    return -1;
}

bool story_set_levels(struct story *story, const char *text)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        const char *equals = memchr(at, '=', len);
        const char *value = equals ? equals + 1 : at;
        int level = find_name(level_names, 4, value, len - (size_t)(value - at));
        int who = equals ? find_name(who_names, STORY_WHO, at, (size_t)(equals - at)) : STORY_WHO;
        if (level < 0 || who < 0) {
            return false;
        }
        for (int i = 0; i < STORY_WHO; i++) {
            story->level[i] = who == STORY_WHO || who == i ? (enum story_level)level : story->level[i];
        }
        at += len;
        if (*at == 0) {
            return true;
        }
    }
}

const char *story_text(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

int64_t story_number(const json_t *event, const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

static double seconds(const json_t *event)
{
    return (double)story_number(event, "t") / 1000.0;
}

void story_end(struct story *story)
{
    if (story->bar) {
        fputs("\r\033[K", stdout);
        story->bar = false;
    }
    (void)fflush(stdout);
}

void story_led(struct story *story, bool on)
{
    const char *lamp = story->utf8 ? (on ? "\u25cf" : "\u25cb") : on ? "*" : "o";
    story_end(story);
    printf("%12s%s%s%s  LED", "", story->colours && on ? "\033[33;1m" : "", lamp, story->colours ? "\033[0m" : "");
    story->bar = true;
    (void)fflush(stdout);
}

static void head(struct story *story, const json_t *event, enum story_colour colour)
{
    const char *from = story_text(event, "from");
    enum story_colour who = strcmp(from, "boot") == 0 ? STORY_IN_BOOT : strcmp(from, "app") == 0 ? STORY_IN_APP : STORY_IN_BOARD;
    story_end(story);
    if (story->colours) {
        printf("%s%8.2f s\033[0m  %s%-5s\033[0m  %s", colour_codes[STORY_DIM], seconds(event), colour_codes[who], from,
               colour_codes[colour]);
    } else {
        printf("%8.2f s  %-5s  ", seconds(event), from);
    }
}

enum story_level story_level_of(const struct story *story, const json_t *event)
{
    const char *from = story_text(event, "from");
    int who = find_name(who_names, STORY_WHO, from, strlen(from));
    return who < 0 ? STORY_NORMAL : story->level[who];
}

void story_line(struct story *story, const json_t *event, enum story_colour colour, const char *format, ...)
{
    enum story_level level = story_level_of(story, event);
    if (level == STORY_QUIET || (level == STORY_ERRORS && colour != STORY_BAD)) {
        return;
    }
    va_list args;
    va_start(args, format);
    head(story, event, colour);
    vprintf(format, args);
    va_end(args);
    puts(story->colours ? "\033[0m" : "");
    (void)fflush(stdout);
}

const char *story_grouped(int64_t value, char text_out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, value);
    char *at = text_out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = 0;
    return text_out;
}

void story_bar(struct story *story, const json_t *event, const char *what)
{
    int64_t done = story_number(event, "done");
    int64_t total = story_number(event, "total");
    if (!story->terminal || story->status || total <= 0 || done >= total || story_level_of(story, event) < STORY_NORMAL) {
        return;
    }
    char drawn[BAR_WIDTH + 1];
    memset(drawn, ' ', BAR_WIDTH);
    memset(drawn, '#', (size_t)(done * BAR_WIDTH / total));
    drawn[BAR_WIDTH] = 0;
    head(story, event, STORY_PLAIN);
    printf("%s [%s] %3d %%", what, drawn, (int)(done * 100 / total));
    story->bar = true;
    (void)fflush(stdout);
}
