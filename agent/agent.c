/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - the agent as a whole: its phases, what starts and ends a check, its API.
 *
 *     IDLE -> JOB -> DOWNLOAD -> VERIFY -> REPORT -> REBOOT -> (reset) -> TRIAL -> JOB ...
 *
 * REPORT lies wherever there is something to tell and the server is at hand.
 */
#include <string.h>

#include "agent/http.h"
#include "agent/install.h"
#include "agent/patch.h"
#include "agent/phase.h"
#include "agent/url.h"
#include "agent/wait.h"
#include "otter/result.h"
#include "slot/journal.h"

enum {
    IO_MIN = 2048,          /* beside one program unit */
    KEEP_OPEN_MS = 30000,   /* a connection is kept over shorter waits only */
    INITIAL_MS = 10000
};

void otter_agent_tell(struct otter_agent *agent, enum otter_event_kind kind,
                      enum otter_outcome outcome, int err, uint32_t wait_ms)
{
    const struct otter_agent_hooks *hooks = &agent->config->hooks;
    const struct otter_state *state = agent->config->state;
    struct otter_event event = {.kind = kind,
                                .phase = agent->phase,
                                .outcome = outcome,
                                .err = err,
                                .http_status = agent->http.head.status,
                                .version = agent->job.version,
                                .delta = agent->job.delta,
                                .wait_ms = wait_ms};
    if (outcome == OTTER_OUTCOME_REVERTED) {
        event.reason = state->reason;
        event.version = state->requested.version;
    } else if (outcome == OTTER_OUTCOME_CONFIRMED) {
        event.version = agent->running;
    }
    if (agent->phase == OTTER_AGENT_DOWNLOAD) {
        uint32_t position = otter_install_position(&agent->install);
        event.total = agent->fetch.total != 0 ? agent->install.end : 0;
        event.done = position < agent->install.end ? position : agent->install.end;
    }
    if (hooks->on_event != NULL) {
        hooks->on_event(hooks->ctx, &event);
    }
}

void otter_agent_enter(struct otter_agent *agent, enum otter_agent_phase phase)
{
    agent->phase = phase;
    agent->begun = false;
    otter_agent_tell(agent, OTTER_EVENT_PHASE, agent->outcome, OTTER_OK, 0);
}

int otter_agent_running(const struct otter_agent_config *config, struct otter_image *ret_image)
{
    struct otter_view view = otter_view_of(&config->state->layout->primary);
    return otter_image_parse(&view, ret_image);
}

bool otter_agent_has_job(const struct otter_agent *agent)
{
    return agent->config->image_path == NULL && !agent->pushing;
}

enum otter_outcome otter_agent_blame(int err)
{
    switch (err) {
    case OTTER_ERR_IO:
    case OTTER_ERR_TIMEOUT:
        return OTTER_OUTCOME_UNREACHABLE;
    case OTTER_ERR_AUTH:
        return OTTER_OUTCOME_UNTRUSTED;
    case OTTER_ERR_REFUSED:
        return OTTER_OUTCOME_FORBIDDEN;
    default:
        return OTTER_OUTCOME_SERVER;
    }
}

/* May the same check end differently soon? */
static bool may_pass(enum otter_outcome outcome)
{
    return outcome == OTTER_OUTCOME_SERVER || outcome == OTTER_OUTCOME_UNREACHABLE ||
           outcome == OTTER_OUTCOME_UNTRUSTED || outcome == OTTER_OUTCOME_FLASH ||
           outcome == OTTER_OUTCOME_DEFERRED;
}

/* Worth telling the server: what became of an image. A job for others is none. */
static bool is_told(const struct otter_agent *agent, enum otter_outcome outcome)
{
    return outcome == OTTER_OUTCOME_INSTALLING || outcome == OTTER_OUTCOME_BAD_IMAGE ||
           outcome == OTTER_OUTCOME_TOO_LARGE ||
           (outcome == OTTER_OUTCOME_NOT_FOR_US && agent->phase == OTTER_AGENT_VERIFY);
}

static void wait_for_next(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    uint32_t wait_ms;
    if (may_pass(outcome)) {
        wait_ms = otter_wait_retry(agent);
        otter_agent_tell(agent, OTTER_EVENT_RETRY, outcome, err, wait_ms);
    } else {
        agent->fails = 0;
        wait_ms = otter_wait_poll(agent);
        agent->polled = true;
    }
    otter_timer_set(&agent->timer, agent->now_ms, wait_ms);
}

