/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap.c - the steps of a swap and of a revert.
 *
 * Each step copies one unit into a place whose old bytes are needed no more, then appends
 * a record. So at any cut one copy is in doubt, and its source is untouched: it is done
 * again. The last step's record is the state that follows (trial or idle).
 *
 *   swap:   for each unit from the top: old out of the primary, new into the primary
 *   revert: for each unit that is out, from the bottom: old back into the primary
 *
 * A revert never writes the fallback, so it can be begun again at any time.
 */
#include "boot/swap.h"

#include "otter/result.h"
#include "slot/journal.h"

struct range {
    uint32_t begin, len;
};

/* The bytes of unit `index` that an image of this size uses. */
static struct range range_of(const struct otter_plan *plan, uint32_t index, uint32_t size)
{
    uint32_t above = plan->count - 1 - index; /* units above this one */
    uint32_t begin = index == 0 ? 0 : plan->end - (above + 1) * plan->unit;
    uint32_t end = plan->end - above * plan->unit;
    end = end < size ? end : size;
    return (struct range){begin, end > begin ? end - begin : 0};
}

/* Where the old bytes of a range are kept (otter_plan_fallback). A unit lies on one side of
 * the split. */
static const struct otter_area *kept_at(const struct otter_run *run, uint32_t begin,
                                        uint32_t *ret_off)
{
    const struct otter_layout *layout = run->state->layout;
    if (begin >= run->plan.split) {
        *ret_off = begin - run->plan.split;
        return &layout->scratch;
    }
    *ret_off = begin + run->plan.unit;
    return &layout->secondary;
}

static uint32_t done_of(const struct otter_run *run)
{
    const struct otter_state *state = run->state;
    uint32_t out = otter_plan_done(&run->plan, run->plan.old_size, state->out_count);
    if (state->phase == OTTER_PHASE_REVERT) {
        return run->plan.old_size - out;
    }
    return out + otter_plan_done(&run->plan, run->plan.new_size, state->in_count);
}

/* One copy of this run; what comes after it was not cut by the last reset. */
static int move(struct otter_run *run, const struct otter_copy *copy)
{
    int err = otter_copy_run(run, copy, done_of(run));
    run->redo = run->redo && err < 0;
    return err;
}

static int move_out(struct otter_run *run, struct range range)
{
    struct otter_copy copy = {.from = &run->state->layout->primary, .from_off = range.begin,
                              .len = range.len, .redo = true}; /* foreign bytes: never equal */
    copy.to = kept_at(run, range.begin, &copy.to_off);
    return move(run, &copy);
}

static int move_in(struct otter_run *run, struct range range)
{
    struct otter_copy copy = {.from = &run->state->layout->secondary, .from_off = range.begin,
                              .to = &run->state->layout->primary, .to_off = range.begin,
                              .len = range.len, .redo = run->redo || run->redo_all};
    return move(run, &copy);
}

static int move_back(struct otter_run *run, struct range range)
{
    struct otter_copy copy = {.to = &run->state->layout->primary, .to_off = range.begin,
                              .len = range.len, .redo = run->redo || run->redo_all};
    copy.from = kept_at(run, range.begin, &copy.from_off);
    return move(run, &copy);
}

/* Record a step. With nothing kept it may be missing: the next boot copies it again. */
static int record(struct otter_run *run)
{
    int err = otter_state_write(run->state);
    return run->plan.old_size == 0 ? OTTER_OK : err;
}

int otter_swap_run(struct otter_run *run)
{
    struct otter_state *state = run->state;
    const struct otter_plan *plan = &run->plan;
    run->total = plan->old_size + plan->new_size;
    while (state->in_count < plan->count) {
        bool out = state->out_count == state->in_count;
        uint32_t index = plan->count - 1 - state->in_count;
        struct range range = range_of(plan, index, out ? plan->old_size : plan->new_size);
        int err = range.len == 0 ? OTTER_OK : out ? move_out(run, range) : move_in(run, range);
        if (err < 0) {
            return err;
        }
        *(out ? &state->out_count : &state->in_count) += 1;
        /* cut here: the copy is done again */
        if (range.len != 0 && state->in_count < plan->count) {
            err = record(run);
        }
        if (err < 0) {
            return err; /* without a record the next source must not be touched */
        }
    }
    return OTTER_OK;
}

int otter_revert_run(struct otter_run *run)
{
    struct otter_state *state = run->state;
    run->total = run->plan.old_size;
    while (state->out_count > 0) {
        uint32_t index = run->plan.count - state->out_count;
        struct range range = range_of(&run->plan, index, run->plan.old_size);
        int err = range.len == 0 ? OTTER_OK : move_back(run, range);
        if (err < 0) {
            return err;
        }
        state->out_count--;
        if (range.len != 0 && state->out_count > 0) {
            (void)otter_state_write(state);
        }
    }
    return OTTER_OK;
}
