/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any piece of a patch, at any step, into a window that holds anything: all of it lies inside the piece and inside
 * the window, and nothing is taken beyond what the patch says of its size.
 */
#include <string.h>

#include "proof.h"

/* Bounds are proven, contents are not followed. */
static void *moved(void *to, const void *from, size_t len)
{
    PROVE(__CPROVER_w_ok(to, len) && __CPROVER_r_ok(from, len));
    return to;
}
#define memcpy moved
#define memmove moved

#include "delta/decode.c" /* for its static functions */

enum { PIECE = 300 };

int main(void)
{
    static struct otter_delta delta;
    struct otter_delta_coder *coder = &delta.coder;
    uint8_t in[PIECE];
    size_t in_len = nondet_size();
    size_t used = 0;
    coder->window_len = nondet_u8();
    coder->window_off = nondet_u8();
    delta.step = nondet_u8();
    delta.taken = nondet_u32();
    delta.header.patch_size = nondet_u32();
    ASSUME(in_len <= PIECE && coder->window_len <= sizeof coder->window && coder->window_off <= coder->window_len);
    ASSUME(delta.step <= STEP_DONE && delta.header.patch_size <= OTTER_DELTA_SIZE_MAX);
    if (delta.step == STEP_HEAD) {
        ASSUME(coder->window_off == 0 && delta.taken == coder->window_len && coder->window_len <= OTTER_DELTA_HEADER_SIZE);
    } else {
        ASSUME(delta.taken <= delta.header.patch_size && delta.taken >= OTTER_DELTA_HEADER_SIZE);
    }
    uint32_t before = delta.taken;
    size_t held = (size_t)coder->window_len - coder->window_off;
    take(&delta, in, in_len, &used);
    PROVE(used <= in_len && coder->window_off == 0 && coder->window_len <= sizeof coder->window);
    PROVE(coder->window_len == held + used && delta.taken == before + used);
    PROVE(delta.step == STEP_HEAD || delta.taken <= delta.header.patch_size);
    return 0;
}
