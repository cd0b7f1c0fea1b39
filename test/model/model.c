/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - install, trial, confirm, revert, reject, floor: the whole behaviour on one page.
 */
#include "test/model/model.h"

#include <string.h>

bool model_rejects(const struct model *model, uint8_t image)
{
    return memchr(model->rejects, image, model->rejects_count) != NULL;
}

static void reject(struct model *model, uint8_t image)
{
    uint8_t *at = memchr(model->rejects, image, model->rejects_count);
    if (at == NULL && model->rejects_count < OTTER_REJECTS_MAX) {
        model->rejects[model->rejects_count++] = image;
        return;
    }
    at = at == NULL ? model->rejects : at; /* the oldest goes */
    memmove(at, at + 1, (size_t)(model->rejects + model->rejects_count - at - 1));
    model->rejects[model->rejects_count - 1] = image;
}

static void raise_floor(const struct model_world *world, struct model *model)
{
    const struct model_image *image = &world->images[model->running];
    if (world->memory && image->version > model->floor_version) {
        model->floor_version = image->version;
    }
    if (world->memory && image->counter > model->floor_counter) {
        model->floor_counter = image->counter;
    }
}

bool model_takes(const struct model *model, uint8_t image)
{
    return !model->trial && !model->pending && !model_rejects(model, image);
}

void model_download(const struct model_world *world, struct model *model, uint8_t image)
{
    model->low = image;
    if (world->erased_by(world->layout, world->images[image].size) > model->fallback_off) {
        model->fallback = NONE;
    }
}

void model_request(struct model *model, uint8_t image, bool permanent)
{
    model->requested = image;
    model->pending = true;
    model->permanent = permanent;
    model->reason = OTTER_REASON_NONE;
}

void model_confirm(const struct model_world *world, struct model *model)
{
    if (model->trial) {
        model->trial = false;
        model->attempts = 0;
        model->reason = OTTER_REASON_NONE;
        raise_floor(world, model);
    }
}

/* Why the secondary's image may not be installed. */
static enum otter_reason judge(const struct model_world *world, const struct model *model)
{
    const struct model_image *image = &world->images[model->low];
    const struct model_image *running = &world->images[model->primary];
    if (model->low == NONE) {
        return OTTER_REASON_BAD_IMAGE;
    }
    if (model->pending && world->memory && model->low != model->requested) {
        return OTTER_REASON_NOT_REQUESTED;
    }
    if (image->elsewhere) {
        return OTTER_REASON_WRONG_PLACE;
    }
    if (model_rejects(model, model->low)) {
        return OTTER_REASON_REJECTED;
    }
    if (image->version < model->floor_version || image->version < running->version) {
        return OTTER_REASON_DOWNGRADE;
    }
    return image->counter < model->floor_counter || image->counter < running->counter
               ? OTTER_REASON_COUNTER
               : OTTER_REASON_NONE;
}

static void install(const struct model_world *world, struct model *model)
{
    model->fallback = world->swap ? model->primary : NONE;
    model->fallback_off = UINT32_MAX;
    model->primary = model->low;
    if (model->fallback != NONE) {
        uint32_t low_end, size = world->images[model->low].size;
        world->kept_at(world->layout, world->images[model->fallback].size, size,
                       &model->fallback_off, &low_end);
        model->low = size <= low_end ? model->low : NONE;
    }
    model->trial = model->fallback != NONE && !model->permanent;
    model->attempts = 0;
    model->reason = OTTER_REASON_NONE;
}

static void rest(struct model *model, enum otter_reason reason)
{
    model->trial = false;
    model->attempts = 0;
    model->reason = (uint8_t)reason;
}

/* On trial: does it go on? */
static enum otter_reason verdict_on(const struct model *model, bool watchdog)
{
    if (model->reason != OTTER_REASON_NONE || watchdog) { /* given up, or hung */
        return watchdog && model->reason == OTTER_REASON_NONE ? OTTER_REASON_WATCHDOG
                                                             : (enum otter_reason)model->reason;
    }
    if (model->attempts >= MODEL_TRIAL_BOOTS) {
        return OTTER_REASON_NOT_CONFIRMED;
    }
    return model->primary == NONE ? OTTER_REASON_PRIMARY_DEAD : OTTER_REASON_NONE;
}

static void end_trial(struct model *model, enum otter_reason verdict)
{
    if (model->fallback != NONE) {
        if (verdict != OTTER_REASON_PRIMARY_DEAD) {
            reject(model, model->requested);
        }
        model->primary = model->fallback;
        rest(model, verdict);
    } else if (model->primary == NONE) {
        rest(model, (enum otter_reason)model->reason);
    } else if (model->attempts < MODEL_ATTEMPTS_MAX) {
        model->attempts++; /* nothing to go back to */
    } else {
        rest(model, OTTER_REASON_NO_FALLBACK);
    }
}

bool model_boot(const struct model_world *world, struct model *model, bool watchdog)
{
    if (!world->memory) {
        model->reason = OTTER_REASON_NONE;
    }
    if (model->pending) {
        enum otter_reason verdict = judge(world, model);
        model->pending = false;
        if (verdict == OTTER_REASON_NONE) {
            install(world, model);
            watchdog = false; /* it ended something else */
        } else {
            model->reason = (uint8_t)verdict;
        }
    }
    if (model->trial) {
        enum otter_reason verdict = verdict_on(model, watchdog);
        if (verdict == OTTER_REASON_NONE) {
            model->attempts++;
        } else {
            end_trial(model, verdict);
        }
    }
    model->permanent = model->permanent && model->trial;
    if (!model->trial && model->primary == NONE) {
        if (judge(world, model) == OTTER_REASON_NONE) {
            install(world, model); /* bootstrap */
        } else if (model->fallback != NONE) {
            model->primary = model->fallback;
            model->reason = OTTER_REASON_PRIMARY_DEAD;
        }
    }
    model->running = model->primary;
    if (!model->trial) {
        raise_floor(world, model);
    }
    return model->primary != NONE;
}
