/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.c - decide what to start, and make it so.
 *
 * One table of rules: for the phase that was read, the first rule whose question is
 * answered yes acts. An act ends with a new phase on record (and the table is asked
 * again), with an image to start, or with an error. Every decision is recorded before it
 * is acted on, except where acting twice does no harm. The table is also in
 * docs/spec/40-boot.md, with the reasons.
 *
 * Nothing is started or installed on one decision: vouch verifies again, in full, and alone
 * makes the address to jump to; begin_swap has the rules asked again. So one instruction that
 * a glitch skips or falsifies starts nothing (test/glitch).
 *
 * A journal that cannot be written any more must not brick the device: a swap is then
 * not begun, or turned back (a revert needs no record to be safe), and the image starts.
 */
#include <string.h>

#include "boot/swap.h"
#include "otter/result.h"
#include "slot/journal.h"
#include "slot/trailer.h"

enum { START = 0, LOOK_AGAIN = 1 };
enum { TRIAL_BOOTS_DEFAULT = 3, ATTEMPTS_MAX = 15, BUF_SIZE_MIN = 512 };

struct boot { /* what is used most comes first: that makes short instructions */
    const struct otter_boot_config *config;
    const struct otter_layout *layout;
    int primary_err;     /* of the last verification */
    bool primary_known;  /* it still holds */
    bool entered;        /* the phase was entered in this call: nothing was interrupted */
    bool bootstrapped, reverted; /* in this call: not tried twice */
    bool wanted;         /* the rules led to begin_swap once; it is done at the second time */
    enum otter_reason verdict;   /* why the request, or the trial, fails */
    struct otter_boot_event event; /* the next one */
    struct otter_run run;
    struct otter_state state;
    struct otter_image primary, secondary;
    uint32_t entry_addr; /* to jump to; 0 until the primary is vouched for */
};

/* The fields of boot->event that were set go with it, and are cleared. */
static void tell(struct boot *boot, enum otter_boot_event_kind kind)
{
    boot->event.kind = kind;
    boot->event.phase = boot->state.phase;
    if (boot->event.reason == OTTER_REASON_NONE) {
        boot->event.reason = boot->state.reason;
    }
    if (boot->config->on_event != NULL) {
        boot->config->on_event(boot->config->ctx, &boot->event);
    }
    memset(&boot->event, 0, sizeof boot->event);
}

static int verify_once(const struct boot *boot, const struct otter_view *view,
                       struct otter_image *image)
{
    const struct otter_boot_config *config = boot->config;
    struct otter_image_check check;
    int err = otter_image_parse(view, image);
    if (err < 0) {
        return err;
    }
    otter_image_check_begin(&check, view, image, config->keys, config->keys_count);
    do {
        otter_run_feed(&boot->run);
        err = otter_image_check_step(&check, config->buf, config->buf_size);
    } while (err > 0);
    return err;
}

/* What fails is read once more: a verdict that one wrong read brought about is none. */
static int verify(const struct boot *boot, const struct otter_view *view, struct otter_image *image)
{
    int err = verify_once(boot, view, image);
    return err < 0 ? verify_once(boot, view, image) : err;
}

static bool startable(const struct boot *boot, const struct otter_view *view,
                      const struct otter_image *image)
{
    return otter_startable(boot->config->startable, boot->layout, view, image);
}

static uint8_t trial_boots(const struct boot *boot)
{
    return boot->config->trial_boots == 0 ? TRIAL_BOOTS_DEFAULT : boot->config->trial_boots;
}

/* Read the state, from the first byte. */
static int read_state(struct boot *boot)
{
    struct otter_state *state = &boot->state;
    int err = otter_state_open(state, boot->layout);
    if (err == OTTER_ERR_IO) {
        /* A primary that verifies is a whole image. Nothing is written, and nothing installed
         * below a floor that is not known. */
        state->phase = OTTER_PHASE_IDLE;
        state->proven = true;
        memset(&state->floor_version, 0xff, sizeof state->floor_version);
        state->floor_counter = UINT32_MAX;
        err = OTTER_OK;
    }
    return err;
}