void otter_agent_end(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    bool unreached = outcome == OTTER_OUTCOME_UNREACHABLE || outcome == OTTER_OUTCOME_UNTRUSTED;
    if (agent->job.delta && agent->config->patcher->give_up(agent, outcome, err)) {
        return; /* the whole image comes next */
    }
    agent->outcome = outcome;
    agent->err = err;
    otter_agent_tell(agent, OTTER_EVENT_OUTCOME, outcome, err, 0);
    if (agent->http.state != OTTER_HTTP_IDLE) {
        otter_http_finish(&agent->http);
    }
    wait_for_next(agent, outcome, err);
    if (is_told(agent, outcome)) {
        otter_report_note(agent, outcome);
    }
    agent->report.then = outcome == OTTER_OUTCOME_INSTALLING ? OTTER_AGENT_REBOOT : OTTER_AGENT_IDLE;
    bool report = otter_report_is_due(agent) && !unreached;
    otter_agent_enter(agent, report ? OTTER_AGENT_REPORT : agent->report.then);
}

/* Has the bootloader something to do that it did not see? A record that was torn, and now lasts; or a torn
 * trailer, and now it is gone (but what this session asked for is not torn). Where flash takes neither, no
 * reset would be the last: not now. */
static bool takes_up(struct otter_agent *agent)
{
    struct otter_state *state = agent->config->state;
    if (state->phase == OTTER_PHASE_IDLE) {
        return false;
    }
    bool lasts = state->layout->journal.size != 0 || agent->outcome == OTTER_OUTCOME_INSTALLING;
    return (lasts ? otter_state_write(state) : otter_state_settle(state, NULL)) == OTTER_OK;
}

/* A job document is fetched before a report is sent (it may say where to); the direct flow
 * has none, and a download would put its own report in place of this one. */
static void begin_check(struct otter_agent *agent)
{
    if (takes_up(agent)) {
        otter_agent_enter(agent, OTTER_AGENT_REBOOT);
    } else if (agent->config->image_path == NULL) {
        otter_agent_enter(agent, OTTER_AGENT_JOB);
    } else if (otter_report_is_due(agent)) {
        agent->report.then = OTTER_AGENT_DOWNLOAD;
        otter_agent_enter(agent, OTTER_AGENT_REPORT);
    } else {
        otter_agent_enter(agent, OTTER_AGENT_DOWNLOAD);
    }
}

uint32_t otter_idle_step(struct otter_agent *agent)
{
    uint32_t left_ms = otter_timer_left(&agent->timer, agent->now_ms);
    if (left_ms == 0) {
        begin_check(agent);
        return 0;
    }
    bool reports = agent->report.tries > 0 && agent->report.result != OTTER_OUTCOME_NONE;
    uint32_t report_ms = reports ? otter_timer_left(&agent->report.timer, agent->now_ms) : left_ms;
    if (report_ms == 0) {
        agent->report.then = OTTER_AGENT_IDLE;
        otter_agent_enter(agent, OTTER_AGENT_REPORT);
        return 0;
    }
    if (agent->http.link != NULL && left_ms > KEEP_OPEN_MS) {
        otter_http_close(&agent->http);
    }
    return report_ms < left_ms ? report_ms : left_ms;
}

static uint32_t stopped_step(struct otter_agent *agent)
{
    (void)agent;
    return UINT32_MAX;
}

/* The first step after init or start: where the state says that we are. */
static void announce(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    struct otter_state *state = config->state;
    uint32_t initial_ms = config->initial_ms != 0 ? config->initial_ms : INITIAL_MS;
    agent->announced = true;
    otter_timer_set(&agent->timer, agent->now_ms, initial_ms);
    if (state->reason != OTTER_REASON_NONE && state->phase == OTTER_PHASE_IDLE) {
        agent->outcome = OTTER_OUTCOME_REVERTED;
        otter_agent_tell(agent, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_REVERTED, OTTER_OK, 0);
        otter_report_note(agent, OTTER_OUTCOME_REVERTED);
    }
    enum otter_agent_phase phase = OTTER_AGENT_TRIAL;
    if (state->phase != OTTER_PHASE_TRIAL) {
        phase = takes_up(agent) ? OTTER_AGENT_REBOOT : OTTER_AGENT_IDLE;
    }
    otter_agent_enter(agent, phase);
}

