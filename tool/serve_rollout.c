/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_rollout.c - follows the job document and its history into the database; halts a rollout
 * when too many devices come back from it.
 *
 * Twice a second the times of the files are looked at. What changed is read, and changes are
 * written, by the thread that asks the database: one after the other.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool/job_file.h"
#include "tool/jws.h"
#include "tool/rollout_book.h"
#include "tool/serve_rollout.h"

enum { FILES = 3, LINE_SIZE = 512 }; /* signed, plain, history */

struct serve_rollout {
    char *files[FILES];
    struct stat seen[FILES];
    bool looking; /* in the thread */
    bool halting;
    bool has_key;
    struct tool_key key;
    struct serve_job job;
    struct serve_paths paths;
};

/* ---- read, in the thread ---- */
struct look {
    struct serve *serve;
    struct serve_job job;
    struct serve_paths paths;
    struct stat seen[FILES];
    char line[LINE_SIZE]; /* what is wrong; "" nothing */
    bool stored;
};

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* A history line, or a document that has none. */
static bool row_of(const json_t *line, struct fleet_rollout *ret_row)
{
    json_int_t number = 0;
    *ret_row = (struct fleet_rollout){.permille = 1000};
    if (!job_number(line, "sequence", &number) || number == 0) {
        return false;
    }
    ret_row->sequence = number;
    copy(ret_row->action, sizeof ret_row->action, job_text(line, "action"));
    copy(ret_row->version, sizeof ret_row->version, job_text(line, "version"));
    copy(ret_row->rings, sizeof ret_row->rings, job_text(line, "rings"));
    copy(ret_row->who, sizeof ret_row->who, job_text(line, "who"));
    copy(ret_row->message, sizeof ret_row->message, job_text(line, "message"));
    ret_row->permille = job_number(line, "permille", &number) ? number : 1000;
    ret_row->at = job_number(line, "time", &number) ? number : 0;
    return strcmp(ret_row->action, "failed") != 0;
}

static enum db_result store_history(struct db *db, const char *path, struct look *look)
{
    struct rollout_history history = {NULL};
    struct fleet_rollout row;
    bool is_new = false;
    int64_t failed = 0; /* the line before it came to nothing */
    enum db_result result = DB_OK;
    if (rollout_history_read(path, &history) != 0) {
        return DB_OK; /* said in look->line; the document itself still counts */
    }
    for (size_t i = json_array_size(history.lines); i-- > 0 && result == DB_OK;) {
        bool counts = row_of(json_array_get(history.lines, i), &row);
        if (counts && row.sequence != failed && row.sequence <= look->job.sequence) {
            result = fleet_record_rollout(db, &row, &is_new);
        }
        failed = counts ? failed : row.sequence;
    }
    rollout_history_free(&history);
    return result;
}

static enum db_result store_job(struct db *db, struct look *look)
{
    struct fleet_rollout row = {.sequence = look->job.sequence, .permille = look->job.permille, .action = "seen"};
    bool is_new = false;
    row.at = look->seen[look->job.is_signed ? 0 : 1].st_mtime;
    memcpy(row.version, look->job.version, sizeof row.version);
    memcpy(row.rings, look->job.rings, sizeof row.rings);
    enum db_result result = db_begin(db);
    if (result == DB_OK) {
        result = store_history(db, look->serve->rollout->files[2], look);
    }
    if (result == DB_OK) {
        result = fleet_record_rollout(db, &row, &is_new);
    }
    if (result == DB_OK) {
        return db_commit(db);
    }
    db_rollback(db);
    return result;
}

static void view_job(const json_t *document, struct serve_job *job)
{
    struct rollout_view view = {.permille = 1000, .permille_now = 1000, .rings = ""};
    json_int_t number = 0;
    job->exists = true;
    job->sequence = job_number(document, "Sequence", &number) ? number : 0;
    copy(job->version, sizeof job->version, job_text(document, "Version"));
    (void)rollout_view_of(document, time(NULL), &view);
    job->permille = view.permille;
    job->permille_now = view.permille_now;
    job->halted = view.halted;
    copy(job->rings, sizeof job->rings, view.rings);
}

static void read_job(struct look *look, const struct serve_rollout *rollout)
{
    struct tool_bytes bytes = {NULL, 0};
    json_t *document = NULL;
    enum job_trust trust;
    struct stat st;
    int which = stat(rollout->files[0], &st) == 0 ? 0 : 1;
    if (which == 1 && stat(rollout->files[1], &st) != 0) {
        return; /* nothing published yet */
    }
    look->job.is_signed = which == 0;
    if (tool_read_file(rollout->files[which], JOB_FILE_MAX, &bytes) == 0 &&
        job_file_parse(rollout->files[which], &bytes, rollout->has_key ? &rollout->key : NULL, &document, &trust) == 0) {
        view_job(document, &look->job);
        if (rollout->has_key && trust == JOB_NOT_VERIFIED) {
            copy(look->line, sizeof look->line, "the job document is not signed with --job-key");
        }
    }
    json_decref(document);
    tool_bytes_free(&bytes);
}

