/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download.c - phase DOWNLOAD: one image, over as many connections as it takes.
 *
 * One request for everything; after a break, a request for the rest. Whether the rest is of
 * the same file is decided before a byte of it is used: a digest over path, strong
 * validator and size must be what it was (after a reset: what the state remembers). If it
 * is not, the download begins again at 0. A server that ignores ranges is listened to from
 * the start, and what is already in flash is passed over.
 */
#include <string.h>

#include "agent/http.h"
#include "agent/install.h"
#include "agent/job.h"
#include "agent/patch.h"
#include "agent/phase.h"
#include "agent/url.h"
#include "agent/wait.h"
#include "otter/result.h"

enum {
    TRIES_MAX = 6,    /* connections in a row without a new byte */
    RESTARTS_MAX = 3, /* files changing under one download */
    PROGRESS_STEP = 16384
};

static const char *file_path(const struct otter_agent *agent)
{
    return otter_agent_has_job(agent) ? agent->job.path : agent->config->image_path;
}

static void digest_source(const struct otter_agent *agent, const char *validator, uint32_t total,
                          uint8_t ret_digest[16])
{
    const uint8_t size[4] = {(uint8_t)total, (uint8_t)(total >> 8), (uint8_t)(total >> 16),
                             (uint8_t)(total >> 24)};
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    const char *path = file_path(agent);
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, path, strlen(path) + 1);
    otter_sha256_update(&sha, validator, strlen(validator) + 1);
    otter_sha256_update(&sha, size, sizeof size);
    if (agent->job.has_sha256) {
        otter_sha256_update(&sha, agent->job.sha256, sizeof agent->job.sha256);
    }
    otter_sha256_finish(&sha, hash);
    memcpy(ret_digest, hash, 16);
}

static bool is_source(const struct otter_agent *agent, const char *validator, uint32_t total)
{
    uint8_t digest[16];
    digest_source(agent, validator, total, digest);
    return agent->fetch.source_known && memcmp(digest, agent->fetch.mark.source, sizeof digest) == 0;
}

/* Can the file be told from another one of the same name and size? */
static bool is_resumable(const struct otter_agent *agent)
{
    const struct otter_fetch *fetch = &agent->fetch;
    return fetch->source_known && (agent->job.has_sha256 || fetch->validator[0] != '\0');
}

/* The strong validator of an answer; "": none. */
static const char *strong(const struct otter_head *head)
{
    return head->etag[0] == '"' ? head->etag : head->modified;
}

/* The install was begun, or begun again. From where on is the file needed? */
static void begin_file(struct otter_agent *agent)
{
    agent->fetch.at = agent->install.off;
    if (agent->job.delta) {
        agent->config->patcher->begin(agent);
    }
}

void otter_fetch_reset(struct otter_agent *agent)
{
    struct otter_fetch *fetch = &agent->fetch;
    memset(&fetch->total, 0, sizeof *fetch - offsetof(struct otter_fetch, total));
    agent->install.end = agent->install.limit;
    (void)otter_install_begin(&agent->install, 0);
    begin_file(agent);
}

/* Where does this download begin: where an earlier one stopped, in this session or before
 * the last reset, or at 0? */
static void prepare(struct otter_agent *agent)
{
    struct otter_fetch *fetch = &agent->fetch;
    const struct otter_download *saved = &agent->config->state->download;
    agent->begun = true;
    fetch->tries = fetch->restarts = 0;
    otter_timer_set(&agent->timer, agent->now_ms, 0);
    if (!agent->from_start && fetch->live && !fetch->whole && is_resumable(agent) &&
        is_source(agent, fetch->validator, fetch->total)) {
        otter_install_rewind(&agent->install); /* the stage held a job document meanwhile */
        fetch->resuming = true;
        fetch->judged = agent->install.off > 0;
        begin_file(agent);
        return;
    }
    fetch->bytes = 0;
    fetch->start_ms = agent->now_ms;
    otter_fetch_reset(agent);
    bool resume = saved->off > 0 && !agent->from_start;
    agent->from_start = false;
    if (resume && otter_install_begin(&agent->install, saved->off) == 0) {
        fetch->mark = *saved;
        fetch->source_known = fetch->resuming = fetch->resumed = fetch->judged = true;
        begin_file(agent);
        return;
    }
    otter_fetch_reset(agent);
}

/* Size by the job, where the answer does not tell one. */
static uint32_t expected(const struct otter_agent *agent, uint32_t told)
{
    return told == 0 ? agent->job.file_size : told;
}

