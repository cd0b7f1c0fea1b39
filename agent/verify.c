/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - phase VERIFY: what is in flash, judged; then the swap request.
 *
 * The header is looked at twice: when its 32 bytes arrive (a hopeless download stops
 * there), and again in flash with everything else, because only that is what will boot.
 */
#include <string.h>

#include "agent/install.h"
#include "agent/job.h"
#include "agent/phase.h"
#include "otter/result.h"

static uint32_t load_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* The image's version: what the job promised, and allowed here? */
static enum otter_outcome judge_version(struct otter_agent *agent,
                                        const struct otter_version *version)
{
    struct otter_job *job = &agent->job;
    if (otter_agent_has_job(agent)) {
        struct otter_version promised = job->version;
        promised.build = job->has_build ? promised.build : version->build;
        if (otter_version_compare(&promised, version) != 0) {
            return OTTER_OUTCOME_BAD_IMAGE;
        }
    } else {
        job->version = *version;
    }
    return otter_job_follows(agent->config->state, &agent->running, version, true);
}

enum otter_outcome otter_fetch_judge(struct otter_agent *agent)
{
    const struct otter_agent_hooks *hooks = &agent->config->hooks;
    const uint8_t *raw = agent->install.stage;
    uint32_t header = (uint32_t)(raw[8] | raw[9] << 8);
    uint32_t protected_tlvs = (uint32_t)(raw[10] | raw[11] << 8);
    uint32_t payload = load_le32(raw + 12);
    uint32_t limit = agent->install.limit;
    struct otter_version version = {.major = raw[20],
                                    .minor = raw[21],
                                    .revision = (uint16_t)(raw[22] | raw[23] << 8),
                                    .build = load_le32(raw + 24)};
    if (load_le32(raw) != OTTER_IMAGE_MAGIC) {
        return OTTER_OUTCOME_BAD_IMAGE;
    }
    if (payload > limit || header + protected_tlvs > limit - payload) {
        return OTTER_OUTCOME_TOO_LARGE;
    }
    if (header + protected_tlvs + payload >= agent->install.end) {
        return OTTER_OUTCOME_BAD_IMAGE; /* no room for the hash in a file of this size */
    }
    enum otter_outcome outcome = judge_version(agent, &version);
    bool ask = !otter_agent_has_job(agent) && hooks->may_download != NULL;
    if (outcome == OTTER_OUTCOME_NONE && ask &&
        !hooks->may_download(hooks->ctx, &version, agent->fetch.total)) {
        return OTTER_OUTCOME_DEFERRED;
    }
    return outcome;
}

/* What is in flash will not be installed. If some of it is from before a reset, it may
 * be to blame: one more try from the start. */
static void fail(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    struct otter_fetch *fetch = &agent->fetch;
    bool again = fetch->resumed && !agent->pushing;
    if (err != OTTER_ERR_IO && !again) {
        otter_fetch_distrust(agent, outcome);
    }
    agent->from_start = true; /* nor from what the state remembers of it */
    otter_fetch_reset(agent);
    if (again && err != OTTER_ERR_IO) {
        otter_agent_enter(agent, OTTER_AGENT_DOWNLOAD);
        return;
    }
    otter_agent_end(agent, outcome, err);
}

static void next_stage(struct otter_agent *agent, enum otter_verify_stage stage)
{
    struct otter_verify *verify = &agent->verify;
    verify->stage = (uint8_t)stage;
    verify->check.off = 0;
    if (stage == OTTER_VERIFY_FILE) {
        otter_sha256_init(&verify->check.sha);
    } else if (stage == OTTER_VERIFY_IMAGE) {
        struct otter_view view = verify->check.view;
        otter_image_check_begin(&verify->check, &view, &verify->image, agent->config->keys,
                                agent->config->keys_count);
    }
}

static enum otter_outcome judge_image(struct otter_agent *agent)
{
    const struct otter_state *state = agent->config->state;
    const struct otter_image *image = &agent->verify.image;
    if (image->size != agent->fetch.total) {
        return OTTER_OUTCOME_BAD_IMAGE; /* bytes that nothing vouches for */
    }
    if (otter_state_rejects_hash(state, image->hash)) {
        return OTTER_OUTCOME_REJECTED;
    }
    if (image->security_counter < state->floor_counter) {
        return OTTER_OUTCOME_OLDER;
    }
    return judge_version(agent, &image->version);
}

