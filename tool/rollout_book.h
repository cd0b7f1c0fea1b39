/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_book.h - one place's job document and history, read together and written together.
 */
#ifndef OTTER_TOOL_ROLLOUT_BOOK_H
#define OTTER_TOOL_ROLLOUT_BOOK_H

#include "tool/job_file.h"
#include "tool/rollout_edit.h"
#include "tool/rollout_history.h"
#include "tool/store.h"

struct rollout_book {
    struct store *store;         /* borrowed, as key and job_name are */
    const struct tool_key *key;  /* of the job; NULL: plain */
    const char *job_name;
    json_t *present;             /* NULL: there is none */
    enum job_trust trust;
    struct rollout_history history;
    int64_t now;                 /* of this change: never before the present one's Issued */
};

/* force: a document that cannot be read, or that the key did not sign, counts as none.
 * 0 or TOOL_REFUSED after saying why. Release with rollout_book_close. */
int rollout_book_open(struct store *store, const char *job_name, const struct tool_key *key, bool force,
                      struct rollout_book *ret_book);
void rollout_book_close(struct rollout_book *book);

/* One more than the highest Sequence that ever was. 0, or TOOL_REFUSED when there is none left. */
int rollout_book_next(const struct rollout_book *book, json_int_t *ret_sequence);

/* Put `job` in place of the present one, with a new image and its patches or (0) what is there.
 * Time and name of the note are filled in. */
int rollout_book_write(struct rollout_book *book, const json_t *job, struct rollout_note note,
                       const struct store_blob *blobs, size_t blobs_count);

/* ---- all of it, for whoever changes a rollout: the command line, and a server with a key ---- */
struct rollout_done {
    json_int_t sequence;
    char version[32];
    struct rollout_view view; /* salt and rings are empty here */
    size_t deltas_gone;       /* patches that the new document no longer names: not there, or no room */
};
int rollout_change(struct store *store, const char *job_name, const struct tool_key *key,
                   const struct rollout_order *order, struct rollout_done *ret_done);

#endif
