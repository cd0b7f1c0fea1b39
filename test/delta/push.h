/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.h - a patch through the device's decoder, in pieces of every size, and what must hold meanwhile.
 *
 * Every call gets its input and its room in buffers of exactly that size, with guards behind the room.
 * Held to: nothing is read outside the base or beyond what earlier calls made; nothing is written
 * outside the room; a call that could do something does something; reads are at most so many a byte;
 * an error stays; the end stays.
 */
#ifndef OTTER_TEST_DELTA_PUSH_H
#define OTTER_TEST_DELTA_PUSH_H

#include <stddef.h>
#include <stdint.h>

#include "otter/delta.h"

struct push {
    const uint8_t *base, *patch;
    size_t base_len, patch_len;
    uint32_t result_max;
    uint64_t cuts;      /* which pieces; 0: everything at once */
    uint32_t fail_read; /* this read fails, of either kind (1: the first); 0: none */
};

struct pushed {
    int err;            /* 1: complete; 0: the patch ended before the result did; <0: as otter_delta_run said */
    uint8_t *bytes;     /* made so far; free() */
    uint32_t made;
    size_t used;        /* bytes of the patch */
    uint32_t reads;     /* calls of read_old and read_new */
    const char *broken; /* the first rule that did not hold; NULL: all did */
};

struct pushed push_patch(const struct push *push);

/* splitmix64: the next number below `below` (0: any 32 bits). */
uint32_t push_random(uint64_t *state, uint32_t below);

#endif