/* The last byte of a range of this size; never beyond a known end (there are servers that
 * promise the bytes behind it, too). */
static uint32_t range_last(const struct otter_agent *agent, uint32_t size)
{
    const struct otter_fetch *fetch = &agent->fetch;
    uint32_t total = expected(agent, fetch->total);
    uint32_t last = fetch->from <= UINT32_MAX - size ? fetch->from + size - 1 : UINT32_MAX;
    return total != 0 && last >= total ? total - 1 : last;
}

static void begin_request(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    struct otter_fetch *fetch = &agent->fetch;
    bool job = otter_agent_has_job(agent);
    struct otter_request request = {.method = "GET", .path = file_path(agent), .last = UINT32_MAX};
    fetch->from = fetch->at;
    fetch->skip = 0;
    request.from = fetch->from;
    request.ranged = fetch->from > 0 || config->range_size > 0;
    if (config->range_size > 0) {
        request.last = range_last(agent, config->range_size);
    }
    if (fetch->from > 0 && fetch->validator[0] != '\0') {
        request.if_range = fetch->validator;
    }
    if (!job && fetch->from == 0) { /* direct: is it newer at all? */
        request.ranged = true;
        request.last = range_last(agent, OTTER_FETCH_HEADER);
        request.none_match = agent->job_validator[0] != '\0' ? agent->job_validator : NULL;
    }
    otter_http_begin(&agent->http, job ? &agent->job.place : NULL, &request, agent->now_ms);
}

void otter_fetch_distrust(struct otter_agent *agent, enum otter_outcome outcome)
{
    const uint8_t *source = agent->fetch.mark.source;
    bool again = memcmp(agent->bad_source, source, 16) == 0; /* at first: all zero */
    if (!agent->fetch.live) { /* pushed: it has no source */
        return;
    }
    agent->bad_times = (uint8_t)(!again ? 0 : agent->bad_times < 7 ? agent->bad_times + 1 : 7);
    agent->bad_skips = (uint8_t)(1u << agent->bad_times);
    agent->bad_outcome = outcome;
    memcpy(agent->bad_source, source, sizeof agent->bad_source);
}

/* This answer is of no use. */
static void refuse(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    agent->fetch.live = false;
    otter_agent_end(agent, outcome, err);
}

/* A connection broke, or brought less than it announced: go on in a while. */
static void retry(struct otter_agent *agent, int err)
{
    struct otter_fetch *fetch = &agent->fetch;
    otter_http_close(&agent->http);
    if (fetch->live && !is_resumable(agent)) {
        otter_fetch_reset(agent);
    }
    fetch->resuming = true;
    if (++fetch->tries > TRIES_MAX) {
        otter_agent_end(agent, otter_agent_blame(err), err);
        return;
    }
    uint32_t wait_ms = otter_wait_retry(agent);
    otter_timer_set(&agent->timer, agent->now_ms, wait_ms);
    otter_agent_tell(agent, OTTER_EVENT_RETRY, otter_agent_blame(err), err, wait_ms);
}

void otter_fetch_restart(struct otter_agent *agent)
{
    otter_http_close(&agent->http);
    if (++agent->fetch.restarts > RESTARTS_MAX) {
        otter_agent_end(agent, OTTER_OUTCOME_SERVER, OTTER_ERR_CORRUPT);
        return;
    }
    otter_fetch_reset(agent);
}

/* The answer is of this file. May it come in? */
static void settle(struct otter_agent *agent, const char *validator, uint32_t total)
{
    struct otter_fetch *fetch = &agent->fetch;
    memmove(fetch->validator, validator, strlen(validator) + 1);
    fetch->total = total;
    fetch->source_known = total != 0;
    fetch->live = true;
    digest_source(agent, validator, total, fetch->mark.source);
    if (!agent->job.delta) {
        agent->install.end = total != 0 ? total : agent->install.limit;
    }
    if (total > agent->install.limit) {
        refuse(agent, OTTER_OUTCOME_TOO_LARGE, OTTER_ERR_NOSPACE);
        return;
    }
    if (agent->job.file_size != 0 && total != agent->job.file_size) {
        refuse(agent, OTTER_OUTCOME_BAD_IMAGE, OTTER_ERR_CORRUPT);
        return;
    }
    if (agent->bad_skips > 0 && memcmp(agent->bad_source, fetch->mark.source, 16) == 0) {
        agent->bad_skips--;
        refuse(agent, agent->bad_outcome, OTTER_ERR_REFUSED);
        return;
    }
    if (fetch->resuming && otter_install_position(&agent->install) > 0) {
        otter_agent_tell(agent, OTTER_EVENT_RESUMED, OTTER_OUTCOME_NONE, OTTER_OK, 0);
    }
    fetch->resuming = false;
}

