/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_phase.c - phase JOB: fetch the job document, judge it, go on from there.
 *
 * The request is conditional on what the last document came to, so that an unchanged one
 * costs a 304. The document gathers in the install stage, which is empty in this phase.
 */
#include <string.h>

#include "agent/http.h"
#include "agent/job.h"
#include "agent/patch.h"
#include "agent/phase.h"
#include "agent/rollout.h"
#include "agent/url.h"
#include "agent/wait.h"
#include "otter/result.h"

const char *otter_job_path(const struct otter_agent_config *config)
{
    if (config->job_path != NULL) {
        return config->job_path;
    }
    return config->job_keys_count > 0 ? "/ota_update.jws" : "/ota_update.json";
}

static void begin(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    struct otter_request request = {
        .method = "GET",
        .path = otter_job_path(config),
        .none_match = agent->job_validator[0] != '\0' ? agent->job_validator : NULL};
    agent->doc_len = 0;
    agent->begun = true;
    otter_http_begin(&agent->http, NULL, &request, agent->now_ms);
}

static uint32_t doc_max(const struct otter_agent *agent)
{
    size_t size = agent->install.stage_size;
    size_t most = agent->config->job_size_max;
    return (uint32_t)(most != 0 && most < size ? most : size);
}

/* Not this device's turn yet? Without a trusted clock, the server's own does, as long as TLS
 * says that it is the server's; without both, time stands before every start. */
static bool waits(const struct otter_agent *agent)
{
    uint32_t turn = agent->job.turn;
    int64_t now;
    if (!otter_wait_clock(agent->config, &now)) {
        now = agent->http.at.tls ? agent->http.head.date : -1;
    }
    return turn != 0 && (turn == OTTER_TURN_NEVER || now < (int64_t)turn);
}

/* The document is what it was; time may have changed what it comes to. */
static void take_unchanged(struct otter_agent *agent)
{
    enum otter_outcome outcome = agent->judged;
    if (otter_job_is_over(agent->config, &agent->job)) {
        outcome = OTTER_OUTCOME_EXPIRED;
    } else if (outcome == OTTER_OUTCOME_EXPIRED || (outcome == OTTER_OUTCOME_WAITING && !waits(agent))) {
        agent->job_validator[0] = '\0'; /* the document once more, without a condition */
        otter_http_finish(&agent->http);
        agent->begun = false;
        return;
    }
    otter_agent_end(agent, outcome, OTTER_OK);
}

static void take_head(struct otter_agent *agent)
{
    const struct otter_head *head = &agent->http.head;
    if (head->status == 304 && agent->job_validator[0] != '\0') {
        take_unchanged(agent);
    } else if (head->status != 200) {
        otter_agent_end(agent, OTTER_OUTCOME_SERVER, OTTER_ERR_IO);
    } else if (head->has_length && head->length > doc_max(agent)) {
        otter_agent_end(agent, OTTER_OUTCOME_BAD_JOB, OTTER_ERR_NOSPACE);
    }
}

static void take_body(struct otter_agent *agent, const uint8_t *bytes, size_t len)
{
    if (len > doc_max(agent) - agent->doc_len) {
        otter_agent_end(agent, OTTER_OUTCOME_BAD_JOB, OTTER_ERR_NOSPACE);
        return;
    }
    memcpy(agent->install.stage + agent->doc_len, bytes, len);
    agent->doc_len += (uint32_t)len;
    otter_http_eat(&agent->http, len);
}

/* Nothing speaks against the job. Is it one for this version, and now? */
static enum otter_outcome may_begin(const struct otter_agent *agent)
{
    if (otter_version_compare(&agent->running, &agent->job.min_version) < 0) {
        return OTTER_OUTCOME_TOO_OLD;
    }
    return waits(agent) ? OTTER_OUTCOME_WAITING : OTTER_OUTCOME_NONE;
}

/* A job for this device that is not over: from now on no older one is taken. Is there anything
 * to do? */
