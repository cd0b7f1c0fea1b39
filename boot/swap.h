/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap.h - the plan of a swap, and its steps. Private to boot/. SPEC: docs/spec/40-boot.md.
 *
 * The old image moves up by one unit in the secondary, from the top down, and the new one
 * moves in place behind it. Everything is recomputed from the layout and the two sizes;
 * two counters in the state record are the whole progress.
 */
#ifndef OTTER_BOOT_SWAP_H
#define OTTER_BOOT_SWAP_H

#include "otter/boot.h"

#define OTTER_UNIT_MAX_DEFAULT 0x80000u

struct otter_plan {
    uint32_t old_size, new_size; /* bytes; old_size 0: nothing is kept (overwrite, bootstrap) */
    uint32_t unit;  /* bytes moved in one step, and how far the old image moves up */
    uint32_t end;   /* where the units end: the first common sector boundary >= both sizes */
    uint32_t count; /* units; counted from `end` downwards, so unit 0 may be short */
    uint32_t split; /* old bytes from here on go to scratch; UINT32_MAX: none */
};

/* OTTER_ERR_NOSPACE: the images do not fit, or no hole is large enough. */
int otter_plan_make(const struct otter_layout *layout, uint32_t old_size, uint32_t new_size,
                    struct otter_plan *ret_plan);

/* Where the old image lies once all of it has moved. */
struct otter_view otter_plan_fallback(const struct otter_layout *layout,
                                      const struct otter_plan *plan);

/* Bytes of an image of `size` in units [0, count) from the top. */
uint32_t otter_plan_done(const struct otter_plan *plan, uint32_t size, uint32_t count);

/* What a swap, revert or overwrite works with. */
struct otter_run {
    const struct otter_boot_config *config;
    struct otter_state *state;
    struct otter_plan plan;
    bool redo;      /* the next copy may have been cut: trust nothing in its destination */
    bool redo_all;  /* the primary is bad, or nothing remembers how far the last run came */
    uint32_t total; /* bytes, for events */
    uint32_t told;  /* of them at the last event */
};

void otter_run_feed(const struct otter_run *run); /* the watchdog */

/* Run the steps from state->out_count, in_count to the end. The record of the last step is
 * the caller's next state. 0: all is in place; OTTER_ERR_IO: a copy or a record failed. */
int otter_swap_run(struct otter_run *run);

/* Copy the old image back: units state->out_count down to 0. OTTER_ERR_IO: a copy failed.
 * Records that fail are left out: the next boot copies the same bytes again. */
int otter_revert_run(struct otter_run *run);

/* One copy between areas. The source stays as it is. */
struct otter_copy {
    const struct otter_area *from, *to;
    uint32_t from_off, to_off, len;
    bool redo; /* erase and program everything; else sectors that are equal are skipped */
};

/* `done`: bytes before this copy, for events. */
int otter_copy_run(struct otter_run *run, const struct otter_copy *copy, uint32_t done);

#endif
