/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_store.c - the thread that writes: all reports that wait go into one transaction, and
 * only when that is on the disk are they answered.
 *
 * While one transaction is being written the next batch gathers, so a busy server commits
 * rarely and an idle one at once. Within a batch devices are in the order of their names: two
 * processes on one PostgreSQL then never wait for each other in a circle.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/serve_store.h"
#include "tool/tool.h"

enum { WAITING_MAX = 16384, BATCH_MAX = 512, TRIES = 6, SAMPLE_SECONDS = 5, SAMPLE_SHARE = 50 };
enum { SWEEP_STEP_MS = 1000, SWEEP_PASS_MS = 3600 * 1000 };

struct serve_store {
    struct serve_mailbox *mailbox;
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct serve_told *first, **last;
    size_t waiting;
    struct serve_poll *polls;
    size_t polls_count;
    bool stopping;
    /* of the thread alone */
    bool dirty; /* devices changed since the versions were counted */
    int64_t sample_due_ms;
    int64_t keep_seconds; /* 0: for ever */
    int64_t sweep_due_ms, sweep_from;
    bool away; /* and it was said */
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_ms(int64_t ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Once when it goes, once when it comes back. */
static void say_state(struct serve_store *store, enum db_result result)
{
    bool away = result == DB_AWAY;
    if (away && !store->away) {
        fprintf(stderr, "otter serve: the database %s is away: %s; reports are answered 503 until it is back\n",
                db_name(store->db), db_why(store->db));
    } else if (!away && store->away) {
        fprintf(stderr, "otter serve: the database %s is back\n", db_name(store->db));
    }
    store->away = away;
}

/* ---- a transaction over and over until it is through, or hopeless ---- */
static enum db_result transact(struct serve_store *store,
                               enum db_result (*body)(struct serve_store *store, void *list, size_t count), void *list,
                               size_t count)
{
    enum db_result result = DB_AGAIN;
    for (int64_t try = 0; try < TRIES && result == DB_AGAIN; try++) {
        if (try > 0) {
            wait_ms(5 << try);
        }
        result = db_begin(store->db);
        if (result == DB_OK) {
            result = body(store, list, count);
        }
        if (result == DB_OK) {
            result = db_commit(store->db);
        }
        if (result != DB_OK) {
            db_rollback(store->db);
        }
    }
    result = result == DB_AGAIN ? DB_AWAY : result;
    say_state(store, result);
    return result;
}

/* ---- reports ---- */
static enum db_result judge(struct serve_store *store, struct serve_told *told)
{
    struct fleet_report report = told->report;
    bool revoked = false;
    enum db_result result = DB_OK;
    told->status = 204;
    told->is_new = false;
    if (told->hash[0]) {
        char owner[FLEET_NAME_SIZE] = "";
        result = fleet_token_device(store->db, told->hash, owner);
        told->status = !owner[0] ? 401 : report.device[0] && strcmp(report.device, owner) != 0 ? 403 : 204;
        memcpy(report.device, owner, sizeof report.device);
    } else {
        result = fleet_is_revoked(store->db, report.device, &revoked);
        told->status = revoked ? 403 : 204;
    }
    if (result == DB_OK && told->status == 204) {
        result = fleet_record_report(store->db, &report, told->board, &told->is_new);
    }
    return result;
}

static enum db_result write_reports(struct serve_store *store, void *list, size_t count)
{
    struct serve_told **told = list;
    enum db_result result = DB_OK;
    for (size_t i = 0; i < count && result == DB_OK; i++) {
        result = judge(store, told[i]);
    }
    return result;
}

static void set_status(struct serve_told **told, size_t count, int status)
{
    for (size_t i = 0; i < count; i++) {
        told[i]->status = status;
        told[i]->is_new = false;
    }
}

static void store_reports(struct serve_store *store, struct serve_told **told, size_t count)
{
    enum db_result result = transact(store, write_reports, told, count);
    for (size_t i = 0; i < count && result == DB_WRONG; i++) { /* one of them: find out which */
        enum db_result one = count == 1 ? DB_WRONG : transact(store, write_reports, &told[i], 1);
        if (one == DB_WRONG) {
            fprintf(stderr, "otter serve: the database %s takes a report not: %s\n", db_name(store->db),
                    db_why(store->db));
        }
        if (one != DB_OK) {
            set_status(&told[i], 1, one == DB_WRONG ? 400 : 503);
        }
    }
    if (result == DB_AWAY || result == DB_AGAIN) {
        set_status(told, count, 503);
    }
    store->dirty = true;
}

static void tell(void *ctx)
{
    struct serve_told *told = ctx;
    told->done(told);
}

/* By device; two of one device stay in the order in which they came. */
static int compare(const void *a, const void *b)
{
    const struct serve_told *const *left = a;
    const struct serve_told *const *right = b;
    int order = strcmp((*left)->hash, (*right)->hash);
    order = order != 0 ? order : strcmp((*left)->report.device, (*right)->report.device);
    return order != 0 ? order : (*left)->report.serial < (*right)->report.serial ? -1 : 1;
}

static void work_on_reports(struct serve_store *store, struct serve_told *first)
{
    struct serve_told *batch[BATCH_MAX];
    size_t count = 0;
    for (struct serve_told *told = first; told; told = told->next) {
        told->report.serial = (int64_t)count; /* until it has one of the database */
        batch[count++] = told;
    }
    qsort(batch, count, sizeof *batch, compare);
    store_reports(store, batch, count);
    for (size_t i = 0; i < count; i++) {
        batch[i]->letter = (struct serve_letter){NULL, tell, batch[i]};
        serve_mailbox_post(store->mailbox, &batch[i]->letter);
    }
}

/* ---- polls ---- */
static enum db_result write_polls(struct serve_store *store, void *list, size_t count)
{
    const struct serve_poll *poll = list;
    enum db_result result = DB_OK;
    for (size_t i = 0; i < count && result == DB_OK; i++, poll++) {
        char owner[FLEET_NAME_SIZE] = "";
        struct fleet_seen seen = {poll->key, poll->version, poll->at, poll->fetches, poll->again};
        if (poll->is_hash) {
            result = fleet_token_device(store->db, poll->key, owner);
            seen.device = owner;
        }
        if (result == DB_OK && seen.device[0]) {
            result = fleet_record_seen(store->db, &seen);
        }
    }
    return result;
}

static int compare_polls(const void *a, const void *b)
{
    const struct serve_poll *left = a;
    const struct serve_poll *right = b;
    return strcmp(left->key, right->key);
}

static struct serve_told *take_reports(struct serve_store *store);

/* In pieces: reports that come meanwhile have priority. What cannot be written is forgotten, the
 * device will ask again. */
static void work_on_polls(struct serve_store *store, struct serve_poll *polls, size_t count)
{
    qsort(polls, count, sizeof *polls, compare_polls);
    enum db_result result = DB_OK;
    for (size_t at = 0; at < count && result != DB_AWAY; at += BATCH_MAX) {
        size_t left = count - at;
        result = transact(store, write_polls, polls + at, left < BATCH_MAX ? left : BATCH_MAX);
        (void)pthread_mutex_lock(&store->lock);
        struct serve_told *first = take_reports(store);
        (void)pthread_mutex_unlock(&store->lock);
        if (first) {
            work_on_reports(store, first);
        }
    }
    free(polls);
    store->dirty = true;
}

/* ---- versions over time: counting takes at most a fiftieth of the time ---- */
static enum db_result write_versions(struct serve_store *store, void *list, size_t count)
{
    (void)list;
    (void)count;
    return fleet_record_versions(store->db, time(NULL));
}

static void sample_versions(struct serve_store *store)
{
    int64_t begin = now_ms();
    enum db_result result = transact(store, write_versions, NULL, 0);
    int64_t end = now_ms();
    store->dirty = result != DB_OK;
    store->sample_due_ms = end + SAMPLE_SECONDS * 1000 + SAMPLE_SHARE * (end - begin);
}

/* ---- what is old goes: a pass an hour, in small steps, and never while a report waits ---- */
static enum db_result sweep_step(struct serve_store *store, void *list, size_t count)
{
    int64_t *next = list;
    int64_t now = time(NULL);
    (void)count;
    *next = store->sweep_from;
    if (store->keep_seconds == 0 || *next == FLEET_SWEPT) {
        *next = 0;
        return fleet_sweep_versions(store->db, now);
    }
    return fleet_sweep_reports(store->db, now - store->keep_seconds, next);
}

static void sweep(struct serve_store *store)
{
    int64_t next = 0;
    bool ok = transact(store, sweep_step, &next, 1) == DB_OK;
    store->sweep_from = ok ? next : 0;
    store->sweep_due_ms = now_ms() + (store->sweep_from == 0 ? SWEEP_PASS_MS : SWEEP_STEP_MS);
}

/* ---- the thread ---- */
/* With the lock: at most a batch. */
static struct serve_told *take_reports(struct serve_store *store)
{
    struct serve_told *first = store->first;
    struct serve_told **last = &store->first;
    size_t count = 0;
    for (; *last && count < BATCH_MAX; count++) {
        last = &(*last)->next;
    }
    store->first = count > 0 ? *last : store->first;
    if (count > 0) {
        *last = NULL;
    }
    store->last = store->first ? store->last : &store->first;
    store->waiting -= count;
    return count > 0 ? first : NULL;
}

static bool has_nothing(const struct serve_store *store)
{
    return !store->first && !store->polls && !store->stopping &&
           !(store->dirty && now_ms() >= store->sample_due_ms) && now_ms() < store->sweep_due_ms;
}

static void *run(void *ctx)
{
    struct serve_store *store = ctx;
    for (;;) {
        (void)pthread_mutex_lock(&store->lock);
        while (has_nothing(store)) {
            struct timespec until;
            (void)clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 1;
            (void)pthread_cond_timedwait(&store->changed, &store->lock, &until);
        }
        struct serve_told *first = take_reports(store);
        struct serve_poll *polls = first ? NULL : store->polls;
        size_t count = store->polls_count;
        store->polls = first ? store->polls : NULL;
        bool stopping = store->stopping;
        (void)pthread_mutex_unlock(&store->lock);
        if (first) {
            work_on_reports(store, first);
        } else if (polls) {
            work_on_polls(store, polls, count);
        } else if (store->dirty && (stopping || now_ms() >= store->sample_due_ms)) {
            sample_versions(store);
            store->dirty = store->dirty && !stopping;
        } else if (stopping) {
            return NULL;
        } else if (now_ms() >= store->sweep_due_ms) {
            sweep(store);
        }
    }
}

int serve_store_start(struct serve_mailbox *mailbox, const char *database, int64_t keep_seconds, struct serve_store **ret_store)
{
    sigset_t all;
    sigset_t before;
    struct serve_store *store = calloc(1, sizeof *store);
    int rc = store ? db_open(database, &store->db) : tool_refuse("out of memory");
    if (rc != 0) {
        free(store);
        return rc;
    }
    store->mailbox = mailbox;
    store->last = &store->first;
    store->dirty = true;
    store->keep_seconds = keep_seconds;
    store->sweep_due_ms = now_ms() + SWEEP_STEP_MS;
    (void)pthread_mutex_init(&store->lock, NULL);
    (void)pthread_cond_init(&store->changed, NULL);
    (void)sigfillset(&all); /* signals are for the event loop */
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&store->thread, NULL, run, store);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        db_close(store->db);
        free(store);
        return tool_refuse("cannot start a thread: %s", strerror(error));
    }
    *ret_store = store;
    return 0;
}

bool serve_store_add(struct serve_store *store, struct serve_told *told)
{
    (void)pthread_mutex_lock(&store->lock);
    bool room = store->waiting < WAITING_MAX && !store->stopping;
    if (room) {
        told->next = NULL;
        *store->last = told;
        store->last = &told->next;
        store->waiting++;
        (void)pthread_cond_signal(&store->changed);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return room;
}

bool serve_store_polls(struct serve_store *store, struct serve_poll *polls, size_t count)
{
    (void)pthread_mutex_lock(&store->lock);
    bool room = !store->polls;
    if (room) {
        store->polls = polls;
        store->polls_count = count;
        (void)pthread_cond_signal(&store->changed);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return room;
}

void serve_store_stop(struct serve_store *store)
{
    if (!store) {
        return;
    }
    (void)pthread_mutex_lock(&store->lock);
    store->stopping = true;
    (void)pthread_cond_signal(&store->changed);
    (void)pthread_mutex_unlock(&store->lock);
    (void)pthread_join(store->thread, NULL);
    (void)pthread_mutex_destroy(&store->lock);
    (void)pthread_cond_destroy(&store->changed);
    db_close(store->db);
    free(store);
}
