/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story_words.c - a device's events in words.
 *
 * Every event has one teller in a table; an event without one is not worth a line. What an
 * emulated board says in its own words ("line") is told in these.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "otter/result.h"
#include "otter/state.h"
#include "tool/story_line.h"

/* ---- board ---- */

static void tell_power_on(struct story *story, const json_t *event)
{
    const char *board = story_text(event, "board");
    if (*board) {
        story_line(story, event, STORY_PLAIN, "power on: %s (%s), flash map %s", board, story_text(event, "cpu"), story_text(event, "map"));
    } else {
        story_line(story, event, STORY_PLAIN, "power on");
    }
}

static void tell_power_cut(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "power lost %.3f s after %s (cut %d of %d)", (double)story_number(event, "ms") / 1000.0,
         story_text(event, "after"), (int)story_number(event, "cut"), (int)story_number(event, "cuts"));
}

static void tell_cuts(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_DIM, "%d power cuts at random: the same again with --cuts-seed=%" PRId64,
         (int)story_number(event, "count"), story_number(event, "seed"));
}

static void tell_gdb(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_PLAIN, "waits for gdb: target remote 127.0.0.1:%d", (int)story_number(event, "port"));
}

static void tell_test_key(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_DIM, "for tests only: its key is %s, which everybody has", story_text(event, "origin"));
}

static void tell_reset(struct story *story, const json_t *event)
{
    const char *cause = story_text(event, "cause");
    char ops[32];
    if (strcmp(cause, "watchdog") == 0) {
        story_line(story, event, STORY_BAD, "the watchdog bites: not fed for %.1f s; reset",
             (double)story_number(event, "watchdog_ms") / 1000.0);
    } else if (strcmp(cause, "power-cut") == 0) {
        story_line(story, event, STORY_BAD, "power lost at flash operation %s (%s); power back on",
             story_grouped(story_number(event, "operation"), ops), story_text(event, "outcome"));
    } else if (strcmp(cause, "fault") == 0) {
        story_line(story, event, STORY_BAD, "the program crashed; reset");
    } else {
        story_line(story, event, STORY_PLAIN, "reset");
    }
}

static void tell_off(struct story *story, const json_t *event)
{
    char ops[32];
    story_line(story, event, STORY_PLAIN, "power off (%s)", story_text(event, "why"));
    if (story_number(event, "ops") > 0) {
        story_line(story, event, STORY_DIM, "%s flash operations: %.1f s on a real part", story_grouped(story_number(event, "ops"), ops),
             (double)story_number(event, "flash_ms") / 1000.0);
    }
}

/* ---- bootloader ---- */

static void tell_found(struct story *story, const json_t *event)
{
    const char *phase = story_text(event, "phase");
    if (strcmp(phase, "requested") == 0) {
        story_line(story, event, STORY_PLAIN, "an update is waiting in the secondary slot");
    } else if (strcmp(phase, "trial") == 0) {
        story_line(story, event, STORY_PLAIN, "the image in the primary slot is on trial, not confirmed yet");
    }
}

static void tell_journal_new(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_PLAIN, "no journal here yet: writes an empty one");
}

static void tell_refused(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "does not install %s: %s", story_text(event, "version"), story_text(event, "reason"));
}

static void tell_swap(struct story *story, const json_t *event)
{
    story->moving = story->overwrite ? "copy" : "swap";
    if (story->overwrite) {
        story_line(story, event, STORY_PLAIN, "%s verifies; copies it over %s", story_text(event, "version"), story_text(event, "previous"));
    } else {
        story_line(story, event, STORY_PLAIN, "%s verifies; swaps it in, keeps %s as the fallback", story_text(event, "version"),
             story_text(event, "previous"));
    }
}

static void tell_swap_resumed(struct story *story, const json_t *event)
{
    story->moving = story->overwrite ? "copy" : "swap";
    story_line(story, event, STORY_PLAIN, "goes on with the interrupted %s", story->moving);
}

static void tell_boot_progress(struct story *story, const json_t *event)
{
    story_bar(story, event, story->moving);
}

