/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.c - the decoder: takes patch bytes, walks, makes result bytes.
 *
 * Steps: HEAD (the header), BEGIN (the first bytes of code), MAP (one entry at a time), WALK
 * (one unit at a time), DONE. A step runs only when the window holds as many patch bytes as it
 * can need at most, or all that are left; so no step ever waits in its middle.
 */
#include "otter/delta.h"

#include "otter/result.h"

#include "delta/model.h"

struct otter_delta_unit;
struct walk_want;

enum { STEP_HEAD, STEP_BEGIN, STEP_MAP, STEP_WALK, STEP_DONE };
enum { STEP_BYTES = 84, ZEROS_MAX = 4 };

static uint8_t next_byte(struct otter_delta *delta)
{
    struct otter_delta_coder *coder = &delta->coder;
    if (coder->window_off < coder->window_len) {
        return coder->window[coder->window_off++];
    }
    if (coder->zeros >= ZEROS_MAX) {
        delta->error = OTTER_ERR_CORRUPT;
        return 0;
    }
    coder->zeros++;
    return 0;
}

/* `range` is how many values of `code` are possible, less one. The first bit takes the first four bytes. */
static unsigned code_bit(struct otter_delta *delta, uint32_t p, unsigned wanted)
{
    struct otter_delta_coder *coder = &delta->coder;
    (void)wanted;
    while (coder->range < 0x1000000u) {
        coder->range = coder->range << 8 | 0xffu;
        coder->code = coder->code << 8 | next_byte(delta);
    }
    uint32_t bound = (uint32_t)(((uint64_t)coder->range * p) >> 16);
    if (coder->code <= bound) {
        coder->range = bound;
        return 1;
    }
    coder->code -= bound + 1u;
    coder->range -= bound + 1u;
    return 0;
}

static void code_about(struct otter_delta *delta, enum walk_about about)
{
    (void)delta;
    (void)about;
}

static void code_plan(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want)
{
    (void)delta;
    (void)unit;
    (void)want;
}

static unsigned code_size(uint32_t wanted)
{
    (void)wanted;
    return 0;
}

#include "delta/walk.h"

void otter_delta_begin(struct otter_delta *delta, const struct otter_delta_io *io, uint32_t result_max)
{
    memset(delta, 0, sizeof *delta);
    delta->io = io;
    delta->result_max = result_max;
    delta->header.patch_size = OTTER_DELTA_HEADER_SIZE; /* until it has been read */
}

static int read_entry(struct otter_delta *delta)
{
    if (delta->entries_left == 0u) {
        walk_begin(delta);
        delta->step = STEP_WALK;
        return 0;
    }
    delta->entries_left--;
    return code_entry(delta, 0, 0);
}

static int read_head(struct otter_delta *delta)
{
    struct otter_delta_coder *coder = &delta->coder;
    int err = otter_delta_read_header(coder->window, coder->window_len, &delta->header);
    if (err < 0) {
        return err;
    }
    coder->window_off = OTTER_DELTA_HEADER_SIZE;
    delta->filter = otter_delta_filter_find(delta->header.filter);
    delta->step = STEP_BEGIN;
    return delta->header.size > delta->result_max ? OTTER_ERR_NOSPACE : 0;
}

static int begin(struct otter_delta *delta)
{
    uint32_t entries = code_entries(delta, 0);
    delta->entries_left = (uint8_t)entries;
    delta->step = STEP_MAP;
    return entries < OTTER_DELTA_MAP_MAX ? 0 : OTTER_ERR_CORRUPT;
}

/* Move patch bytes into the window. */
static void take(struct otter_delta *delta, const uint8_t *in, size_t in_len, size_t *used)
{
    struct otter_delta_coder *coder = &delta->coder;
    uint32_t held = (uint32_t)coder->window_len - coder->window_off;
    uint32_t len = delta->header.patch_size - delta->taken;
    len = len < sizeof coder->window - held ? len : (uint32_t)sizeof coder->window - held;
    len = len < in_len - *used ? len : (uint32_t)(in_len - *used);
    memmove(coder->window, coder->window + coder->window_off, held);
    if (len > 0u) {
        memcpy(coder->window + held, in + *used, len);
    }
    coder->window_off = 0;
    coder->window_len = (uint8_t)(held + len);
    delta->taken += len;
    *used += len;
}

static bool may_step(const struct otter_delta *delta)
{
    const struct otter_delta_coder *coder = &delta->coder;
    return coder->window_len - coder->window_off >= STEP_BYTES || delta->taken == delta->header.patch_size;
}

/* All of the patch must have been of use. With nothing in the window a step is made only when all was taken. */
static int finish(struct otter_delta *delta)
{
    delta->step = STEP_DONE;
    return delta->coder.window_off == delta->coder.window_len ? 0 : OTTER_ERR_CORRUPT;
}

static void step(struct otter_delta *delta)
{
    struct walk_want nothing = {.file = NULL};
    int err = 0;
    if (delta->step == STEP_HEAD) {
        err = read_head(delta);
    } else if (delta->step == STEP_BEGIN) {
        err = begin(delta);
    } else if (delta->step == STEP_MAP) {
        err = read_entry(delta);
    } else if (delta->pos < delta->header.size) {
        code_unit(delta, &nothing);
        delta->pending_off = 0;
    } else {
        err = finish(delta);
    }
    delta->error = err < 0 ? err : delta->error;
}

/* True: all that was made is out. */
static bool drain(struct otter_delta *delta, uint8_t *out, size_t out_size, size_t *made)
{
    while (delta->pending_off < delta->pending_len && *made < out_size) {
        out[(*made)++] = delta->pending[delta->pending_off++];
    }
    return delta->pending_off == delta->pending_len;
}

int otter_delta_run(struct otter_delta *delta, const uint8_t *in, size_t in_len, size_t *ret_used,
                    uint8_t *out, size_t out_size, size_t *ret_made)
{
    *ret_used = 0;
    *ret_made = 0;
    delta->out = out;
    delta->out_off = delta->pos - (uint32_t)(delta->pending_len - delta->pending_off);
    while (delta->error == 0 && drain(delta, out, out_size, ret_made) && delta->step != STEP_DONE) {
        if (!may_step(delta)) {
            take(delta, in, in_len, ret_used);
        }
        if (!may_step(delta)) {
            break;
        }
        step(delta);
    }
    if (delta->step == STEP_DONE && *ret_used < in_len) {
        delta->error = OTTER_ERR_CORRUPT;
    }
    return delta->error < 0 ? delta->error : delta->step == STEP_DONE ? 1 : 0;
}
