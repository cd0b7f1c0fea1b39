/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_request.c - one request: judge it, answer it, log it.
 *
 * A body is read from the file in pieces, the next when the network has taken the one
 * before: a large image is never in memory, and a slow client holds nobody up. If the file
 * changes or shrinks under way, the connection is broken off: a mixture must not look whole.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool/page.h"

enum { PIECE = 65536 };

struct answer {
    struct serve *serve;
    struct evhttp_request *request;
    struct serve_file file;
    uint64_t off, end; /* still to be sent */
    size_t piece;      /* under way */
    struct serve_entry entry;
};

static void finish(struct answer *answer, bool aborted)
{
    answer->entry.aborted = aborted;
    serve_log(answer->serve, &answer->entry);
    (void)close(answer->file.fd);
    answer->serve->active--;
    if (answer->serve->quitting && answer->serve->active == 0) {
        event_base_loopexit(answer->serve->base, NULL);
    }
    free(answer);
}

/* The connection ends: say so in TLS. Without it OpenSSL would forget the session, and a
 * device that lost its connection could not resume. */
void serve_goodbye(struct evhttp_connection *connection, void *ctx)
{
    (void)ctx;
    SSL *ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
    if (ssl && SSL_is_init_finished(ssl)) {
        (void)SSL_shutdown(ssl); /* as far as the socket takes it */
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        ERR_clear_error();
    }
}

/* The client went away in the middle: libevent has let go of the request. */
static void lost(struct evhttp_connection *connection, void *ctx)
{
    struct answer *answer = ctx;
    serve_goodbye(connection, NULL);
    if (!evhttp_request_get_connection(answer->request)) {
        evhttp_send_reply_end(answer->request); /* releases it */
    }
    finish(answer, true);
}

static void break_off(struct answer *answer)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(answer->request);
    (void)shutdown(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), SHUT_RDWR);
}

static void next_piece(struct evhttp_connection *connection, void *ctx)
{
    struct answer *answer = ctx;
    static char piece[PIECE];
    answer->off += answer->piece;
    answer->entry.bytes += answer->piece;
    answer->piece = 0;
    if (answer->off == answer->end) {
        evhttp_connection_set_closecb(connection, serve_goodbye, NULL);
        evhttp_send_reply_end(answer->request);
        finish(answer, false);
        return;
    }
    uint64_t left = answer->end - answer->off;
    size_t want = left < PIECE ? (size_t)left : PIECE;
    ssize_t n = pread(answer->file.fd, piece, want, (off_t)answer->off);
    if (n != (ssize_t)want || !serve_file_is_same(&answer->file)) {
        break_off(answer);
        return;
    }
    struct evbuffer *buffer = evbuffer_new();
    if (!buffer || evbuffer_add(buffer, piece, want) != 0) {
        break_off(answer);
    } else {
        answer->piece = want;
        evhttp_send_reply_chunk_with_cb(answer->request, buffer, next_piece, answer);
    }
    if (buffer) {
        evbuffer_free(buffer);
    }
}

void serve_header(struct evhttp_request *request, const char *name, const char *value)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

const char *serve_reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 303: return "See Other";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

/* An answer without a file; errors say in one line what they are. */
static void answer_short(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry,
                         int status)
{
    struct evbuffer *body = NULL;
    bool has_body = status >= 400 && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD;
    if (has_body && (body = evbuffer_new()) != NULL) {
        serve_header(request, "Content-Type", "text/plain; charset=utf-8");
        serve_header(request, "X-Content-Type-Options", "nosniff");
        serve_header(request, "Content-Security-Policy", "default-src 'none'");
        (void)evbuffer_add_printf(body, "%d %s\n", status, serve_reason(status));
        entry->bytes = evbuffer_get_length(body);
    }
    entry->status = status;
    if (serve->quitting) {
        serve_header(request, "Connection", "close");
    }
    serve_log(serve, entry);
    evhttp_send_reply(request, status, serve_reason(status), body);
    if (body) {
        evbuffer_free(body);
    }
}

static void answer_body(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry,
                        struct serve_file *file, uint64_t first, uint64_t count)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct answer *answer = calloc(1, sizeof *answer);
    if (!answer) {
        (void)close(file->fd);
        answer_short(serve, request, entry, 503);
        return;
    }
    *answer = (struct answer){.serve = serve, .request = request, .file = *file, .off = first,
                              .end = first + count, .entry = *entry};
    if (serve->quitting) {
        serve_header(request, "Connection", "close");
    }
    serve->active++;
    evhttp_connection_set_closecb(connection, lost, answer);
    evhttp_send_reply_start(request, entry->status, serve_reason(entry->status));
    next_piece(connection, answer);
}

/* Who polls, remembered until it is written down; an image is what a device fetches to install. On
 * trial a device asks without a condition: what it knew was in RAM. */
static void note_poll(struct serve *serve, struct evhttp_request *request, const struct serve_entry *entry, bool fetches,
                      bool again)
{
    struct serve_poll poll = {.at = time(NULL), .fetches = fetches, .again = again};
    memcpy(poll.key, entry->client.name, sizeof poll.key);
    if (!poll.key[0]) {
        serve_token_of(request, poll.key);
        poll.is_hash = true;
    }
    if (poll.key[0]) {
        serve_version_of(request, poll.version);
        serve_polls_note(serve->polls, &poll);
    }
}

