/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_edit.h - the next job document, made from the present one.
 *
 * Only documents in memory: nothing is read or written here. Every change is a document of its
 * own with a higher Sequence; a signed one gets a new Issued and Expires too.
 */
#ifndef OTTER_TOOL_ROLLOUT_EDIT_H
#define OTTER_TOOL_ROLLOUT_EDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum rollout_action { ROLLOUT_RAISE, ROLLOUT_HALT, ROLLOUT_RESUME, ROLLOUT_RENEW };
const char *rollout_action_name(enum rollout_action action); /* "raise", ... */

struct rollout_order {
    enum rollout_action action;
    int permille;         /* raise: to this many thousandths; -1: as it is, where rings or ramp are given */
    const char *rings;    /* raise: "name,name" in place of those there; NULL: as they are */
    int64_t ramp_seconds; /* raise: from what it is now to permille in this time; 0: at once */
    int64_t expires_seconds; /* from now; 0: as long as the present one was given */
    bool force;           /* raise: also a halted one, also to less */
    const char *who;      /* for the history; NULL: the user */
    const char *message;  /* for the history: why; NULL: nothing */
};

/* What a document says of its rollout; a document without one is for everybody. */
struct rollout_view {
    bool limited;      /* there is a Rollout */
    bool halted;       /* it lets nobody in */
    int permille;      /* in the end; 1000 when not limited */
    int permille_now;  /* at `now`, as a device with a clock works it out */
    const char *salt, *rings; /* borrowed from the document; "" none */
    int64_t start, ramp_seconds;
};
/* False: the Rollout has another form than devices take. */
bool rollout_view_of(const json_t *job, int64_t now, struct rollout_view *ret_view);

/* `sequence` and `now` are the next document's. `before`: the Rollout that a halt stopped (NULL:
 * the document had none) and when it did; only read by resume. 0 and a new reference, or
 * TOOL_REFUSED after saying why not. */
struct rollout_stopped {
    const json_t *rollout;
    int64_t at;
};
int rollout_edit(const json_t *present, const struct rollout_order *order, json_int_t sequence, int64_t now,
                 const struct rollout_stopped *before, json_t **ret_next);

/* Sequence, and where the document is signed Issued and Expires (`lifetime` seconds from now). */
void rollout_stamp(json_t *job, json_int_t sequence, int64_t now, int64_t lifetime);

#endif
