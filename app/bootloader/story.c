/* SPDX-License-Identifier: Apache-2.0 */
/* story.c - events of the bootloader as lines. */
#include "app/bootloader/story.h"

#include "board/words.h"
#include "otter/result.h"
#include "otter_map.h"

enum { PROGRESS_STEPS = 20 };

static enum otter_boot_event_kind last;

static void say(const char *text, const char *value)
{
    words_say(WORDS_BOOT, text, &value);
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
    say(BOOT_HELLO, OTTER_MAP_NAME);
    say(texts[cause], words_addr(&number, pc));
}

/* The values that lines may need, so placed that those of one line are neighbours. */
enum value {
    VERSION, FROM,
    VERSION_ON_TRIAL, ATTEMPT, ALLOWED,
    VERSION_REFUSED, REASON,
    DONE, TOTAL,
    ERR,
    VALUES
};

/* Each event's line, and the first of its values. NULL: none, or not always this one. */
static const struct {
    const char *text;
    enum value first;
} lines[] = {
    [OTTER_BOOT_FOUND] = {NULL, 0},
    [OTTER_BOOT_JOURNAL_NEW] = {BOOT_JOURNAL_NEW, 0},
    [OTTER_BOOT_REFUSED] = {BOOT_REFUSED, VERSION_REFUSED},
    [OTTER_BOOT_SWAP] = {OTTER_MAP_SWAP ? BOOT_SWAP : BOOT_OVERWRITE, VERSION},
    [OTTER_BOOT_SWAP_RESUMED] = {BOOT_SWAP_RESUMED, 0},
    [OTTER_BOOT_PROGRESS] = {BOOT_PROGRESS, DONE},
    [OTTER_BOOT_TRIAL] = {BOOT_TRIAL, VERSION_ON_TRIAL},
    [OTTER_BOOT_REVERT] = {BOOT_RESTORE, REASON},
    [OTTER_BOOT_REVERT_RESUMED] = {BOOT_REVERT_RESUMED, 0},
    [OTTER_BOOT_BOOTSTRAP] = {BOOT_BOOTSTRAP, VERSION},
    [OTTER_BOOT_PRIMARY_BAD] = {BOOT_PRIMARY_BAD, ERR},
    [OTTER_BOOT_START] = {BOOT_START, VERSION},
    [OTTER_BOOT_OTHER_MAP] = {BOOT_OTHER_MAP, 0},
    [OTTER_BOOT_NOTHING] = {NULL, 0}, /* story_end: it may be tried again */
};

/* The line of an event: lines[], but for those that say more than the kind of event. */
static const char *text_of(const struct otter_boot_event *event)
{
    const char *text = lines[event->kind].text;
    if (event->kind == OTTER_BOOT_FOUND && event->phase == OTTER_PHASE_REQUESTED) {
        text = BOOT_FOUND_REQUEST;
    } else if (event->kind == OTTER_BOOT_FOUND && event->phase == OTTER_PHASE_TRIAL) {
        text = BOOT_FOUND_TRIAL;
    } else if (event->kind == OTTER_BOOT_PRIMARY_BAD && event->reason == OTTER_REASON_WRONG_PLACE) {
        text = BOOT_PRIMARY_ELSEWHERE;
    } else if (event->kind == OTTER_BOOT_REVERT && event->reason <= OTTER_REASON_HEALTH) {
        text = BOOT_REVERT; /* the trial failed */
    }
    return text;
}

/* The first of a run, the last, and at most one for each twentieth between. */
static bool worth_telling(const struct otter_boot_event *event)
{
    static uint32_t told;
    uint32_t step = event->total / PROGRESS_STEPS;
    bool worth = event->done < told || event->done - told > step || event->done == event->total;
    told = worth ? event->done : told;
    return worth;
}

void story_tell(void *ctx, const struct otter_boot_event *event)
{
    struct words_version version, from;
    struct words_number numbers[4];
    const char *text = text_of(event);
    (void)ctx;
    last = event->kind;
    if (text == NULL || (event->kind == OTTER_BOOT_PROGRESS && !worth_telling(event))) {
        return;
    }
    const char *values[VALUES];
    values[VERSION] = values[VERSION_ON_TRIAL] = values[VERSION_REFUSED] = words_version(&version, &event->version);
    values[FROM] = words_version(&from, &event->from);
    values[ATTEMPT] = words_decimal(&numbers[0], event->attempt);
    values[ALLOWED] = words_decimal(&numbers[1], event->attempts_allowed);
    values[REASON] = otter_reason_str(event->reason);
    values[DONE] = words_decimal(&numbers[2], event->done);
    values[TOTAL] = words_decimal(&numbers[3], event->total);
    values[ERR] = otter_err_str(event->err);
    words_say(WORDS_BOOT, text, values + lines[event->kind].first);
}

void story_end(size_t keys, int err)
{
    if (keys == 0) {
        say(BOOT_NO_KEY, NULL);
    } else if (last != OTTER_BOOT_OTHER_MAP) {
        say(BOOT_NOTHING, otter_err_str(err));
    }
}
