/* SPDX-License-Identifier: Apache-2.0 */
/* Waits after any number of failures, with any limits: bounded, and no product wraps. */
#include "agent/wait.h"
#include "proof.h"

int main(void)
{
    static struct otter_agent agent;
    static struct otter_agent_config config;
    uint32_t count = nondet_u32();
    config.retry_ms = nondet_u32();
    config.retry_max_ms = nondet_u32();
    config.poll_ms = nondet_u32();
    config.poll_min_ms = nondet_u32();
    config.poll_max_ms = nondet_u32();
    agent.config = &config;
    agent.poll_seconds = nondet_u32();
    ASSUME(count <= 31);
    uint32_t most = config.retry_max_ms != 0 ? config.retry_max_ms : 3600000;
    uint32_t least = config.retry_ms != 0 ? config.retry_ms : 5000;
    uint32_t wait = otter_wait_backoff(&agent, count);
    PROVE(wait >= least && (wait <= most || wait == least));
    uint32_t poll_least = config.poll_min_ms != 0 ? config.poll_min_ms : 5000;
    uint32_t poll_most = config.poll_max_ms != 0 ? config.poll_max_ms : UINT32_MAX;
    uint32_t poll = otter_wait_poll(&agent);
    PROVE(poll_least > poll_most || (poll >= poll_least && poll <= poll_most));
    struct otter_timer timer;
    uint32_t now = nondet_u32();
    uint32_t later = nondet_u32();
    otter_timer_set(&timer, now, wait);
    uint32_t left = otter_timer_left(&timer, now + later); /* the clock may wrap in between */
    PROVE(left == (later >= wait ? 0 : wait - later));
    return 0;
}
