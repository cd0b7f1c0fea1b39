/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any place in any image of any size that is known or not, any size of ranges: the range asked for
 * begins where the download stands, is not empty, and ends before a known end. Of any answer that
 * head.c can read, one is taken only if it is the beginning of that range and has as many bytes as
 * it says; its length does not wrap. Its bytes never go beyond the file's end, and what is there
 * already is passed over once. The file is an image, or a patch that makes one.
 */
#include "agent/download.c" /* for its static functions */
#include "proof.h"

static struct otter_agent agent;
static uint32_t position, end, here, taken, eaten; /* position, end: in the file */
static bool refused;

bool otter_agent_has_job(const struct otter_agent *which)
{
    return which->config->job_path != NULL;
}

void otter_http_begin(struct otter_http *http, const struct otter_place *place, const struct otter_request *request,
                      uint32_t now_ms)
{
    (void)place;
    (void)now_ms;
    http->request = *request;
}

struct otter_place otter_url_home(const struct otter_agent_config *config)
{
    return (struct otter_place){.host = config->host};
}

size_t otter_install_take(struct otter_install *install, const void *bytes, size_t len)
{
    (void)bytes;
    PROVE(!agent.job.delta && len <= install->end - position);
    taken = nondet_u32();
    ASSUME(taken <= len);
    return taken;
}

static int take_patch(struct otter_agent *which, const uint8_t *bytes, size_t len)
{
    (void)bytes;
    PROVE(which->job.delta && len <= end - position);
    taken = nondet_u32();
    ASSUME(taken <= len);
    return nondet_bool() ? (int)taken : OTTER_ERR_CORRUPT;
}

void otter_http_eat(struct otter_http *http, size_t len)
{
    (void)http;
    PROVE(len <= here);
    eaten = (uint32_t)len;
}

void otter_agent_end(struct otter_agent *which, enum otter_outcome outcome, int err)
{
    (void)which;
    (void)outcome;
    (void)err;
    refused = true;
}

static void ask(const struct otter_agent_config *config)
{
    const struct otter_request *request = &agent.http.request;
    uint32_t known = agent.fetch.total;
    if (known == 0) {
        known = agent.job.file_size;
    }
    ASSUME(known == 0 || position < known); /* else it is whole, and nothing is asked */
    ASSUME(position < UINT32_MAX);
    begin_request(&agent);
    PROVE(request->from == position && agent.fetch.skip == 0);
    PROVE(!request->ranged || request->last >= request->from);
    PROVE(request->ranged || (request->from == 0 && request->last == UINT32_MAX));
    PROVE(known == 0 || request->last == UINT32_MAX || request->last < known);
    PROVE(config->range_size == 0 || request->last - request->from < config->range_size || request->last - request->from < 32 ||
          (request->last == UINT32_MAX && position > UINT32_MAX - config->range_size));
}

static void answer(void)
{
    const struct otter_request *request = &agent.http.request;
    struct otter_head *head = &agent.http.head;
    head->has_range = nondet_bool();
    head->has_length = nondet_bool();
    head->length = nondet_u32();
    head->range_from = nondet_u32();
    head->range_last = nondet_u32();
    head->range_total = nondet_u32();
    if (head->has_range) { /* what head.c lets through: see range_read.c */
        ASSUME(head->range_from <= head->range_last);
        ASSUME(head->range_total == 0 || head->range_last < head->range_total);
    }
    if (is_range_asked(&agent.http)) {
        uint64_t len = (uint64_t)head->range_last - head->range_from + 1;
        PROVE(request->ranged && head->has_range);
        PROVE(head->range_from == position && head->range_last <= request->last);
        PROVE(len <= UINT32_MAX && (!head->has_length || head->length == len));
    }
}

static void body(void)
{
    static const uint8_t bytes[1];
    here = nondet_u32();
    agent.install.limit = nondet_u32();
    end = agent.fetch.total != 0 ? agent.fetch.total : agent.install.limit; /* as settle() leaves it */
    agent.install.end = agent.job.delta ? nondet_u32() : end;
    agent.fetch.skip = nondet_u32();
    agent.fetch.judged = true;
    ASSUME(here > 0 && here <= 0x10000 && position <= end);
    uint32_t skip = agent.fetch.skip;
    take_body(&agent, bytes, here);
    bool too_long = here > end - position;
    PROVE(skip == 0 || (taken == 0 && eaten == (here < skip ? here : skip) && agent.fetch.skip == skip - eaten));
    PROVE(skip != 0 || (agent.job.delta ? refused || !too_long : refused == too_long));
    PROVE(skip != 0 || refused || (eaten == taken && agent.fetch.at == position + taken && agent.fetch.at <= end));
}

int main(void)
{
    static const struct otter_patcher patcher = {.take = take_patch};
    static struct otter_agent_config config;
    config.job_path = nondet_bool() ? "/j" : NULL;
    config.image_path = "/i";
    config.range_size = nondet_u32();
    config.patcher = &patcher;
    agent.config = &config;
    agent.fetch.total = nondet_u32();
    agent.fetch.at = position = nondet_u32();
    agent.job.delta = nondet_bool();
    agent.job.file_size = nondet_u32();
    ask(&config);
    answer();
    body();
    return 0;
}
