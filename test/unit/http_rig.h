/* SPDX-License-Identifier: Apache-2.0 */
/* http_rig.h - an HTTP client with a server that says exactly what a test wrote down. */
#ifndef OTTER_TEST_HTTP_RIG_H
#define OTTER_TEST_HTTP_RIG_H

#include "agent/date.h"
#include "agent/http.h"
#include "agent/url.h"
#include "otter/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ANSWERS = 8, BUF = 1280 };

static struct server {
    const char *answers[ANSWERS]; /* one per request, NULL: silence */
    size_t lens[ANSWERS];         /* 0: strlen */
    size_t next, off, piece;      /* piece: bytes per recv */
    bool ends;                    /* after an answer the connection ends */
    bool dies;                    /* in place of an answer (NULL) the connection ends */
    bool drops_kept;              /* a second request on a connection finds it closed */
    bool connected;
    unsigned opens, requests_here;
    char host[64];
    uint16_t port;
    char request[4096];
    size_t request_len;
    char requests[16384]; /* all of them */
} server;

static inline int do_open(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    server.connected = true;
    server.opens++;
    server.requests_here = 0;
    snprintf(server.host, sizeof server.host, "%s", host);
    server.port = port;
    server.request_len = 0;
    return 0;
}

static inline int do_send(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    assert_true(server.connected);
    if (server.drops_kept && server.requests_here > 0) {
        return OTTER_ERR_IO;
    }
    memcpy(server.request + server.request_len, buf, len);
    server.request_len += len;
    server.request[server.request_len] = '\0';
    if (strstr(server.request, "\r\n\r\n") != NULL) {
        server.off = 0;
        server.requests_here++;
        size_t at = strlen(server.requests);
        snprintf(server.requests + at, sizeof server.requests - at, "%s", server.request);
        server.request_len = 0;
        server.next++;
    }
    return (int)len;
}

static inline int do_recv(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    assert_true(server.connected && len > 0);
    const char *answer = server.next > 0 ? server.answers[server.next - 1] : NULL;
    if (answer == NULL) {
        return server.ends || server.dies ? OTTER_ERR_IO : 0;
    }
    size_t whole = server.lens[server.next - 1] != 0 ? server.lens[server.next - 1] : strlen(answer);
    size_t left = whole - server.off;
    len = len < left ? len : left;
    len = len < server.piece ? len : server.piece;
    if (len == 0) {
        return server.ends ? OTTER_ERR_IO : 0;
    }
    memcpy(buf, answer + server.off, len);
    server.off += len;
    return (int)len;
}

static inline void do_close(void *ctx)
{
    (void)ctx;
    server.connected = false;
}

static const struct otter_transport transport = {
    .open = do_open, .send = do_send, .recv = do_recv, .close = do_close};
static const char *const allowed[] = {"cdn.example", "::1"};
static struct otter_agent_config config;
static struct otter_http http;
static struct otter_place place;
static uint8_t *buf;
static char body[1 << 16];
static size_t body_len;
static uint32_t now_ms;

static inline int setup(void **test)
{
    (void)test;
    memset(&server, 0, sizeof server);
    server.piece = SIZE_MAX;
    config = (struct otter_agent_config){.host = "home.example", .tls = &transport, .plain = &transport,
                                         .hosts_allowed = allowed, .hosts_allowed_count = 2,
                                         .stall_ms = 1000};
    place = otter_url_home(&config);
    buf = malloc(BUF); /* on the heap: a byte too far is seen by asan */
    static const struct otter_version running = {1, 0, 0, 0};
    otter_http_init(&http, &config, &running, buf, BUF);
    now_ms = 0;
    return 0;
}

static inline int teardown(void **test)
{
    (void)test;
    free(buf);
    return 0;
}

static inline void begin(struct otter_request request)
{
    request.method = request.body != NULL ? "POST" : "GET";
    request.path = request.path != NULL ? request.path : "/f";
    otter_http_begin(&http, &place, &request, now_ms);
}

/* To the end of the answer: 0, or the error. */
static inline int run(void)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    body_len = 0;
    for (int steps = 0; steps < 200000; steps++) {
        int next = otter_http_next(&http, now_ms, &bytes, &len);
        if (next < 0) {
            assert_int_equal(http.state, OTTER_HTTP_IDLE);
            assert_null(http.link);
            return next;
        }
        if (next == OTTER_HTTP_GOT_BODY) {
            size_t now = len > 7 ? len - 3 : len; /* not always all of it */
            memcpy(body + body_len, bytes, now);
            body_len += now;
            otter_http_eat(&http, now);
        } else if (next == OTTER_HTTP_GOT_END) {
            otter_http_finish(&http);
            body[body_len] = '\0';
            return 0;
        } else if (next == OTTER_HTTP_WAIT) {
            now_ms += 100;
        }
    }
    fail_msg("no end");
    return 1;
}

static inline int get(const char *answer)
{
    memset(&server, 0, sizeof server);
    server.piece = SIZE_MAX;
    server.answers[0] = answer;
    server.ends = true;
    otter_http_close(&http);
    begin((struct otter_request){0});
    return run();
}

#endif
