/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_edit.c - the next job document, made from the present one.
 *
 * A raise never takes back what was given: the share at this moment stays the least, also
 * where a ramp is changed on its way.
 */
#include <stdlib.h>
#include <string.h>

#include "tool/job_file.h"
#include "tool/quantity.h"
#include "tool/rollout_edit.h"

const char *rollout_action_name(enum rollout_action action)
{
    switch (action) {
    case ROLLOUT_RAISE: return "raise";
    case ROLLOUT_HALT: return "halt";
    case ROLLOUT_RESUME: return "resume";
    case ROLLOUT_RENEW: return "renew";
    }
    return "?";
}

/* As docs/spec/50-job.md has it: nothing before Start, then linear, rounded down. */
static int permille_at(const struct rollout_view *view, int64_t now)
{
    if (view->start > 0 && now < view->start) {
        return 0;
    }
    int64_t gone = now - view->start;
    if (view->ramp_seconds > 0 && gone < view->ramp_seconds) {
        return (int)(view->permille * gone / view->ramp_seconds);
    }
    return view->permille;
}

/* 0 where it is not given, or an empty text: as devices have it. */
static bool number_of(const json_t *rollout, const char *key, int64_t *ret_number)
{
    const char *text = job_text(rollout, key);
    json_int_t number = 0;
    bool given = job_get(rollout, key) && !(text && !text[0]);
    bool good = !given || job_number(rollout, key, &number);
    *ret_number = number;
    return good;
}

static bool text_of(const json_t *rollout, const char *key, const char **ret_text)
{
    const char *text = job_text(rollout, key);
    *ret_text = text ? text : "";
    return text || !job_get(rollout, key);
}

bool rollout_view_of(const json_t *job, int64_t now, struct rollout_view *ret_view)
{
    const json_t *rollout = job_get(job, "Rollout");
    int64_t permille = 0;
    *ret_view = (struct rollout_view){.permille = 1000, .permille_now = 1000, .salt = "", .rings = ""};
    if (!rollout) {
        return true;
    }
    bool good = json_is_object(rollout) && number_of(rollout, "Permille", &permille) && permille <= 1000 &&
                number_of(rollout, "Start", &ret_view->start) &&
                number_of(rollout, "RampSeconds", &ret_view->ramp_seconds) &&
                text_of(rollout, "Salt", &ret_view->salt) && text_of(rollout, "Rings", &ret_view->rings);
    ret_view->limited = true;
    ret_view->permille = (int)permille;
    ret_view->halted = permille == 0 && !ret_view->rings[0];
    ret_view->permille_now = permille_at(ret_view, now);
    return good;
}

void rollout_stamp(json_t *job, json_int_t sequence, int64_t now, int64_t lifetime)
{
    job_put(job, "Sequence", json_integer(sequence));
    if (lifetime > 0) {
        int64_t end = now + lifetime;
        job_put(job, "Issued", json_integer(now));
        job_put(job, "Expires", json_integer(end < (int64_t)UINT32_MAX ? end : (int64_t)UINT32_MAX));
    }
}

static int check_raise(const struct rollout_view *view, const struct rollout_order *order, int target)
{
    char is[TOOL_PERMILLE_SIZE];
    char wanted[TOOL_PERMILLE_SIZE];
    if (!view->limited) {
        return tool_refuse("the job has no rollout: it is for every device already");
    }
    if (view->halted && !order->force) {
        return tool_refuse("the rollout is halted: `otter rollout resume` goes on as it was, --force raises it all the same");
    }
    if (target < view->permille && !order->force) {
        return tool_refuse("%s is less than the %s that it is at: a device that has the image keeps it; `otter rollout "
                           "halt` stops the others, --force lowers it", tool_permille_text(target, wanted),
                           tool_permille_text(view->permille, is));
    }
    if (order->ramp_seconds > 0 && target <= view->permille_now) {
        return tool_refuse("--ramp has nowhere to go: it is at %s now", tool_permille_text(view->permille_now, is));
    }
    return 0;
}

