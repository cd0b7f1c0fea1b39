/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_device.h - one simulated device: power, bootloader, application, agent.
 *
 * What is in struct fleet_device is the world's: the flash, who the device is, what was seen of
 * it. Its RAM is fleet_ram, new at every power on.
 */
#ifndef OTTER_TOOL_FLEET_DEVICE_H
#define OTTER_TOOL_FLEET_DEVICE_H

#include "tool/fleet.h"

struct fleet_ram;

struct fleet_device {
    struct fleet *fleet;
    uint32_t index;
    char id[64];
    char *token; /* NULL: none */
    const char *board, *ring;
    struct sim_board flash;
    struct otter_layout layout;
    struct fleet_ram *ram; /* NULL: off */
    uint64_t random;       /* of the jitter */
    uint32_t links;        /* connections so far */
    bool by_watchdog;      /* the reset that brings it on again */
    bool cut_planned, dead;
    enum fleet_state state, settled; /* settled: the state when no update is under way */
    uint32_t version;      /* index into the tally's; of the image that runs */
    bool started;          /* it ran once */
    uint64_t update_ms;    /* when the update under way began; 0: none */
    uint32_t before;       /* the version that ran then */
    const char *reason;    /* of FAILED */
    bool refused;          /* FAILED because of the job that is offered; kept: what it was before */
    enum fleet_state kept;
    const char *trouble;   /* what the last check failed of; NULL: nothing */
    bool owes_report;
    /* fleet_loop.c */
    uint64_t due_ms;
    uint32_t heap_at;
    bool queued;
};

/* Do the next piece of work; milliseconds until the next (0: at once), if nothing comes in before. */
uint32_t fleet_device_step(struct fleet_device *device);

/* Off, quietly: the run is over. */
void fleet_device_off(struct fleet_device *device);

/* fleet_seen.c: what the agent's events mean for the state of its device. */
void fleet_seen(struct fleet_device *device, const struct otter_event *event);
void fleet_seen_running(struct fleet_device *device, const struct otter_version *version);

#endif
