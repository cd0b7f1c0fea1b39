/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout.h - a job for some devices first: when is it this one's turn? SPEC.md, "Rollout".
 */
#ifndef OTTER_AGENT_ROLLOUT_H
#define OTTER_AGENT_ROLLOUT_H

#include "otter/agent.h"

#define OTTER_ROLLOUT_WHOLE 1000u /* permille of all devices */
#define OTTER_TURN_NEVER UINT32_MAX

struct otter_rollout {
    const char *salt, *rings; /* NULL: not given */
    uint32_t permille;        /* at most OTTER_ROLLOUT_WHOLE */
    uint32_t start;           /* Unix seconds; 0: at once */
    uint32_t ramp_seconds;    /* from none to permille, evenly */
};

/* Unix seconds from which this device takes the job: 0: at once, whatever the time is;
 * OTTER_TURN_NEVER: not as the rollout stands. */
uint32_t otter_rollout_turn(const struct otter_agent_config *config,
                            const struct otter_rollout *rollout);

#endif