/* The phase as it stands goes on record; what follows is not a resumption. */
static int enter(struct boot *boot, enum otter_phase phase)
{
    boot->entered = true;
    boot->state.phase = phase;
    return otter_state_write(&boot->state);
}

static void settle(struct boot *boot, enum otter_reason reason, const struct otter_image *confirmed)
{
    boot->entered = true;
    boot->state.reason = reason;
    (void)otter_state_settle(&boot->state, confirmed); /* not on record: decided again */
}

/* Questions. */

static bool always(struct boot *boot)
{
    (void)boot;
    return true;
}

static bool primary_good(struct boot *boot)
{
    if (!boot->primary_known) {
        struct otter_view view = otter_view_of(&boot->layout->primary);
        boot->primary_err = verify(boot, &view, &boot->primary);
        boot->primary_known = true;
        if (boot->primary_err == OTTER_OK && !startable(boot, &view, &boot->primary)) {
            boot->primary_err = OTTER_ERR_REFUSED;
            boot->event.reason = OTTER_REASON_WRONG_PLACE;
        }
        if (boot->primary_err < 0) {
            boot->event.err = boot->primary_err;
            tell(boot, OTTER_BOOT_PRIMARY_BAD);
        }
    }
    return boot->primary_err == OTTER_OK;
}

/* Plan for the secondary's image to replace the primary's, which is kept if it is good. */
static bool plan_fits(struct boot *boot)
{
    bool keep = boot->layout->mode == OTTER_MODE_SWAP && primary_good(boot);
    return otter_plan_make(boot->layout, keep ? boot->primary.size : 0, boot->secondary.size,
                           &boot->run.plan) == OTTER_OK;
}

static bool is_older(struct boot *boot)
{
    const struct otter_version *version = &boot->secondary.version;
    return otter_version_compare(version, &boot->state.floor_version) < 0 ||
           (primary_good(boot) && otter_version_compare(version, &boot->primary.version) < 0);
}

static bool counter_is_lower(struct boot *boot)
{
    uint32_t counter = boot->secondary.security_counter;
    return counter < boot->state.floor_counter ||
           (primary_good(boot) && counter < boot->primary.security_counter);
}

/* Why the image in the secondary may not be installed: the first that applies. */
static enum otter_reason judge_secondary(struct boot *boot)
{
    struct otter_view view = otter_view_of(&boot->layout->secondary);
    if (boot->layout->journal.size == 0) { /* trailer and marks are not image */
        view.low.size = view.split = boot->layout->trailers->limit(&view.low);
    }
    if (verify(boot, &view, &boot->secondary) < 0) {
        return OTTER_REASON_BAD_IMAGE;
    }
    if (!startable(boot, &view, &boot->secondary)) {
        return OTTER_REASON_WRONG_PLACE;
    }
    if (otter_state_rejects_hash(&boot->state, boot->secondary.hash)) {
        return OTTER_REASON_REJECTED;
    }
    if (is_older(boot)) {
        return OTTER_REASON_DOWNGRADE;
    }
    if (counter_is_lower(boot)) {
        return OTTER_REASON_COUNTER;
    }
    return plan_fits(boot) ? OTTER_REASON_NONE : OTTER_REASON_NOSPACE;
}

static bool request_refused(struct boot *boot)
{
    const struct otter_reject *requested = &boot->state.requested;
    boot->verdict = judge_secondary(boot);
    if (boot->verdict != OTTER_REASON_BAD_IMAGE && boot->layout->journal.size != 0 &&
        memcmp(requested->hash, boot->secondary.hash, sizeof requested->hash) != 0) {
        boot->verdict = OTTER_REASON_NOT_REQUESTED;
    }
    return boot->verdict != OTTER_REASON_NONE;
}

static bool secondary_good(struct boot *boot)
{
    return !boot->bootstrapped && judge_secondary(boot) == OTTER_REASON_NONE;
}

