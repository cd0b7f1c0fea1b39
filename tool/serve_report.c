/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_report.c - what devices tell: checked, stored, and then answered.
 *
 * Without a database a report becomes a line of a file, {"time", "client", "report"}; client is
 * the name in the device's certificate, or its address; a line is written whole or not at all.
 * With one, a report is taken from the device itself only (certificate or token), once for each
 * id, and answered when it is on the disk.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/print.h"
#include "tool/serve.h"

enum { RETRY_SECONDS = 10 };

struct report {
    struct serve_told told;
    struct serve *serve;
    struct serve_call *call;
    json_t *json;
};

static bool append(int fd, const char *line, size_t len)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return false;
    }
    ssize_t n = write(fd, line, len);
    if (n == (ssize_t)len) {
        return true;
    }
    int error = n < 0 ? errno : ENOSPC;
    if (n > 0) {
        (void)!ftruncate(fd, st.st_size); /* take the half line back */
    }
    errno = error;
    return false;
}

static bool keep(const struct serve *serve, const struct serve_client *client, json_t *report)
{
    char now[24];
    serve_time_text(now);
    json_t *line = json_pack("{s:s, s:s, s:O}", "time", now, "client", client->name[0] ? client->name : client->address,
                             "report", report);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(line);
    if (!text) {
        return false;
    }
    size_t len = strlen(text);
    text[len] = '\n'; /* in place of the NUL: it is written, not read as a string */
    bool ok = append(serve->report_fd, text, len + 1);
    free(text);
    if (!ok) {
        fprintf(stderr, "otter serve: cannot write '%s': %s; the device will try again\n", serve->options->reports,
                strerror(errno));
    }
    return ok;
}

static void log_report(const struct serve *serve, const struct serve_client *client, json_t *report)
{
    char *text = json_dumps(report, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
    for (char *at = text; at && (at = strchr(at, 0x7f)) != NULL;) {
        *at = '?'; /* ASCII, but not for a terminal */
    }
    serve_log_report(serve, client, text ? text : "{}");
    free(text);
}

/* ---- from JSON to a record ---- */
/* A text member, control characters replaced, cut at a whole character. False: too long for
 * `size` though it may not be cut. */
static bool take_text(const json_t *json, const char *key, bool may_cut, char *ret_text, size_t size)
{
    const char *value = json_string_value(json_object_get(json, key));
    size_t len = value ? strlen(value) : 0;
    if (len >= size) {
        if (!may_cut) {
            return false;
        }
        len = size - 1;
        while (len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    for (size_t i = 0; i < len; i++) {
        ret_text[i] = (unsigned char)value[i] < ' ' || value[i] == 0x7f ? '?' : value[i];
    }
    ret_text[len] = 0;
    return true;
}

static int64_t take_number(const json_t *json, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(json, key));
    return number < 0 ? 0 : number;
}

/* A report of an agent that gives none an id: the same bytes are the same report. */
static void make_id(const char *bytes, size_t len, char *ret_id)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)bytes, len, hash);
    (void)tool_hex(hash, 16, ret_id);
}

static bool parse(const json_t *json, const char *bytes, size_t len, struct serve_told *told)
{
    struct fleet_report *report = &told->report;
    bool ok = take_text(json, "device", false, report->device, sizeof report->device) &&
              take_text(json, "id", false, report->id, sizeof report->id);
    if (!ok || (report->device[0] && !fleet_is_name(report->device))) {
        return false;
    }
    if (!report->id[0]) {
        make_id(bytes, len, report->id);
    }
    (void)take_text(json, "board", true, told->board, sizeof told->board);
    (void)take_text(json, "from", true, report->from, sizeof report->from);
    (void)take_text(json, "to", true, report->to, sizeof report->to);
    (void)take_text(json, "result", true, report->result, sizeof report->result);
    (void)take_text(json, "reason", true, report->reason, sizeof report->reason);
    (void)take_text(json, "via", true, report->via, sizeof report->via);
    report->attempts = take_number(json, "attempts");
    report->bytes = take_number(json, "bytes");
    report->seconds = take_number(json, "seconds");
    report->sequence = take_number(json, "sequence");
    report->at = time(NULL);
    return report->result[0] != 0;
}

