/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_link.c - a server in memory, as a transport: whole answers, one request at a time.
 */
#include <stdio.h>
#include <string.h>

#include "otter/result.h"
#include "tool/doctor.h"

static int link_open(void *ctx, const char *host, uint16_t port)
{
    struct doctor_link *link = ctx;
    (void)host;
    (void)port;
    link->request_len = 0;
    link->answering = false;
    return 0;
}

/* The path of a request line: "GET /path HTTP/1.1". */
static bool is_for(const struct doctor_link *link, const char *path)
{
    size_t len = strlen(path);
    return link->request_len > len + 5 && strncmp(link->request, "GET ", 4) == 0 &&
           strncmp(link->request + 4, path, len) == 0 && link->request[4 + len] == ' ';
}

static const struct doctor_patch *patch_of(const struct doctor_link *link)
{
    const struct doctor_case *doctor = link->doctor;
    for (size_t i = 0; i < doctor->patches_count; i++) {
        if (is_for(link, doctor->patches[i].delta.file)) {
            return &doctor->patches[i];
        }
    }
    return NULL;
}

static void answer(struct doctor_link *link)
{
    const struct doctor_case *doctor = link->doctor;
    bool gets = strncmp(link->request, "GET ", 4) == 0;
    bool wants_job = is_for(link, link->job_path);
    const struct doctor_patch *patch = wants_job ? NULL : patch_of(link);
    const struct tool_bytes *body = wants_job ? &doctor->job : patch ? &patch->bytes : &doctor->image;
    bool has = gets && (wants_job ? doctor->job_name != NULL : doctor->image_name && (!patch || patch->there));
    link->asked_patch = link->asked_patch || (gets && patch);
    link->asked_image = link->asked_image || (gets && !wants_job && !patch);
    link->body = has ? body : NULL;
    link->body_off = 0;
    link->head_off = 0;
    link->head_len = (size_t)snprintf(link->head, sizeof link->head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
                                      has ? "200 OK" : "404 Not Found", has ? body->len : 0);
    link->answering = true;
    link->request_len = 0;
}

static int link_send(void *ctx, const void *buf, size_t len)
{
    struct doctor_link *link = ctx;
    size_t room = sizeof link->request - 1 - link->request_len;
    if (len > room) {
        return OTTER_ERR_IO;
    }
    memcpy(link->request + link->request_len, buf, len);
    link->request_len += len;
    link->request[link->request_len] = 0;
    if (strstr(link->request, "\r\n\r\n") != NULL) { /* a report's body behind it: nobody reads it */
        answer(link);
    }
    return (int)len;
}

static int link_recv(void *ctx, void *buf, size_t len)
{
    struct doctor_link *link = ctx;
    if (!link->answering) {
        return 0;
    }
    if (link->head_off < link->head_len) {
        size_t n = link->head_len - link->head_off < len ? link->head_len - link->head_off : len;
        memcpy(buf, link->head + link->head_off, n);
        link->head_off += n;
        return (int)n;
    }
    size_t left = link->body ? link->body->len - link->body_off : 0;
    size_t n = left < len ? left : len;
    if (n == 0) {
        return 0;
    }
    memcpy(buf, link->body->data + link->body_off, n);
    link->body_off += n;
    return (int)n;
}

static void link_close(void *ctx)
{
    struct doctor_link *link = ctx;
    link->answering = false;
    link->request_len = 0;
}

void doctor_link_init(struct doctor_link *link, const struct doctor_case *doctor, const char *job_path,
                      struct otter_transport *ret_transport)
{
    memset(link, 0, sizeof *link);
    link->doctor = doctor;
    link->job_path = job_path;
    *ret_transport = (struct otter_transport){link, link_open, link_send, link_recv, link_close};
}
