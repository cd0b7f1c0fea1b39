/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - the parts of `otter serve`: files, conditions, requests, reports, TLS, log.
 *
 * libevent does sockets and HTTP, OpenSSL the TLS. One process, one thread; whatever could
 * wait (a slow client, a handshake) waits in the event loop.
 */
#ifndef OTTER_TOOL_SERVE_H
#define OTTER_TOOL_SERVE_H

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "tool/tool.h"

#define SERVE_BODY_MAX 16384 /* of a report */

struct serve_options {
    char *folder, *listen, *cert, *key, *client_ca, *tls_min, *tls_max, *reports;
    int port, as_json, timeout;
};

struct serve {
    const struct serve_options *options;
    char *root; /* the folder, resolved */
    struct event_base *base;
    struct evhttp *http;
    SSL_CTX *tls; /* NULL: plain */
    int report_fd; /* -1: none */
    unsigned active; /* answers under way */
    bool quitting;
};

/* ---- files ---- */
struct serve_file {
    int fd;
    uint64_t size;
    struct timespec changed;
    char sha256[65];
    char etag[40]; /* quoted, strong */
    char date[32]; /* Last-Modified */
    const char *type;
    bool immutable; /* its name carries its hash */
};
/* Open what a request path (still encoded) names. 0, or an HTTP status: 400, 403, 404, 500.
 * Nothing outside the root, no dot files, no private keys. */
int serve_file_open(const struct serve *serve, const char *path, struct serve_file *ret_file);
bool serve_file_is_same(const struct serve_file *file); /* not written to since it was opened */

/* ---- conditions: RFC 9110 sections 13 and 14 ---- */
struct serve_conditions {
    const char *range, *if_range, *if_none_match, *if_modified_since, *if_match; /* or NULL */
};
/* The status to answer with: 200, 206, 304, 412, 416. 206: the bytes are *ret_first...*ret_last. */
int serve_judge(const struct serve_conditions *conditions, const struct serve_file *file, bool is_get,
                uint64_t *ret_first, uint64_t *ret_last);

/* ---- requests ---- */
void serve_request(struct evhttp_request *request, void *ctx); /* ctx: struct serve */

/* ---- reports ---- */
/* Take a report: the HTTP status for it. */
int serve_report(struct serve *serve, struct evhttp_request *request);

/* ---- TLS ---- */
int serve_tls_init(const struct serve_options *options, SSL_CTX **ret_tls); /* 0 or an exit code */
struct bufferevent *serve_tls_connection(struct event_base *base, void *ctx);

/* ---- log ---- */
struct serve_client {
    char peer[80];       /* address:port */
    char name[65];       /* of its certificate, or "" */
    const char *version; /* of TLS, or NULL */
    bool resumed;
};
void serve_client_of(struct evhttp_request *request, struct serve_client *ret_client);
struct serve_entry {
    struct serve_client client;
    const char *method;
    char path[256];
    char range[64];
    int status;
    uint64_t bytes; /* of the body, handed to the network */
    bool aborted;
};
void serve_log(const struct serve *serve, const struct serve_entry *entry);
void serve_log_report(const struct serve *serve, const struct serve_client *client, const char *json);
void serve_log_alert(const char *what, const char *peer, bool as_json);
/* "2026-01-31T23:59:59Z" */
void serve_time_text(char ret_text[24]);

#endif
