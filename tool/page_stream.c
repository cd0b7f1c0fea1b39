/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_stream.c - /api/events: a line whenever something changed, at most one a second
 * (server-sent events, WHATWG HTML section 9.2). The page then fetches itself anew.
 *
 * Once a second three numbers are asked for, and only while somebody listens: the newest
 * change of a device, the newest report, the newest job document.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#include "tool/page_parts.h"

enum { STREAMS_MAX = 200, UNREAD_MAX = 65536, PING_SECONDS = 20, LINE_SIZE = 160 };

struct page_stream {
    struct page_stream *next;
    struct serve_call *call;
    uint64_t bytes;
};

void page_events(struct db *db, struct page_visit *visit)
{
    (void)db;
    visit->streams = true;
}

/* False: it is not read any more, or the client has gone. */
static bool send_line(struct page_stream *stream, const char *line)
{
    struct evhttp_request *request = serve_call_request(stream->call);
    struct evhttp_connection *connection = request ? evhttp_request_get_connection(request) : NULL;
    if (!connection ||
        evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(connection))) > UNREAD_MAX) {
        return false;
    }
    struct evbuffer *buffer = evbuffer_new();
    bool ok = buffer && evbuffer_add(buffer, line, strlen(line)) == 0;
    if (ok) {
        stream->bytes += strlen(line);
        evhttp_send_reply_chunk(request, buffer);
    }
    if (buffer) {
        evbuffer_free(buffer);
    }
    return ok;
}

static void end_stream(struct page *page, struct page_stream **link)
{
    struct page_stream *stream = *link;
    *link = stream->next;
    page->streams_count--;
    serve_call_end(stream->call, stream->bytes);
    free(stream);
}

static void send_all(struct page *page, const char *line)
{
    for (struct page_stream **link = &page->streams; *link;) {
        if (send_line(*link, line)) {
            link = &(*link)->next;
        } else {
            end_stream(page, link);
        }
    }
}

void page_stream_begin(struct page_visit *visit)
{
    struct page *page = visit->serve->page;
    struct evhttp_request *request = serve_call_request(visit->call);
    struct page_stream *stream = page->streams_count < STREAMS_MAX ? calloc(1, sizeof *stream) : NULL;
    if (!stream) {
        serve_call_answer(visit->call, 503, NULL, NULL, 0);
        page_visit_free(visit);
        return;
    }
    stream->call = visit->call;
    stream->next = page->streams;
    page->streams = stream;
    page->streams_count++;
    page_visit_free(visit);
    serve_header(request, "Content-Type", "text/event-stream");
    serve_header(request, "Cache-Control", "no-store");
    serve_header(request, "X-Accel-Buffering", "no"); /* nginx: pass it on at once */
    evhttp_send_reply_start(request, 200, serve_reason(200));
    (void)send_line(stream, "retry: 3000\ndata: {\"hello\":true}\n\n");
}

void page_stream_end_all(struct page *page)
{
    while (page->streams) {
        end_stream(page, &page->streams);
    }
}

/* ---- has anything changed? ---- */
struct asking {
    struct serve *serve;
    int64_t now[3];
    bool ok;
};

static void ask(struct db *db, void *ctx)
{
    static const char *const questions[] = {"SELECT COALESCE(MAX(changed), 0) FROM devices", "SELECT COALESCE(MAX(serial), 0) FROM reports",
                                            "SELECT COALESCE(MAX(sequence), 0) FROM rollouts"};
    struct asking *asking = ctx;
    asking->ok = true;
    for (int i = 0; i < 3; i++) {
        asking->ok = asking->ok && db_number(db, questions[i], DB_NONE, &asking->now[i]) == DB_OK;
    }
}

static void asked(void *ctx)
{
    struct asking *asking = ctx;
    struct page *page = asking->serve->page;
    if (page) {
        page->asking = false;
    }
    if (page && asking->ok && memcmp(page->told, asking->now, sizeof page->told) != 0) {
        char line[LINE_SIZE];
        memcpy(page->told, asking->now, sizeof page->told);
        snprintf(line, sizeof line, "data: {\"changed\":%lld,\"report\":%lld,\"sequence\":%lld}\n\n", (long long)asking->now[0],
                 (long long)asking->now[1], (long long)asking->now[2]);
        send_all(page, line);
    }
    free(asking);
}

void page_stream_tick(evutil_socket_t fd, short events, void *ctx)
{
    struct page *page = ctx;
    (void)fd;
    (void)events;
    if (page->serve->quitting) {
        page_stream_end_all(page);
    }
    if (!page->streams || page->asking) {
        return;
    }
    if (time(NULL) % PING_SECONDS == 0) {
        send_all(page, ": here\n\n"); /* shows both sides that the other one is there */
    }
    struct asking *asking = calloc(1, sizeof *asking);
    if (asking) {
        asking->serve = page->serve;
        page->asking = serve_work_add(page->serve->work, ask, asked, asking);
        if (!page->asking) {
            free(asking);
        }
    }
}