static void take_full(struct otter_agent *agent)
{
    const struct otter_head *head = &agent->http.head;
    const char *validator = strong(head);
    uint32_t total = expected(agent, head->has_length ? head->length : 0);
    uint32_t at = agent->fetch.at;
    if (at > 0 && is_source(agent, validator, total)) {
        agent->fetch.skip = at;
    } else if (at > 0) {
        otter_fetch_reset(agent);
    }
    agent->fetch.from = 0;
    settle(agent, validator, total);
}

/* Is this the range that was asked for, or its beginning? */
static bool is_range_asked(const struct otter_http *http)
{
    const struct otter_head *head = &http->head;
    const struct otter_request *request = &http->request;
    uint32_t len = head->range_last - head->range_from + 1;
    return request->ranged && head->has_range && head->range_from == request->from &&
           head->range_last <= request->last && (!head->has_length || head->length == len);
}

/* The strong validator of a part. Where the head gives no ETag but If-Range did, it is that
 * one: another file would have been a 200. */
static const char *part_validator(const struct otter_http *http)
{
    const char *known = http->request.if_range;
    bool implied = http->head.etag[0] == '\0' && known != NULL && known[0] == '"';
    return implied ? known : strong(&http->head);
}

static void take_part(struct otter_agent *agent)
{
    const struct otter_request *request = &agent->http.request;
    uint32_t total = expected(agent, agent->http.head.range_total);
    const char *validator = part_validator(&agent->http);
    bool same = request->from == 0 || is_source(agent, validator, total);
    bool lies = !same && request->if_range != NULL && strcmp(validator, request->if_range) == 0;
    if (!is_range_asked(&agent->http) || total == 0 || lies) {
        agent->from_start = true; /* with these ranges there is no going on */
        otter_agent_end(agent, OTTER_OUTCOME_SERVER, OTTER_ERR_CORRUPT);
    } else if (!same) {
        otter_fetch_restart(agent);
    } else {
        settle(agent, validator, total);
    }
}

static void take_head(struct otter_agent *agent)
{
    const struct otter_http *http = &agent->http;
    if (http->head.status == 200) {
        take_full(agent);
    } else if (http->head.status == 206) {
        take_part(agent);
    } else if (http->head.status == 304 && http->request.none_match != NULL) {
        otter_agent_end(agent, agent->judged, OTTER_OK);
    } else if (http->head.status == 416 && http->request.from > 0) {
        otter_fetch_restart(agent);
    } else {
        otter_agent_end(agent, OTTER_OUTCOME_SERVER, OTTER_ERR_IO);
    }
}

/* The header is staged. In the direct flow, its verdict is the outcome of the poll. */
static void judge(struct otter_agent *agent)
{
    enum otter_outcome outcome = otter_fetch_judge(agent);
    if (outcome == OTTER_OUTCOME_NONE) {
        return;
    }
    if (outcome == OTTER_OUTCOME_BAD_IMAGE || outcome == OTTER_OUTCOME_TOO_LARGE) {
        otter_fetch_distrust(agent, outcome);
    } else if (!otter_agent_has_job(agent)) {
        otter_job_remember(agent, outcome);
        if (outcome == OTTER_OUTCOME_DEFERRED) {
            agent->job_validator[0] = '\0';
        }
    }
    refuse(agent, outcome, outcome == OTTER_OUTCOME_CURRENT ? OTTER_OK : OTTER_ERR_REFUSED);
}

static int take_bytes(struct otter_agent *agent, const uint8_t *bytes, size_t len)
{
    if (agent->job.delta) {
        return agent->config->patcher->take(agent, bytes, len);
    }
    return (int)otter_install_take(&agent->install, bytes, len);
}

static void take_body(struct otter_agent *agent, const uint8_t *bytes, size_t len)
{
    struct otter_fetch *fetch = &agent->fetch;
    if (fetch->skip > 0) {
        len = len < fetch->skip ? len : fetch->skip;
        fetch->skip -= (uint32_t)len;
        fetch->bytes += (uint32_t)len;
        otter_http_eat(&agent->http, len);
        return;
    }
    bool told = fetch->total != 0;
    if (len > (told ? fetch->total : agent->install.limit) - fetch->at) {
        refuse(agent, told ? OTTER_OUTCOME_BAD_IMAGE : OTTER_OUTCOME_TOO_LARGE, OTTER_ERR_NOSPACE);
        return;
    }
    int taken = take_bytes(agent, bytes, len);
    if (taken < 0) {
        refuse(agent, OTTER_OUTCOME_BAD_IMAGE, taken);
        return;
    }
    otter_http_eat(&agent->http, (size_t)taken);
    fetch->at += (uint32_t)taken;
    fetch->bytes += (uint32_t)taken;
    if (is_resumable(agent)) {
        fetch->tries = agent->fails = 0;
    }
    if (!fetch->judged && agent->install.stage_len >= OTTER_FETCH_HEADER) {
        fetch->judged = true;
        judge(agent);
    }
}

