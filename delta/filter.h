/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - the seam for instruction sets: what refers to an address, and how.
 *
 * A filter reads up to four bytes of the base as an instruction and says which address it
 * refers to; and it writes the same instruction so that it refers to another address. An
 * instruction set is one file with two functions and its place, which is its number, in filter.c's table.
 */
#ifndef OTTER_DELTA_FILTER_H
#define OTTER_DELTA_FILTER_H

#include "otter/delta.h"

enum otter_delta_kind {
    OTTER_DELTA_PLAIN, /* two bytes that refer to nothing */
    OTTER_DELTA_NEAR,  /* two bytes, short reach, multiples of 2 */
    OTTER_DELTA_POOL,  /* two bytes, short reach, multiples of 4 */
    OTTER_DELTA_CALL,  /* four bytes, long reach, multiples of 2 */
    OTTER_DELTA_WORD   /* four bytes, an address */
};

struct otter_delta_filter {
    /* `bytes` stand at `address`: the kind, and what they refer to. NULL: nothing refers, not even words. */
    enum otter_delta_kind (*find)(const uint8_t bytes[4], uint32_t address, uint32_t *ret_target);
    /* Change `bytes`, moved to `address`, to refer to `target`. False: they cannot. */
    bool (*aim)(uint8_t bytes[4], uint32_t address, uint32_t target);
};

const struct otter_delta_filter *otter_delta_filter_find(uint8_t id); /* NULL: unknown */

extern const struct otter_delta_filter otter_delta_thumb;

#endif
