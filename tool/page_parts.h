/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_parts.h - the parts of the page: visits, HTML, sessions, the live stream.
 *
 * A visit is one request. It arrives in the event loop, is worked out by the database's
 * thread, and is answered in the event loop again. Everything is written on the server, so
 * the page can be read without its script; the script only fetches it anew.
 */
#ifndef OTTER_TOOL_PAGE_PARTS_H
#define OTTER_TOOL_PAGE_PARTS_H

#include <stdio.h>

#include "tool/page.h"
#include "tool/serve_rollout.h"
#include "tool/serve_work.h"

enum { PAGE_FIELD_SIZE = 160, PAGE_BODY_MAX = 4096, PAGE_LINE_SIZE = 512, PAGE_ROWS = 50 };

struct page_stream;

struct page {
    struct serve *serve;
    struct serve_limit *sign_ins; /* per address: a password is a lot of work */
    struct page_stream *streams;
    struct event *tick;
    unsigned streams_count;
    bool asking; /* the database, for the streams */
    int64_t told[3];
};

struct page_visit;
typedef void page_work(struct db *db, struct page_visit *visit); /* in the database's thread */

enum page_access {
    PAGE_FIXED,   /* the same for everybody: the database is not asked */
    PAGE_OPEN,    /* for everybody */
    PAGE_VIEWER,  /* signed in; or, while there is no operator, on this machine */
    PAGE_OPERATOR /* signed in, and the form or header carries the session's csrf word */
};

struct page_route {
    const char *method, *path; /* a path that ends with '/' has something behind it */
    enum page_access access;
    bool is_api;
    page_work *work;
};

struct page_visit {
    struct serve *serve;
    struct serve_call *call;
    const struct page_route *route;
    struct serve_job job; /* as it was when the visit came */
    int64_t now;
    bool is_local, is_tls;
    char address[64];
    char rest[PAGE_FIELD_SIZE];  /* what stands behind the route's path, decoded */
    char query[1024];            /* not decoded */
    char body[PAGE_BODY_MAX + 1];
    char session[FLEET_HASH_SIZE]; /* SHA-256 of the cookie; "" none */
    char csrf_header[FLEET_TOKEN_SIZE + 1];
    /* worked out in the thread */
    int64_t operators;
    char operator_name[FLEET_NAME_SIZE]; /* "" not signed in */
    char csrf[FLEET_TOKEN_SIZE + 1];
    int status;
    const char *type;
    const void *fixed; /* the body where it need not be released */
    char *text;
    size_t len;
    FILE *out; /* writes text */
    char location[PAGE_FIELD_SIZE * 3];
    char cookie[160];
    bool streams; /* goes on as a stream */
    bool changes; /* then the rollout is changed by this order */
    struct rollout_order order;
    char note[PAGE_LINE_SIZE];
};

/* ---- fields ---- */
/* Of the query, or of a form's body; "" where it is missing or too long. */
void page_field(const char *encoded, const char *name, char *ret_value, size_t size);

/* ---- answers ---- */
void page_see_other(struct page_visit *visit, const char *location);
/* A whole page with one message. */
void page_message(struct page_visit *visit, int status, const char *title, const char *text);
void page_database_away(struct page_visit *visit);

/* ---- HTML ---- */
void page_head(struct page_visit *visit, const char *title); /* opens visit->out */
void page_foot(struct page_visit *visit);
void page_text(FILE *out, const char *text); /* escaped: in elements and in quoted attributes */
void page_url(FILE *out, const char *text);  /* one segment or value of a URL */
void page_cell(FILE *out, const char *label, const char *text);
enum { PAGE_COUNT_SIZE = 32 };
const char *page_count(int64_t number, char ret_text[PAGE_COUNT_SIZE]); /* "10,000"; below 0: "0" */
void page_ago(FILE *out, int64_t at, int64_t now); /* "3 min ago", with the time in it */
void page_permille(FILE *out, int64_t permille);   /* "2.5 %" */
void page_device_link(FILE *out, const char *device);
void page_state(FILE *out, const char *state);
void page_csrf(FILE *out, const struct page_visit *visit);
void page_reports_table(FILE *out, const struct fleet_report *list, size_t count, bool with_device, int64_t now);
void page_plot(FILE *out, const struct fleet_point *points, size_t count, int64_t from, int64_t to);

/* ---- sessions ---- */
enum db_result page_session_find(struct db *db, struct page_visit *visit); /* operators, operator_name, csrf */
page_work page_sign_in_form, page_sign_in, page_sign_out;

/* ---- pages ---- */
page_work page_overview, page_devices, page_device, page_rollouts, page_change_form;
/* The rollout, with what an operator can do about it. */
void page_rollout_panel(struct page_visit *visit, const struct fleet_summary *summary);
void page_changed(void *ctx, const char *line); /* ctx: the visit */

/* ---- JSON ---- */
page_work page_api_summary, page_api_devices, page_api_device, page_api_change;

/* ---- live ---- */
page_work page_events;
void page_stream_begin(struct page_visit *visit);
void page_stream_tick(evutil_socket_t fd, short events, void *ctx); /* ctx: the page */
void page_stream_end_all(struct page *page);

/* Made by cmake/embed.cmake from tool/web/. */
extern const unsigned char page_style[], page_script[];
extern const unsigned page_style_len, page_script_len;

void page_visit_free(struct page_visit *visit);

#endif
