/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c - timers, the time between polls, and the back-off after failures.
 *
 * A timer is a start and a length, so any length up to 49 days works on a wrapping clock.
 * Jitter keeps a fleet that lost power or its server together from coming back together:
 * the first wait between polls, after a start and after failures, is anything from a sixteenth
 * of it on, so that devices which came together are spread: as wide as a later wait is in the
 * mean, else there would be a hole or a heap that takes many polls to level.
 */
#include "agent/wait.h"

#define POLL_MAX_MS 0xfc000000u /* 48.9 days: a step may come 18 hours late, and still see that it is over */

void otter_timer_set(struct otter_timer *timer, uint32_t now_ms, uint32_t wait_ms)
{
    timer->start_ms = now_ms;
    timer->wait_ms = wait_ms;
}

uint32_t otter_timer_left(const struct otter_timer *timer, uint32_t now_ms)
{
    uint32_t passed = now_ms - timer->start_ms;
    return passed >= timer->wait_ms ? 0 : timer->wait_ms - passed;
}

bool otter_wait_clock(const struct otter_agent_config *config, int64_t *ret_unix)
{
    return config->hooks.now != NULL && config->hooks.now(config->hooks.ctx, ret_unix);
}

uint32_t otter_wait_random(const struct otter_agent_config *config)
{
    return config->hooks.random != NULL ? config->hooks.random(config->hooks.ctx) : 0;
}

/* 0 .. range; 0 without a random hook. */
static uint32_t jitter(const struct otter_agent *agent, uint32_t range)
{
    uint32_t random = otter_wait_random(agent->config);
    return range == UINT32_MAX ? random : random % (range + 1);
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

static uint32_t to_ms(uint32_t seconds)
{
    return seconds > UINT32_MAX / 1000 ? UINT32_MAX : seconds * 1000;
}

uint32_t otter_wait_poll(const struct otter_agent *agent)
{
    const struct otter_agent_config *config = agent->config;
    uint32_t least = or_default(config->poll_min_ms, 5000);
    uint32_t most = or_default(config->poll_max_ms, POLL_MAX_MS);
    uint32_t wait = or_default(config->poll_ms, 86400000);
    if (agent->poll_seconds != 0) {
        wait = to_ms(agent->poll_seconds);
    }
    wait = clamp(wait, least, most);
    if (config->hooks.random != NULL) {
        uint32_t range = agent->polled ? wait / 8 : wait - wait / 16;
        wait = wait - range + jitter(agent, range);
    }
    return wait < least ? least : wait;
}

uint32_t otter_wait_backoff(const struct otter_agent *agent, uint32_t count)
{
    uint32_t wait = or_default(agent->config->retry_ms, 5000);
    uint32_t most = or_default(agent->config->retry_max_ms, 3600000);
    for (; count > 0 && wait < most; count--) {
        wait = wait > most / 2 ? most : wait * 2;
    }
    if (agent->config->hooks.random == NULL) {
        return wait;
    }
    return wait - wait / 2 + jitter(agent, wait / 2);
}

/* What the server asked for, in ms; 0: nothing usable. */
static uint32_t asked(const struct otter_agent *agent)
{
    const struct otter_head *head = &agent->http.head;
    if (head->status < 300 || !head->has_retry) {
        return 0;
    }
    int64_t seconds = head->retry;
    if (head->retry_is_date) {
        int64_t now = head->date; /* the server's own clock: only the difference matters */
        if (now < 0 && !otter_wait_clock(agent->config, &now)) {
            return 0;
        }
        seconds = now < 0 ? 0 : head->retry - now; /* before 1970: no clock at all */
    }
    if (seconds <= 0) {
        return 0;
    }
    return seconds > UINT32_MAX ? UINT32_MAX : to_ms((uint32_t)seconds);
}

uint32_t otter_wait_retry(struct otter_agent *agent)
{
    uint32_t wait = otter_wait_backoff(agent, agent->fails);
    uint32_t most = or_default(agent->config->retry_max_ms, 3600000);
    uint32_t wanted = asked(agent);
    agent->fails = (uint8_t)(agent->fails + (agent->fails < 31));
    agent->polled = true;
    /* A server may slow its devices down, but not send them away for years. */
    wanted = clamp(wanted, 0, clamp(otter_wait_poll(agent), most, UINT32_MAX));
    agent->polled = false; /* who failed together comes back together */
    if (wanted < wait) {
        return wait;
    }
    return wanted > UINT32_MAX / 2 ? wanted : wanted + jitter(agent, wanted / 8);
}
