/* SPDX-License-Identifier: Apache-2.0 */
/* rollout_show.c - a rollout and its history, for a person and as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/job_deltas.h"
#include "tool/quantity.h"
#include "tool/rollout.h"

enum { SOON = 7 * 86400 };

/* Names and reasons come from files: no control character of theirs reaches a terminal. */
static void print_text(const char *text)
{
    for (; text && *text; text++) {
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    }
}

static void print_share(const struct rollout_view *view, int64_t now)
{
    char share[TOOL_PERMILLE_SIZE];
    char at[TOOL_TIME_SIZE];
    if (view->halted) {
        printf("halted: no device takes it");
        return;
    }
    if (!view->limited) {
        printf("every device");
        return;
    }
    printf("%s of devices", tool_permille_text(view->permille, share));
    if (view->start > now) {
        printf(", from %s", tool_time_text(view->start, at));
    } else if (view->permille_now < view->permille) {
        printf(", now %s", tool_permille_text(view->permille_now, share));
    }
    if (view->ramp_seconds > 0 && view->start + view->ramp_seconds > now) {
        printf(", all of them at %s", tool_time_text(view->start + view->ramp_seconds, at));
    }
    if (view->rings[0]) {
        printf("; ring ");
        print_text(view->rings);
    }
}

static void print_end(const json_t *job, int64_t now)
{
    char at[TOOL_TIME_SIZE];
    char left[TOOL_DURATION_SIZE];
    json_int_t expires = 0;
    if (!job_number(job, "Expires", &expires)) {
        return;
    }
    printf("  expires   %s", tool_time_text(expires, at));
    if (expires <= now) {
        printf(", IT IS OVER: devices with a clock refuse it (`otter rollout renew`)\n");
    } else {
        printf(", in %s%s\n", tool_duration_text(expires - now, left),
               expires - now < SOON ? " (`otter rollout renew` in time)" : "");
    }
}

static void print_audience(const json_t *job)
{
    const char *key;
    json_t *value;
    const char *between = "  for       ";
    json_object_foreach(job_get(job, "Audience"), key, value) {
        printf("%s%s ", between, key);
        if (json_is_integer(value)) {
            printf("%lld", (long long)json_integer_value(value));
        }
        print_text(json_string_value(value));
        between = ", ";
    }
    if (between[0] == ',') {
        putchar('\n');
    }
}

static const char *trust_text(enum job_trust trust, const struct tool_key *key)
{
    if (trust == JOB_IS_PLAIN) {
        return "not signed";
    }
    if (trust == JOB_VERIFIED) {
        return "signed with this key";
    }
    return key ? "NOT SIGNED WITH THIS KEY" : "signed (--job-key checks it)";
}

static void print_deltas(const json_t *job)
{
    struct job_delta delta;
    size_t count = job_deltas_count(job);
    for (size_t i = 0; i < count; i++) {
        if (job_delta_get(job, i, &delta)) {
            fputs(i == 0 ? "  patches   " : "            ", stdout);
            print_text(delta.file);
            printf(", %lld bytes, from image %.12s...\n", (long long)delta.size, delta.from);
        }
    }
}

static void print_job(const char *name, const json_t *job, const struct rollout_view *view, const char *trust,
                      int64_t now)
{
    json_int_t sequence = 0;
    json_int_t size = 0;
    (void)job_number(job, "Sequence", &sequence);
    (void)job_number(job, "Size", &size);
    printf("%s: job %lld, version ", name, (long long)sequence);
    print_text(job_text(job, "Version"));
    printf(", %s\n  rollout   ", trust);
    print_share(view, now);
    printf("\n  image     ");
    print_text(job_text(job, "File"));
    printf(", %lld bytes\n", (long long)size);
    print_deltas(job);
    print_audience(job);
    print_end(job, now);
}

static void put_number(json_t *said, const char *name, const json_t *job, const char *key)
{
    json_int_t number = 0;
    if (job_number(job, key, &number)) {
        job_put(said, name, json_integer(number));
    }
}

static json_t *text_of(const json_t *job, const char *key)
{
    const char *text = job_text(job, key);
    return text ? json_string(text) : NULL;
}

