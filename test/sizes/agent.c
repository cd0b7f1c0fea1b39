/* SPDX-License-Identifier: Apache-2.0 */
/* agent.c - a complete agent in an application that does nothing else; its transport is empty. */
#include "otter/agent.h"
#include "otter/agent_object.h"
#include "test/sizes/board.h"

static int link_open(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    return host && port ? 1 : 0;
}

static int link_send(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    return buf ? (int)len : 0;
}

static int link_recv(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    return buf && len ? 0 : -1;
}

static void link_close(void *ctx)
{
    (void)ctx;
}

static const struct otter_transport link = {.open = link_open, .send = link_send, .recv = link_recv,
                                            .close = link_close};
static struct otter_agent agent;
static struct otter_state state;
static uint32_t io[4096 / sizeof(uint32_t)];
#ifdef OTTER_SIZES_PATCHES
static struct otter_delta delta;
#endif

static const struct otter_agent_config config = {.state = &state,
                                                 .keys = &board_key,
                                                 .keys_count = 1,
                                                 .tls = &link,
                                                 .host = "updates.example",
                                                 .board = "APP_CY8CPROTO_062S2_43439",
#ifdef OTTER_SIZES_PATCHES
                                                 .patcher = &otter_patcher,
                                                 .delta = &delta,
#endif
                                                 .io = io,
                                                 .io_size = sizeof io};

int main(void)
{
    if (otter_state_open(&state, &board_layout) != 0 || otter_agent_init(&agent, &config) != 0) {
        return 1;
    }
    for (uint32_t now_ms = 0;;) {
        now_ms += otter_agent_step(&agent, now_ms);
        board_feed(NULL);
    }
}
