/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - the page to look at: which request is whose, who may make it, how it is answered.
 */
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "tool/page_parts.h"

#define COOKIE "otter-session="

static void give_style(struct db *db, struct page_visit *visit)
{
    (void)db;
    visit->type = "text/css; charset=utf-8";
    visit->fixed = page_style;
    visit->len = page_style_len;
}

static void give_script(struct db *db, struct page_visit *visit)
{
    (void)db;
    visit->type = "text/javascript; charset=utf-8";
    visit->fixed = page_script;
    visit->len = page_script_len;
}

static const struct page_route routes[] = {
    {"GET", "/", PAGE_VIEWER, false, page_overview},
    {"GET", "/devices", PAGE_VIEWER, false, page_devices},
    {"GET", "/devices/", PAGE_VIEWER, false, page_device},
    {"GET", "/rollouts", PAGE_VIEWER, false, page_rollouts},
    {"POST", "/rollouts", PAGE_OPERATOR, false, page_change_form},
    {"GET", "/sign-in", PAGE_OPEN, false, page_sign_in_form},
    {"POST", "/sign-in", PAGE_OPEN, false, page_sign_in},
    {"POST", "/sign-out", PAGE_OPERATOR, false, page_sign_out},
    {"GET", "/page/style.css", PAGE_FIXED, false, give_style},
    {"GET", "/page/live.js", PAGE_FIXED, false, give_script},
    {"GET", "/api/summary", PAGE_VIEWER, true, page_api_summary},
    {"GET", "/api/devices", PAGE_VIEWER, true, page_api_devices},
    {"GET", "/api/devices/", PAGE_VIEWER, true, page_api_device},
    {"GET", "/api/events", PAGE_VIEWER, true, page_events},
    {"POST", "/api/rollout", PAGE_OPERATOR, true, page_api_change},
};

