/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.c - phase TRIAL: the new image runs, and has to show that it can be replaced.
 *
 * It is confirmed once the application is healthy and the server gave up the document (or
 * image) that the next update will need: an image that has lost its network reverts.
 */
#include "agent/http.h"
#include "agent/phase.h"
#include "agent/url.h"
#include "agent/wait.h"
#include "otter/result.h"

enum { SHORT_BODY = 4096 };

static void begin(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    struct otter_request request = {
        .method = "GET",
        .path = otter_job_path(config)};
    if (config->image_path != NULL) {
        request.path = config->image_path;
        request.ranged = true;
        request.last = OTTER_FETCH_HEADER - 1;
    }
    otter_http_begin(&agent->http, NULL, &request, agent->now_ms);
}

static void try_later(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    uint32_t wait_ms = otter_wait_retry(agent);
    otter_timer_set(&agent->timer, agent->now_ms, wait_ms);
    otter_agent_tell(agent, OTTER_EVENT_RETRY, outcome, err, wait_ms);
    otter_http_close(&agent->http);
}

/* A short body is read to its end, so that the connection can be used again. */
static void take_head(struct otter_agent *agent)
{
    const struct otter_head *head = &agent->http.head;
    if (head->status != 200 && head->status != 206) {
        try_later(agent, OTTER_OUTCOME_SERVER, OTTER_ERR_IO);
        return;
    }
    agent->reached = true;
    agent->fails = 0;
    if (!head->has_length || head->length > SHORT_BODY) {
        otter_http_finish(&agent->http);
    }
}

static uint32_t reach_server(struct otter_agent *agent)
{
    const uint8_t *bytes;
    size_t len;
    uint32_t left_ms = otter_timer_left(&agent->timer, agent->now_ms);
    if (left_ms > 0) {
        return left_ms;
    }
    if (agent->http.state == OTTER_HTTP_IDLE) {
        begin(agent);
    }
    int next = otter_http_next(&agent->http, agent->now_ms, &bytes, &len);
    if (next == OTTER_HTTP_GOT_HEAD) {
        take_head(agent);
    } else if (next == OTTER_HTTP_GOT_BODY) {
        otter_http_eat(&agent->http, len);
    } else if (next == OTTER_HTTP_GOT_END) {
        otter_http_finish(&agent->http);
    } else if (next < 0 && !agent->reached) {
        try_later(agent, otter_agent_blame(next), next);
    }
    return next == OTTER_HTTP_WAIT ? OTTER_AGENT_NET_MS : 0;
}

static uint32_t confirm(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    struct otter_image *running = &agent->verify.image;
    int err = otter_agent_running(config, running);
    if (err == OTTER_OK) {
        otter_report_note(agent, OTTER_OUTCOME_CONFIRMED);
        err = otter_state_confirm(config->state, running);
    }
    if (err < 0) {
        try_later(agent, OTTER_OUTCOME_FLASH, err);
        return 0;
    }
    agent->outcome = OTTER_OUTCOME_CONFIRMED;
    otter_agent_tell(agent, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, OTTER_OK, 0);
    /* the first ordinary poll follows at once, and takes the report along */
    otter_agent_enter(agent, config->image_path != NULL ? OTTER_AGENT_DOWNLOAD : OTTER_AGENT_JOB);
    return 0;
}

uint32_t otter_trial_step(struct otter_agent *agent)
{
    const struct otter_agent_hooks *hooks = &agent->config->hooks;
    if (!agent->reached || agent->http.state != OTTER_HTTP_IDLE) {
        return reach_server(agent);
    }
    uint32_t left_ms = otter_timer_left(&agent->timer, agent->now_ms);
    if (left_ms > 0) {
        return left_ms;
    }
    if (hooks->healthy != NULL && !hooks->healthy(hooks->ctx)) {
        return OTTER_AGENT_ASK_MS;
    }
    return confirm(agent);
}