/* All bytes are there. */
static void take_whole(struct otter_agent *agent)
{
    struct otter_fetch *fetch = &agent->fetch;
    if (!fetch->judged) {
        refuse(agent, OTTER_OUTCOME_BAD_IMAGE, OTTER_ERR_CORRUPT); /* shorter than a header */
        return;
    }
    fetch->whole = true;
    fetch->total = otter_install_position(&agent->install);
    agent->install.end = fetch->total;
    otter_install_close(&agent->install);
}

static void take_end(struct otter_agent *agent)
{
    struct otter_fetch *fetch = &agent->fetch;
    bool part = agent->http.head.status == 206 && fetch->at > fetch->from; /* of nothing: a break */
    bool lacks = fetch->total != 0 && fetch->at < fetch->total;
    fetch->cut = agent->http.cut;
    otter_http_finish(&agent->http);
    if (!lacks) {
        take_whole(agent);
    } else if (!part) {
        retry(agent, OTTER_ERR_IO);
    } /* else ask for the next part */
}

static void take_failure(struct otter_agent *agent, int err)
{
    const struct otter_fetch *fetch = &agent->fetch;
    if (fetch->live && fetch->total != 0 && fetch->skip == 0 && fetch->at == fetch->total) {
        take_whole(agent); /* what broke lay behind the last byte: a chunk's end, a trailer */
    } else if (err == OTTER_ERR_IO || err == OTTER_ERR_TIMEOUT) {
        retry(agent, err);
    } else {
        agent->from_start = agent->http.request.from > 0; /* perhaps it is the range */
        otter_agent_end(agent, otter_agent_blame(err), err);
    }
}

static uint32_t exchange(struct otter_agent *agent)
{
    const uint8_t *bytes;
    size_t len;
    if (agent->http.state == OTTER_HTTP_IDLE) {
        begin_request(agent);
    }
    int next = otter_http_next(&agent->http, agent->now_ms, &bytes, &len);
    if (next < 0) {
        take_failure(agent, next);
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

/* Let the state know how far we are: at checkpoints, and once before the first byte is
 * erased. What a cut left of the last record may read otherwise at the next reset than it
 * did at this one; a new record settles it. 1: it was told; 0: there is nothing to tell. */
static int tell_state(struct otter_agent *agent)
{
    struct otter_install *install = &agent->install;
    bool due = is_resumable(agent) && otter_install_checkpoint(install);
    if (!due && (install->told || !install->flushing)) {
        return 0;
    }
    agent->fetch.mark.off = install->saved_off = install->off;
    install->told = true;
    int err = otter_state_save_download(agent->config->state, &agent->fetch.mark);
    return err < 0 ? err : 1;
}

/* One flash operation, if there is one to do. */
static int work_flash(struct otter_agent *agent)
{
    struct otter_install *install = &agent->install;
    int done = tell_state(agent);
    if (done != 0) {
        return done;
    }
    uint32_t before = install->off / PROGRESS_STEP;
    done = otter_install_step(install);
    if (done > 0 && (install->off / PROGRESS_STEP != before || install->off >= install->end)) {
        otter_agent_tell(agent, OTTER_EVENT_PROGRESS, OTTER_OUTCOME_NONE, OTTER_OK, 0);
    }
    return done;
}

uint32_t otter_download_step(struct otter_agent *agent)
{
    if (!agent->begun) {
        prepare(agent);
    }
    int done = work_flash(agent);
    if (done < 0) {
        agent->fetch.live = false;
        otter_agent_end(agent, OTTER_OUTCOME_FLASH, done);
        return 0;
    }
    if (done > 0) {
        return 0;
    }
    if (agent->fetch.whole) {
        otter_agent_enter(agent, OTTER_AGENT_VERIFY);
        return 0;
    }
    uint32_t left_ms = otter_timer_left(&agent->timer, agent->now_ms);
    return left_ms > 0 ? left_ms : exchange(agent);
}