uint32_t otter_agent_step(struct otter_agent *agent, uint32_t now_ms)
{
    static uint32_t (*const phases[])(struct otter_agent *agent) = {
        [OTTER_AGENT_STOPPED] = stopped_step,   [OTTER_AGENT_IDLE] = otter_idle_step,
        [OTTER_AGENT_JOB] = otter_job_step,     [OTTER_AGENT_DOWNLOAD] = otter_download_step,
        [OTTER_AGENT_VERIFY] = otter_verify_step, [OTTER_AGENT_REBOOT] = otter_reboot_step,
        [OTTER_AGENT_TRIAL] = otter_trial_step, [OTTER_AGENT_REPORT] = otter_report_step};
    agent->now_ms = now_ms;
    if (agent->pushing) {
        return UINT32_MAX;
    }
    if (!agent->announced && agent->phase != OTTER_AGENT_STOPPED) {
        announce(agent);
        return 0;
    }
    return phases[agent->phase](agent);
}

static bool is_header_text(const char *str)
{
    for (; str != NULL && *str != '\0'; str++) {
        if (*str < ' ' || *str > '~') {
            return false;
        }
    }
    return true;
}

static bool is_path(const char *path)
{
    return path == NULL || (otter_url_path_ok(path) && strlen(path) < OTTER_PATH_SIZE);
}

static bool are_texts_sound(const struct otter_agent_config *config)
{
    return is_header_text(config->host) && is_header_text(config->user_agent) &&
           is_header_text(config->device_token) &&
           is_path(config->job_path) && is_path(config->image_path) && is_path(config->report_path);
}

static bool is_config_sound(const struct otter_agent_config *config)
{
    if (config->state == NULL || config->host == NULL || config->io == NULL ||
        (config->use_plain ? config->plain : config->tls) == NULL) {
        return false;
    }
    uint32_t unit = config->state->layout->secondary.flash->prog_size;
    return (config->patcher == NULL || config->delta != NULL) && config->io_size >= IO_MIN + unit && config->keys_count > 0 && are_texts_sound(config);
}

/* The first half of io receives, the second stages: whole rows where rows are written,
 * else whole program units. */
static void divide_io(struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    const struct otter_layout *layout = config->state->layout;
    const struct otter_flash *flash = layout->secondary.flash;
    struct otter_install *install = &agent->install;
    size_t half = config->io_size / 2 & ~(size_t)7;
    size_t unit = flash->prog_size;
    if (flash->write != NULL && flash->sector_size <= config->io_size - half) {
        unit = flash->sector_size;
    }
    otter_http_init(&agent->http, config, &agent->running, config->io, half);
    install->slot = &layout->secondary;
    install->stage = (uint8_t *)config->io + half;
    install->stage_size = (config->io_size - half) / unit * unit;
    install->limit = install->end = otter_install_limit(layout);
}

int otter_agent_init(struct otter_agent *agent, const struct otter_agent_config *config)
{
    if (!is_config_sound(config)) {
        return OTTER_ERR_ARG;
    }
    struct otter_image running;
    int err = otter_agent_running(config, &running);
    if (err < 0) {
        return err;
    }
    memset(agent, 0, sizeof *agent);
    agent->config = config;
    agent->running = running.version;
    agent->phase = OTTER_AGENT_IDLE;
    divide_io(agent);
    return OTTER_OK;
}

void otter_agent_check_now(struct otter_agent *agent)
{
    agent->bad_skips = 0;
    agent->timer.wait_ms = 0;
}

void otter_agent_stop(struct otter_agent *agent)
{
    otter_http_close(&agent->http);
    agent->pushing = false;
    otter_agent_enter(agent, OTTER_AGENT_STOPPED);
}

void otter_agent_start(struct otter_agent *agent)
{
    if (agent->phase == OTTER_AGENT_STOPPED) {
        agent->phase = OTTER_AGENT_IDLE;
        agent->announced = false;
    }
}

enum otter_agent_phase otter_agent_phase(const struct otter_agent *agent)
{
    return agent->phase;
}

enum otter_outcome otter_agent_outcome(const struct otter_agent *agent)
{
    return agent->outcome;
}
