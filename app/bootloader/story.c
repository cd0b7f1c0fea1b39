/* SPDX-License-Identifier: Apache-2.0 */
/* story.c - events of the bootloader as lines. */
#include "app/bootloader/story.h"

#include <string.h>

#include "board/words.h"
#include "otter/result.h"
#include "otter_map.h"

enum { PROGRESS_STEPS = 20 };

static bool other_map; /* and nothing else is to be said */

static void say(const char *text, const char *first, const char *second, const char *third)
{
    const char *values[3] = {first, second, third};
    words_say(WORDS_BOOT, text, values);
}

void story_begin(enum board_reset cause, uint32_t pc)
{
    static const char *const texts[] = {
        [BOARD_RESET_POWER_ON] = BOOT_CAUSE_POWER,
        [BOARD_RESET_SOFTWARE] = BOOT_CAUSE_SOFTWARE,
        [BOARD_RESET_WATCHDOG] = BOOT_CAUSE_WATCHDOG,
        [BOARD_RESET_FAULT] = BOOT_CAUSE_FAULT,
    };
    struct words_number number;
    say(BOOT_HELLO, OTTER_MAP_NAME, NULL, NULL);
    say(texts[cause], words_addr(&number, pc), NULL, NULL);
}

/* The first of a run, the last, and at most one for each twentieth between. */
static bool worth_telling(const struct otter_boot_event *event)
{
    static uint32_t told;
    uint32_t step = event->total / PROGRESS_STEPS + 1;
    bool worth = event->done < told || event->done - told >= step || event->done == event->total;
    told = worth ? event->done : told;
    return worth;
}

static void tell_progress(const struct otter_boot_event *event)
{
    struct words_number done, total;
    if (worth_telling(event)) {
        say(BOOT_PROGRESS, words_decimal(&done, event->done), words_decimal(&total, event->total), NULL);
    }
}

static void tell_found(const struct otter_boot_event *event)
{
    if (event->phase == OTTER_PHASE_REQUESTED) {
        say(BOOT_FOUND_REQUEST, NULL, NULL, NULL);
    } else if (event->phase == OTTER_PHASE_TRIAL) {
        say(BOOT_FOUND_TRIAL, NULL, NULL, NULL);
    }
}

static void tell_trial(const struct otter_boot_event *event, const char *version)
{
    struct words_number attempt, allowed;
    say(BOOT_TRIAL, version, words_decimal(&attempt, event->attempt),
        words_decimal(&allowed, event->attempts_allowed));
}

static bool trial_failed(enum otter_reason reason)
{
    return reason == OTTER_REASON_NOT_CONFIRMED || reason == OTTER_REASON_WATCHDOG ||
           reason == OTTER_REASON_HEALTH;
}

void story_tell(void *ctx, const struct otter_boot_event *event)
{
    struct words_version text, text_from;
    const char *version = words_version(&text, &event->version);
    (void)ctx;
    switch (event->kind) {
    case OTTER_BOOT_FOUND:
        tell_found(event);
        break;
    case OTTER_BOOT_JOURNAL_NEW:
        say(BOOT_JOURNAL_NEW, NULL, NULL, NULL);
        break;
    case OTTER_BOOT_REFUSED:
        say(BOOT_REFUSED, version, otter_reason_str(event->reason), NULL);
        break;
    case OTTER_BOOT_SWAP:
        say(OTTER_MAP_SWAP ? BOOT_SWAP : BOOT_OVERWRITE, version, words_version(&text_from, &event->from), NULL);
        break;
    case OTTER_BOOT_SWAP_RESUMED:
        say(BOOT_SWAP_RESUMED, NULL, NULL, NULL);
        break;
    case OTTER_BOOT_PROGRESS:
        tell_progress(event);
        break;
    case OTTER_BOOT_TRIAL:
        tell_trial(event, version);
        break;
    case OTTER_BOOT_REVERT:
        say(trial_failed(event->reason) ? BOOT_REVERT : BOOT_RESTORE, otter_reason_str(event->reason), NULL, NULL);
        break;
    case OTTER_BOOT_REVERT_RESUMED:
        say(BOOT_REVERT_RESUMED, NULL, NULL, NULL);
        break;
    case OTTER_BOOT_BOOTSTRAP:
        say(BOOT_BOOTSTRAP, version, NULL, NULL);
        break;
    case OTTER_BOOT_PRIMARY_BAD:
        say(event->reason == OTTER_REASON_WRONG_PLACE ? BOOT_PRIMARY_ELSEWHERE : BOOT_PRIMARY_BAD,
            otter_err_str(event->err), NULL, NULL);
        break;
    case OTTER_BOOT_START:
        say(BOOT_START, version, NULL, NULL);
        break;
    case OTTER_BOOT_OTHER_MAP:
        other_map = true;
        say(BOOT_OTHER_MAP, NULL, NULL, NULL);
        break;
    case OTTER_BOOT_NOTHING: /* story_end: it may be tried again */
        break;
    }
}

void story_end(size_t keys, int err)
{
    if (keys == 0) {
        say(BOOT_NO_KEY, NULL, NULL, NULL);
    } else if (!other_map) {
        say(BOOT_NOTHING, otter_err_str(err), NULL, NULL);
    }
}