static void parse(struct otter_agent *agent)
{
    struct otter_verify *verify = &agent->verify;
    struct otter_area file = *agent->install.slot;
    file.size = agent->fetch.total;
    verify->check.view = otter_view_of(&file);
    int err = otter_image_parse(&verify->check.view, &verify->image);
    if (err == OTTER_ERR_IO) {
        fail(agent, OTTER_OUTCOME_FLASH, err);
        return;
    }
    if (err < 0 && agent->fetch.cut) {
        /* the connection's end was the only end: more likely cut than wrong */
        otter_fetch_reset(agent);
        otter_agent_end(agent, OTTER_OUTCOME_UNREACHABLE, OTTER_ERR_IO);
        return;
    }
    enum otter_outcome outcome = err < 0 ? OTTER_OUTCOME_BAD_IMAGE : judge_image(agent);
    if (outcome != OTTER_OUTCOME_NONE) {
        fail(agent, outcome, err < 0 ? err : OTTER_ERR_REFUSED);
        return;
    }
    bool hashed = otter_agent_has_job(agent) && agent->job.has_sha256;
    next_stage(agent, hashed ? OTTER_VERIFY_FILE : OTTER_VERIFY_IMAGE);
}

static void hash_file(struct otter_agent *agent)
{
    struct otter_image_check *check = &agent->verify.check;
    uint32_t left = agent->fetch.total - check->off;
    size_t len = left < agent->config->io_size ? left : agent->config->io_size;
    int err = otter_view_read(&check->view, check->off, agent->config->io, len);
    if (err < 0) {
        fail(agent, OTTER_OUTCOME_FLASH, err);
        return;
    }
    otter_sha256_update(&check->sha, agent->config->io, len);
    check->off += (uint32_t)len;
    if (check->off < agent->fetch.total) {
        return;
    }
    uint8_t hash[OTTER_HASH_SIZE];
    otter_sha256_finish(&check->sha, hash);
    if (memcmp(hash, agent->job.sha256, sizeof hash) != 0) {
        fail(agent, OTTER_OUTCOME_BAD_IMAGE, OTTER_ERR_AUTH);
        return;
    }
    next_stage(agent, OTTER_VERIFY_IMAGE);
}

static void check_image(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    int err = otter_image_check_step(&agent->verify.check, config->io, config->io_size);
    if (err < 0) {
        fail(agent, err == OTTER_ERR_IO ? OTTER_OUTCOME_FLASH : OTTER_OUTCOME_BAD_IMAGE, err);
    } else if (err == 0 && !otter_startable(config->startable, config->state->layout,
                                            &agent->verify.check.view, &agent->verify.image)) {
        fail(agent, OTTER_OUTCOME_NOT_FOR_US, OTTER_ERR_REFUSED);
    } else if (err == 0) {
        next_stage(agent, OTTER_VERIFY_FORGET);
    }
}

static void forget(struct otter_agent *agent)
{
    const struct otter_download none = {0};
    int err = otter_state_save_download(agent->config->state, &none);
    if (err < 0) {
        fail(agent, OTTER_OUTCOME_FLASH, err);
        return;
    }
    next_stage(agent, OTTER_VERIFY_REQUEST);
}

static void request(struct otter_agent *agent)
{
    int err = otter_state_request_swap(agent->config->state, &agent->verify.image,
                                       agent->config->permanent);
    if (err == OTTER_ERR_REFUSED) {
        fail(agent, OTTER_OUTCOME_REJECTED, err);
    } else if (err == OTTER_ERR_NOSPACE) {
        fail(agent, OTTER_OUTCOME_TOO_LARGE, err);
    } else if (err < 0) {
        fail(agent, OTTER_OUTCOME_FLASH, err);
    } else {
        agent->fetch.live = false;
        otter_agent_end(agent, OTTER_OUTCOME_INSTALLING, OTTER_OK);
    }
}

uint32_t otter_verify_step(struct otter_agent *agent)
{
    static void (*const stages[])(struct otter_agent *agent) = {[OTTER_VERIFY_PARSE] = parse,
                                                               [OTTER_VERIFY_FILE] = hash_file,
                                                               [OTTER_VERIFY_IMAGE] = check_image,
                                                               [OTTER_VERIFY_FORGET] = forget,
                                                               [OTTER_VERIFY_REQUEST] = request};
    if (!agent->begun) {
        agent->begun = true;
        agent->verify.stage = OTTER_VERIFY_PARSE;
    }
    stages[agent->verify.stage](agent);
    return 0;
}
