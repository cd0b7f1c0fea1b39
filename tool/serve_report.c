/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_report.c - what devices tell: checked, stamped, one line of JSON each.
 *
 * A line is {"time", "client", "report"}; client is the name in the device's certificate, or
 * its address. A line is written whole or not at all.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/serve.h"

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
    char address[sizeof client->peer];
    snprintf(address, sizeof address, "%s", client->peer);
    *strrchr(address, ':') = 0; /* the port says nothing later */
    serve_time_text(now);
    json_t *line = json_pack("{s:s, s:s, s:O}", "time", now, "client",
                             client->name[0] ? client->name : address, "report", report);
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
        fprintf(stderr, "otter serve: cannot write '%s': %s; the device will try again\n",
                serve->options->reports, strerror(errno));
    }
    return ok;
}

int serve_report(struct serve *serve, struct evhttp_request *request)
{
    struct serve_client client;
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    if (len > SERVE_BODY_MAX) {
        return 413;
    }
    const char *bytes = (const char *)evbuffer_pullup(body, -1);
    json_t *report = len > 0 ? json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(report)) {
        json_decref(report);
        return 400;
    }
    serve_client_of(request, &client);
    int status = 204;
    if (serve->report_fd >= 0 && !keep(serve, &client, report)) {
        status = 503;
    } else {
        char *text = json_dumps(report, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
        for (char *at = text; at && (at = strchr(at, 0x7f)) != NULL;) {
            *at = '?'; /* ASCII, but not for a terminal */
        }
        serve_log_report(serve, &client, text ? text : "{}");
        free(text);
    }
    json_decref(report);
    return status;
}