/* The plan of the record: the one that the swap began with, if it fits this layout. */
static bool has_plan(struct boot *boot)
{
    const struct otter_state *state = &boot->state;
    return otter_plan_make(boot->layout, state->old_size, state->new_size, &boot->run.plan) == OTTER_OK &&
           boot->run.plan.unit == state->unit_size;
}

/* Can a move that is on record go on? */
static bool plan_holds(struct boot *boot)
{
    return has_plan(boot) && boot->state.out_count <= boot->run.plan.count;
}

static bool fallback_good(struct boot *boot)
{
    const struct otter_state *state = &boot->state;
    struct otter_image image;
    if (boot->reverted || state->old_size == 0 || !has_plan(boot)) {
        return false;
    }
    struct otter_view view = otter_plan_fallback(boot->layout, &boot->run.plan);
    return verify(boot, &view, &image) == OTTER_OK && image.size == state->old_size;
}

static bool trial_goes_on(struct boot *boot)
{
    enum otter_reason reason = boot->state.reason; /* given up by the application */
    if (reason == OTTER_REASON_NONE && boot->config->reset_by_watchdog && !boot->entered) {
        reason = OTTER_REASON_WATCHDOG;
    }
    if (reason == OTTER_REASON_NONE && boot->state.attempts >= trial_boots(boot)) {
        reason = OTTER_REASON_NOT_CONFIRMED;
    }
    if (reason == OTTER_REASON_NONE && !primary_good(boot)) {
        reason = OTTER_REASON_PRIMARY_DEAD;
    }
    boot->verdict = reason;
    return reason == OTTER_REASON_NONE;
}

static bool may_stay_on_trial(struct boot *boot)
{
    return boot->state.attempts < ATTEMPTS_MAX && primary_good(boot);
}

/* Acts. */

/* Whatever led here: the primary is verified once more, from its first byte. */
static int vouch(struct boot *boot)
{
    boot->primary_known = false;
    bool good = primary_good(boot);
    if (good) {
        boot->entry_addr = boot->layout->primary_addr + boot->primary.header_size;
    }
    return good ? START : LOOK_AGAIN;
}

static int start(struct boot *boot)
{
    struct otter_state *state = &boot->state;
    int result = vouch(boot);
    if (result != START) {
        return result;
    }
    bool floor_rises = boot->layout->journal.size != 0 &&
                       otter_state_floor_rises(state, &boot->primary);
    if (!state->proven || state->journal.unproven || floor_rises) {
        settle(boot, state->reason, &boot->primary);
    }
    return START;
}

static int start_trial(struct boot *boot)
{
    int result = vouch(boot);
    if (result != START) {
        return result;
    }
    boot->event.attempt = ++boot->state.attempts;
    (void)enter(boot, OTTER_PHASE_TRIAL); /* then the jump: an attempt counts from here */
    boot->event.attempts_allowed = trial_boots(boot);
    boot->event.version = boot->primary.version;
    tell(boot, OTTER_BOOT_TRIAL);
    return START;
}

static int refuse(struct boot *boot)
{
    settle(boot, boot->verdict, NULL);
    boot->event.version = boot->verdict == OTTER_REASON_BAD_IMAGE ? boot->state.requested.version
                                                                  : boot->secondary.version;
    tell(boot, OTTER_BOOT_REFUSED);
    return LOOK_AGAIN;
}

/* Install what the plan was made for; but the first time, have everything read and asked again. */
static int begin_swap(struct boot *boot)
{
    struct otter_state *state = &boot->state;
    const struct otter_plan *plan = &boot->run.plan;
    boot->wanted = !boot->wanted;
    if (boot->wanted) {
        boot->primary_known = false;
        (void)read_state(boot); /* it is this map's: that was asked before */
        return LOOK_AGAIN;
    }
    bool dead = !primary_good(boot);
    boot->bootstrapped = dead; /* and then no swap is begun any more */
    boot->run.redo_all = dead;
    state->permanent = state->permanent || plan->old_size == 0;
    state->reason = OTTER_REASON_NONE;
    state->attempts = 0;
    state->out_count = 0;
    state->in_count = 0;
    state->old_size = plan->old_size;
    state->new_size = plan->new_size;
    state->unit_size = plan->unit;
    if (enter(boot, OTTER_PHASE_SWAP) < 0 && !dead) {
        settle(boot, OTTER_REASON_COPY_FAILED, NULL);
        return LOOK_AGAIN; /* the journal is worn out: stay with what runs */
    }
    boot->event.version = boot->secondary.version;
    if (!dead) {
        boot->event.from = boot->primary.version;
    }
    tell(boot, dead ? OTTER_BOOT_BOOTSTRAP : OTTER_BOOT_SWAP);
    return LOOK_AGAIN;
}

