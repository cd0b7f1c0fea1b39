/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - the parts of `otter serve`: files, conditions, requests, reports, TLS, log.
 *
 * libevent does sockets and HTTP, OpenSSL the TLS. One thread answers; whatever could wait (a
 * slow client, a handshake) waits in its event loop, and the database has threads of its own
 * (serve_work.h, serve_store.h).
 */
#ifndef OTTER_TOOL_SERVE_H
#define OTTER_TOOL_SERVE_H

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "tool/serve_store.h"
#include "tool/tool.h"

#define SERVE_BODY_MAX 16384 /* of a report */

struct serve_options {
    char *folder, *listen, *cert, *key, *client_ca, *tls_min, *tls_max, *reports;
    char *database, *job_key, *keep;
    int64_t keep_seconds; /* 0: for ever */
    int port, as_json, timeout;
    int client_ca_optional, open_reports, behind_proxy, no_page;
    int peer_rate, device_rate, halt_after, request_timeout;
};

struct serve_limit;
struct serve_guard;
struct serve_rollout;
struct page;

struct serve {
    const struct serve_options *options;
    char *root; /* the folder, resolved */
    int root_fd;
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    SSL_CTX *tls;    /* NULL: plain */
    int report_fd;   /* -1: none */
    unsigned active; /* answers under way */
    bool quitting;
    struct event *tick;          /* twice a second */
    struct event *log;           /* lines wait to be written */
    struct serve_guard *guard;   /* clients that never come to the point */
    struct serve_limit *peers;   /* NULL: no limit */
    struct serve_limit *devices; /* reports; NULL: no limit */
    /* with a database, else NULL */
    struct serve_mailbox *mailbox;
    struct serve_work *work;   /* questions to the database: serve_work_add */
    struct serve_store *store; /* reports and polls */
    struct serve_polls *polls;
    struct serve_rollout *rollout;
    struct page *page; /* the page's own (page.h) */
};

/* ---- the address: 0 or an exit code ---- */
int serve_listen(const char *host, int port, int *ret_fd);
void serve_announce(const struct serve *serve, int fd);

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

/* ---- who asks ---- */
struct serve_client {
    char peer[80];       /* address:port */
    char address[64];    /* without the port; behind a proxy: what that says */
    char name[65];       /* of its certificate, or "" */
    const char *version; /* of TLS, or NULL */
    bool resumed;
    bool is_local; /* from this machine, and not for somebody else behind a proxy */
};
void serve_client_of(const struct serve *serve, struct evhttp_request *request, struct serve_client *ret_client);
/* The SHA-256 of its Bearer token in hex; "": it showed none. */
void serve_token_of(struct evhttp_request *request, char ret_hash[FLEET_HASH_SIZE]);
/* The version that it runs: "app/V" in its User-Agent; "": it does not say. */
void serve_version_of(struct evhttp_request *request, char ret_version[FLEET_WORD_SIZE]);

/* ---- requests ---- */
struct serve_entry {
    struct serve_client client;
    const char *method;
    char path[256];
    char range[64];
    int status;
    uint64_t bytes; /* of the body, handed to the network */
    bool aborted;
};
void serve_request(struct evhttp_request *request, void *ctx); /* ctx: struct serve */
const char *serve_reason(int status);
void serve_header(struct evhttp_request *request, const char *name, const char *value);
void serve_goodbye(struct evhttp_connection *connection, void *ctx); /* every connection's close callback */

/* ---- an answer that is given later ---- */
struct serve_call;
/* From now on the request belongs to the call. NULL: no memory, and 503 was answered. */
struct serve_call *serve_call_new(struct serve *serve, struct evhttp_request *request, const struct serve_entry *entry);
/* NULL when the client has gone; the call still has to be answered. */
struct evhttp_request *serve_call_request(struct serve_call *call);
const struct serve_entry *serve_call_entry(const struct serve_call *call);
/* Answers, logs and releases. type NULL: one line that names the status, for errors. */
void serve_call_answer(struct serve_call *call, int status, const char *type, const void *body, size_t len);
/* The same for an answer that was begun with evhttp_send_reply_start: here it ends. */
void serve_call_end(struct serve_call *call, uint64_t bytes);

/* ---- reports ---- */
/* Is this path one that devices report to? */
bool serve_report_is_path(const struct serve *serve, const char *path);
void serve_report(struct serve *serve, struct evhttp_request *request, struct serve_entry *entry);

/* ---- the job in the folder ---- */
int serve_rollout_start(struct serve *serve); /* 0 or an exit code */
void serve_rollout_look(struct serve *serve); /* has it changed? */
void serve_rollout_told(struct serve *serve, const struct serve_told *told); /* a new report */
/* Does a document in the folder name this path for reports, or did one lately? */
bool serve_rollout_is_report_path(const struct serve *serve, const char *path);
void serve_rollout_free(struct serve_rollout *rollout);

/* ---- limits ---- */
/* So many a second for each name, ten seconds' worth at once. */
struct serve_limit *serve_limit_new(double per_second, double burst);
/* 0: go on; else seconds to wait (for Retry-After). */
int serve_limit_take(struct serve_limit *limit, const char *name);
void serve_limit_free(struct serve_limit *limit);

/* A request must be whole in time; more connections than the system has files are refused. */
struct serve_guard *serve_guard_new(struct event_base *base, int seconds);
void serve_guard_watch(struct serve_guard *guard, struct bufferevent *connection); /* a new one */
void serve_guard_whole(struct serve_guard *guard, struct bufferevent *connection); /* a request has come */
void serve_guard_sweep(struct serve_guard *guard);
void serve_guard_free(struct serve_guard *guard);

/* ---- TLS ---- */
int serve_tls_init(const struct serve_options *options, SSL_CTX **ret_tls); /* 0 or an exit code */
struct bufferevent *serve_tls_connection(struct event_base *base, void *ctx);

/* ---- log ---- */
void serve_log(const struct serve *serve, const struct serve_entry *entry);
void serve_log_report(const struct serve *serve, const struct serve_client *client, const char *json);
void serve_log_alert(const char *what, const char *peer, bool as_json);
/* One line that is no answer: what happened by itself ("rollout halted: ..."). */
void serve_log_note(const struct serve *serve, const char *text);
/* Lines are gathered for a moment; write those that wait. */
void serve_log_flush(void);
/* Called when the first line waits, so that somebody flushes. NULL: every line at once. */
void serve_log_gather(void (*wake)(void *ctx), void *ctx);
/* "2026-01-31T23:59:59Z" */
void serve_time_text(char ret_text[24]);

#endif
