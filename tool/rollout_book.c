/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_book.c - one place's job document and history, read together and written together.
 *
 * A document that the key did not sign is never built upon: who can write to the server could
 * else have it signed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/job_deltas.h"
#include "tool/quantity.h"
#include "tool/rollout_book.h"

enum { CLOCK_SLACK = 86400 };

static int judge_trust(const struct rollout_book *book, const char *name)
{
    if (book->trust == JOB_NOT_VERIFIED && book->key) {
        return tool_refuse("'%s' is not signed with this --job-key: somebody else's, or changed "
                           "(`otter publish --force` replaces it)", name);
    }
    if (book->trust == JOB_NOT_VERIFIED) {
        return tool_refuse("'%s' is signed: --job-key is needed to change it", name);
    }
    if (book->trust == JOB_IS_PLAIN && book->key) {
        return tool_refuse("'%s' is not signed, and with --job-key only a signed one is changed "
                           "(`otter publish --force` replaces it)", name);
    }
    return 0;
}

/* A clock that runs behind would give documents that devices call over. */
static int judge_clock(struct rollout_book *book, const char *name)
{
    char is[TOOL_TIME_SIZE];
    char was[TOOL_TIME_SIZE];
    json_int_t issued = 0;
    if (!book->present || !job_number(book->present, "Issued", &issued) || issued <= book->now) {
        return 0;
    }
    if (issued - book->now > CLOCK_SLACK) {
        return tool_refuse("'%s' was made at %s, and here it is %s: set this machine's clock", name,
                           tool_time_text(issued, was), tool_time_text(book->now, is));
    }
    book->now = issued;
    return 0;
}

static int judge(struct rollout_book *book, const char *name, const struct tool_bytes *bytes)
{
    int rc = job_file_parse(name, bytes, book->key, &book->present, &book->trust);
    rc = rc == 0 ? judge_trust(book, name) : rc;
    return rc == 0 ? judge_clock(book, name) : rc;
}

static int read_present(struct rollout_book *book, bool force)
{
    struct tool_bytes bytes = {NULL, 0};
    bool there = false;
    char *name = store_name(book->store, book->job_name);
    int rc = name ? store_get(book->store, book->job_name, JOB_FILE_MAX, &bytes, &there) : tool_refuse("out of memory");
    if (rc == 0 && there && !force) {
        rc = judge(book, name, &bytes);
    } else if (rc == 0 && there) {
        struct tool_catch before = tool_catch_begin(NULL, 0);
        if (judge(book, name, &bytes) != 0) {
            json_decref(book->present);
            book->present = NULL;
        }
        tool_catch_end(before);
    }
    tool_bytes_free(&bytes);
    free(name);
    return rc;
}

int rollout_book_open(struct store *store, const char *job_name, const struct tool_key *key, bool force,
                      struct rollout_book *ret_book)
{
    struct rollout_book book = {.store = store, .key = key, .job_name = job_name, .now = (int64_t)time(NULL)};
    int rc = read_present(&book, force);
    if (rc == 0 && store_history_path(store)) {
        rc = rollout_history_read(store_history_path(store), &book.history);
    } else if (rc == 0) {
        book.history.lines = json_array();
    }
    if (rc != 0) {
        rollout_book_close(&book);
        return rc;
    }
    *ret_book = book;
    return 0;
}

void rollout_book_close(struct rollout_book *book)
{
    json_decref(book->present);
    rollout_history_free(&book->history);
    book->present = NULL;
}

int rollout_book_next(const struct rollout_book *book, json_int_t *ret_sequence)
{
    json_int_t present = 0;
    json_int_t highest = rollout_history_highest(&book->history);
    json_t *sequence = book->present ? job_get(book->present, "Sequence") : NULL;
    bool bad = sequence && !job_number(book->present, "Sequence", &present);
    highest = present > highest ? present : highest;
    if (bad || highest >= (json_int_t)UINT32_MAX) {
        return tool_refuse("'%s' has a Sequence that leaves no next one: correct it by hand", book->job_name);
    }
    *ret_sequence = highest + 1;
    return 0;
}

/* A change that was cut short between history and document left a line of which nothing came. */
static void tell_of_lost(struct rollout_book *book, const struct rollout_note *note)
{
    struct rollout_note lost = *note;
    json_int_t present = 0;
    json_int_t told = rollout_history_standing(&book->history, book->job_name);
    lost.message = "it was cut short";
    if (book->present && job_number(book->present, "Sequence", &present) && told > present) {
        rollout_history_add_failed(&book->history, &lost, told);
    }
}

static int put(struct rollout_book *book, const struct store_change *change, const struct rollout_note *note,
               json_int_t sequence)
{
    bool told = false;
    char *text = NULL;
    int rc = store_put(book->store, change, &told);
    if (rc != 0 && told) { /* the server did not take the document */
        struct rollout_note failed = *note;
        failed.message = "the server did not take it";
        rollout_history_add_failed(&book->history, &failed, sequence);
        if (rollout_history_text(&book->history, &text) == 0) {
            (void)store_put_history(book->store, text);
        }
        free(text);
    }
    return rc;
}

