/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - phase REPORT: tell the server how an update went. Keys: SPEC.md, "Report".
 *
 * One report is kept, the newest. A server that takes none is left in peace; one that
 * fails is asked again later, beside the polls and never instead of them. What a reset
 * must not lose (a revert's reason) stays in the state until the report is through.
 */
#include <string.h>

#include "agent/http.h"
#include "agent/phase.h"
#include "agent/text.h"
#include "agent/url.h"
#include "agent/wait.h"
#include "otter/result.h"

enum { TRIES_MAX = 10 };

/* The old image of a trial: displaced in the secondary by a unit (journal), or at its
 * start (trailers). 0.0.0 where it cannot be read. */
static void find_fallback(const struct otter_state *state, struct otter_version *ret_version)
{
    struct otter_area area = state->layout->secondary;
    struct otter_image image;
    if (state->layout->journal.size != 0 && state->unit_size < area.size) {
        area.base += state->unit_size;
        area.size -= state->unit_size;
    }
    struct otter_view view = otter_view_of(&area);
    if (otter_image_parse(&view, &image) < 0) {
        memset(&image.version, 0, sizeof image.version);
    }
    *ret_version = image.version;
}

/* The same for every try; after a reset too, for what the state remembers. */
static void make_id(const struct otter_agent *agent, struct otter_report *report)
{
    uint32_t id[2];
    _Static_assert(sizeof id == sizeof report->id && sizeof id == sizeof report->to, "64 bits");
    if (report->result == OTTER_OUTCOME_REVERTED) {
        memcpy(id, agent->config->state->requested.hash, sizeof id);
    } else {
        memcpy(id, &report->to, sizeof id);
        id[0] += otter_wait_random(agent->config) + report->bytes;
        id[1] += otter_wait_random(agent->config) + report->seconds + (uint32_t)report->result;
    }
    memcpy(report->id, id, sizeof id);
}

/* The version that this result is about. */
static const struct otter_version *version_of(const struct otter_agent *agent,
                                              enum otter_outcome result)
{
    if (result == OTTER_OUTCOME_REVERTED) {
        return &agent->config->state->requested.version;
    }
    return result == OTTER_OUTCOME_CONFIRMED ? &agent->running : &agent->job.version;
}

void otter_report_note(struct otter_agent *agent, enum otter_outcome result)
{
    struct otter_report *report = &agent->report;
    const struct otter_state *state = agent->config->state;
    const struct otter_version *to = version_of(agent, result);
    if (agent->config->no_report ||
        (result == report->told && otter_version_compare(to, &report->told_to) == 0)) {
        return;
    }
    report->result = result;
    report->reason = result == OTTER_OUTCOME_REVERTED ? state->reason : OTTER_REASON_NONE;
    report->from = agent->running;
    report->to = *to;
    if (result == OTTER_OUTCOME_CONFIRMED) {
        find_fallback(state, &report->from);
    }
    report->attempts = state->attempts;
    report->bytes = agent->fetch.bytes;
    report->seconds = (agent->now_ms - agent->fetch.start_ms) / 1000;
    report->via = agent->job.delta ? "delta" : "image";
    report->sequence = agent->job.sequence != 0 ? agent->job.sequence : state->job_sequence;
    report->tries = 0;
    if (result == OTTER_OUTCOME_REVERTED || result == OTTER_OUTCOME_CONFIRMED) {
        report->bytes = report->seconds = 0; /* the download was before the reset */
        report->via = NULL;
    }
    make_id(agent, report);
    otter_timer_set(&report->timer, agent->now_ms, 0);
}

bool otter_report_is_due(const struct otter_agent *agent)
{
    return agent->report.result != OTTER_OUTCOME_NONE &&
           otter_timer_left(&agent->report.timer, agent->now_ms) == 0;
}

static void add_key(struct otter_text *text, const char *key)
{
    otter_text_add(text, ",\"");
    otter_text_add(text, key);
    otter_text_add(text, "\":");
}

static void add_string(struct otter_text *text, const char *key, const char *value)
{
    add_key(text, key);
    otter_text_add_json(text, value != NULL ? value : "");
}

static void add_version(struct otter_text *text, const char *key, const struct otter_version *value)
{
    add_key(text, key);
    otter_text_add(text, "\"");
    otter_text_add_version(text, value);
    otter_text_add(text, "\"");
}

static void add_number(struct otter_text *text, const char *key, uint32_t value)
{
    add_key(text, key);
    otter_text_add_u32(text, value);
}

static void write_body(const struct otter_agent *agent, struct otter_text *text)
{
    const struct otter_report *report = &agent->report;
    otter_text_add(text, "{\"id\":\"");
    for (size_t i = 0; i < sizeof report->id; i++) {
        otter_text_add_hex(text, report->id[i]);
    }
    otter_text_add(text, "\"");
    add_string(text, "device", agent->config->device_id);
    add_string(text, "board", agent->config->board);
    add_version(text, "from", &report->from);
    add_version(text, "to", &report->to);
    add_string(text, "result", otter_outcome_str(report->result));
    add_string(text, "reason", otter_reason_str(report->reason));
    add_number(text, "attempts", report->attempts);
    add_number(text, "bytes", report->bytes);
    add_number(text, "seconds", report->seconds);
    add_string(text, "via", report->via);
    add_number(text, "sequence", report->sequence);
    otter_text_add(text, "}");
}

static const char *report_path(const struct otter_agent *agent)
{
    if (agent->job.has_report) {
        return agent->job.report_path; /* "": the job wants none */
    }
    return agent->config->report_path != NULL ? agent->config->report_path : "/report";
}

static void leave(struct otter_agent *agent)
{
    otter_http_finish(&agent->http);
    otter_agent_enter(agent, agent->report.then);
}

/* Nothing more to tell. The state may forget it; if that fails, it is told twice. */
static void settle(struct otter_agent *agent)
{
    struct otter_report *report = &agent->report;
    if (report->result == OTTER_OUTCOME_REVERTED) {
        (void)otter_state_acknowledge(agent->config->state);
    }
    report->told = report->result;
    report->told_to = report->to;
    report->result = OTTER_OUTCOME_NONE;
    leave(agent);
}

static void fail(struct otter_agent *agent)
{
    struct otter_report *report = &agent->report;
    if (++report->tries >= TRIES_MAX) {
        report->result = OTTER_OUTCOME_NONE; /* a revert is told again after the next start */
    }
    otter_timer_set(&report->timer, agent->now_ms, otter_wait_backoff(agent, report->tries));
    leave(agent);
}

static void begin(struct otter_agent *agent)
{
    struct otter_install *install = &agent->install;
    struct otter_report *report = &agent->report;
    struct otter_text text = {.buf = (char *)install->stage, .size = install->stage_size};
    write_body(agent, &text);
    if (report_path(agent)[0] == '\0' || text.full) {
        report->done = true;
        return;
    }
    struct otter_request request = {.method = "POST",
                                    .path = report_path(agent),
                                    .body = text.buf,
                                    .body_len = text.len};
    otter_http_begin(&agent->http, NULL, &request, agent->now_ms);
}

uint32_t otter_report_step(struct otter_agent *agent)
{
    if (!agent->begun) {
        agent->begun = true;
        agent->report.done = false;
        begin(agent);
        return 0;
    }
    if (agent->report.done) {
        settle(agent);
        return 0;
    }
    int next = otter_http_step(&agent->http, agent->now_ms);
    if (next < 0) {
        fail(agent);
    } else if (next == OTTER_HTTP_GOT_HEAD) {
        uint16_t status = agent->http.head.status;
        if (status / 100 == 2 || status == 404 || status == 405 || status == 501) {
            otter_agent_tell(agent, OTTER_EVENT_REPORTED, agent->report.result, OTTER_OK, 0);
            agent->report.done = true;
        } else {
            fail(agent);
        }
    }
    return next == OTTER_HTTP_WAIT ? OTTER_AGENT_NET_MS : 0;
}
