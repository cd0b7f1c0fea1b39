/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_work.c - the thread for questions to the database.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "tool/serve_work.h"
#include "tool/tool.h"

enum { WAITING_MAX = 256 };

struct task {
    struct serve_letter letter;
    struct task *next;
    void (*run)(struct db *db, void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

struct serve_work {
    struct serve_mailbox *mailbox;
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct task *first, **last;
    size_t waiting;
    bool stopping;
};

static void tell(void *ctx)
{
    struct task *task = ctx;
    if (task->done) {
        task->done(task->ctx);
    }
    free(task);
}

/* The next task; NULL: no more will come. */
static struct task *take(struct serve_work *work)
{
    (void)pthread_mutex_lock(&work->lock);
    while (!work->first && !work->stopping) {
        (void)pthread_cond_wait(&work->changed, &work->lock);
    }
    struct task *task = work->first;
    if (task) {
        work->first = task->next;
        work->last = work->first ? work->last : &work->first;
        work->waiting--;
    }
    (void)pthread_mutex_unlock(&work->lock);
    return task;
}

static void *run(void *ctx)
{
    struct serve_work *work = ctx;
    for (struct task *task = take(work); task; task = take(work)) {
        task->run(work->db, task->ctx);
        task->letter = (struct serve_letter){NULL, tell, task};
        serve_mailbox_post(work->mailbox, &task->letter);
    }
    return NULL;
}

int serve_work_start(struct serve_mailbox *mailbox, const char *database, struct serve_work **ret_work)
{
    sigset_t all;
    sigset_t before;
    struct serve_work *work = calloc(1, sizeof *work);
    int rc = work ? db_open(database, &work->db) : tool_refuse("out of memory");
    if (rc != 0) {
        free(work);
        return rc;
    }
    work->mailbox = mailbox;
    work->last = &work->first;
    (void)pthread_mutex_init(&work->lock, NULL);
    (void)pthread_cond_init(&work->changed, NULL);
    (void)sigfillset(&all); /* signals are for the event loop */
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&work->thread, NULL, run, work);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        db_close(work->db);
        free(work);
        return tool_refuse("cannot start a thread");
    }
    *ret_work = work;
    return 0;
}

bool serve_work_add(struct serve_work *work, void (*fn)(struct db *db, void *ctx), void (*done)(void *ctx), void *ctx)
{
    struct task *task = malloc(sizeof *task);
    if (!task) {
        return false;
    }
    *task = (struct task){.run = fn, .done = done, .ctx = ctx};
    (void)pthread_mutex_lock(&work->lock);
    bool room = work->waiting < WAITING_MAX && !work->stopping;
    if (room) {
        *work->last = task;
        work->last = &task->next;
        work->waiting++;
        (void)pthread_cond_signal(&work->changed);
    }
    (void)pthread_mutex_unlock(&work->lock);
    if (!room) {
        free(task);
    }
    return room;
}

void serve_work_stop(struct serve_work *work)
{
    if (!work) {
        return;
    }
    (void)pthread_mutex_lock(&work->lock);
    work->stopping = true;
    (void)pthread_cond_signal(&work->changed);
    (void)pthread_mutex_unlock(&work->lock);
    (void)pthread_join(work->thread, NULL);
    (void)pthread_mutex_destroy(&work->lock);
    (void)pthread_cond_destroy(&work->changed);
    db_close(work->db);
    free(work);
}
