/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expect.h - what the next unit of the result is expected to be, before a bit of the patch is read for it.
 *
 * A unit is four bytes (a call, a word that looks like an address), two, or one. It is expected to be what lies at
 * `source` in the base, with its reference moved along by the map, or by a correction learnt before.
 */
#ifndef OTTER_DELTA_EXPECT_H
#define OTTER_DELTA_EXPECT_H

#include "delta/filter.h"

struct otter_delta_unit {
    uint8_t kind; /* enum otter_delta_kind */
    uint8_t len;
    bool changed;   /* not what the base has */
    uint32_t was;   /* what the base refers to */
    uint32_t is;    /* what the result is expected to refer to */
    uint8_t old[4];
    uint8_t bytes[4]; /* expected */
};

/* What fails is in delta->error. */
void otter_delta_expect(struct otter_delta *delta, struct otter_delta_unit *ret_unit);

/* Make `bytes` refer to `target`. False: they cannot. */
bool otter_delta_aim(const struct otter_delta *delta, const struct otter_delta_unit *unit, uint32_t target, uint8_t bytes[4]);

/* What referred to `was` refers to `is`: expect that from now on. */
void otter_delta_learn(struct otter_delta *delta, uint32_t was, uint32_t is);

#endif
