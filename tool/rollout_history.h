/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_history.h - what was done to a rollout: one JSON line per change, oldest first.
 *
 * Written before the document that it tells of, so no Sequence is ever given twice: a line whose
 * document did not come about is followed by one with the action "failed".
 */
#ifndef OTTER_TOOL_ROLLOUT_HISTORY_H
#define OTTER_TOOL_ROLLOUT_HISTORY_H

#include <jansson.h>

#include "tool/rollout_edit.h"
#include "tool/tool.h"

struct rollout_history {
    json_t *lines; /* an array of objects */
};

/* "ota/" becomes "<where ota is>/ota.history.jsonl"; free() it. NULL after saying why. */
char *rollout_history_path(const char *folder);

/* A file that is not there is an empty history. 0, or TOOL_REFUSED after saying which line is wrong. */
int rollout_history_read(const char *path, struct rollout_history *ret_history);
void rollout_history_free(struct rollout_history *history);

json_int_t rollout_history_highest(const struct rollout_history *history); /* Sequence; 0: none */

/* A place may have several documents under different names (plain and signed). */
struct rollout_note {
    const char *job_name, *action;
    const char *who;     /* NULL: the user */
    const char *message; /* NULL: none */
    int64_t now;
};
void rollout_history_add(struct rollout_history *history, const struct rollout_note *note, const json_t *job);
/* note->action is "failed" whatever it says. */
void rollout_history_add_failed(struct rollout_history *history, const struct rollout_note *note, json_int_t sequence);

/* The highest Sequence of this name that no line takes back. 0: none */
json_int_t rollout_history_standing(const struct rollout_history *history, const char *job_name);

/* What the halt that `job` is stopped: borrowed from the history. False: it does not say. */
bool rollout_history_stopped(const struct rollout_history *history, const char *job_name, const json_t *job,
                             struct rollout_stopped *ret_stopped);

/* The whole file's text; free() it. */
int rollout_history_text(const struct rollout_history *history, char **ret_text);

#endif