static void print_json(json_t *said)
{
    (void)json_dumpf(said, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(said);
}

static void print_job_json(const char *name, const json_t *job, const struct rollout_view *view, enum job_trust trust,
                           const struct tool_key *key)
{
    json_t *said = json_object();
    job_put(said, "job", json_string(name));
    put_number(said, "sequence", job, "Sequence");
    job_put(said, "version", text_of(job, "Version"));
    job_put(said, "signed", json_boolean(trust != JOB_IS_PLAIN));
    job_put(said, "verified", key ? json_boolean(trust == JOB_VERIFIED) : json_null());
    job_put(said, "limited", json_boolean(view->limited));
    job_put(said, "halted", json_boolean(view->halted));
    job_put(said, "permille", json_integer(view->permille));
    job_put(said, "permille_now", json_integer(view->permille_now));
    job_put(said, "rings", json_string(view->rings));
    job_put(said, "salt", json_string(view->salt));
    job_put(said, "start", json_integer(view->start));
    job_put(said, "ramp_seconds", json_integer(view->ramp_seconds));
    put_number(said, "issued", job, "Issued");
    put_number(said, "expires", job, "Expires");
    job_put(said, "file", text_of(job, "File"));
    put_number(said, "size", job, "Size");
    job_put(said, "deltas", json_integer((json_int_t)job_deltas_count(job)));
    print_json(said);
}

static int show(const char *name, const struct tool_bytes *bytes, const struct tool_key *key, bool as_json)
{
    struct rollout_view view;
    enum job_trust trust = JOB_IS_PLAIN;
    int64_t now = (int64_t)time(NULL);
    json_t *job = NULL;
    int rc = job_file_parse(name, bytes, key, &job, &trust);
    if (rc != 0) {
        return rc;
    }
    if (!rollout_view_of(job, now, &view)) {
        rc = tool_refuse("'%s' has a Rollout that no device takes", name);
    } else if (as_json) {
        print_job_json(name, job, &view, trust, key);
    } else {
        print_job(name, job, &view, trust_text(trust, key), now);
    }
    json_decref(job);
    return rc == 0 && key && trust != JOB_VERIFIED ? TOOL_REFUSED : rc;
}

int rollout_show(struct store *store, const char *job_name, const struct tool_key *key, bool as_json)
{
    struct tool_bytes bytes = {NULL, 0};
    bool there = false;
    char *name = store_name(store, job_name);
    int rc = name ? store_get(store, job_name, JOB_FILE_MAX, &bytes, &there) : tool_refuse("out of memory");
    if (rc == 0) {
        rc = there ? show(name, &bytes, key, as_json)
                   : tool_refuse("there is no '%s' yet: `otter publish` makes one", name);
    }
    tool_bytes_free(&bytes);
    free(name);
    return rc;
}

static void print_line(const json_t *line)
{
    char at[TOOL_TIME_SIZE];
    char share[TOOL_PERMILLE_SIZE];
    json_int_t time = 0;
    json_int_t sequence = 0;
    json_int_t permille = 0;
    const char *message = job_text(line, "message");
    const char *rings = job_text(line, "rings");
    (void)job_number(line, "time", &time);
    (void)job_number(line, "sequence", &sequence);
    printf("%s  %4lld  ", tool_time_text(time, at), (long long)sequence);
    print_text(job_text(line, "action"));
    printf("  ");
    print_text(job_text(line, "version"));
    if (job_number(line, "permille", &permille)) {
        printf("  %s", tool_permille_text((int)permille, share));
    }
    if (rings && rings[0]) {
        printf("  ring ");
        print_text(rings);
    }
    printf("  by ");
    print_text(job_text(line, "who"));
    if (message && message[0]) {
        printf(": ");
        print_text(message);
    }
    putchar('\n');
}

int rollout_show_history(struct store *store, bool as_json)
{
    struct rollout_history history;
    size_t i;
    json_t *line;
    int rc = rollout_history_read(store_history_path(store), &history);
    if (rc != 0) {
        return rc;
    }
    if (as_json) {
        print_json(json_incref(history.lines));
    } else if (json_array_size(history.lines) == 0) {
        printf("%s: nothing yet\n", store_history_path(store));
    }
    json_array_foreach(history.lines, i, line) {
        if (!as_json) {
            print_line(line);
        }
    }
    rollout_history_free(&history);
    return 0;
}

void rollout_show_done(struct store *store, const char *job_name, const struct rollout_order *order,
                       const struct rollout_done *done, bool as_json)
{
    char *name = store_name(store, job_name);
    int64_t now = (int64_t)time(NULL);
    if (as_json) {
        print_json(json_pack("{s:s, s:s, s:I, s:s, s:b, s:i, s:i, s:I}", "job", name, "action",
                             rollout_action_name(order->action), "sequence", done->sequence, "version", done->version,
                             "halted", done->view.halted, "permille", done->view.permille, "permille_now",
                             done->view.permille_now, "deltas_gone", (json_int_t)done->deltas_gone));
    } else {
        printf("%s: job %lld, version ", name, (long long)done->sequence);
        print_text(done->version);
        printf(", ");
        print_share(&done->view, now);
        putchar('\n');
        if (done->deltas_gone > 0) {
            printf("%zu patch%s left out: not there any more, or no room in the document; devices of those versions take the whole image\n",
                   done->deltas_gone, done->deltas_gone == 1 ? "" : "es");
        }
    }
    free(name);
}
