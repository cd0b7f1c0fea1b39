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

/* The three of the model that delta->mix names say how probable a 1 is: in 65536ths, at least 16 and at most 65520. */
uint32_t otter_delta_mix(struct otter_delta *delta);
/* The bit was this: the three learn it, and the weights grow of those that knew. */
void otter_delta_mix_learn(struct otter_delta *delta, uint32_t p, unsigned bit);

/* The probability that number `at` of the model has, in 65536ths; and learning. */
uint32_t otter_delta_slot(const struct otter_delta *delta, unsigned at);
void otter_delta_slot_learn(struct otter_delta *delta, unsigned at, unsigned bit);

void otter_delta_model_begin(struct otter_delta *delta);

#endif
