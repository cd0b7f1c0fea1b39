/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - the events of a running device as lines that read as a story.
 *
 * Every event has one teller in a table; an event without one is not worth a line.
 * Colours and progress bars are for terminals only.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "otter/result.h"
#include "otter/state.h"
#include "tool/story.h"

#define BAR_WIDTH 32u

enum colour { PLAIN, DIM, BOARD, BOOT, APP, GOOD, BAD };
static const char *const colour_codes[] = {
    [PLAIN] = "", [DIM] = "\033[2m", [BOARD] = "\033[33m", [BOOT] = "\033[36m",
    [APP] = "\033[34m", [GOOD] = "\033[32m", [BAD] = "\033[31m",
};

/* As the locale's environment says: LC_ALL, else LC_CTYPE, else LANG. */
static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
    }
    return false;
}

void story_begin(struct story *story)
{
    const char *terminal = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    memset(story, 0, sizeof *story);
    story->terminal = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    (void)story_set_levels(story, "normal");
    story->utf8 = is_utf8();
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

static const char *text(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

static int64_t number(const json_t *event, const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

static double seconds(const json_t *event)
{
    return (double)number(event, "t") / 1000.0;
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

static void head(struct story *story, const json_t *event, enum colour colour)
{
    const char *from = text(event, "from");
    enum colour who = strcmp(from, "boot") == 0 ? BOOT : strcmp(from, "app") == 0 ? APP : BOARD;
    story_end(story);
    if (story->colours) {
        printf("%s%8.2f s\033[0m  %s%-5s\033[0m  %s", colour_codes[DIM], seconds(event), colour_codes[who], from,
               colour_codes[colour]);
    } else {
        printf("%8.2f s  %-5s  ", seconds(event), from);
    }
}

static enum story_level level_of(const struct story *story, const json_t *event)
{
    const char *from = text(event, "from");
    int who = find_name(who_names, STORY_WHO, from, strlen(from));
    return who < 0 ? STORY_NORMAL : story->level[who];
}

static void line(struct story *story, const json_t *event, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void line(struct story *story, const json_t *event, enum colour colour, const char *format, ...)
{
    enum story_level level = level_of(story, event);
    if (level == STORY_QUIET || (level == STORY_ERRORS && colour != BAD)) {
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

/* "98,816" */
static const char *grouped(int64_t value, char text_out[32])
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

static void bar(struct story *story, const json_t *event, const char *what)
{
    int64_t done = number(event, "done");
    int64_t total = number(event, "total");
    if (!story->terminal || total <= 0 || done >= total || level_of(story, event) < STORY_NORMAL) {
        return;
    }
    char drawn[BAR_WIDTH + 1];
    memset(drawn, ' ', BAR_WIDTH);
    memset(drawn, '#', (size_t)(done * BAR_WIDTH / total));
    drawn[BAR_WIDTH] = 0;
    head(story, event, PLAIN);
    printf("%s [%s] %3d %%", what, drawn, (int)(done * 100 / total));
    story->bar = true;
    (void)fflush(stdout);
}

/* ---- board ---- */

static void tell_power_on(struct story *story, const json_t *event)
{
    line(story, event, PLAIN, "power on");
}

static void tell_reset(struct story *story, const json_t *event)
{
    const char *cause = text(event, "cause");
    char ops[32];
    if (strcmp(cause, "watchdog") == 0) {
        line(story, event, BAD, "the watchdog bites: not fed for %.1f s; reset",
             (double)number(event, "watchdog_ms") / 1000.0);
    } else if (strcmp(cause, "power-cut") == 0) {
        line(story, event, BAD, "power lost at flash operation %s (%s); power back on",
             grouped(number(event, "operation"), ops), text(event, "outcome"));
    } else if (strcmp(cause, "fault") == 0) {
        line(story, event, BAD, "the program crashed; reset");
    } else {
        line(story, event, PLAIN, "reset");
    }
}

static void tell_off(struct story *story, const json_t *event)
{
    char ops[32];
    line(story, event, PLAIN, "power off (%s)", text(event, "why"));
    if (number(event, "ops") > 0) {
        line(story, event, DIM, "%s flash operations: %.1f s on a real part", grouped(number(event, "ops"), ops),
             (double)number(event, "flash_ms") / 1000.0);
    }
}

/* ---- bootloader ---- */

static void tell_found(struct story *story, const json_t *event)
{
    const char *phase = text(event, "phase");
    if (strcmp(phase, "requested") == 0) {
        line(story, event, PLAIN, "an update is waiting in the secondary slot");
    } else if (strcmp(phase, "trial") == 0) {
        line(story, event, PLAIN, "the image in the primary slot is on trial, not confirmed yet");
    }
}

static void tell_journal_new(struct story *story, const json_t *event)
{
    line(story, event, PLAIN, "no journal here yet: writes an empty one");
}

static void tell_refused(struct story *story, const json_t *event)
{
    line(story, event, BAD, "does not install %s: %s", text(event, "version"), text(event, "reason"));
}

static void tell_swap(struct story *story, const json_t *event)
{
    story->moving = story->overwrite ? "copy" : "swap";
    if (story->overwrite) {
        line(story, event, PLAIN, "%s verifies; copies it over %s", text(event, "version"), text(event, "previous"));
    } else {
        line(story, event, PLAIN, "%s verifies; swaps it in, keeps %s as the fallback", text(event, "version"),
             text(event, "previous"));
    }
}

static void tell_swap_resumed(struct story *story, const json_t *event)
{
    story->moving = story->overwrite ? "copy" : "swap";
    line(story, event, PLAIN, "goes on with the interrupted %s", story->moving);
}

static void tell_boot_progress(struct story *story, const json_t *event)
{
    bar(story, event, story->moving);
}

static void tell_trial(struct story *story, const json_t *event)
{
    line(story, event, PLAIN, "%s is on trial: boot %d of %d", text(event, "version"), (int)number(event, "attempt"),
         (int)number(event, "attempts_allowed"));
}

static void tell_revert(struct story *story, const json_t *event)
{
    story->moving = "revert";
    line(story, event, BAD, "trial failed (%s): brings the old image back,", text(event, "reason"));
    line(story, event, BAD, "and rejects this one for good");
}

static void tell_revert_resumed(struct story *story, const json_t *event)
{
    story->moving = "revert";
    line(story, event, PLAIN, "goes on with the interrupted revert");
}

static void tell_bootstrap(struct story *story, const json_t *event)
{
    line(story, event, BAD, "installs %s from the secondary slot", text(event, "version"));
}

static void tell_primary_bad(struct story *story, const json_t *event)
{
    if (strcmp(text(event, "reason"), otter_reason_str(OTTER_REASON_WRONG_PLACE)) == 0) {
        line(story, event, BAD, "the image in the primary slot is genuine, but for another address or processor");
    } else {
        line(story, event, BAD, "the primary slot does not verify (%s)", text(event, "err"));
    }
}

static void tell_start(struct story *story, const json_t *event)
{
    line(story, event, PLAIN, "%s verifies: signature and digest are right; starts it", text(event, "version"));
}

static void tell_nothing(struct story *story, const json_t *event)
{
    line(story, event, BAD, "no bootable image in either slot (%s)", text(event, "err"));
}

static void tell_no_boot(struct story *story, const json_t *event)
{
    line(story, event, BAD, "cannot start anything (%s)", text(event, "err"));
}

static void tell_other_map(struct story *story, const json_t *event)
{
    line(story, event, BAD, "the journal was written under another flash map: stops");
}

/* ---- application ---- */

static void tell_started(struct story *story, const json_t *event)
{
    line(story, event, PLAIN, "%s runs; the LED toggles every %d ms", text(event, "version"),
         (int)number(event, "led_ms"));
    if (strcmp(text(event, "version"), text(event, "calls_itself")) != 0) {
        line(story, event, BAD, "the image says %s, the application in it says %s", text(event, "version"),
             text(event, "calls_itself"));
    }
}

static void tell_hang(struct story *story, const json_t *event)
{
    line(story, event, BAD, "hangs: an endless loop, the watchdog is not fed any more");
}

static void tell_give_up(struct story *story, const json_t *event)
{
    line(story, event, BAD, "the health check fails: gives this image up");
}

static void tell_restart(struct story *story, const json_t *event)
{
    const char *why = text(event, "why");
    if (strcmp(why, "trial-time") == 0) {
        line(story, event, BAD, "not confirmed in time: restarts itself");
    } else if (strcmp(why, "update") == 0) {
        line(story, event, PLAIN, "restarts to install it");
    } else {
        line(story, event, PLAIN, "restarts itself");
    }
}

static void tell_led(struct story *story, const json_t *event)
{
    if (number(event, "toggles") > 0) {
        line(story, event, DIM, "the LED toggled %d times meanwhile, never more than %d ms late",
             (int)number(event, "toggles"), (int)number(event, "late_max_ms"));
    }
}

static void tell_trouble(struct story *story, const json_t *event)
{
    char *whole = json_dumps(event, JSON_COMPACT);
    line(story, event, BAD, "%s: %s", text(event, "event"), whole ? whole : "");
    free(whole);
}

/* ---- agent ---- */

static void tell_phase(struct story *story, const json_t *event)
{
    const char *phase = text(event, "phase");
    if (strcmp(phase, "download") == 0) {
        line(story, event, PLAIN, "server offers %s: fetches it", text(event, "version"));
    } else if (strcmp(phase, "trial") == 0) {
        line(story, event, PLAIN, "on trial: checks its health, and that it reaches the server");
    }
}

static void tell_progress(struct story *story, const json_t *event)
{
    char total[32];
    if (number(event, "total") > 0 && number(event, "done") == number(event, "total")) {
        line(story, event, PLAIN, "all %s bytes are in the secondary slot", grouped(number(event, "total"), total));
    }
    bar(story, event, "download");
}

static void tell_resumed(struct story *story, const json_t *event)
{
    char done[32];
    line(story, event, PLAIN, "the download goes on at byte %s", grouped(number(event, "done"), done));
}

static void tell_retry(struct story *story, const json_t *event)
{
    const char *cause = text(event, "cause");
    if (story->said_why) {
        line(story, event, DIM, "tries again in %.1f s", (double)number(event, "wait_ms") / 1000.0);
        return;
    }
    line(story, event, DIM, "%s%s%s%s: tries again in %.1f s", text(event, "outcome"), *cause ? " (" : "", cause,
         *cause ? ")" : "", (double)number(event, "wait_ms") / 1000.0);
}

static void tell_reported(struct story *story, const json_t *event)
{
    int status = (int)number(event, "http_status");
    if (status < 400) {
        const char *reason = text(event, "reason");
        bool why = strcmp(reason, "none") != 0;
        line(story, event, PLAIN, "told the server: %s %s%s%s", text(event, "version"), text(event, "result"),
             why ? ", reason " : "", why ? reason : "");
    } else {
        line(story, event, DIM, "the server takes no reports (HTTP %d)", status);
    }
}

struct outcome_words {
    const char *outcome;
    enum colour colour;
    const char *words; /* %s: the version */
};

static const struct outcome_words outcomes[] = {
    {"current", PLAIN, "asked the server: %s is up to date"},
    {"installing", PLAIN, "%s is genuine: asks the bootloader to install it"},
    {"confirmed", GOOD, "%s is healthy and reached the server: confirmed"},
    {"rejected", GOOD, "server offers %s, which failed here: not tried again"},
    {"older", PLAIN, "server offers %s, which is older: stays"},
    {"not-for-us", PLAIN, "server's %s is for another board, product or address: stays"},
    {"bad-job", BAD, "server's job document makes no sense: stays"},
    {"forbidden", BAD, "server's job (%s) leads to where it must not go: stays"},
    {"bad-image", BAD, "%s is not genuine, or not what was promised: thrown away"},
    {"too-large", BAD, "%s does not fit the slot"},
    {"flash", BAD, "the flash failed"},
    {"deferred", PLAIN, "%s may not be fetched now"},
    {"expired", PLAIN, "server's job (%s) has expired: stays"},
};

/* The words, with the version in place of %s. */
static void tell_words(struct story *story, const json_t *event, const struct outcome_words *outcome)
{
    const char *mark = strstr(outcome->words, "%s");
    int before = mark ? (int)(mark - outcome->words) : (int)strlen(outcome->words);
    line(story, event, outcome->colour, "%.*s%s%s", before, outcome->words, mark ? text(event, "version") : "",
         mark ? mark + 2 : "");
}

static void tell_outcome(struct story *story, const json_t *event)
{
    const char *outcome = text(event, "outcome");
    const char *cause = text(event, "cause");
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(outcome, outcomes[i].outcome) == 0) {
            tell_words(story, event, &outcomes[i]);
            return;
        }
    }
    if (strcmp(outcome, "reverted") == 0) {
        line(story, event, BAD, "the last image was not kept: %s", text(event, "reason"));
    } else if (number(event, "http_status") >= 400) {
        line(story, event, BAD, "%s: HTTP %d", outcome, (int)number(event, "http_status"));
    } else {
        line(story, event, BAD, "%s%s%s%s", outcome, *cause ? " (" : "", cause, *cause ? ")" : "");
    }
}

struct teller {
    const char *from, *event;
    void (*tell)(struct story *story, const json_t *event);
};

static const struct teller tellers[] = {
    {"board", "power-on", tell_power_on},
    {"board", "reset", tell_reset},
    {"board", "off", tell_off},
    {"boot", "found", tell_found},
    {"boot", "journal-new", tell_journal_new},
    {"boot", "refused", tell_refused},
    {"boot", "swap", tell_swap},
    {"boot", "swap-resumed", tell_swap_resumed},
    {"boot", "progress", tell_boot_progress},
    {"boot", "trial", tell_trial},
    {"boot", "revert", tell_revert},
    {"boot", "revert-resumed", tell_revert_resumed},
    {"boot", "bootstrap", tell_bootstrap},
    {"boot", "primary-bad", tell_primary_bad},
    {"boot", "start", tell_start},
    {"boot", "nothing", tell_nothing},
    {"boot", "other-map", tell_other_map},
    {"boot", "no-boot", tell_no_boot},
    {"app", "started", tell_started},
    {"app", "no-script", NULL},
    {"app", "hang", tell_hang},
    {"app", "give-up", tell_give_up},
    {"app", "restart", tell_restart},
    {"app", "led", tell_led},
    {"app", "phase", tell_phase},
    {"app", "progress", tell_progress},
    {"app", "resumed", tell_resumed},
    {"app", "retry", tell_retry},
    {"app", "reported", tell_reported},
    {"app", "outcome", tell_outcome},
};

void story_tell(struct story *story, const json_t *event)
{
    if (level_of(story, event) == STORY_ALL) {
        char *whole = json_dumps(event, JSON_COMPACT | JSON_PRESERVE_ORDER);
        line(story, event, DIM, "%s", whole ? whole : "");
        free(whole);
    }
    for (size_t i = 0; i < sizeof tellers / sizeof tellers[0]; i++) {
        if (strcmp(text(event, "from"), tellers[i].from) == 0 && strcmp(text(event, "event"), tellers[i].event) == 0) {
            if (tellers[i].tell) {
                tellers[i].tell(story, event);
            }
            story->said_why = strcmp(tellers[i].event, "outcome") == 0;
            return;
        }
    }
    tell_trouble(story, event);
}