static void read_paths(const struct serve_rollout *rollout, struct serve_paths *paths)
{
    serve_paths_read(paths, rollout->files[1]); /* devices without a job key take the plain one */
    serve_paths_read(paths, rollout->files[0]);
}

static void look_work(struct db *db, void *ctx)
{
    struct look *look = ctx;
    read_paths(look->serve->rollout, &look->paths);
    struct tool_catch before = tool_catch_begin(look->line, sizeof look->line);
    read_job(look, look->serve->rollout);
    look->stored = look->job.sequence == 0 || store_job(db, look) == DB_OK;
    tool_catch_end(before);
}

/* ---- and known, in the event loop ---- */
static void look_done(void *ctx)
{
    struct look *look = ctx;
    struct serve *serve = look->serve;
    struct serve_rollout *rollout = serve->rollout;
    char note[LINE_SIZE];
    rollout->looking = false;
    look->job.can_change = rollout->has_key && (look->job.is_signed || !look->job.exists);
    if (look->stored) {
        memcpy(rollout->seen, look->seen, sizeof rollout->seen);
    }
    if (look->stored && look->line[0]) {
        serve_log_note(serve, look->line);
    }
    if (look->job.exists && look->job.sequence != rollout->job.sequence) {
        snprintf(note, sizeof note, "job: version %s, sequence %lld, %d.%d %% of the devices%s%s%s", look->job.version,
                 (long long)look->job.sequence, look->job.permille / 10, look->job.permille % 10,
                 look->job.rings[0] ? " and rings " : "", look->job.rings, look->job.halted ? " (halted)" : "");
        serve_log_note(serve, note);
    }
    rollout->job = look->job;
    serve_paths_add(&rollout->paths, &look->paths);
    free(look);
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void serve_rollout_look(struct serve *serve)
{
    struct serve_rollout *rollout = serve->rollout;
    struct stat now[FILES];
    bool changed = false;
    if (!rollout || rollout->looking) {
        return;
    }
    for (int i = 0; i < FILES; i++) {
        if (stat(rollout->files[i], &now[i]) != 0) {
            memset(&now[i], 0, sizeof now[i]);
        }
        changed = changed || !same(&now[i], &rollout->seen[i]);
    }
    struct look *look = changed ? calloc(1, sizeof *look) : NULL;
    if (look) {
        look->serve = serve;
        memcpy(look->seen, now, sizeof now);
        rollout->looking = serve_work_add(serve->work, look_work, look_done, look);
        if (!rollout->looking) {
            free(look);
        }
    }
}

/* ---- change ---- */
struct change {
    struct serve *serve;
    struct rollout_order order;
    char who[FLEET_NAME_SIZE], message[256], rings[256];
    char line[LINE_SIZE];
    int rc;
    void (*done)(void *ctx, const char *line);
    void *ctx;
};

static void change_work(struct db *db, void *ctx)
{
    struct change *change = ctx;
    struct store *store = NULL;
    struct rollout_done done;
    char *folder = strdup(change->serve->root);
    struct store_options options = {.folder = folder};
    struct tool_catch before = tool_catch_begin(change->line, sizeof change->line);
    (void)db;
    change->rc = folder ? store_open(&options, STORE_CHANGE, 5, &store) : TOOL_REFUSED;
    if (change->rc == 0) {
        change->rc = rollout_change(store, JOB_SIGNED, &change->serve->rollout->key, &change->order, &done);
        store_close(store, change->rc != 0);
    }
    tool_catch_end(before);
    free(folder);
}

static void change_done(void *ctx)
{
    struct change *change = ctx;
    serve_rollout_look(change->serve);
    change->done(change->ctx, change->rc == 0 ? NULL : change->line[0] ? change->line : "it cannot be changed");
    free(change);
}

bool serve_rollout_change(struct serve *serve, const struct rollout_order *order,
                          void (*done)(void *ctx, const char *line), void *ctx)
{
    struct change *change = serve->rollout && serve->rollout->has_key ? calloc(1, sizeof *change) : NULL;
    if (!change) {
        return false;
    }
    change->serve = serve;
    change->order = *order;
    change->done = done;
    change->ctx = ctx;
    copy(change->who, sizeof change->who, order->who);
    copy(change->message, sizeof change->message, order->message);
    copy(change->rings, sizeof change->rings, order->rings);
    change->order.who = order->who ? change->who : NULL;
    change->order.message = order->message ? change->message : NULL;
    change->order.rings = order->rings ? change->rings : NULL;
    if (!serve_work_add(serve->work, change_work, change_done, change)) {
        free(change);
        return false;
    }
    return true;
}

/* ---- halt by itself ---- */
struct count {
    struct serve *serve;
    char version[FLEET_WORD_SIZE];
    int64_t devices;
};

/* Since the version was published, or an operator let it go on: by the job's number where the
 * device says which one it took, else by the time. */
static void count_work(struct db *db, void *ctx)
{
    struct count *count = ctx;
    (void)db_number(db,
                    "SELECT COUNT(DISTINCT device) FROM reports WHERE to_version = $1"
                    " AND result IN ('reverted', 'bad-image') AND (CASE WHEN sequence > 0"
                    " THEN sequence >= (SELECT COALESCE(MAX(sequence), 0) FROM rollouts"
                    "  WHERE version = $1 AND action IN ('publish', 'resume', 'seen'))"
                    " ELSE at >= (SELECT COALESCE(MAX(at), 0) FROM rollouts"
                    "  WHERE version = $1 AND action IN ('publish', 'resume', 'seen')) END)",
                    DB_VALUES(db_text(count->version)), &count->devices);
}

static void halted(void *ctx, const char *line)
{
    struct serve *serve = ctx;
    char note[LINE_SIZE + 64];
    serve->rollout->halting = false;
    snprintf(note, sizeof note, "rollout of %s %s%s", serve->rollout->job.version,
             line ? "could not be halted: " : "halted: too many devices came back from it", line ? line : "");
    serve_log_note(serve, note);
}

static void count_done(void *ctx)
{
    struct count *count = ctx;
    struct serve *serve = count->serve;
    struct serve_rollout *rollout = serve->rollout;
    char message[96];
    snprintf(message, sizeof message, "%lld devices reverted or refused the image (--halt-after %d)",
             (long long)count->devices, serve->options->halt_after);
    struct rollout_order order = {.action = ROLLOUT_HALT, .permille = -1, .who = "otter serve", .message = message};
    bool wanted = count->devices >= serve->options->halt_after && !rollout->job.halted && !serve->quitting &&
                  strcmp(rollout->job.version, count->version) == 0;
    rollout->halting = wanted && serve_rollout_change(serve, &order, halted, serve);
    free(count);
}

void serve_rollout_told(struct serve *serve, const struct serve_told *told)
{
    struct serve_rollout *rollout = serve->rollout;
    const char *result = told->report.result;
    bool bad = strcmp(result, "reverted") == 0 || strcmp(result, "bad-image") == 0;
    if (!bad || serve->options->halt_after <= 0 || !rollout || !rollout->has_key || rollout->halting ||
        rollout->job.halted || strcmp(told->report.to, rollout->job.version) != 0) {
        return;
    }
    struct count *count = calloc(1, sizeof *count);
    if (count) {
        count->serve = serve;
        memcpy(count->version, rollout->job.version, sizeof count->version);
        rollout->halting = serve_work_add(serve->work, count_work, count_done, count);
        if (!rollout->halting) {
            free(count);
        }
    }
}

/* ---- from start to end ---- */
const struct serve_job *serve_rollout_job(const struct serve *serve)
{
    static const struct serve_job none = {.exists = false};
    return serve->rollout ? &serve->rollout->job : &none;
}

bool serve_rollout_is_report_path(const struct serve *serve, const char *path)
{
    return serve->rollout && serve_paths_has(&serve->rollout->paths, path);
}

int serve_rollout_start(struct serve *serve)
{
    struct serve_rollout *rollout = calloc(1, sizeof *rollout);
    serve->rollout = rollout;
    if (!rollout || asprintf(&rollout->files[0], "%s/%s", serve->root, JOB_SIGNED) < 0 ||
        asprintf(&rollout->files[1], "%s/%s", serve->root, JOB_PLAIN) < 0) {
        return tool_refuse("out of memory");
    }
    rollout->files[2] = rollout_history_path(serve->root);
    if (!rollout->files[2]) {
        return TOOL_REFUSED;
    }
    if (serve->options->job_key) {
        int rc = tool_job_key_read(serve->options->job_key, true, &rollout->key);
        if (rc != 0) {
            return rc;
        }
        rollout->has_key = true;
    }
    read_paths(rollout, &rollout->paths);
    serve_rollout_look(serve);
    return 0;
}

void serve_rollout_free(struct serve_rollout *rollout)
{
    if (rollout) {
        for (int i = 0; i < FILES; i++) {
            free(rollout->files[i]);
        }
        if (rollout->has_key) {
            tool_key_free(&rollout->key);
        }
        free(rollout);
    }
}
