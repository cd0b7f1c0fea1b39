/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_work.h - what may wait (the database, a password's hash) is done in a thread of its
 * own; the event loop hears of it through a mailbox.
 */
#ifndef OTTER_TOOL_SERVE_WORK_H
#define OTTER_TOOL_SERVE_WORK_H

#include <event2/event.h>

#include "tool/db.h"

/* ---- mailbox: from any thread to the event loop, in the order of posting ---- */
struct serve_letter {
    struct serve_letter *next;
    void (*open)(void *ctx); /* in the event loop */
    void *ctx;
};
struct serve_mailbox;
struct serve_mailbox *serve_mailbox_new(struct event_base *base); /* NULL: no resources */
void serve_mailbox_post(struct serve_mailbox *mailbox, struct serve_letter *letter); /* lent until opened */
void serve_mailbox_empty(struct serve_mailbox *mailbox); /* open what is there now */
void serve_mailbox_free(struct serve_mailbox *mailbox);

/* ---- one thread with one database connection, one task after the other ---- */
struct serve_work;
/* 0 or an exit code. */
int serve_work_start(struct serve_mailbox *mailbox, const char *database, struct serve_work **ret_work);
/* work(db, ctx) in the thread, then done(ctx) in the event loop. False: too much is waiting
 * (neither is called). done NULL: nobody wants to know. */
bool serve_work_add(struct serve_work *work, void (*run)(struct db *db, void *ctx), void (*done)(void *ctx), void *ctx);
/* Waits for the tasks that were added; their letters are posted. */
void serve_work_stop(struct serve_work *work);

#endif
