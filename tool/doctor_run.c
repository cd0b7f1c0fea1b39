/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_run.c - the device, played: bootloader, agent, bootloader, in memory.
 */
#include <string.h>

#include "otter/agent_object.h"
#include "otter/delta.h"
#include "otter/result.h"
#include "tool/doctor.h"

#define JOB_PATH "/the-job"
enum { BUFFER_SIZE = 32 * 1024, STEPS_MAX = 50000000 };

struct play {
    struct doctor_case *doctor;
    struct doctor_verdict *verdict;
    bool installing; /* the boot behind the agent */
    bool over;
};

/* ---- bootloader ---- */
static void on_boot_event(void *ctx, const struct otter_boot_event *event)
{
    struct play *play = ctx;
    struct doctor_verdict *verdict = play->verdict;
    if (event->kind == OTTER_BOOT_FOUND && !play->installing) {
        verdict->last_reason = event->reason;
    } else if (event->kind == OTTER_BOOT_REFUSED) {
        verdict->reason = event->reason;
    } else if (event->kind == OTTER_BOOT_NOTHING || event->kind == OTTER_BOOT_OTHER_MAP) {
        verdict->boot_err = event->kind == OTTER_BOOT_OTHER_MAP ? OTTER_ERR_REFUSED : event->err;
    }
}

static int boot(struct play *play, struct otter_boot_choice *ret_choice)
{
    static uint8_t buffer[BUFFER_SIZE] __attribute__((aligned(8)));
    const struct host_device *device = &play->doctor->device.device;
    const struct otter_boot_config config = {.layout = &device->layout,
                                             .keys = device->keys,
                                             .keys_count = device->keys_count,
                                             .trial_boots = device->config.trial_boots,
                                             .buf = buffer,
                                             .buf_size = sizeof buffer,
                                             .on_event = on_boot_event,
                                             .ctx = play};
    return otter_boot(&config, ret_choice);
}

/* ---- agent ---- */
static bool wall_clock(void *ctx, int64_t *ret_unix)
{
    const struct play *play = ctx;
    *ret_unix = play->doctor->now;
    return !play->doctor->device.device.config.no_clock;
}

static void on_event(void *ctx, const struct otter_event *event)
{
    struct play *play = ctx;
    bool is_before = event->outcome == OTTER_OUTCOME_CONFIRMED || event->outcome == OTTER_OUTCOME_REVERTED;
    if (event->kind == OTTER_EVENT_OUTCOME && !is_before && !play->over) {
        play->verdict->outcome = event->outcome;
        play->verdict->err = event->err;
        play->verdict->offered = event->version;
        play->over = true;
    }
}

static void configure(struct play *play, struct otter_state *state, const struct otter_transport *transport,
                      struct otter_agent_config *ret_config)
{
    static uint8_t io[BUFFER_SIZE] __attribute__((aligned(8)));
    static struct otter_delta delta;
    const struct host_device *device = &play->doctor->device.device;
    host_agent_config(device, ret_config);
    ret_config->state = state;
    ret_config->tls = play->doctor->is_made || device->config.ca ? transport : NULL; /* a CA makes HTTPS possible */
    ret_config->plain = transport;
    ret_config->initial_ms = 1;
    ret_config->job_path = JOB_PATH;
    if (!play->doctor->job_name) {
        ret_config->image_path = "/image"; /* an image alone: the direct flow */
    }
    ret_config->hooks = (struct otter_agent_hooks){.ctx = play, .now = wall_clock, .on_event = on_event};
    ret_config->delta = &delta;
    ret_config->io = io;
    ret_config->io_size = sizeof io;
}

/* A made device has its memory not on flash. */
static int open_state(const struct play *play, struct otter_state *state)
{
    const struct doctor_memory *memory = &play->doctor->memory;
    int err = otter_state_open(state, &play->doctor->device.device.layout);
    if (err == OTTER_OK && play->doctor->is_made) {
        bool higher = otter_version_compare(&memory->floor, &state->floor_version) > 0;
        state->floor_version = higher ? memory->floor : state->floor_version;
        memcpy(state->rejects, memory->rejects, sizeof state->rejects);
        state->rejects_count = memory->rejects_count;
        state->job_sequence = memory->job_sequence;
    }
    return err;
}

static void note_state(struct doctor_verdict *verdict, const struct otter_state *state)
{
    verdict->floor = state->floor_version;
    verdict->floor_counter = state->floor_counter;
    verdict->job_sequence = state->job_sequence;
    memcpy(verdict->rejects, state->rejects, sizeof verdict->rejects);
    verdict->rejects_count = state->rejects_count;
}

static void ask(struct play *play)
{
    static struct otter_agent agent;
    struct doctor_verdict *verdict = play->verdict;
    struct otter_agent_config config;
    struct otter_transport transport;
    struct doctor_link link;
    struct otter_state state;
    verdict->err = open_state(play, &state);
    note_state(verdict, &state);
    configure(play, &state, &transport, &config);
    doctor_link_init(&link, play->doctor, JOB_PATH, &transport);
    if (verdict->err == OTTER_OK) {
        verdict->err = otter_agent_init(&agent, &config);
    }
    if (verdict->err < 0) {
        verdict->outcome = OTTER_OUTCOME_FLASH;
        return;
    }
    uint32_t now_ms = 0;
    for (uint32_t steps = 0; !play->over && steps < STEPS_MAX; steps++) {
        now_ms += otter_agent_step(&agent, now_ms);
    }
    verdict->asked_image = link.asked_image;
    verdict->asked_patch = link.asked_patch;
}

void doctor_run(struct doctor_case *doctor, struct doctor_verdict *ret_verdict)
{
    struct play play = {.doctor = doctor, .verdict = ret_verdict};
    struct otter_boot_choice choice;
    memset(ret_verdict, 0, sizeof *ret_verdict);
    ret_verdict->image_size_max = doctor->device.device.layout.image_size_max;
    int err = boot(&play, &choice);
    ret_verdict->boots = err == OTTER_OK;
    if (err < 0) {
        ret_verdict->boot_err = ret_verdict->boot_err < 0 ? ret_verdict->boot_err : err;
        return;
    }
    ret_verdict->running = choice.image.version;
    memcpy(ret_verdict->running_hash, choice.image.hash, sizeof ret_verdict->running_hash);
    ret_verdict->on_trial = choice.on_trial;
    if (!doctor->job_name && !doctor->image_name) {
        return;
    }
    ask(&play);
    if (ret_verdict->outcome == OTTER_OUTCOME_INSTALLING) {
        play.installing = true;
        ret_verdict->reason = OTTER_REASON_NONE;
        err = boot(&play, &choice);
        ret_verdict->takes = err == OTTER_OK && otter_version_compare(&choice.image.version, &ret_verdict->offered) == 0;
    }
}
