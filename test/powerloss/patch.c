/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.c - the real agent takes the offered image as a patch of the one that runs, from a server in memory.
 */
#include "test/powerloss/life.h"

#include "agent/install.h"
#include "otter/agent_object.h"
#include "otter/result.h"
#include "tool/delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IO_SIZE = 4096, STEPS_MAX = 1000000, CHECKPOINT_MIN = 512 };

static struct {
    struct tool_bytes patch;
    char job[1024];
    char request[1024];
    size_t request_len;
    char head[128];
    const uint8_t *body;
    size_t head_len, body_len, sent;
} server;

static struct {
    const struct offer *offer;
    bool over;
    enum otter_outcome outcome;
} order;

static void put_hex(const uint8_t *bytes, char to[65])
{
    for (unsigned i = 0; i < OTTER_HASH_SIZE; i++) {
        snprintf(to + 2 * i, 3, "%02x", bytes[i]);
    }
}

void patch_offer(const struct test_image *from, const struct test_image *to)
{
    const struct tool_bytes old_file = {.data = from->bytes, .len = from->size};
    const struct tool_bytes new_file = {.data = to->bytes, .len = to->size};
    const struct delta_options options = {.base = from->parsed.hash, .has_address = true, .filter = DELTA_FILTER_NONE};
    struct delta_stats stats;
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    char image_hex[65], from_hex[65];
    tool_bytes_free(&server.patch);
    if (delta_make(&old_file, &new_file, &options, &server.patch, &stats) != 0) {
        abort();
    }
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, to->bytes, to->size);
    otter_sha256_finish(&sha, hash);
    put_hex(hash, image_hex);
    put_hex(from->parsed.hash, from_hex);
    snprintf(server.job, sizeof server.job,
             "{\"Version\":\"%u.0.0\",\"File\":\"/none\",\"Size\":%u,\"SHA256\":\"%s\","
             "\"Deltas\":[{\"From\":\"%s\",\"File\":\"/patch\",\"Size\":%zu,\"SHA256\":\"%s\"}]}",
             to->parsed.version.major, to->size, image_hex, from_hex, server.patch.len, image_hex);
}

/* ---- the server ---- */

static int on_open(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    server.request_len = server.head_len = server.body_len = server.sent = 0;
    return 0;
}

static void answer(void)
{
    bool job = strncmp(server.request, "GET /ota_update.json ", 21) == 0;
    bool patch = strncmp(server.request, "GET /patch ", 11) == 0;
    server.body = job ? (const uint8_t *)server.job : server.patch.data;
    server.body_len = job ? strlen(server.job) : patch ? server.patch.len : 0;
    server.head_len = (size_t)snprintf(server.head, sizeof server.head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
                                       job || patch ? "200 OK" : "404 Not Found", server.body_len);
    server.sent = server.request_len = 0;
}

static int on_send(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    if (len >= sizeof server.request - server.request_len) {
        return OTTER_ERR_IO;
    }
    memcpy(server.request + server.request_len, buf, len);
    server.request_len += len;
    server.request[server.request_len] = '\0';
    if (strstr(server.request, "\r\n\r\n") != NULL) {
        answer();
    }
    return (int)len;
}

static int on_recv(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    bool head = server.sent < server.head_len;
    const uint8_t *from = head ? (const uint8_t *)server.head + server.sent : server.body + (server.sent - server.head_len);
    size_t left = (head ? server.head_len : server.head_len + server.body_len) - server.sent;
    len = len < left ? len : left;
    memcpy(buf, from, len);
    server.sent += len;
    return (int)len;
}

static void on_close(void *ctx)
{
    (void)ctx;
}

static const struct otter_transport transport = {.open = on_open, .send = on_send, .recv = on_recv, .close = on_close};

/* ---- the device ---- */

/* As install.c, but for maps as small as those of the runner: every few sectors, not every 32 KiB. */
bool __real_otter_install_checkpoint(const struct otter_install *install); /* names of the linker's */
bool __wrap_otter_install_checkpoint(const struct otter_install *install);

bool __wrap_otter_install_checkpoint(const struct otter_install *install)
{
    uint32_t sector = install->slot->flash->sector_size;
    return __real_otter_install_checkpoint(install) ||
           ((install->slot->base + install->off) % sector == 0 && install->off < install->end &&
            install->off - install->saved_off >= CHECKPOINT_MIN);
}

static void on_event(void *ctx, const struct otter_event *event)
{
    struct life *life = ctx;
    uint8_t bit = (uint8_t)(1u << order.offer->image);
    if (event->kind == OTTER_EVENT_PHASE && event->phase == OTTER_AGENT_VERIFY) {
        life->world.may_run |= bit; /* what verifies is requested */
        life->world.requested |= bit;
    }
    if (event->kind == OTTER_EVENT_OUTCOME && event->outcome != OTTER_OUTCOME_REVERTED) {
        order.over = true;
        order.outcome = event->outcome;
    }
}

int patch_install(struct life *life, struct otter_state *state, const struct offer *offer)
{
    static struct otter_agent agent;
    static struct otter_delta delta;
    static uint32_t io[IO_SIZE / sizeof(uint32_t)];
    const struct otter_agent_config config = {.state = state,
                                              .keys = &test_key,
                                              .keys_count = 1,
                                              .plain = &transport,
                                              .use_plain = true,
                                              .host = "server",
                                              .no_report = true,
                                              .initial_ms = 1,
                                              .permanent = offer->behaviour == PERMANENT,
                                              .patcher = &otter_patcher,
                                              .delta = &delta,
                                              .hooks = {.ctx = life, .on_event = on_event},
                                              .io = io,
                                              .io_size = sizeof io};
    uint8_t bit = (uint8_t)(1u << offer->image);
    if ((life->world.requested & bit) != 0) {
        life->world.may_run |= bit; /* as soon as it is whole: it was asked for before */
    }
    order.offer = offer;
    order.over = false;
    int err = otter_agent_init(&agent, &config);
    uint32_t now_ms = 0;
    for (unsigned steps = 0; err == OTTER_OK && !order.over; steps++) {
        now_ms += otter_agent_step(&agent, now_ms);
        err = steps == STEPS_MAX ? OTTER_ERR_TIMEOUT : OTTER_OK;
    }
    if (err == OTTER_OK && agent.fetch.restarts != 0 && life->cuts_done < 2 && life->world.odd == 0 && !life->faulted) {
        life_fail(life, HARM_OTHER, "progress is recorded, and not true");
    }
    return err == OTTER_OK && order.outcome != OTTER_OUTCOME_INSTALLING ? OTTER_ERR_IO : err;
}
