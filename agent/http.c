/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - the exchange: connect, send, receive the head, receive the body.
 *
 * One buffer: the request goes out of it, then the answer comes into it. While a head is
 * read, buf[0, line_len) is the line so far and buf[off, end) is what was received behind
 * it; in a body only [off, end) counts.
 */
#include <string.h>

#include "agent/http.h"
#include "agent/text.h"
#include "agent/url.h"
#include "otter/result.h"

void otter_http_init(struct otter_http *http, const struct otter_agent_config *config,
                     const struct otter_version *running, void *buf, size_t size)
{
    memset(http, 0, sizeof *http);
    http->config = config;
    http->running = running;
    http->buf = buf;
    http->size = size;
    http->at = otter_url_home(config);
}

void otter_http_close(struct otter_http *http)
{
    if (http->link != NULL) {
        http->link->close(http->link->ctx);
        http->link = NULL;
    }
    http->state = OTTER_HTTP_IDLE;
}

void otter_http_begin(struct otter_http *http, const struct otter_place *place,
                      const struct otter_request *request, uint32_t now_ms)
{
    struct otter_place to = place != NULL ? *place : otter_url_home(http->config);
    if (http->link != NULL &&
        (http->state != OTTER_HTTP_IDLE || !otter_url_same_place(&http->at, &to))) {
        otter_http_close(http);
    }
    http->at = to;
    http->request = *request;
    size_t len = strlen(request->path);
    len = len < OTTER_PATH_SIZE ? len : 0; /* init and job.c see to it that it fits */
    memcpy(http->path, request->path, len);
    http->path[len] = '\0';
    http->hops = 0;
    http->reused = http->link != NULL;
    http->answered = false;
    http->head.status = 0;
    http->state = OTTER_HTTP_OPEN;
    http->last_ms = http->window_ms = now_ms;
    http->window_bytes = 0;
}

static void add_host(struct otter_text *text, const struct otter_place *at)
{
    bool v6 = strchr(at->host, ':') != NULL;
    otter_text_add(text, v6 ? "[" : "");
    otter_text_add(text, at->host);
    otter_text_add(text, v6 ? "]" : "");
    if (at->port != (at->tls ? 443 : 80)) {
        otter_text_add(text, ":");
        otter_text_add_u32(text, at->port);
    }
}

static void add_line(struct otter_text *text, const char *name, const char *value)
{
    otter_text_add(text, name);
    otter_text_add(text, value);
    otter_text_add(text, "\r\n");
}

static void add_range(struct otter_text *text, const struct otter_request *request)
{
    otter_text_add(text, "Range: bytes=");
    otter_text_add_u32(text, request->from);
    otter_text_add(text, "-");
    if (request->last != UINT32_MAX) {
        otter_text_add_u32(text, request->last);
    }
    otter_text_add(text, "\r\n");
    if (request->if_range != NULL) {
        add_line(text, "If-Range: ", request->if_range);
    }
}

static void add_condition(struct otter_text *text, const char *validator)
{
    bool etag = validator[0] == '"' || (validator[0] == 'W' && validator[1] == '/');
    add_line(text, etag ? "If-None-Match: " : "If-Modified-Since: ", validator);
}

static void add_content(struct otter_text *text, const struct otter_request *request)
{
    otter_text_add(text, "Content-Type: application/json\r\nContent-Length: ");
    otter_text_add_u32(text, (uint32_t)request->body_len);
    otter_text_add(text, "\r\n\r\n");
    if (request->body_len > text->size - text->len) {
        text->full = true;
        return;
    }
    memcpy(text->buf + text->len, request->body, request->body_len);
    text->len += request->body_len;
}

/* Who we are: to everybody which program in which version, to the configured server alone
 * which device. */