int rollout_book_write(struct rollout_book *book, const json_t *job, struct rollout_note note,
                       const struct store_blob *blobs, size_t blobs_count)
{
    struct tool_bytes bytes = {NULL, 0};
    char *history = NULL;
    json_int_t sequence = 0;
    note.job_name = book->job_name;
    note.now = book->now;
    (void)job_number(job, "Sequence", &sequence);
    tell_of_lost(book, &note);
    rollout_history_add(&book->history, &note, job);
    int rc = rollout_history_text(&book->history, &history);
    rc = rc == 0 ? job_file_write(job, book->key, &bytes) : rc;
    if (rc == 0) {
        const struct store_change change = {blobs, blobs_count, history, book->job_name, &bytes};
        rc = put(book, &change, &note, sequence);
    }
    free(history);
    tool_bytes_free(&bytes);
    return rc;
}

/* More devices are to fetch the image: it should be there. Elsewhere (Server) we cannot look. */
static int judge_image(const struct rollout_book *book, const struct rollout_order *order)
{
    const char *server = job_text(book->present, "Server");
    const char *file = job_text(book->present, "File");
    const char *slash = file ? strrchr(file, '/') : NULL;
    json_int_t size = 0;
    bool lets_in = order->action == ROLLOUT_RAISE || order->action == ROLLOUT_RESUME;
    if (!lets_in || (server && server[0]) || !slash || !job_number(book->present, "Size", &size) || size == 0) {
        return 0;
    }
    return store_has(book->store, slash + 1, (size_t)size);
}

/* A patch that is gone costs every device a vain request; the image does as well. */
static void drop_lost(const struct rollout_book *book, json_t *job)
{
    struct job_delta delta;
    const char *server = job_text(job, "Server");
    for (size_t i = server && server[0] ? 0 : job_deltas_count(job); i-- > 0;) {
        const char *slash = job_delta_get(job, i, &delta) ? strrchr(delta.file, '/') : NULL;
        struct tool_catch before = tool_catch_begin(NULL, 0);
        bool there = slash && store_has(book->store, slash + 1, (size_t)delta.size) == 0;
        tool_catch_end(before);
        if (!there) {
            job_delta_remove(job, i);
        }
    }
}

/* The patches stay, as far as they are there and the document is no larger than it may be. */
static int settle_deltas(const struct rollout_book *book, const struct rollout_order *order, json_t *job, size_t *ret_gone)
{
    size_t size_max = 0;
    size_t dropped = 0;
    size_t before = job_deltas_count(job);
    *ret_gone = 0;
    if (before == 0) {
        return 0;
    }
    if (order->action == ROLLOUT_RAISE || order->action == ROLLOUT_RESUME) {
        drop_lost(book, job);
    }
    int rc = job_size_grown(book->present, book->key, &size_max);
    rc = rc == 0 ? job_deltas_fit(job, book->key, size_max > JOB_SIZE_MAX ? size_max : JOB_SIZE_MAX, &dropped) : rc;
    *ret_gone = before - job_deltas_count(job);
    return rc;
}

static int change(struct rollout_book *book, const struct rollout_order *order, struct rollout_done *ret_done)
{
    struct rollout_stopped stopped;
    struct rollout_note note = {.action = rollout_action_name(order->action), .who = order->who, .message = order->message};
    json_t *next = NULL;
    json_int_t sequence = 0;
    if (!book->present) {
        return tool_refuse("there is no %s yet: `otter publish` makes one", book->job_name);
    }
    bool known = rollout_history_stopped(&book->history, book->job_name, book->present, &stopped);
    int rc = rollout_book_next(book, &sequence);
    rc = rc == 0 ? rollout_edit(book->present, order, sequence, book->now, known ? &stopped : NULL, &next) : rc;
    rc = rc == 0 ? judge_image(book, order) : rc;
    rc = rc == 0 ? settle_deltas(book, order, next, &ret_done->deltas_gone) : rc;
    rc = rc == 0 ? rollout_book_write(book, next, note, NULL, 0) : rc;
    if (rc == 0) {
        const char *version = job_text(next, "Version");
        ret_done->sequence = sequence;
        snprintf(ret_done->version, sizeof ret_done->version, "%s", version ? version : "?");
        (void)rollout_view_of(next, book->now, &ret_done->view);
        ret_done->view.salt = ret_done->view.rings = "";
    }
    json_decref(next);
    return rc;
}

int rollout_change(struct store *store, const char *job_name, const struct tool_key *key,
                   const struct rollout_order *order, struct rollout_done *ret_done)
{
    struct rollout_book book;
    int rc = rollout_book_open(store, job_name, key, false, &book);
    if (rc == 0) {
        rc = change(&book, order, ret_done);
        rollout_book_close(&book);
    }
    return rc;
}
