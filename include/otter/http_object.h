/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_object.h - the HTTP client's part of struct otter_agent: private by convention, too.
 */
#ifndef OTTER_HTTP_OBJECT_H
#define OTTER_HTTP_OBJECT_H

#include "otter/agent.h"

#define OTTER_PATH_SIZE 1280u    /* path and query of a URL, with NUL: signed ones are long */
#define OTTER_VALIDATOR_SIZE 72u /* ETag with its quotes, or an HTTP date, with NUL */

struct otter_place { /* url.c: where a connection goes */
    const char *host; /* one of the configuration's names: nothing else is ever contacted */
    uint16_t port;
    bool tls;
};

struct otter_request {
    const char *path, *method;
    const char *none_match; /* ETag or date: answer 304 if still so; NULL: none */
    const char *if_range;   /* likewise: the range only if still so */
    const char *body;       /* POST */
    size_t body_len;
    uint32_t from, last;    /* range; last UINT32_MAX: to the end */
    bool ranged;
};

struct otter_head { /* head.c: what the head of an answer said */
    uint16_t status;
    bool http_1_0, close, keep_alive, chunked, encoded;
    bool has_length, has_range, has_location, location_elsewhere, has_etag;
    bool has_retry, retry_is_date;
    int location_err;
    uint32_t length;
    uint32_t range_from, range_last, range_total; /* range_total 0: not told */
    int64_t retry, date; /* seconds, or Unix time when retry_is_date; date -1: none */
    char etag[OTTER_VALIDATOR_SIZE];
    char modified[32];
};

struct otter_http { /* http.c, head.c, body.c */
    const struct otter_agent_config *config;
    const struct otter_version *running; /* to be told in requests */
    const struct otter_transport *link;  /* NULL: no connection */
    struct otter_place at;               /* of the connection and of the request */
    uint8_t state, chunk_state, framing, hops, interim;
    bool reused, answered, skipping, cr, line_empty, cut;
    uint8_t *buf; /* request out, answer in */
    size_t size, off, end, line_len;
    uint32_t head_size, left, meta_len; /* left: bytes of the body or of the chunk */
    uint32_t last_ms, window_ms, window_bytes;
    struct otter_request request;
    struct otter_head head;
    char path[OTTER_PATH_SIZE];
};

#endif