/* Put the old image back: the units that are out. */
static int begin_revert(struct boot *boot, enum otter_reason reason)
{
    boot->state.reason = reason;
    boot->state.attempts = 0;
    boot->reverted = true;
    (void)enter(boot, OTTER_PHASE_REVERT);
    tell(boot, OTTER_BOOT_REVERT);
    return LOOK_AGAIN;
}

static int revert(struct boot *boot)
{
    boot->state.out_count = boot->run.plan.count;
    boot->state.in_count = boot->run.plan.count;
    return begin_revert(boot, boot->state.phase == OTTER_PHASE_TRIAL ? boot->verdict
                                                                    : OTTER_REASON_PRIMARY_DEAD);
}

/* Take up what a reset interrupted: the same state first, so that it cannot read
 * differently any more. */
static void resume(struct boot *boot, enum otter_boot_event_kind kind)
{
    boot->primary_known = false;
    boot->run.told = 0;
    if (!boot->entered) {
        boot->run.redo = true;
        (void)enter(boot, boot->state.phase);
        tell(boot, kind);
    }
}

/* The steps were made: is the primary, as they left it, an image? */
static int whole(struct boot *boot, int err)
{
    return err == OTTER_OK && !primary_good(boot) ? boot->primary_err : err;
}

static int swap(struct boot *boot)
{
    const struct otter_layout *layout = boot->layout;
    /* A dead primary is not compared with; nor one that a forgotten run may have cut. */
    if (layout->journal.size == 0 ||
        (layout->mode == OTTER_MODE_SWAP && boot->state.old_size == 0)) {
        boot->run.redo_all = true;
    }
    return whole(boot, otter_swap_run(&boot->run));
}

static int run_swap(struct boot *boot)
{
    struct otter_state *state = &boot->state;
    resume(boot, OTTER_BOOT_SWAP_RESUMED);
    int err = swap(boot);
    if (err < 0 && state->old_size != 0) {
        return begin_revert(boot, OTTER_REASON_COPY_FAILED);
    }
    if (err == OTTER_ERR_IO) {
        return err; /* flash: the next boot tries again */
    }
    if (err < 0) {
        settle(boot, OTTER_REASON_COPY_FAILED, NULL);
    } else if (state->permanent) {
        settle(boot, OTTER_REASON_NONE, &boot->primary);
    } else {
        state->phase = OTTER_PHASE_TRIAL; /* its first attempt records the last step */
    }
    return LOOK_AGAIN;
}

/* The image had its trial and failed it. A flash that failed is no verdict on the image. */
static bool rejects(enum otter_reason reason)
{
    return reason == OTTER_REASON_NOT_CONFIRMED || reason == OTTER_REASON_WATCHDOG ||
           reason == OTTER_REASON_HEALTH;
}

static int run_revert(struct boot *boot)
{
    resume(boot, OTTER_BOOT_REVERT_RESUMED);
    if (rejects(boot->state.reason)) {
        (void)otter_state_write_reject(&boot->state);
    } else {
        boot->run.redo_all = true; /* flash failed: do not compare with what it reads */
    }
    int err = whole(boot, otter_revert_run(&boot->run));
    if (err < 0) {
        return err; /* the next boot tries again */
    }
    settle(boot, boot->state.reason, NULL);
    return LOOK_AGAIN;
}

static int keep(struct boot *boot)
{
    settle(boot, OTTER_REASON_NO_FALLBACK, &boot->primary);
    return LOOK_AGAIN;
}

