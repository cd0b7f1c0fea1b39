/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - probabilities that learn, and how several of them are mixed into one.
 *
 * Two kinds of slots of 16 bits, each the probability that a bit is 1. A steady one moves by 1/32 of the way:
 * for what happens rarely. A young one has its count of uses in the low 4 bits and moves a lot at
 * first: for what comes only a few times in a patch.
 */
#ifndef OTTER_DELTA_MODEL_H
#define OTTER_DELTA_MODEL_H

#include "otter/delta.h"

/* What bits are about, for statistics. */
enum walk_about { ABOUT_MAP, ABOUT_JUMPS, ABOUT_COPIES, ABOUT_REFERENCES, ABOUT_LITERALS, ABOUT_KINDS };

enum { MIX_MAX = 3, YOUNG_COUNT_MAX = 12 };

/* What is mixed for one bit: slots, weights in 16384ths, and the slots' opinions. */
struct otter_delta_mix {
    uint16_t *slots[MIX_MAX];
    int16_t *weights;
    int32_t opinion[MIX_MAX];
    bool young;
};

/* The probability of a 1 in 65536ths, at least 16 and at most 65520. */
uint32_t otter_delta_mix_probability(struct otter_delta_mix *mix);
/* The bit was this: each slot learns it, and weights grow of those that knew. */
void otter_delta_mix_learn(struct otter_delta_mix *mix, uint32_t p, unsigned bit);

void otter_delta_young_learn(uint16_t *slot, unsigned bit);
static inline uint32_t otter_delta_young_probability(uint16_t slot)
{
    return (slot & 0xfff0u) + 8u;
}

void otter_delta_model_begin(struct otter_delta_model *model);

#endif
