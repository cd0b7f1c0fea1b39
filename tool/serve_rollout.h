/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_rollout.h - the job document in the served folder, followed and, with a key, changed.
 */
#ifndef OTTER_TOOL_SERVE_ROLLOUT_H
#define OTTER_TOOL_SERVE_ROLLOUT_H

#include "tool/rollout_edit.h"
#include "tool/serve.h"

struct serve_job {
    bool exists;
    bool is_signed;
    bool can_change; /* --job-key was given: this server can sign the next document */
    int64_t sequence;
    char version[FLEET_WORD_SIZE];
    char rings[256];
    int permille;     /* in the end */
    int permille_now; /* when it was last read */
    bool halted;
};
/* As it was when last looked at, half a second ago at most. */
const struct serve_job *serve_rollout_job(const struct serve *serve);

/* Sign and write the next document (order is copied). done(ctx, line) in the event loop: line NULL
 * when it was done, else why not. False: no --job-key, or too much is waiting. */
bool serve_rollout_change(struct serve *serve, const struct rollout_order *order,
                          void (*done)(void *ctx, const char *line), void *ctx);

/* ---- paths that devices report to, besides /report (serve_paths.c) ---- */
enum { SERVE_PATHS_MAX = 8, SERVE_PATH_SIZE = 256 };
struct serve_paths {
    char list[SERVE_PATHS_MAX][SERVE_PATH_SIZE]; /* "": free */
    size_t next;                                 /* where the next one goes, in place of the oldest */
};
/* The one that a job document names; nothing when there is no such file or it names none. */
void serve_paths_read(struct serve_paths *paths, const char *file);
void serve_paths_add(struct serve_paths *paths, const struct serve_paths *more);
bool serve_paths_has(const struct serve_paths *paths, const char *path);

#endif