static void add_names(const struct otter_http *http, struct otter_text *text)
{
    const struct otter_agent_config *config = http->config;
    struct otter_place home = otter_url_home(config);
    otter_text_add(text, "User-Agent: ");
    otter_text_add(text, config->user_agent != NULL ? config->user_agent : "otter");
    otter_text_add(text, " app/");
    otter_text_add_version(text, http->running);
    otter_text_add(text, "\r\n");
    if (config->device_token != NULL && otter_url_same_place(&http->at, &home)) {
        add_line(text, "Authorization: Bearer ", config->device_token);
    }
}

static int write_request(struct otter_http *http)
{
    const struct otter_request *request = &http->request;
    struct otter_text text = {.buf = (char *)http->buf, .size = http->size};
    otter_text_add(&text, request->method);
    otter_text_add(&text, " ");
    otter_text_add(&text, http->path);
    otter_text_add(&text, " HTTP/1.1\r\nHost: ");
    add_host(&text, &http->at);
    otter_text_add(&text, "\r\n");
    add_names(http, &text);
    if (request->ranged) {
        add_range(&text, request);
    }
    if (request->none_match != NULL) {
        add_condition(&text, request->none_match);
    }
    if (request->body != NULL) {
        add_content(&text, request);
    } else {
        otter_text_add(&text, "\r\n");
    }
    http->off = 0;
    http->end = text.len;
    return text.full ? OTTER_ERR_NOSPACE : 0;
}

/* The connection is of no more use. One that was kept may have been closed by the server
 * in between, which is nobody's fault: try a fresh one, once. */
static int fail(struct otter_http *http, int err)
{
    bool stale = http->reused && !http->answered && err != OTTER_ERR_TIMEOUT;
    otter_http_close(http);
    if (!stale) {
        return err;
    }
    http->reused = false;
    http->state = OTTER_HTTP_OPEN;
    return OTTER_HTTP_BUSY;
}

static void mark_progress(struct otter_http *http, uint32_t now_ms, size_t len)
{
    http->last_ms = now_ms;
    http->window_bytes += (uint32_t)len;
}

/* Nothing moved: for how long is that acceptable? */
static int check_time(struct otter_http *http, uint32_t now_ms)
{
    uint32_t stall_ms = http->config->stall_ms != 0 ? http->config->stall_ms : 30000;
    if (now_ms - http->last_ms >= stall_ms) {
        return fail(http, OTTER_ERR_TIMEOUT);
    }
    if (now_ms - http->window_ms >= stall_ms) {
        if (http->window_bytes < OTTER_HTTP_RATE_MIN) {
            return fail(http, OTTER_ERR_TIMEOUT);
        }
        http->window_ms = now_ms;
        http->window_bytes = 0;
    }
    return OTTER_HTTP_WAIT;
}

/* A kept connection: what is there before anything was asked answers nothing, and would be
 * taken for the answer. */
static bool is_spoilt(struct otter_http *http)
{
    return http->reused && http->link->recv(http->link->ctx, http->buf, http->size) != 0;
}

static int step_open(struct otter_http *http, uint32_t now_ms)
{
    if (is_spoilt(http)) {
        otter_http_close(http);
        http->reused = false;
        http->state = OTTER_HTTP_OPEN;
        return OTTER_HTTP_BUSY;
    }
    if (!http->reused) {
        http->link = http->at.tls ? http->config->tls : http->config->plain;
        if (http->link == NULL) {
            return fail(http, OTTER_ERR_REFUSED);
        }
        int err = http->link->open(http->link->ctx, http->at.host, http->at.port);
        if (err > 0) {
            return check_time(http, now_ms);
        }
        if (err < 0) {
            return fail(http, err);
        }
    }
    mark_progress(http, now_ms, 0);
    http->window_ms = now_ms; /* it is open: now the server's time begins */
    http->state = OTTER_HTTP_SEND;
    int err = write_request(http);
    return err < 0 ? fail(http, err) : OTTER_HTTP_BUSY;
}

