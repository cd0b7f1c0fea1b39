/* SPDX-License-Identifier: Apache-2.0 */
/* event.c - events of bootloader, agent and application as JSON lines. */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

#include "board/host/event.h"
#include "board/host/script.h"

#define PROGRESS_STEPS 20u

static const char *const phase_names[] = {
    [OTTER_PHASE_IDLE] = "idle",   [OTTER_PHASE_REQUESTED] = "requested", [OTTER_PHASE_SWAP] = "swap",
    [OTTER_PHASE_TRIAL] = "trial", [OTTER_PHASE_REVERT] = "revert",
};

static const char *const boot_names[] = {
    [OTTER_BOOT_FOUND] = "found",
    [OTTER_BOOT_JOURNAL_NEW] = "journal-new",
    [OTTER_BOOT_REFUSED] = "refused",
    [OTTER_BOOT_SWAP] = "swap",
    [OTTER_BOOT_SWAP_RESUMED] = "swap-resumed",
    [OTTER_BOOT_PROGRESS] = "progress",
    [OTTER_BOOT_TRIAL] = "trial",
    [OTTER_BOOT_REVERT] = "revert",
    [OTTER_BOOT_REVERT_RESUMED] = "revert-resumed",
    [OTTER_BOOT_BOOTSTRAP] = "bootstrap",
    [OTTER_BOOT_PRIMARY_BAD] = "primary-bad",
    [OTTER_BOOT_START] = "start",
    [OTTER_BOOT_NOTHING] = "nothing",
    [OTTER_BOOT_OTHER_MAP] = "other-map",
};

static const char *const agent_names[] = {
    [OTTER_EVENT_PHASE] = "phase",     [OTTER_EVENT_OUTCOME] = "outcome", [OTTER_EVENT_PROGRESS] = "progress",
    [OTTER_EVENT_RESUMED] = "resumed", [OTTER_EVENT_RETRY] = "retry",     [OTTER_EVENT_REPORTED] = "reported",
};

const char *host_phase_str(enum otter_phase phase)
{
    return phase_names[phase];
}

static void say(struct host_reporter *reporter, json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (line) {
        host_chip_say(reporter->chip, line);
    }
    free(line);
    json_decref(object);
}

static void add_version(json_t *object, const char *key, const struct otter_version *version)
{
    char text[HOST_VERSION_SIZE];
    host_version_print(version, text);
    (void)json_object_set_new(object, key, json_string(text));
}

static void add_number(json_t *object, const char *key, int64_t number)
{
    (void)json_object_set_new(object, key, json_integer(number));
}

/* True for the first, the last, and every twentieth part between. */
static bool worth_saying(struct host_reporter *reporter, uint32_t done, uint32_t total)
{
    uint32_t step = total / PROGRESS_STEPS + 1;
    bool worth = total != reporter->total || done < reporter->done || done == total ||
                 done - reporter->done >= step;
    if (worth) {
        reporter->done = done;
        reporter->total = total;
    }
    return worth;
}

