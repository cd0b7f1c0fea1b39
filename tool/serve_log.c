/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_log.c - one line per answer on stdout: for a person, or as JSON.
 *
 * A line is written when the answer has been handed to the network or has broken off, so
 * its number of bytes is what the client may have at most. Lines of one turn of the event loop are
 * written together. A reader that does not read (a
 * pager that waits, a full pipe) loses lines, and is told so: serving goes on.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/serve.h"

enum { GATHER_MAX = 65536, PIECE = 4096 }; /* what a pipe that is writable takes at once */

static unsigned long lost; /* lines, since the last one that was written */
static char waiting[GATHER_MAX];
static size_t waiting_len;
static void (*wake_flusher)(void *ctx);
static void *wake_ctx;

static bool is_writable(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1;
}

static void write_all(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, text, len);
        if (n < 0 && errno != EINTR) {
            return;
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void tell_lost(void)
{
    char note[64];
    if (lost > 0) {
        int len = snprintf(note, sizeof note, "otter serve: %lu log lines were lost\n", lost);
        (void)!write(STDERR_FILENO, note, (size_t)len);
        lost = 0;
    }
}

/* Whole lines, as many as fit into a piece; a line that is longer goes by itself. */
static size_t piece_of(const char *text, size_t len)
{
    size_t piece = 0;
    while (piece < len) {
        const char *end = memchr(text + piece, '\n', len - piece);
        size_t next = end ? (size_t)(end - text) + 1 : len;
        if (next > PIECE && piece > 0) {
            break;
        }
        piece = next;
    }
    return piece;
}

void serve_log_flush(void)
{
    const char *at = waiting;
    size_t left = waiting_len;
    while (left > 0) {
        size_t piece = piece_of(at, left);
        if (is_writable()) {
            tell_lost();
            write_all(at, piece);
        } else {
            for (size_t i = 0; i < piece; i++) {
                lost += at[i] == '\n';
            }
        }
        at += piece;
        left -= piece;
    }
    waiting_len = 0;
}

void serve_log_gather(void (*wake)(void *ctx), void *ctx)
{
    serve_log_flush();
    wake_flusher = wake;
    wake_ctx = ctx;
}

/* Takes the line, which ends with a newline. */
static void emit(char *line)
{
    size_t len = line ? strlen(line) : GATHER_MAX + 1;
    if (len > GATHER_MAX) {
        lost++;
        free(line);
        return;
    }
    if (waiting_len + len > GATHER_MAX) {
        serve_log_flush();
    }
    if (waiting_len == 0 && wake_flusher) {
        wake_flusher(wake_ctx);
    }
    memcpy(waiting + waiting_len, line, len);
    waiting_len += len;
    free(line);
    if (!wake_flusher) {
        serve_log_flush();
    }
}

void serve_time_text(char ret_text[24])
{
    static _Thread_local time_t known; /* pages are made in another thread */
    static _Thread_local char text[24];
    time_t now = time(NULL);
    if (now != known || !text[0]) {
        struct tm tm;
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
        known = now;
    }
    memcpy(ret_text, text, sizeof text);
}

/* What a stranger sent must not steer a terminal. */
static const char *printable(const char *text, char *ret_text, size_t size)
{
    size_t i = 0;
    for (; text[i] && i < size - 1; i++) {
        ret_text[i] = text[i] > ' ' && text[i] < 127 ? text[i] : '?';
    }
    ret_text[i] = 0;
    return ret_text;
}

/* printf, then out with it. */
static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void print(const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    emit(vasprintf(&line, format, args) < 0 ? NULL : line);
    va_end(args);
}

static void print_json(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    char *whole = NULL;
    emit(text && asprintf(&whole, "%s\n", text) >= 0 ? whole : NULL);
    free(text);
    json_decref(line);
}

static void put(json_t *line, const char *key, const char *text)
{
    if (text && text[0]) {
        json_t *value = json_string(text);
        char safe[256];
        (void)json_object_set_new(line, key, value ? value : json_string(printable(text, safe, sizeof safe)));
    }
}

static json_t *new_line(const char *event)
{
    char now[24];
    json_t *line = json_object();
    serve_time_text(now);
    put(line, "time", now);
    put(line, "event", event);
    return line;
}

static void put_client(json_t *line, const struct serve_client *client)
{
    put(line, "client", client->peer);
    put(line, "name", client->name);
    if (client->version) {
        put(line, "tls", client->version);
        (void)json_object_set_new(line, "resumed", json_boolean(client->resumed));
    }
}

static void log_json(const struct serve_entry *entry)
{
    json_t *line = new_line("request");
    put_client(line, &entry->client);
    put(line, "method", entry->method);
    put(line, "path", entry->path);
    put(line, "range", entry->range);
    (void)json_object_set_new(line, "status", json_integer(entry->status));
    (void)json_object_set_new(line, "bytes", json_integer((json_int_t)entry->bytes));
    (void)json_object_set_new(line, "aborted", json_boolean(entry->aborted));
    print_json(line);
}

void serve_log(const struct serve *serve, const struct serve_entry *entry)
{
    char now[24];
    char path[sizeof entry->path];
    char range[sizeof entry->range];
    char name[sizeof entry->client.name];
    const struct serve_client *client = &entry->client;
    if (serve->options->as_json) {
        log_json(entry);
        return;
    }
    serve_time_text(now);
    print("%s %s %s %s %d %llu bytes%s%s%s%s%s%s%s\n", now, client->peer, entry->method,
           printable(entry->path, path, sizeof path), entry->status, (unsigned long long)entry->bytes,
           entry->range[0] ? " " : "", printable(entry->range, range, sizeof range),
           client->version ? " " : "", client->version ? client->version : "",
           !client->version ? "" : client->resumed ? " resumed" : " full",
           client->name[0] ? " " : "", printable(client->name, name, sizeof name));
    if (entry->aborted) {
        print("%s %s broke off\n", now, client->peer);
    }
}

void serve_log_report(const struct serve *serve, const struct serve_client *client, const char *json)
{
    char now[24];
    if (!serve->options->as_json) {
        char name[sizeof client->name];
        serve_time_text(now);
        print("%s %s reports %s\n", now,
              client->name[0] ? printable(client->name, name, sizeof name) : client->peer, json);
        return;
    }
    json_t *line = new_line("report");
    put_client(line, client);
    (void)json_object_set_new(line, "report", json_loads(json, 0, NULL));
    print_json(line);
}

void serve_log_alert(const char *what, const char *peer, bool as_json)
{
    char now[24];
    if (!as_json) {
        serve_time_text(now);
        print("%s %s TLS: %s\n", now, peer, what);
        return;
    }
    json_t *line = new_line("tls");
    put(line, "client", peer);
    put(line, "alert", what);
    print_json(line);
}

void serve_log_note(const struct serve *serve, const char *text)
{
    char now[24];
    char safe[512];
    size_t i = 0;
    for (; text[i] && i < sizeof safe - 1; i++) {
        safe[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    }
    safe[i] = 0;
    if (!serve->options->as_json) {
        serve_time_text(now);
        print("%s %s\n", now, safe);
        return;
    }
    json_t *line = new_line("note");
    put(line, "text", safe);
    print_json(line);
}