static int step_send(struct otter_http *http, uint32_t now_ms)
{
    int sent = http->link->send(http->link->ctx, http->buf + http->off, http->end - http->off);
    if (sent < 0) {
        return fail(http, sent);
    }
    if (sent == 0) {
        return check_time(http, now_ms);
    }
    mark_progress(http, now_ms, (size_t)sent);
    http->off += (size_t)sent;
    if (http->off >= http->end) {
        http->state = OTTER_HTTP_HEAD;
        otter_head_begin(http);
        http->interim = 0;
    }
    return OTTER_HTTP_BUSY;
}

static int redirect(struct otter_http *http)
{
    if (http->head.location_err < 0) {
        return fail(http, http->head.location_err);
    }
    if (++http->hops > OTTER_HTTP_HOPS_MAX) {
        return fail(http, OTTER_ERR_CORRUPT);
    }
    otter_http_finish(http);
    if (http->head.location_elsewhere) {
        otter_http_close(http);
    }
    http->reused = http->link != NULL;
    http->answered = false;
    http->state = OTTER_HTTP_OPEN;
    return OTTER_HTTP_BUSY;
}

static int receive(struct otter_http *http, size_t at, uint32_t now_ms)
{
    int got = http->link->recv(http->link->ctx, http->buf + at, http->size - at);
    if (got > 0) {
        mark_progress(http, now_ms, (size_t)got);
        http->answered = true;
        http->off = at;
        http->end = at + (size_t)got;
    }
    return got;
}

static int step_head(struct otter_http *http, uint32_t now_ms)
{
    int got = receive(http, http->line_len, now_ms);
    if (got <= 0) {
        return got < 0 ? fail(http, got) : check_time(http, now_ms);
    }
    int done = otter_head_take(http);
    if (done < 0) {
        return fail(http, done);
    }
    if (done == 0) {
        return OTTER_HTTP_BUSY;
    }
    otter_body_begin(http);
    if (otter_head_follows(http) && http->head.has_location) {
        return redirect(http);
    }
    return OTTER_HTTP_GOT_HEAD;
}

static int step_body(struct otter_http *http, uint32_t now_ms)
{
    if (http->off < http->end) {
        return OTTER_HTTP_BUSY; /* to be eaten first */
    }
    int got = receive(http, 0, now_ms);
    if (got == 0) {
        return check_time(http, now_ms);
    }
    if (got < 0 && http->framing == OTTER_HTTP_CLOSE) {
        otter_http_close(http);
        http->cut = true;
        http->state = OTTER_HTTP_END;
        return OTTER_HTTP_BUSY;
    }
    return got < 0 ? fail(http, got) : OTTER_HTTP_BUSY;
}

int otter_http_step(struct otter_http *http, uint32_t now_ms)
{
    switch ((enum otter_http_state)http->state) {
    case OTTER_HTTP_OPEN:
        return step_open(http, now_ms);
    case OTTER_HTTP_SEND:
        return step_send(http, now_ms);
    case OTTER_HTTP_HEAD:
        return step_head(http, now_ms);
    case OTTER_HTTP_BODY:
        return step_body(http, now_ms);
    case OTTER_HTTP_IDLE:
    case OTTER_HTTP_END:
        break;
    }
    return OTTER_HTTP_WAIT;
}

void otter_http_finish(struct otter_http *http)
{
    const uint8_t *bytes;
    int len;
    while (http->state == OTTER_HTTP_BODY && (len = otter_http_body(http, &bytes)) > 0) {
        otter_http_eat(http, (size_t)len);
    }
    bool kept = http->state == OTTER_HTTP_END && !http->head.close && http->off == http->end;
    if (!kept) {
        otter_http_close(http);
    }
    http->state = OTTER_HTTP_IDLE;
}

int otter_http_next(struct otter_http *http, uint32_t now_ms, const uint8_t **ret_bytes,
                    size_t *ret_len)
{
    int len = otter_http_body(http, ret_bytes);
    if (len < 0) {
        otter_http_close(http);
        return len;
    }
    if (len > 0) {
        *ret_len = (size_t)len;
        return OTTER_HTTP_GOT_BODY;
    }
    return http->state == OTTER_HTTP_END ? OTTER_HTTP_GOT_END : otter_http_step(http, now_ms);
}