static void tell_trial(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_PLAIN, "%s is on trial: boot %d of %d", story_text(event, "version"), (int)story_number(event, "attempt"),
         (int)story_number(event, "attempts_allowed"));
}

static void tell_revert(struct story *story, const json_t *event)
{
    story->moving = "revert";
    story_line(story, event, STORY_BAD, "trial failed (%s): brings the old image back,", story_text(event, "reason"));
    story_line(story, event, STORY_BAD, "and rejects this one for good");
}

static void tell_revert_resumed(struct story *story, const json_t *event)
{
    story->moving = "revert";
    story_line(story, event, STORY_PLAIN, "goes on with the interrupted revert");
}

static void tell_bootstrap(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "installs %s from the secondary slot", story_text(event, "version"));
}

static void tell_primary_bad(struct story *story, const json_t *event)
{
    if (strcmp(story_text(event, "reason"), otter_reason_str(OTTER_REASON_WRONG_PLACE)) == 0) {
        story_line(story, event, STORY_BAD, "the image in the primary slot is genuine, but for another address or processor");
    } else {
        story_line(story, event, STORY_BAD, "the primary slot does not verify (%s)", story_text(event, "err"));
    }
}

static void tell_start(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_PLAIN, "%s verifies: signature and digest are right; starts it", story_text(event, "version"));
}

static void tell_nothing(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "no bootable image in either slot (%s)", story_text(event, "err"));
}

static void tell_no_boot(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "cannot start anything (%s)", story_text(event, "err"));
}

static void tell_other_map(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "the journal was written under another flash map: stops");
}

/* ---- application ---- */

static void tell_started(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_PLAIN, "%s runs; the LED toggles every %d ms", story_text(event, "version"),
         (int)story_number(event, "led_ms"));
    if (json_object_get(event, "calls_itself") && strcmp(story_text(event, "version"), story_text(event, "calls_itself")) != 0) {
        story_line(story, event, STORY_BAD, "the image says %s, the application in it says %s", story_text(event, "version"),
             story_text(event, "calls_itself"));
    }
}

static void tell_hang(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "hangs: an endless loop, the watchdog is not fed any more");
}

static void tell_give_up(struct story *story, const json_t *event)
{
    story_line(story, event, STORY_BAD, "the health check fails: gives this image up");
}

static void tell_restart(struct story *story, const json_t *event)
{
    const char *why = story_text(event, "why");
    if (strcmp(why, "trial-time") == 0) {
        story_line(story, event, STORY_BAD, "not confirmed in time: restarts itself");
    } else if (strcmp(why, "update") == 0) {
        story_line(story, event, STORY_PLAIN, "restarts to install it");
    } else {
        story_line(story, event, STORY_PLAIN, "restarts itself");
    }
}

static void tell_led(struct story *story, const json_t *event)
{
    if (story_number(event, "toggles") > 0) {
        story_line(story, event, STORY_DIM, "the LED toggled %d times meanwhile, never more than %d ms late",
             (int)story_number(event, "toggles"), (int)story_number(event, "late_max_ms"));
    }
}

static void tell_trouble(struct story *story, const json_t *event)
{
    char *whole = json_dumps(event, JSON_COMPACT);
    story_line(story, event, STORY_BAD, "%s: %s", story_text(event, "event"), whole ? whole : "");
    free(whole);
}

/* ---- agent ---- */

static void tell_phase(struct story *story, const json_t *event)
{
    const char *phase = story_text(event, "phase");
    if (strcmp(phase, "download") == 0) {
        bool by_patch = strcmp(story_text(event, "via"), "delta") == 0;
        story_line(story, event, STORY_PLAIN, "server offers %s: fetches %s", story_text(event, "version"),
                   by_patch ? "a patch that makes it" : "it");
    } else if (strcmp(phase, "trial") == 0) {
        story_line(story, event, STORY_PLAIN, "on trial: checks its health, and that it reaches the server");
    }
}

static void tell_progress(struct story *story, const json_t *event)
{
    char total[32];
    if (story_number(event, "total") > 0 && story_number(event, "done") == story_number(event, "total")) {
        story_line(story, event, STORY_PLAIN, "all %s bytes are in the secondary slot", story_grouped(story_number(event, "total"), total));
    }
    story_bar(story, event, "download");
}