void host_event_boot(struct host_reporter *reporter, const struct otter_boot_event *event)
{
    if (event->kind == OTTER_BOOT_PROGRESS && !worth_saying(reporter, event->done, event->total)) {
        return;
    }
    json_t *object = json_pack("{s:s, s:s}", "from", "boot", "event", boot_names[event->kind]);
    switch (event->kind) {
    case OTTER_BOOT_FOUND:
        (void)json_object_set_new(object, "phase", json_string(host_phase_str(event->phase)));
        (void)json_object_set_new(object, "reason", json_string(otter_reason_str(event->reason)));
        break;
    case OTTER_BOOT_PROGRESS:
        add_number(object, "done", event->done);
        add_number(object, "total", event->total);
        break;
    case OTTER_BOOT_TRIAL:
        add_number(object, "attempt", event->attempt);
        add_number(object, "attempts_allowed", event->attempts_allowed);
        add_version(object, "version", &event->version);
        break;
    case OTTER_BOOT_SWAP:
        add_version(object, "previous", &event->from);
        add_version(object, "version", &event->version);
        break;
    case OTTER_BOOT_REVERT:
        (void)json_object_set_new(object, "reason", json_string(otter_reason_str(event->reason)));
        break;
    case OTTER_BOOT_REFUSED:
        add_version(object, "version", &event->version);
        (void)json_object_set_new(object, "reason", json_string(otter_reason_str(event->reason)));
        break;
    case OTTER_BOOT_START:
    case OTTER_BOOT_BOOTSTRAP:
        add_version(object, "version", &event->version);
        break;
    case OTTER_BOOT_PRIMARY_BAD:
        if (event->reason == OTTER_REASON_WRONG_PLACE) {
            (void)json_object_set_new(object, "reason", json_string(otter_reason_str(event->reason)));
        }
        /* fall through */
    case OTTER_BOOT_NOTHING:
    case OTTER_BOOT_OTHER_MAP:
        (void)json_object_set_new(object, "err", json_string(otter_err_str(event->err)));
        break;
    case OTTER_BOOT_JOURNAL_NEW:
    case OTTER_BOOT_SWAP_RESUMED:
    case OTTER_BOOT_REVERT_RESUMED:
        break;
    }
    say(reporter, object);
}

static void add_outcome(json_t *object, const struct otter_event *event, const char *cause)
{
    (void)json_object_set_new(object, "outcome", json_string(otter_outcome_str(event->outcome)));
    (void)json_object_set_new(object, "reason", json_string(otter_reason_str(event->reason)));
    (void)json_object_set_new(object, "err", event->err ? json_string(otter_err_str(event->err)) : json_null());
    add_number(object, "http_status", event->http_status);
    add_version(object, "version", &event->version);
    if (cause && (event->outcome == OTTER_OUTCOME_UNREACHABLE || event->outcome == OTTER_OUTCOME_UNTRUSTED)) {
        (void)json_object_set_new(object, "cause", json_string(cause));
    }
}

/* Where an image is on its way. */
static void add_via(json_t *object, const struct otter_event *event)
{
    if (event->phase == OTTER_AGENT_DOWNLOAD || event->phase == OTTER_AGENT_VERIFY) {
        (void)json_object_set_new(object, "via", json_string(event->delta ? "delta" : "image"));
    }
}

void host_event_agent(struct host_reporter *reporter, const struct otter_event *event, const char *cause)
{
    if (event->kind == OTTER_EVENT_PROGRESS && !worth_saying(reporter, event->done, event->total)) {
        return;
    }
    json_t *object = json_pack("{s:s, s:s, s:s}", "from", "app", "event", agent_names[event->kind], "phase",
                               otter_agent_phase_str(event->phase));
    switch (event->kind) {
    case OTTER_EVENT_PHASE:
        if (event->phase == OTTER_AGENT_DOWNLOAD) {
            add_version(object, "version", &event->version);
            add_via(object, event);
        }
        break;
    case OTTER_EVENT_OUTCOME:
        add_outcome(object, event, cause);
        add_via(object, event);
        break;
    case OTTER_EVENT_RETRY:
        add_outcome(object, event, cause);
        add_via(object, event);
        add_number(object, "wait_ms", event->wait_ms);
        break;
    case OTTER_EVENT_PROGRESS:
    case OTTER_EVENT_RESUMED:
        add_number(object, "done", event->done);
        add_number(object, "total", event->total);
        add_via(object, event);
        break;
    case OTTER_EVENT_REPORTED:
        (void)json_object_set_new(object, "result", json_string(otter_outcome_str(event->outcome)));
        (void)json_object_set_new(object, "reason", json_string(otter_reason_str(event->reason)));
        add_version(object, "version", &event->version);
        add_number(object, "http_status", event->http_status);
        break;
    }
    say(reporter, object);
}

void host_event_app(struct host_reporter *reporter, const char *name, const char *format, ...)
{
    json_t *object = json_pack("{s:s, s:s}", "from", "app", "event", name);
    if (format) {
        va_list args;
        va_start(args, format);
        json_t *details = json_vpack_ex(NULL, 0, format, args);
        va_end(args);
        (void)json_object_update(object, details);
        json_decref(details);
    }
    say(reporter, object);
}