/* ---- into the database ---- */
static void release(struct report *report)
{
    json_decref(report->json);
    free(report);
}

static void refuse(struct evhttp_request *request, int status)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", RETRY_SECONDS);
    if (request && status == 401) {
        serve_header(request, "WWW-Authenticate", "Bearer realm=\"otter\"");
    } else if (request && status == 503) {
        serve_header(request, "Retry-After", seconds);
    }
}

static void stored(struct serve_told *told)
{
    struct report *report = told->ctx;
    struct serve *serve = report->serve;
    const struct serve_client *client = &serve_call_entry(report->call)->client;
    if (told->status == 204 && told->is_new) {
        if (serve->report_fd >= 0) {
            (void)keep(serve, client, report->json);
        }
        log_report(serve, client, report->json);
        serve_rollout_told(serve, told);
    }
    refuse(serve_call_request(report->call), told->status);
    serve_call_answer(report->call, told->status, NULL, NULL, 0);
    release(report);
}

/* Who says so? 0: goes on; else a status. */
static int identify(struct report *report, struct evhttp_request *request, const struct serve_client *client)
{
    struct serve_told *told = &report->told;
    char *device = told->report.device;
    if (client->name[0]) {
        if (device[0] && strcmp(device, client->name) != 0) {
            return 403;
        }
        memcpy(device, client->name, sizeof told->report.device);
        return 0;
    }
    serve_token_of(request, told->hash);
    if (told->hash[0]) {
        return 0; /* whose it is, the database knows */
    }
    if (!report->serve->options->open_reports) {
        return 401;
    }
    return device[0] ? 0 : 400;
}

static int limited(struct report *report, struct evhttp_request *request)
{
    struct serve *serve = report->serve;
    const char *name = report->told.hash[0] ? report->told.hash : report->told.report.device;
    int wait = serve->devices ? serve_limit_take(serve->devices, name) : 0;
    char seconds[16];
    if (wait > 0) {
        snprintf(seconds, sizeof seconds, "%d", wait);
        serve_header(request, "Retry-After", seconds);
        return 429;
    }
    return 0;
}

static void into_database(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry, json_t *json,
                          const char *bytes, size_t len)
{
    struct report *report = calloc(1, sizeof *report);
    struct serve_call *call = serve_call_new(serve, request, entry);
    if (!report || !call) {
        free(report);
        json_decref(json);
        if (call) {
            serve_call_answer(call, 503, NULL, NULL, 0);
        }
        return;
    }
    report->serve = serve;
    report->call = call;
    report->json = json;
    report->told.done = stored;
    report->told.ctx = report;
    int status = parse(json, bytes, len, &report->told) ? identify(report, request, &entry->client) : 400;
    status = status == 0 ? limited(report, request) : status;
    if (status == 0 && !serve_store_add(serve->store, &report->told)) {
        status = 503;
    }
    if (status != 0) {
        refuse(request, status);
        serve_call_answer(call, status, NULL, NULL, 0);
        release(report);
    }
}

bool serve_report_is_path(const struct serve *serve, const char *path)
{
    return strcmp(path, "/report") == 0 || serve_rollout_is_report_path(serve, path);
}

void serve_report(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    const char *bytes = len <= SERVE_BODY_MAX ? (const char *)evbuffer_pullup(body, -1) : NULL;
    json_t *json = bytes ? json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (json_is_object(json) && serve->store) {
        into_database(serve, request, entry, json, bytes, len);
        return;
    }
    int status = len > SERVE_BODY_MAX ? 413 : !json_is_object(json) ? 400 : 204;
    if (status == 204 && serve->report_fd >= 0 && !keep(serve, &entry->client, json)) {
        status = 503;
    }
    if (status == 204) {
        log_report(serve, &entry->client, json);
    }
    json_decref(json);
    struct serve_call *call = serve_call_new(serve, request, entry);
    if (call) {
        serve_call_answer(call, status, NULL, NULL, 0);
    }
}
