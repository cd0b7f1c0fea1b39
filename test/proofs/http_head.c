/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One more byte of a head, after any bytes before it: wherever the line stands, whatever it and the
 * head so far say, the reader keeps inside its buffer and keeps what it relies on. So it does for
 * any number of bytes.
 */
#include "agent/http.h"
#include "proof.h"

enum { LINE_MAX = 14, SIZE = LINE_MAX + 64 };

int main(void)
{
    static struct otter_http http;
    static uint8_t buf[SIZE];
    static const struct otter_agent_config config = {.host = "h"};
    http.config = &config;
    http.buf = buf;
    http.size = SIZE;
    http.at.host = config.host;
    http.at.port = nondet_u16();
    http.at.tls = nondet_bool();
    http.path[0] = '/';
    http.path[1] = '\0';
    http.line_len = nondet_size();
    http.off = nondet_size();
    ASSUME(http.line_len < LINE_MAX && http.off >= http.line_len && http.off < SIZE);
    http.end = http.off + 1;
    for (size_t i = 0; i < LINE_MAX; i++) {
        buf[i] = nondet_u8();
        ASSUME(i >= http.line_len || buf[i] >= ' ' || buf[i] == '\t'); /* what take_byte lets in */
    }
    buf[http.off] = nondet_u8();
    http.head_size = nondet_u32();
    ASSUME(http.head_size < OTTER_HTTP_HEAD_MAX);
    http.cr = nondet_bool();
    http.skipping = nondet_bool();
    http.interim = nondet_u8();
    ASSUME(http.interim <= OTTER_HTTP_INTERIM_MAX);
    http.head.status = nondet_u16();
    ASSUME(http.head.status == 0 || (http.head.status >= 100 && http.head.status <= 599));
    http.head.chunked = nondet_bool();
    http.head.has_length = nondet_bool();
    http.head.length = nondet_u32();
    http.head.http_1_0 = nondet_bool();
    http.head.has_location = nondet_bool();
    http.head.has_range = nondet_bool();
    http.head.encoded = nondet_bool();
    int done = otter_head_take(&http);
    PROVE(done == 0 || done == 1 || done == OTTER_ERR_CORRUPT || done == OTTER_ERR_NOSPACE);
    if (done == 0) {
        PROVE(http.off == http.end && http.end <= SIZE);
        PROVE(http.line_len < LINE_MAX && http.line_len <= http.off);
        PROVE(http.head_size <= OTTER_HTTP_HEAD_MAX);
    }
    PROVE(http.head.status == 0 || (http.head.status >= 100 && http.head.status <= 599));
    return 0;
}
