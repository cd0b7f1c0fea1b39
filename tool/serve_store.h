/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_store.h - reports and polls on their way into the database.
 */
#ifndef OTTER_TOOL_SERVE_STORE_H
#define OTTER_TOOL_SERVE_STORE_H

#include "tool/fleet_record.h"
#include "tool/serve_work.h"

/* ---- reports: answered when they are on the disk ---- */
struct serve_told {
    struct serve_letter letter; /* the store's */
    struct serve_told *next;    /* the store's */
    struct fleet_report report; /* device "": whose the token is */
    char board[FLEET_NAME_SIZE];
    char hash[FLEET_HASH_SIZE];      /* of its token; "": report.device is known by other means */
    int status;                      /* out: 204; 401, 403 not its token, not its record; 400, 503 */
    bool is_new;                     /* out: not a repetition */
    void (*done)(struct serve_told *told); /* in the event loop, told is the caller's again */
    void *ctx;
};

/* ---- polls: remembered in the event loop, handed over from time to time ---- */
struct serve_poll {
    char key[FLEET_NAME_SIZE]; /* the device, or the hash of its token */
    bool is_hash;
    bool fetches; /* an image */
    bool again;   /* asks whether what it has is still so */
    char version[FLEET_WORD_SIZE];
    int64_t at;
};
struct serve_polls;
struct serve_polls *serve_polls_new(void);
void serve_polls_note(struct serve_polls *polls, const struct serve_poll *poll); /* dropped when too many */
/* All of them, in an array of the caller's, and forgotten here. NULL: none. */
struct serve_poll *serve_polls_take(struct serve_polls *polls, size_t *ret_count);
void serve_polls_free(struct serve_polls *polls);

/* ---- the thread that writes ---- */
struct serve_store;
/* keep_seconds: how old reports may get, 0: any age. 0 or an exit code. */
int serve_store_start(struct serve_mailbox *mailbox, const char *database, int64_t keep_seconds, struct serve_store **ret_store);
/* False: too many wait; done is not called. */
bool serve_store_add(struct serve_store *store, struct serve_told *told);
/* Takes the array. False: those before are still being written, the array stays the caller's. */
bool serve_store_polls(struct serve_store *store, struct serve_poll *polls, size_t count);
/* Writes what is waiting, then ends; the letters are posted. */
void serve_store_stop(struct serve_store *store);

#endif
