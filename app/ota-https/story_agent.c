/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story_agent.c - the agent's events as lines.
 */
#include <string.h>

#include "app/ota-https/story.h"
#include "otter/result.h"

#define PROGRESS_STEPS 20u

enum detail { NOTHING, CAUSE, REASON, ERROR };

/* Each outcome has one line; its values are the version, if it names one, then the detail. */
static const struct {
    const char *word;
    bool version;
    enum detail detail;
} outcomes[] = {
    [OTTER_OUTCOME_CURRENT] = {APP_CURRENT, true, NOTHING},
    [OTTER_OUTCOME_INSTALLING] = {APP_INSTALLING, true, NOTHING},
    [OTTER_OUTCOME_CONFIRMED] = {APP_CONFIRMED, true, NOTHING},
    [OTTER_OUTCOME_REVERTED] = {APP_REVERTED, true, REASON},
    [OTTER_OUTCOME_OLDER] = {APP_OLDER, true, NOTHING},
    [OTTER_OUTCOME_REJECTED] = {APP_REJECTED, true, NOTHING},
    [OTTER_OUTCOME_NOT_FOR_US] = {APP_NOT_FOR_US, true, NOTHING},
    [OTTER_OUTCOME_BAD_JOB] = {APP_BAD_JOB, false, NOTHING},
    [OTTER_OUTCOME_FORBIDDEN] = {APP_FORBIDDEN, true, NOTHING},
    [OTTER_OUTCOME_BAD_IMAGE] = {APP_BAD_IMAGE, true, NOTHING},
    [OTTER_OUTCOME_TOO_LARGE] = {APP_TOO_LARGE, true, NOTHING},
    [OTTER_OUTCOME_SERVER] = {APP_SERVER, false, ERROR},
    [OTTER_OUTCOME_UNREACHABLE] = {APP_UNREACHABLE, false, CAUSE},
    [OTTER_OUTCOME_UNTRUSTED] = {APP_UNTRUSTED, false, CAUSE},
    [OTTER_OUTCOME_FLASH] = {APP_FLASH, false, ERROR},
    [OTTER_OUTCOME_DEFERRED] = {APP_DEFERRED, true, NOTHING},
    [OTTER_OUTCOME_EXPIRED] = {APP_EXPIRED, true, NOTHING},
    [OTTER_OUTCOME_TOO_OLD] = {APP_TOO_OLD, true, NOTHING},
    [OTTER_OUTCOME_WAITING] = {APP_WAITING, true, NOTHING},
    [OTTER_OUTCOME_UNSIGNED] = {APP_UNSIGNED, false, NOTHING},
    [OTTER_OUTCOME_REPLAYED] = {APP_REPLAYED, true, NOTHING},
};

static bool is_refusal(const struct otter_event *event)
{
    return event->outcome == OTTER_OUTCOME_SERVER && event->http_status >= 300;
}

static void say_outcome(const struct otter_event *event, const char *cause)
{
    struct words_number number;
    struct words_version version;
    const char *values[2];
    size_t count = 0;
    if (is_refusal(event)) {
        values[0] = words_decimal(&number, event->http_status);
        story_say(APP_SERVER_STATUS, values);
        return;
    }
    if (outcomes[event->outcome].version) {
        values[count++] = words_version(&version, &event->version);
    }
    switch (outcomes[event->outcome].detail) {
    case NOTHING: break;
    case CAUSE: values[count] = cause; break;
    case REASON: values[count] = otter_reason_str(event->reason); break;
    case ERROR: values[count] = otter_err_str(event->err); break;
    }
    story_say(outcomes[event->outcome].word, values);
}

/* Why is in the line before where an outcome was told; else it is in this one. */
static void say_retry(const struct otter_event *event, const char *cause, bool told)
{
    struct words_number wait;
    struct words_number number;
    char status[sizeof "HTTP " + sizeof number.text] = "HTTP ";
    const char *values[] = {otter_outcome_str(event->outcome), cause, words_decimal(&wait, event->wait_ms)};
    if (told) {
        story_say(APP_RETRY_SOON, values + 2);
        return;
    }
    if (is_refusal(event)) {
        values[1] = strcat(status, words_decimal(&number, event->http_status));
    }
    story_say(event->delta && event->wait_ms == 0 ? APP_PATCH_GIVEN_UP : APP_RETRY, values);
}

/* True for the first, the last, and every twentieth part between. */
static bool is_worth_a_line(uint32_t done, uint32_t total)
{
    static uint32_t last_done, last_total;
    uint32_t step = total / PROGRESS_STEPS + 1;
    bool worth = total != last_total || done - last_done >= step || /* smaller: it wraps */
                 (done == total && done != last_done);
    if (worth) {
        last_done = done;
        last_total = total;
    }
    return worth;
}

static void say_bytes(const struct otter_event *event, const char *word)
{
    struct words_number done;
    struct words_number total;
    const char *values[] = {words_decimal(&done, event->done), words_decimal(&total, event->total)};
    story_say(word, values);
}

static void say_progress(const struct otter_event *event)
{
    if (is_worth_a_line(event->done, event->total)) {
        say_bytes(event, APP_PROGRESS);
    }
}

static void say_phase(const struct otter_event *event)
{
    struct words_version version;
    const char *values[] = {words_version(&version, &event->version)};
    if (event->phase == OTTER_AGENT_DOWNLOAD) {
        story_say(event->delta ? APP_DOWNLOAD_PATCH : APP_DOWNLOAD, values);
    } else if (event->phase == OTTER_AGENT_TRIAL) {
        story_say(APP_ON_TRIAL, NULL);
    }
}

static void say_reported(const struct otter_event *event)
{
    struct words_version version;
    struct words_number status;
    const char *values[] = {words_version(&version, &event->version), otter_outcome_str(event->outcome),
                            otter_reason_str(event->reason)};
    if (event->http_status >= 300) {
        values[0] = words_decimal(&status, event->http_status);
        story_say(APP_NO_REPORTS, values);
    } else {
        story_say(event->reason != OTTER_REASON_NONE ? APP_REPORTED_WHY : APP_REPORTED, values);
    }
}

void story_agent(const struct otter_event *event, const char *cause)
{
    static enum otter_event_kind last = OTTER_EVENT_PHASE;
    const char *why = cause != NULL ? cause : otter_err_str(event->err);
    switch (event->kind) {
    case OTTER_EVENT_PHASE: say_phase(event); break;
    case OTTER_EVENT_OUTCOME: say_outcome(event, why); break;
    case OTTER_EVENT_PROGRESS: say_progress(event); break;
    case OTTER_EVENT_RESUMED: say_bytes(event, APP_RESUMED); break;
    case OTTER_EVENT_RETRY: say_retry(event, why, last == OTTER_EVENT_OUTCOME); break;
    case OTTER_EVENT_REPORTED: say_reported(event); break;
    }
    last = event->kind;
}