/* HEAD is a GET whose body is left out. */
static const struct page_route *find_route(const char *method, const char *path)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t len = strlen(routes[i].path);
        bool has_rest = len > 1 && routes[i].path[len - 1] == '/';
        bool same = has_rest ? strncmp(path, routes[i].path, len) == 0 && path[len] != 0 : strcmp(path, routes[i].path) == 0;
        if (same && strcmp(wanted, routes[i].method) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

void page_field(const char *encoded, const char *name, char *ret_value, size_t size)
{
    struct evkeyvalq fields;
    ret_value[0] = 0;
    if (evhttp_parse_query_str(encoded, &fields) != 0) {
        return;
    }
    const char *value = evhttp_find_header(&fields, name);
    if (value && strlen(value) < size) {
        snprintf(ret_value, size, "%s", value);
    }
    evhttp_clear_headers(&fields);
}

/* ---- answers ---- */
void page_see_other(struct page_visit *visit, const char *location)
{
    visit->status = 303;
    snprintf(visit->location, sizeof visit->location, "%s", location);
}

void page_message(struct page_visit *visit, int status, const char *title, const char *text)
{
    visit->status = status;
    if (visit->route->is_api) {
        return; /* the status says it */
    }
    page_head(visit, title);
    fputs("<p class=\"message\">", visit->out);
    page_text(visit->out, text);
    fputs("</p>\n", visit->out);
    page_foot(visit);
}

void page_database_away(struct page_visit *visit)
{
    page_message(visit, 503, "Not now", "The database does not answer. Devices are served all the same; look again in a moment.");
}

void page_visit_free(struct page_visit *visit)
{
    if (visit->out) {
        (void)fclose(visit->out);
    }
    free(visit->text);
    free(visit);
}

/* ---- in the thread ---- */
static bool is_same_word(const char *a, const char *b)
{
    unsigned char differs = 0;
    size_t len = strlen(a);
    if (len == 0 || strlen(b) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        differs |= (unsigned char)(a[i] ^ b[i]);
    }
    return differs == 0;
}

static void turn_away(struct page_visit *visit)
{
    if (visit->operators == 0) {
        page_message(visit, 403, "Not from here",
                     "Nobody can sign in yet, so this page opens on the server's own machine only. On the server: "
                     "otter serve operator add NAME --database DB");
    } else if (visit->route->is_api || strcmp(visit->route->method, "GET") != 0) {
        page_message(visit, 401, "Sign in first", "Your session is over, or there was none. Sign in, then do it again.");
    } else {
        page_see_other(visit, "/sign-in");
    }
}

static bool is_let_in(struct page_visit *visit)
{
    char word[FLEET_TOKEN_SIZE + 1];
    if (visit->route->access == PAGE_FIXED || visit->route->access == PAGE_OPEN) {
        return true;
    }
    bool is_signed_in = visit->operator_name[0] != 0;
    if (visit->route->access == PAGE_VIEWER) {
        return is_signed_in || (visit->operators == 0 && visit->is_local);
    }
    page_field(visit->body, "csrf", word, sizeof word);
    return is_signed_in && (is_same_word(visit->csrf, visit->csrf_header) || is_same_word(visit->csrf, word));
}

static void work(struct db *db, void *ctx)
{
    struct page_visit *visit = ctx;
    visit->status = 200;
    if (visit->route->access != PAGE_FIXED && page_session_find(db, visit) != DB_OK) {
        page_database_away(visit);
    } else if (!is_let_in(visit)) {
        turn_away(visit);
    } else {
        visit->route->work(db, visit);
    }
    if (visit->out) {
        (void)fclose(visit->out); /* brings text and len up to date */
        visit->out = NULL;
    }
}

/* ---- in the event loop again ---- */
static void add_headers(const struct page_visit *visit, struct evhttp_request *request)
{
    serve_header(request, "Content-Security-Policy",
                 "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
                 "form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    serve_header(request, "X-Content-Type-Options", "nosniff");
    serve_header(request, "X-Frame-Options", "DENY");
    serve_header(request, "Referrer-Policy", "no-referrer");
    serve_header(request, "Cache-Control", visit->fixed ? "no-cache" : "no-store");
    if (visit->location[0]) {
        serve_header(request, "Location", visit->location);
    }
    if (visit->cookie[0]) {
        serve_header(request, "Set-Cookie", visit->cookie);
    }
}

static void answer(struct page_visit *visit)
{
    struct evhttp_request *request = serve_call_request(visit->call);
    if (request) {
        add_headers(visit, request);
    }
    const void *body = visit->fixed ? visit->fixed : visit->text;
    serve_call_answer(visit->call, visit->status, body ? visit->type : NULL, body, visit->len);
    page_visit_free(visit);
}

void page_changed(void *ctx, const char *line)
{
    struct page_visit *visit = ctx;
    if (visit->route->is_api) {
        visit->type = "application/json";
        visit->status = line ? 409 : 200;
        visit->fixed = line ? "{\"done\":false}\n" : "{\"done\":true}\n";
        visit->len = strlen(visit->fixed);
        answer(visit);
        return;
    }
    if (line) {
        page_message(visit, 409, "Not changed", line);
        (void)fclose(visit->out);
        visit->out = NULL;
    } else {
        page_see_other(visit, "/");
    }
    answer(visit);
}

static void done(void *ctx)
{
    struct page_visit *visit = ctx;
    if (visit->streams && visit->serve->page && serve_call_request(visit->call)) {
        page_stream_begin(visit);
        return;
    }
    if (!visit->changes) {
        answer(visit);
    } else if (!serve_rollout_change(visit->serve, &visit->order, page_changed, visit)) {
        page_changed(visit, "This server has no key for jobs, or too much is waiting.");
    }
}

/* ---- a request comes ---- */
/* A page of somebody else, whose name was made to lead to this machine (DNS rebinding), asks under
 * that name: only an address or localhost is this machine for sure. */
static bool names_this_machine(struct evhttp_request *request)
{
    const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
    size_t len = host ? strcspn(host, ":") : 0;
    return host && (host[0] == '[' || strspn(host, "0123456789.") == len || (len == 9 && strncasecmp(host, "localhost", 9) == 0));
}

static void take_cookie(struct page_visit *visit, const char *cookies)
{
    char token[FLEET_TOKEN_SIZE];
    const char *at = cookies ? strstr(cookies, COOKIE) : NULL;
    if (at && (at == cookies || at[-1] == ' ' || at[-1] == ';')) {
        at += strlen(COOKIE);
        size_t len = strcspn(at, "; ");
        if (len == FLEET_TOKEN_SIZE - 1) {
            snprintf(token, sizeof token, "%.*s", (int)len, at);
            fleet_token_hash(token, visit->session);
        }
    }
}

static bool take_request(struct page_visit *visit, struct evhttp_request *request, const char *path)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    const char *word = evhttp_find_header(headers, "X-Otter-Csrf");
    size_t len = evbuffer_get_length(body);
    size_t rest = strlen(visit->route->path);
    char *decoded = strlen(path) > rest ? evhttp_uridecode(path + rest, 0, NULL) : NULL;
    if (decoded && strlen(decoded) < sizeof visit->rest) {
        snprintf(visit->rest, sizeof visit->rest, "%s", decoded);
    }
    free(decoded);
    if (len > PAGE_BODY_MAX || (query && strlen(query) >= sizeof visit->query)) {
        return false;
    }
    (void)evbuffer_copyout(body, visit->body, len);
    snprintf(visit->query, sizeof visit->query, "%s", query ? query : "");
    snprintf(visit->csrf_header, sizeof visit->csrf_header, "%s", word ? word : "");
    take_cookie(visit, evhttp_find_header(headers, "Cookie"));
    return true;
}

bool page_request(struct serve *serve, struct evhttp_request *request, const char *path, struct serve_entry *entry)
{
    const struct page_route *route = find_route(entry->method, path);
    struct page_visit *visit = route ? calloc(1, sizeof *visit) : NULL;
    if (!visit) {
        return false;
    }
    visit->serve = serve;
    visit->route = route;
    visit->type = route->is_api ? "application/json" : "text/html; charset=utf-8";
    visit->job = *serve_rollout_job(serve);
    visit->now = time(NULL);
    visit->is_local = entry->client.is_local && names_this_machine(request);
    visit->is_tls = serve->tls != NULL || serve->options->behind_proxy;
    memcpy(visit->address, entry->client.address, sizeof visit->address);
    bool ok = take_request(visit, request, path);
    visit->call = serve_call_new(serve, request, entry);
    bool tries_password = route->work == page_sign_in;
    if (!visit->call) {
        page_visit_free(visit);
    } else if (tries_password && serve_limit_take(serve->page->sign_ins, visit->address) != 0) {
        visit->status = 429;
        answer(visit);
    } else if (!ok || !serve_work_add(serve->work, work, done, visit)) {
        visit->status = ok ? 503 : 413;
        answer(visit);
    }
    return true;
}

int page_start(struct serve *serve)
{
    const struct timeval second = {1, 0};
    struct page *page = calloc(1, sizeof *page);
    if (!page) {
        return tool_refuse("out of memory");
    }
    page->serve = serve;
    page->sign_ins = serve_limit_new(0.2, 10);
    page->tick = event_new(serve->base, -1, EV_PERSIST, page_stream_tick, page);
    if (!page->sign_ins || !page->tick || event_add(page->tick, &second) != 0) {
        page_stop(page);
        return tool_refuse("out of memory");
    }
    serve->page = page;
    return 0;
}

void page_stop(struct page *page)
{
    if (page) {
        page->serve->page = NULL; /* visits under way outlive it */
        page_stream_end_all(page);
        if (page->tick) {
            event_free(page->tick);
        }
        serve_limit_free(page->sign_ins);
        free(page);
    }
}