static enum otter_outcome judge(struct otter_agent *agent)
{
    const struct otter_job *job = &agent->job;
    if (job->verdict != OTTER_OUTCOME_NONE && job->verdict != OTTER_OUTCOME_FORBIDDEN) {
        return job->verdict;
    }
    if (agent->config->job_keys_count > 0 &&
        otter_state_raise_job(agent->config->state, job->sequence, job->issued) < 0) {
        return OTTER_OUTCOME_FLASH;
    }
    agent->poll_seconds = job->poll_seconds;
    enum otter_outcome outcome = otter_job_follows(agent->config->state, &agent->running,
                                                   &job->version, job->has_build);
    if (outcome != OTTER_OUTCOME_NONE || job->verdict != OTTER_OUTCOME_NONE) {
        return outcome != OTTER_OUTCOME_NONE ? outcome : job->verdict;
    }
    if (job->size > agent->install.limit) {
        return OTTER_OUTCOME_TOO_LARGE;
    }
    return may_begin(agent);
}

/* What is to be fetched is settled: may it? */
static bool may_download(struct otter_agent *agent)
{
    const struct otter_agent_hooks *hooks = &agent->config->hooks;
    if (agent->config->patcher != NULL) {
        agent->config->patcher->choose(agent);
    }
    return hooks->may_download == NULL ||
           hooks->may_download(hooks->ctx, &agent->job.version, agent->job.file_size);
}

void otter_job_remember(struct otter_agent *agent, enum otter_outcome outcome)
{
    const struct otter_head *head = &agent->http.head;
    const char *validator = head->etag[0] != '\0' ? head->etag : head->modified;
    agent->judged = outcome;
    memcpy(agent->job_validator, validator, strlen(validator) + 1);
}

/* Not a job document. It is fetched again at every poll: what was wrong may have been the
 * way it came, and then a 304 would keep it wrong. */
static void give_up(struct otter_agent *agent, bool cut, int err)
{
    if (cut) { /* the connection's end was the only end: more likely cut than wrong */
        otter_agent_end(agent, OTTER_OUTCOME_UNREACHABLE, OTTER_ERR_IO);
    } else {
        otter_agent_end(
            agent, err == OTTER_ERR_AUTH ? OTTER_OUTCOME_UNSIGNED : OTTER_OUTCOME_BAD_JOB, err);
    }
}

static void take_end(struct otter_agent *agent)
{
    struct otter_http *http = &agent->http;
    bool cut = http->cut;
    otter_http_finish(http);
    int err = otter_job_read(agent->config, (char *)agent->install.stage, agent->doc_len, http->buf,
                             http->size, &agent->job);
    agent->job_validator[0] = '\0';
    if (err < 0) {
        give_up(agent, cut, err);
        return;
    }
    enum otter_outcome outcome = judge(agent);
    if (outcome == OTTER_OUTCOME_FLASH) {
        otter_agent_end(agent, outcome, OTTER_ERR_IO);
    } else if (outcome != OTTER_OUTCOME_NONE) {
        otter_job_remember(agent, outcome);
        otter_agent_end(agent, outcome, err);
    } else if (!may_download(agent)) {
        otter_agent_end(agent, OTTER_OUTCOME_DEFERRED, OTTER_ERR_REFUSED);
    } else if (otter_report_is_due(agent)) {
        agent->report.then = OTTER_AGENT_DOWNLOAD;
        otter_agent_enter(agent, OTTER_AGENT_REPORT);
    } else {
        otter_agent_enter(agent, OTTER_AGENT_DOWNLOAD);
    }
}

uint32_t otter_job_step(struct otter_agent *agent)
{
    const uint8_t *bytes;
    size_t len;
    if (!agent->begun) {
        begin(agent);
    }
    int next = otter_http_next(&agent->http, agent->now_ms, &bytes, &len);
    if (next < 0) {
        otter_agent_end(agent, otter_agent_blame(next), next);
        return 0;
    }
    switch ((enum otter_http_result)next) {
    case OTTER_HTTP_WAIT:
        return OTTER_AGENT_NET_MS;
    case OTTER_HTTP_BUSY:
        break;
    case OTTER_HTTP_GOT_HEAD:
        take_head(agent);
        break;
    case OTTER_HTTP_GOT_BODY:
        take_body(agent, bytes, len);
        break;
    case OTTER_HTTP_GOT_END:
        take_end(agent);
        break;
    }
    return 0;
}
