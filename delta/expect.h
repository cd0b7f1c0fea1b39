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
    bool changed;  /* not what the base has */
    bool disputed; /* `other` is not `is` */
    const struct otter_delta_learnt *close; /* the correction closest by, or NULL */
    uint32_t was;   /* what the base refers to */
    uint32_t is;    /* what the result is expected to refer to */
    uint32_t other; /* what it may refer to instead */
    uint8_t old[4];
    uint8_t bytes[4]; /* expected */
};

/* What fails is in delta->error. */
void otter_delta_expect(struct otter_delta *delta, struct otter_delta_unit *ret_unit);

/* Write unit->is, where it now refers to, into `bytes`. False: they cannot say it. */
bool otter_delta_aim(const struct otter_delta *delta, const struct otter_delta_unit *unit, uint8_t bytes[4]);

/* The unit, which was expected as `before`, refers to `is`. teach: `is` was told, not expected. */
void otter_delta_learn(struct otter_delta *delta, const struct otter_delta_unit *before, uint32_t is, bool teach);

#endif