static void tell_resumed(struct story *story, const json_t *event)
{
    char done[32];
    story_line(story, event, STORY_PLAIN, "the download goes on at byte %s", story_grouped(story_number(event, "done"), done));
}

static void tell_retry(struct story *story, const json_t *event)
{
    const char *cause = story_text(event, "cause");
    if (story->said_why) {
        story_line(story, event, STORY_DIM, "tries again in %.1f s", (double)story_number(event, "wait_ms") / 1000.0);
        return;
    }
    if (story_number(event, "wait_ms") == 0 && strcmp(story_text(event, "via"), "delta") == 0) {
        story_line(story, event, STORY_BAD, "the patch is of no use (%s): fetches the whole image", story_text(event, "outcome"));
        return;
    }
    story_line(story, event, STORY_DIM, "%s%s%s%s: tries again in %.1f s", story_text(event, "outcome"), *cause ? " (" : "", cause,
         *cause ? ")" : "", (double)story_number(event, "wait_ms") / 1000.0);
}

static void tell_reported(struct story *story, const json_t *event)
{
    int status = (int)story_number(event, "http_status");
    if (status < 400) {
        const char *reason = story_text(event, "reason");
        bool why = strcmp(reason, "none") != 0;
        story_line(story, event, STORY_PLAIN, "told the server: %s %s%s%s", story_text(event, "version"), story_text(event, "result"),
             why ? ", reason " : "", why ? reason : "");
    } else {
        story_line(story, event, STORY_DIM, "the server takes no reports (HTTP %d)", status);
    }
}

struct outcome_words {
    const char *outcome;
    enum story_colour colour;
    const char *words; /* %s: the version */
};

static const struct outcome_words outcomes[] = {
    {"current", STORY_PLAIN, "asked the server: %s is up to date"},
    {"installing", STORY_PLAIN, "%s is genuine: asks the bootloader to install it"},
    {"confirmed", STORY_GOOD, "%s is healthy and reached the server: confirmed"},
    {"rejected", STORY_GOOD, "server offers %s, which failed here: not tried again"},
    {"older", STORY_PLAIN, "server offers %s, which is older: stays"},
    {"not-for-us", STORY_PLAIN, "server's %s is for another board, product or address: stays"},
    {"bad-job", STORY_BAD, "server's job document makes no sense: stays"},
    {"forbidden", STORY_BAD, "server's job (%s) leads to where it must not go: stays"},
    {"bad-image", STORY_BAD, "%s is not genuine, or not what was promised: thrown away"},
    {"too-large", STORY_BAD, "%s does not fit the slot"},
    {"flash", STORY_BAD, "the flash failed"},
    {"deferred", STORY_PLAIN, "%s may not be fetched now"},
    {"expired", STORY_PLAIN, "server's job (%s) has expired: stays"},
    {"too-old", STORY_PLAIN, "server's job (%s) needs a newer version to start from: stays"},
    {"waiting", STORY_PLAIN, "server offers %s, to other devices first: waits for its turn"},
    {"unsigned", STORY_BAD, "server's job is not signed by a key that is known here: stays"},
    {"replayed", STORY_BAD, "server's job (%s) is older than one that was taken before: stays"},
};

/* The words, with the version in place of %s. */
static void tell_words(struct story *story, const json_t *event, const struct outcome_words *outcome)
{
    const char *mark = strstr(outcome->words, "%s");
    int before = mark ? (int)(mark - outcome->words) : (int)strlen(outcome->words);
    story_line(story, event, outcome->colour, "%.*s%s%s", before, outcome->words, mark ? story_text(event, "version") : "",
         mark ? mark + 2 : "");
}

static void tell_outcome(struct story *story, const json_t *event)
{
    const char *outcome = story_text(event, "outcome");
    const char *cause = story_text(event, "cause");
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(outcome, outcomes[i].outcome) == 0) {
            tell_words(story, event, &outcomes[i]);
            return;
        }
    }
    if (strcmp(outcome, "reverted") == 0) {
        story_line(story, event, STORY_BAD, "the last image was not kept: %s", story_text(event, "reason"));
    } else if (story_number(event, "http_status") >= 400) {
        story_line(story, event, STORY_BAD, "%s: HTTP %d", outcome, (int)story_number(event, "http_status"));
    } else {
        story_line(story, event, STORY_BAD, "%s%s%s%s", outcome, *cause ? " (" : "", cause, *cause ? ")" : "");
    }
}

