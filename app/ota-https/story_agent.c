/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story_agent.c - the agent's events as lines.
 */
#include "app/ota-https/story.h"
#include "otter/result.h"

#define PROGRESS_STEPS 20u
#define STATUS_MAX (5u + STORY_NUMBER_SIZE) /* "HTTP " and a number */

enum detail { NOTHING, CAUSE, REASON, ERROR };

/* Each outcome has one line; its values are the version, if it names one, then the detail. */
static const struct {
    enum story_word word;
    bool version;
    enum detail detail;
} outcomes[] = {
    [OTTER_OUTCOME_CURRENT] = {STORY_CURRENT, true, NOTHING},
    [OTTER_OUTCOME_INSTALLING] = {STORY_INSTALLING, true, NOTHING},
    [OTTER_OUTCOME_CONFIRMED] = {STORY_CONFIRMED, true, NOTHING},
    [OTTER_OUTCOME_REVERTED] = {STORY_REVERTED, true, REASON},
    [OTTER_OUTCOME_OLDER] = {STORY_OLDER, true, NOTHING},
    [OTTER_OUTCOME_REJECTED] = {STORY_REJECTED, true, NOTHING},
    [OTTER_OUTCOME_NOT_FOR_US] = {STORY_NOT_FOR_US, true, NOTHING},
    [OTTER_OUTCOME_BAD_JOB] = {STORY_BAD_JOB, false, NOTHING},
    [OTTER_OUTCOME_FORBIDDEN] = {STORY_FORBIDDEN, true, NOTHING},
    [OTTER_OUTCOME_BAD_IMAGE] = {STORY_BAD_IMAGE, true, NOTHING},
    [OTTER_OUTCOME_TOO_LARGE] = {STORY_TOO_LARGE, true, NOTHING},
    [OTTER_OUTCOME_SERVER] = {STORY_SERVER, false, ERROR},
    [OTTER_OUTCOME_UNREACHABLE] = {STORY_UNREACHABLE, false, CAUSE},
    [OTTER_OUTCOME_UNTRUSTED] = {STORY_UNTRUSTED, false, CAUSE},
    [OTTER_OUTCOME_FLASH] = {STORY_FLASH, false, ERROR},
    [OTTER_OUTCOME_DEFERRED] = {STORY_DEFERRED, true, NOTHING},
    [OTTER_OUTCOME_EXPIRED] = {STORY_EXPIRED, true, NOTHING},
};

static bool is_refusal(const struct otter_event *event)
{
    return event->outcome == OTTER_OUTCOME_SERVER && event->http_status >= 300;
}

static void say_outcome(const struct otter_event *event, const char *cause)
{
    char number[STORY_NUMBER_SIZE];
    char version[STORY_VERSION_SIZE];
    const char *values[2];
    size_t count = 0;
    if (is_refusal(event)) {
        values[0] = story_number(event->http_status, number);
        story_say(STORY_SERVER_STATUS, values);
        return;
    }
    if (outcomes[event->outcome].version) {
        values[count++] = story_version(&event->version, version);
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
    char wait[STORY_NUMBER_SIZE];
    char status[STATUS_MAX] = "HTTP ";
    const char *values[] = {otter_outcome_str(event->outcome), cause, story_number(event->wait_ms, wait)};
    if (told) {
        story_say(STORY_RETRY_SOON, values + 2);
        return;
    }
    if (is_refusal(event)) {
        (void)story_number(event->http_status, status + 5);
        values[1] = status;
    }
    story_say(STORY_RETRY, values);
}

/* True for the first, the last, and every twentieth part between. */
static bool is_worth_a_line(uint32_t done, uint32_t total)
{
    static uint32_t last_done, last_total;
    uint32_t step = total / PROGRESS_STEPS + 1;
    bool worth = total != last_total || done < last_done || done - last_done >= step ||
                 (done == total && done != last_done);
    if (worth) {
        last_done = done;
        last_total = total;
    }
    return worth;
}

static void say_progress(const struct otter_event *event, enum story_word word)
{
    char done[STORY_NUMBER_SIZE];
    char total[STORY_NUMBER_SIZE];
    const char *values[] = {story_number(event->done, done), story_number(event->total, total)};
    if (word != STORY_PROGRESS || is_worth_a_line(event->done, event->total)) {
        story_say(word, values);
    }
}

static void say_phase(const struct otter_event *event)
{
    char version[STORY_VERSION_SIZE];
    const char *values[] = {story_version(&event->version, version)};
    if (event->phase == OTTER_AGENT_DOWNLOAD) {
        story_say(STORY_DOWNLOAD, values);
    } else if (event->phase == OTTER_AGENT_TRIAL) {
        story_say(STORY_ON_TRIAL, NULL);
    }
}

static void say_reported(const struct otter_event *event)
{
    char version[STORY_VERSION_SIZE];
    char status[STORY_NUMBER_SIZE];
    const char *values[] = {story_version(&event->version, version), otter_outcome_str(event->outcome),
                            otter_reason_str(event->reason)};
    if (event->http_status >= 300) {
        values[0] = story_number(event->http_status, status);
        story_say(STORY_NO_REPORTS, values);
    } else {
        story_say(event->reason != OTTER_REASON_NONE ? STORY_REPORTED_WHY : STORY_REPORTED, values);
    }
}

void story_agent(const struct otter_event *event, const char *cause)
{
    static enum otter_event_kind last = OTTER_EVENT_PHASE;
    const char *why = cause != NULL ? cause : otter_err_str(event->err);
    switch (event->kind) {
    case OTTER_EVENT_PHASE: say_phase(event); break;
    case OTTER_EVENT_OUTCOME: say_outcome(event, why); break;
    case OTTER_EVENT_PROGRESS: say_progress(event, STORY_PROGRESS); break;
    case OTTER_EVENT_RESUMED: say_progress(event, STORY_RESUMED); break;
    case OTTER_EVENT_RETRY: say_retry(event, why, last == OTTER_EVENT_OUTCOME); break;
    case OTTER_EVENT_REPORTED: say_reported(event); break;
    }
    last = event->kind;
}