static void answer_file(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry,
                        struct serve_file *file)
{
    struct evkeyvalq *in = evhttp_request_get_input_headers(request);
    bool is_get = evhttp_request_get_command(request) == EVHTTP_REQ_GET;
    struct serve_conditions conditions = {
        evhttp_find_header(in, "Range"), evhttp_find_header(in, "If-Range"),
        evhttp_find_header(in, "If-None-Match"), evhttp_find_header(in, "If-Modified-Since"),
        evhttp_find_header(in, "If-Match")};
    char text[80];
    uint64_t first = 0;
    uint64_t last = 0;
    int status = serve_judge(&conditions, file, is_get, &first, &last);
    uint64_t count = status == 206 ? last - first + 1 : file->size;
    if (serve->polls) {
        bool is_image = strcmp(file->type, "application/octet-stream") == 0;
        note_poll(serve, request, entry, is_image && is_get && (status == 200 || status == 206),
                  conditions.if_none_match || conditions.if_modified_since);
    }
    serve_header(request, "ETag", file->etag);
    serve_header(request, "Cache-Control", file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (status != 304) { /* what it has still holds: say no more, an idle poll is all headers */
        serve_header(request, "Last-Modified", file->date);
        serve_header(request, "Accept-Ranges", "bytes");
    }
    if (status == 416) {
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)file->size);
        serve_header(request, "Content-Range", text);
    }
    if (status != 200 && status != 206) {
        (void)close(file->fd);
        answer_short(serve, request, entry, status);
        return;
    }
    if (status == 206) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)first,
                 (unsigned long long)last, (unsigned long long)file->size);
        serve_header(request, "Content-Range", text);
    }
    serve_header(request, "Content-Type", file->type);
    serve_header(request, "X-Content-Type-Options", "nosniff");
    snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    serve_header(request, "Content-Length", text);
    entry->status = status;
    if (is_get && count > 0) {
        answer_body(serve, request, entry, file, first, count);
        return;
    }
    (void)close(file->fd);
    answer_short(serve, request, entry, status);
}

static const char *method_of(struct evhttp_request *request)
{
    switch ((int)evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET: return "GET";
    case EVHTTP_REQ_HEAD: return "HEAD";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_DELETE: return "DELETE";
    case EVHTTP_REQ_OPTIONS: return "OPTIONS";
    default: return "other";
    }
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static void answer_path(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry, const char *path)
{
    struct serve_file file;
    int status = serve_file_open(serve, path, &file);
    if (status != 0) {
        answer_short(serve, request, entry, status);
        return;
    }
    answer_file(serve, request, entry, &file);
}

static void answer_health(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry)
{
    struct serve_call *call = serve_call_new(serve, request, entry);
    if (call) {
        serve_header(request, "Cache-Control", "no-store");
        serve_call_answer(call, 200, "text/plain; charset=utf-8", "ok\n", 3);
    }
}

/* Too many from one address: later. */
static bool is_limited(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry)
{
    char seconds[16];
    bool spared = entry->client.is_local && serve->options->peer_rate < 0; /* only where it was asked for */
    int wait = serve->peers && !spared ? serve_limit_take(serve->peers, entry->client.address) : 0;
    if (wait > 0) {
        snprintf(seconds, sizeof seconds, "%d", wait);
        serve_header(request, "Retry-After", seconds);
        answer_short(serve, request, entry, 429);
    }
    return wait > 0;
}

static void route(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry, const char *path)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    bool reads = method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD;
    if (serve->page && page_request(serve, request, path, entry)) {
        return;
    }
    if (reads && strcmp(path, "/health") == 0) {
        answer_health(serve, request, entry);
    } else if (method == EVHTTP_REQ_POST && serve_report_is_path(serve, path)) {
        serve_report(serve, request, entry);
    } else if (!reads) {
        serve_header(request, "Allow", serve_report_is_path(serve, path) ? "POST" : "GET, HEAD");
        answer_short(serve, request, entry, 405);
    } else {
        answer_path(serve, request, entry, path);
    }
}

/* Where does the body end? Two readers must not disagree about that: with a proxy in front, what
 * one takes for a body the other would take for somebody else's request. */
static bool is_ambiguous(struct evhttp_request *request)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const struct evkeyval *header;
    int lengths = 0;
    int codings = 0;
    bool odd = false;
    TAILQ_FOREACH(header, headers, next) {
        if (header->key[strcspn(header->key, " \t")] != 0) {
            odd = true;
        } else if (strcasecmp(header->key, "Content-Length") == 0) {
            lengths++;
            odd = odd || header->value[0] == 0 || header->value[strspn(header->value, "0123456789")] != 0;
        } else if (strcasecmp(header->key, "Transfer-Encoding") == 0) {
            codings++;
            odd = odd || strcasecmp(header->value, "chunked") != 0;
        }
    }
    return odd || lengths + codings > 1;
}

void serve_request(struct evhttp_request *request, void *ctx)
{
    struct serve *serve = ctx;
    struct serve_entry entry = {.method = method_of(request)};
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *socket = evhttp_connection_get_bufferevent(connection);
    evhttp_connection_set_closecb(connection, serve_goodbye, NULL);
    serve_guard_whole(serve->guard, socket);
    serve_client_of(serve, request, &entry.client);
    copy(entry.path, sizeof entry.path, path);
    copy(entry.range, sizeof entry.range,
         evhttp_find_header(evhttp_request_get_input_headers(request), "Range"));
    if (!path || is_ambiguous(request)) {
        serve_header(request, "Connection", "close");
        answer_short(serve, request, &entry, 400);
    } else if (!is_limited(serve, request, &entry)) {
        route(serve, request, &entry, path);
    }
}
