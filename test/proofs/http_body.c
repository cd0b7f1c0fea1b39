/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body from any state, with up to four more bytes: what is handed out lies in the buffer and is
 * no more than what is left; eating any part of it leaves a state of the same kind.
 */
#include "agent/http.h"
#include "proof.h"

enum { SIZE = 64, MORE = 4, CHUNK_STATES = 9 };

static void prove_state(const struct otter_http *http)
{
    PROVE(http->off <= http->end && http->end <= SIZE);
    PROVE(http->chunk_state < CHUNK_STATES);
    PROVE(http->state == OTTER_HTTP_BODY || http->state == OTTER_HTTP_END);
    PROVE(http->meta_len <= OTTER_HTTP_META_MAX);
}

int main(void)
{
    static struct otter_http http;
    static uint8_t buf[SIZE];
    const uint8_t *bytes = NULL;
    http.buf = buf;
    http.size = SIZE;
    if (nondet_bool()) { /* the beginning, after any head */
        http.head.status = nondet_u16();
        http.head.chunked = nondet_bool();
        http.head.has_length = nondet_bool();
        http.head.length = nondet_u32();
        otter_body_begin(&http);
    } else {
        http.state = OTTER_HTTP_BODY;
        http.framing = nondet_u8();
        ASSUME(http.framing >= OTTER_HTTP_LENGTH && http.framing <= OTTER_HTTP_CLOSE);
        http.chunk_state = nondet_u8();
        ASSUME(http.chunk_state < CHUNK_STATES);
        http.left = nondet_u32();
        ASSUME(http.framing != OTTER_HTTP_LENGTH || http.left > 0);
        http.meta_len = nondet_u32();
        ASSUME(http.meta_len < OTTER_HTTP_META_MAX);
        http.line_empty = nondet_bool();
    }
    http.off = nondet_size();
    http.end = nondet_size();
    ASSUME(http.off <= http.end && http.end <= SIZE && http.end - http.off <= MORE);
    for (size_t i = 0; i < SIZE; i++) {
        buf[i] = nondet_u8();
    }
    int len = otter_http_body(&http, &bytes);
    PROVE(len >= 0 || len == OTTER_ERR_CORRUPT || len == OTTER_ERR_NOSPACE);
    if (len > 0) {
        PROVE(bytes == buf + http.off && (size_t)len <= http.end - http.off);
        PROVE(http.framing == OTTER_HTTP_CLOSE || (uint32_t)len <= http.left);
        size_t eaten = nondet_size();
        ASSUME(eaten <= (size_t)len && eaten > 0);
        otter_http_eat(&http, eaten);
    }
    if (len >= 0) {
        prove_state(&http);
    }
    return 0;
}
