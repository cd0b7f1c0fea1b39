/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h - timers, the time between polls, and the back-off after failures.
 */
#ifndef OTTER_AGENT_WAIT_H
#define OTTER_AGENT_WAIT_H

#include "otter/agent_object.h"

void otter_timer_set(struct otter_timer *timer, uint32_t now_ms, uint32_t wait_ms);
uint32_t otter_timer_left(const struct otter_timer *timer, uint32_t now_ms); /* 0: due */

/* The trusted clock, Unix seconds; false: there is none. */
bool otter_wait_clock(const struct otter_agent_config *config, int64_t *ret_unix);

/* A random word; 0 without a random hook. */
uint32_t otter_wait_random(const struct otter_agent_config *config);

/* Until the next poll, with jitter, within the configured bounds. */
uint32_t otter_wait_poll(const struct otter_agent *agent);

/* After the `count`-th failure in a row (from 0): doubles, jittered over its upper half. */
uint32_t otter_wait_backoff(const struct otter_agent *agent, uint32_t count);

/* After one more failure of the agent's own business: back-off, or what Retry-After asks
 * for when that is longer. */
uint32_t otter_wait_retry(struct otter_agent *agent);

#endif