static int raise(json_t *job, const struct rollout_view *view, const struct rollout_order *order, int64_t now)
{
    int target = order->permille < 0 ? view->permille : order->permille;
    bool keep_ramp = order->permille < 0 && order->ramp_seconds == 0;
    int rc = check_raise(view, order, target);
    if (rc != 0) {
        return rc;
    }
    json_t *rollout = job_get(job, "Rollout");
    job_put(rollout, "Permille", json_integer(target));
    if (order->rings) {
        job_put(rollout, "Rings", order->rings[0] ? json_string(order->rings) : NULL);
    }
    if (!keep_ramp) {
        job_put(rollout, "Start", NULL);
        job_put(rollout, "RampSeconds", NULL);
    }
    if (order->ramp_seconds > 0) { /* a line through what is let in now, so that nobody is put out */
        int64_t up = target - view->permille_now;
        int64_t gone = (order->ramp_seconds * view->permille_now + up - 1) / up;
        gone = gone < now ? gone : now - 1;
        job_put(rollout, "Start", json_integer(now - gone));
        job_put(rollout, "RampSeconds", json_integer(gone + order->ramp_seconds));
    }
    return 0;
}

static int halt(json_t *job, const struct rollout_view *view)
{
    if (view->halted) {
        return tool_refuse("the rollout is halted already");
    }
    json_t *rollout = json_object();
    job_put(rollout, "Permille", json_integer(0));
    job_put(rollout, "Salt", view->salt[0] ? json_string(view->salt) : NULL);
    job_put(job, "Rollout", rollout);
    return 0;
}

/* A ramp goes on where it stood when it was halted. */
static int resume(json_t *job, const struct rollout_view *view, int64_t now, const struct rollout_stopped *before)
{
    struct rollout_view was;
    if (!view->halted) {
        return tool_refuse("the rollout is not halted");
    }
    if (!before) {
        return tool_refuse("the history does not say what was halted: `otter rollout raise PERCENT --force` begins anew");
    }
    json_t *rollout = json_deep_copy(before->rollout);
    job_put(job, "Rollout", rollout);
    if (!rollout_view_of(job, before->at, &was)) {
        return tool_refuse("the history has a Rollout that no device takes: `otter rollout raise PERCENT --force` begins anew");
    }
    if (was.start > 0) {
        int64_t gone = before->at > was.start ? before->at - was.start : 0;
        int64_t start = gone < now ? now - gone : 1;
        job_put(rollout, "Start", json_integer(start > was.start ? start : was.start));
    }
    return 0;
}

/* How long the next one is good for; 0: the document is not one that ends. */
static int64_t lifetime_of(const json_t *present, const struct rollout_order *order)
{
    json_int_t issued = 0;
    json_int_t expires = 0;
    bool ends = job_number(present, "Issued", &issued) && job_number(present, "Expires", &expires) && expires > issued;
    return order->expires_seconds > 0 ? order->expires_seconds : ends ? expires - issued : 0;
}

int rollout_edit(const json_t *present, const struct rollout_order *order, json_int_t sequence, int64_t now,
                 const struct rollout_stopped *before, json_t **ret_next)
{
    struct rollout_view view;
    int rc = 0;
    if (!rollout_view_of(present, now, &view)) {
        return tool_refuse("the job has a Rollout that no device takes: publish it again");
    }
    json_t *job = json_deep_copy(present);
    if (order->action == ROLLOUT_RAISE) {
        rc = raise(job, &view, order, now);
    } else if (order->action == ROLLOUT_HALT) {
        rc = halt(job, &view);
    } else if (order->action == ROLLOUT_RESUME) {
        rc = resume(job, &view, now, before);
    }
    if (rc != 0) {
        json_decref(job);
        return rc;
    }
    rollout_stamp(job, sequence, now, lifetime_of(present, order));
    *ret_next = job;
    return 0;
}