struct teller {
    const char *from, *event;
    void (*tell)(struct story *story, const json_t *event);
};

static const struct teller tellers[] = {
    {"board", "power-on", tell_power_on},
    {"board", "reset", tell_reset},
    {"board", "power-cut", tell_power_cut},
    {"board", "cuts", tell_cuts},
    {"board", "gdb", tell_gdb},
    {"board", "test-key", tell_test_key},
    {"board", "led", NULL},
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

/* ---- what an emulated board says in its own words ---- */

/* Events, or outcomes, and how their lines look; all others are plain. */
static const struct {
    const char *name;
    enum story_colour colour;
} line_colours[] = {
    {"refused", STORY_BAD},    {"revert", STORY_BAD},     {"bootstrap", STORY_BAD},   {"primary-bad", STORY_BAD}, {"no-boot", STORY_BAD}, {"other-map", STORY_BAD},
    {"nothing", STORY_BAD},    {"flash-misuse", STORY_BAD}, {"hang", STORY_BAD},      {"give-up", STORY_BAD},     {"no-start", STORY_BAD},
    {"no-network", STORY_BAD}, {"fault", STORY_BAD},      {"reverted", STORY_BAD},    {"bad-job", STORY_BAD},     {"forbidden", STORY_BAD},
    {"bad-image", STORY_BAD},  {"too-large", STORY_BAD},  {"server", STORY_BAD},      {"unreachable", STORY_BAD}, {"untrusted", STORY_BAD},
    {"flash", STORY_BAD},      {"trial-time", STORY_BAD}, {"confirmed", STORY_GOOD},  {"rejected", STORY_GOOD},   {"retry", STORY_DIM},
    {"led", STORY_DIM},        {"memory", STORY_DIM},     {"uart", STORY_DIM},
};

static enum story_colour colour_of_line(const json_t *event)
{
    for (size_t i = 0; i < sizeof line_colours / sizeof line_colours[0]; i++) {
        const char *name = line_colours[i].name;
        if (strcmp(story_text(event, "event"), name) == 0 || strcmp(story_text(event, "outcome"), name) == 0 ||
            strcmp(story_text(event, "why"), name) == 0) {
            return line_colours[i].colour;
        }
    }
    return STORY_PLAIN;
}

/* Its own words, but bars for numbers that rise; why it was reset is told already. */
static bool tell_line(struct story *story, const json_t *event)
{
    const char *name = story_text(event, "event");
    const char *words = story_text(event, "line");
    if (!*words || strcmp(name, "progress") == 0 || strcmp(name, "started") == 0) {
        return false;
    }
    if (strcmp(name, "swap") == 0 || strcmp(name, "swap-resumed") == 0) {
        story->moving = story->overwrite ? "copy" : "swap";
    } else if (strncmp(name, "revert", 6) == 0) {
        story->moving = "revert";
    }
    story_line(story, event, colour_of_line(event), "%s", words);
    return true;
}

void story_tell(struct story *story, const json_t *event)
{
    if (story_level_of(story, event) == STORY_ALL) {
        char *whole = json_dumps(event, JSON_COMPACT | JSON_PRESERVE_ORDER);
        story_line(story, event, STORY_DIM, "%s", whole ? whole : "");
        free(whole);
    }
    if (tell_line(story, event)) {
        return;
    }
    for (size_t i = 0; i < sizeof tellers / sizeof tellers[0]; i++) {
        if (strcmp(story_text(event, "from"), tellers[i].from) == 0 && strcmp(story_text(event, "event"), tellers[i].event) == 0) {
            if (tellers[i].tell) {
                tellers[i].tell(story, event);
            }
            story->said_why = strcmp(tellers[i].event, "outcome") == 0;
            return;
        }
    }
    tell_trouble(story, event);
}
