/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - the application brings the image itself: over a serial line, BLE, its own wire.
 *
 * The same install, the same rules, the same verification. Unlike otter_agent_step, a call
 * here does all the flash operations that its bytes need.
 */
#include "agent/http.h"
#include "agent/install.h"
#include "agent/phase.h"
#include "otter/result.h"

/* Back to where the application had us. */
static void leave(struct otter_agent *agent)
{
    agent->pushing = false;
    if (agent->was_stopped) {
        bool installing = agent->outcome == OTTER_OUTCOME_INSTALLING;
        otter_agent_enter(agent, installing ? OTTER_AGENT_REBOOT : OTTER_AGENT_STOPPED);
    }
}

static int abandon(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    otter_agent_end(agent, outcome, err);
    leave(agent);
    return err;
}

/* Do all the flash operations that can be done with what is staged. */
static int drain(struct otter_agent *agent)
{
    const struct otter_download none = {0};
    struct otter_install *install = &agent->install;
    int done = 0;
    if (install->flushing && !install->told) { /* an earlier download is about to be erased */
        install->told = true;
        done = otter_state_save_download(agent->config->state, &none);
    }
    if (done < 0) {
        return done;
    }
    do {
        done = otter_install_step(install);
    } while (done > 0);
    return done;
}

/* Idle, stopped, or about to be idle (a report can wait). */
static bool is_free(const struct otter_agent *agent)
{
    return agent->phase == OTTER_AGENT_IDLE || agent->phase == OTTER_AGENT_STOPPED ||
           (agent->phase == OTTER_AGENT_REPORT && agent->report.then == OTTER_AGENT_IDLE);
}

int otter_agent_push_begin(struct otter_agent *agent, uint32_t size)
{
    const struct otter_state *state = agent->config->state;
    if (agent->pushing || !is_free(agent) || state->phase != OTTER_PHASE_IDLE) {
        return OTTER_ERR_REFUSED;
    }
    if (size > agent->install.limit) {
        return OTTER_ERR_NOSPACE;
    }
    otter_http_close(&agent->http);
    agent->was_stopped = agent->phase == OTTER_AGENT_STOPPED;
    agent->announced = agent->pushing = true;
    agent->job.delta = false;
    agent->fetch.bytes = 0;
    agent->fetch.start_ms = agent->now_ms;
    otter_fetch_reset(agent);
    agent->fetch.total = size;
    agent->install.end = size != 0 ? size : agent->install.limit;
    otter_agent_enter(agent, OTTER_AGENT_DOWNLOAD);
    return OTTER_OK;
}

static int judge(struct otter_agent *agent)
{
    agent->fetch.judged = true;
    enum otter_outcome outcome = otter_fetch_judge(agent);
    if (outcome == OTTER_OUTCOME_NONE) {
        return OTTER_OK;
    }
    int err = outcome == OTTER_OUTCOME_TOO_LARGE ? OTTER_ERR_NOSPACE : OTTER_ERR_REFUSED;
    return abandon(agent, outcome, err);
}

int otter_agent_push_write(struct otter_agent *agent, const void *buf, size_t len)
{
    const uint8_t *bytes = buf;
    if (!agent->pushing) {
        return OTTER_ERR_REFUSED;
    }
    if (len > agent->install.end - otter_install_position(&agent->install)) {
        return abandon(agent, OTTER_OUTCOME_TOO_LARGE, OTTER_ERR_NOSPACE);
    }
    while (len > 0) {
        size_t taken = otter_install_take(&agent->install, bytes, len);
        bytes += taken;
        len -= taken;
        agent->fetch.bytes += (uint32_t)taken;
        if (!agent->fetch.judged && agent->install.stage_len >= OTTER_FETCH_HEADER) {
            int err = judge(agent);
            if (err < 0) {
                return err;
            }
        }
        int err = drain(agent);
        if (err < 0) {
            return abandon(agent, OTTER_OUTCOME_FLASH, err);
        }
    }
    return OTTER_OK;
}

int otter_agent_push_finish(struct otter_agent *agent)
{
    struct otter_fetch *fetch = &agent->fetch;
    uint32_t position = otter_install_position(&agent->install);
    if (!agent->pushing) {
        return OTTER_ERR_REFUSED;
    }
    if (!fetch->judged || (fetch->total != 0 && position != fetch->total)) {
        return abandon(agent, OTTER_OUTCOME_BAD_IMAGE, OTTER_ERR_CORRUPT);
    }
    fetch->total = position;
    otter_install_close(&agent->install);
    int err = drain(agent);
    if (err < 0) {
        return abandon(agent, OTTER_OUTCOME_FLASH, err);
    }
    otter_agent_enter(agent, OTTER_AGENT_VERIFY);
    while (agent->phase == OTTER_AGENT_VERIFY) {
        (void)otter_verify_step(agent);
    }
    leave(agent);
    return agent->outcome == OTTER_OUTCOME_INSTALLING ? OTTER_OK : agent->err;
}
