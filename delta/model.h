/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - what encoder and decoder expect, and how they learn.
 *
 * A slot is one adaptive probability that a bit is 1: 22 bits of it, and how often it was
 * used in the low 10. The first uses move it a lot, later ones by 1/limit.
 */
#ifndef OTTER_DELTA_MODEL_H
#define OTTER_DELTA_MODEL_H

#include "otter/delta.h"

/* What bits are about, for statistics. */
enum walk_about { ABOUT_MAP, ABOUT_JUMPS, ABOUT_COPIES, ABOUT_REFERENCES, ABOUT_LITERALS, ABOUT_KINDS };

/* The probability of a 1 in 65536ths, never 0 and never 65536. */
static inline uint32_t slot_probability(uint32_t slot)
{
    uint32_t p = slot >> 16;
    return p < 16u ? 16u : p > 65520u ? 65520u : p;
}

static inline void slot_learn(uint32_t *slot, unsigned bit, unsigned limit)
{
    uint32_t count = *slot & 0x3ffu;
    int32_t p = (int32_t)(*slot >> 10);
    int32_t goal = bit != 0u ? 0x3fffff : 0;
    p += 2 * (goal - p) / (int32_t)(2u * count + 3u);
    count += count < limit ? 1u : 0u;
    *slot = (uint32_t)p << 10 | count;
}

/* ln(p / (1 - p)) in 256ths of a binary logarithm; p in 65536ths. */
int32_t otter_delta_stretch(uint32_t p);
/* Its inverse. */
uint32_t otter_delta_squash(int32_t x);

void otter_delta_model_begin(struct otter_delta_model *model);

#endif
