/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_call.c - a request whose answer needs the database: kept until that has spoken.
 *
 * The client may go away meanwhile; libevent then lets go of the request, and it is released
 * here. What was to be answered is logged all the same, as broken off.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/serve.h"

struct serve_call {
    struct serve *serve;
    struct evhttp_request *request; /* NULL: the client has gone */
    struct serve_entry entry;
};

static void lost(struct evhttp_connection *connection, void *ctx)
{
    struct serve_call *call = ctx;
    serve_goodbye(connection, NULL);
    if (!evhttp_request_get_connection(call->request)) {
        evhttp_send_reply_end(call->request); /* releases it */
    }
    call->request = NULL;
}

struct serve_call *serve_call_new(struct serve *serve, struct evhttp_request *request, const struct serve_entry *entry)
{
    struct serve_call *call = malloc(sizeof *call);
    if (!call) {
        evhttp_send_reply(request, 503, serve_reason(503), NULL);
        return NULL;
    }
    *call = (struct serve_call){serve, request, *entry};
    serve->active++;
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), lost, call);
    return call;
}

struct evhttp_request *serve_call_request(struct serve_call *call)
{
    return call->request;
}

const struct serve_entry *serve_call_entry(const struct serve_call *call)
{
    return &call->entry;
}

static void send_answer(struct serve_call *call, int status, const char *type, const void *bytes, size_t len)
{
    struct evhttp_request *request = call->request;
    struct evbuffer *body = evbuffer_new();
    bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    char number[24];
    if (body && type) {
        serve_header(request, "Content-Type", type);
        (void)evbuffer_add(body, bytes, len);
    } else if (body && status >= 400) {
        serve_header(request, "Content-Type", "text/plain; charset=utf-8");
        (void)evbuffer_add_printf(body, "%d %s\n", status, serve_reason(status));
    }
    if (body && is_head) {
        snprintf(number, sizeof number, "%zu", evbuffer_get_length(body));
        serve_header(request, "Content-Length", number);
        (void)evbuffer_drain(body, evbuffer_get_length(body));
    }
    call->entry.bytes = body ? evbuffer_get_length(body) : 0;
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), serve_goodbye, NULL);
    evhttp_send_reply(request, status, serve_reason(status), body);
    if (body) {
        evbuffer_free(body);
    }
}

static void release(struct serve_call *call)
{
    struct serve *serve = call->serve;
    serve_log(serve, &call->entry);
    free(call);
    serve->active--;
    if (serve->quitting && serve->active == 0) {
        (void)event_base_loopexit(serve->base, NULL);
    }
}

void serve_call_answer(struct serve_call *call, int status, const char *type, const void *body, size_t len)
{
    call->entry.status = status;
    call->entry.aborted = !call->request;
    if (call->request) {
        send_answer(call, status, type, body, len);
    }
    release(call);
}

void serve_call_end(struct serve_call *call, uint64_t bytes)
{
    call->entry.status = 200;
    call->entry.bytes = bytes;
    call->entry.aborted = !call->request;
    if (call->request) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(call->request), serve_goodbye, NULL);
        evhttp_send_reply_end(call->request);
    }
    release(call);
}
