/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - an HTTP/1.1 client: one request at a time over one kept connection.
 *
 * begin, then step until it says GOT_HEAD, then body/eat and step until state is END, then
 * finish. Redirects are followed inside (url.h says where to). A kept connection that the
 * server closed meanwhile is opened again once, unseen. Strict where leniency is how
 * responses get confused: SPEC.md, "HTTP use".
 */
#ifndef OTTER_AGENT_HTTP_H
#define OTTER_AGENT_HTTP_H

#include "otter/agent_object.h"

enum otter_http_state {
    OTTER_HTTP_IDLE, /* no request; a connection may be kept */
    OTTER_HTTP_OPEN,
    OTTER_HTTP_SEND,
    OTTER_HTTP_HEAD,
    OTTER_HTTP_BODY,
    OTTER_HTTP_END   /* the body is complete */
};

enum otter_http_framing {
    OTTER_HTTP_NO_BODY,
    OTTER_HTTP_LENGTH,
    OTTER_HTTP_CHUNKED,
    OTTER_HTTP_CLOSE /* the body ends with the connection */
};

enum otter_http_result {
    OTTER_HTTP_WAIT,    /* nothing can be done now */
    OTTER_HTTP_BUSY,    /* something was done */
    OTTER_HTTP_GOT_HEAD, /* http->head is complete */
    OTTER_HTTP_GOT_BODY, /* bytes of the body, to be eaten */
    OTTER_HTTP_GOT_END   /* the body is complete */
};

#define OTTER_HTTP_HEAD_MAX 16384u /* bytes of one head, all lines */
#define OTTER_HTTP_HOPS_MAX 5u     /* redirects in a row */
#define OTTER_HTTP_INTERIM_MAX 8u  /* 1xx answers in a row */
#define OTTER_HTTP_META_MAX 4096u  /* beside the payload, between two chunks or in the trailer */
#define OTTER_HTTP_RATE_MIN 256u   /* bytes per stall time: less is as good as silence */

void otter_http_init(struct otter_http *http, const struct otter_agent_config *config,
                     const struct otter_version *running, void *buf, size_t size);

/* place NULL: the configured server. request is copied; what it points to must live until the
 * head is there. */
void otter_http_begin(struct otter_http *http, const struct otter_place *place,
                      const struct otter_request *request, uint32_t now_ms);

/* At most one open, send or recv. An enum otter_http_result, or: OTTER_ERR_IO, _TIMEOUT
 * (connection), _AUTH (certificate), _CORRUPT, _NOSPACE (answer breaks HTTP or a limit),
 * _REFUSED (forbidden redirect, or no transport for the place): the connection is closed. */
int otter_http_step(struct otter_http *http, uint32_t now_ms);

/* The body bytes at hand: *ret_bytes and their number (0: step first, or state is END), or
 * OTTER_ERR_CORRUPT. eat consumes some of them. */
int otter_http_body(struct otter_http *http, const uint8_t **ret_bytes);
void otter_http_eat(struct otter_http *http, size_t len);

/* The next thing to happen: body bytes at hand, or the end, or a step. *ret_bytes and
 * *ret_len are set with GOT_BODY. */
int otter_http_next(struct otter_http *http, uint32_t now_ms, const uint8_t **ret_bytes,
                    size_t *ret_len);

/* Done with this answer: keep the connection if the answer is at its end and the server
 * keeps it, else close it. */
void otter_http_finish(struct otter_http *http);
void otter_http_close(struct otter_http *http);

/* Between the files of the client: head.c and body.c. */
void otter_head_begin(struct otter_http *http);
int otter_head_take(struct otter_http *http); /* 1: complete; 0: more; <0 */
bool otter_head_follows(const struct otter_http *http); /* this status, this method: a redirect */
void otter_body_begin(struct otter_http *http);

#endif