static int nothing(struct boot *boot)
{
    return boot->primary_err;
}

static const struct {
    enum otter_phase phase;
    bool (*question)(struct boot *boot);
    int (*act)(struct boot *boot);
} rules[] = {
    {OTTER_PHASE_IDLE, primary_good, start},
    {OTTER_PHASE_IDLE, secondary_good, begin_swap},
    {OTTER_PHASE_IDLE, fallback_good, revert},
    {OTTER_PHASE_IDLE, always, nothing},
    {OTTER_PHASE_REQUESTED, request_refused, refuse},
    {OTTER_PHASE_REQUESTED, always, begin_swap},
    {OTTER_PHASE_SWAP, plan_holds, run_swap},
    {OTTER_PHASE_TRIAL, trial_goes_on, start_trial},
    {OTTER_PHASE_TRIAL, fallback_good, revert},
    {OTTER_PHASE_TRIAL, may_stay_on_trial, start_trial},
    {OTTER_PHASE_TRIAL, primary_good, keep},
    {OTTER_PHASE_TRIAL, secondary_good, begin_swap},
    {OTTER_PHASE_TRIAL, always, nothing},
    {OTTER_PHASE_REVERT, plan_holds, run_revert},
};

enum { RULES = sizeof rules / sizeof rules[0] };

static int decide(struct boot *boot)
{
    int result = LOOK_AGAIN;
    for (unsigned turns = 0; result == LOOK_AGAIN; turns++) {
        unsigned i = 0;
        while (i < RULES && (rules[i].phase != boot->state.phase || !rules[i].question(boot))) {
            i++;
        }
        if (i == RULES) { /* no such phase, or no such plan: must not be the end */
            boot->state.phase = OTTER_PHASE_IDLE;
            boot->state.proven = false;
        } else {
            result = turns < RULES ? rules[i].act(boot) : OTTER_ERR_CORRUPT;
        }
    }
    return result;
}

static bool sane(const struct otter_boot_config *config)
{
    const struct otter_layout *layout = config->layout;
    uint32_t unit = layout->primary.flash->prog_size;
    uint32_t other = layout->secondary.flash->prog_size;
    uint32_t largest = unit > other ? unit : other;
    return config->buf != NULL && config->buf_size >= BUF_SIZE_MIN &&
           config->buf_size >= 2 * (size_t)largest && largest <= OTTER_PROG_SIZE_MAX &&
           (layout->mode == OTTER_MODE_OVERWRITE || layout->journal.size != 0);
}

static int open_state(struct boot *boot)
{
    struct otter_state *state = &boot->state;
    int err = read_state(boot);
    if (err == OTTER_OK) {
        if (state->created) {
            tell(boot, OTTER_BOOT_JOURNAL_NEW);
        }
        boot->event.version = state->requested.version;
        boot->event.attempt = state->attempts;
        tell(boot, OTTER_BOOT_FOUND);
    }
    return err;
}

int otter_boot(const struct otter_boot_config *config, struct otter_boot_choice *ret_choice)
{
    struct boot boot = {.config = config, .layout = config->layout};
    if (!sane(config)) {
        return OTTER_ERR_ARG;
    }
    boot.run.config = config;
    boot.run.state = &boot.state;
    int err = open_state(&boot);
    bool other_map = err == OTTER_ERR_REFUSED;
    if (err == OTTER_OK) {
        err = decide(&boot);
    }
    if (err < 0) {
        boot.event.err = err;
        tell(&boot, other_map ? OTTER_BOOT_OTHER_MAP : OTTER_BOOT_NOTHING);
        return err;
    }
    ret_choice->image = boot.primary;
    ret_choice->entry_addr = boot.entry_addr;
    ret_choice->on_trial = otter_state_on_trial(&boot.state);
    ret_choice->attempt = boot.state.attempts; /* 0 at rest */
    ret_choice->reason = ret_choice->on_trial ? OTTER_REASON_NONE : boot.state.reason;
    boot.event.version = boot.primary.version;
    tell(&boot, OTTER_BOOT_START);
    return OTTER_OK;
}
