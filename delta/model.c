/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - the model before the first bit, and logistic mixing in integers. */
#include "delta/model.h"

enum { STEADY_RATE = 5, YOUNG_COUNT_MAX = 12, WEIGHT_RATE = 11, WEIGHT_ONE = 14, WEIGHT_FIRST = 5000 };
enum { AWAY_MAX = 3071 }; /* 12 bits: a probability of 16 in 65536 */

/* log2(1 + m / 4096) in 256ths, of the low 12 bits: the curve is 1.34 m - 0.34 m^2. */
static int32_t curve(uint32_t x)
{
    int32_t m = (int32_t)(x & 0xfffu);
    return (m * (5505 - ((1409 * m) >> 12))) >> 16;
}

/* log2(p / (1 - p)) in 256ths; p in 65536ths, neither 0 nor 65536. */
static int32_t stretch(uint32_t p)
{
    uint32_t small = p < 32768u ? p : 65536u - p;
    uint32_t x = small << 16;
    int32_t away = curve((65536u - small) >> 3);
    if (x >> 24 == 0u) { /* most are as sure as that */
        x <<= 8;
        away += 8 * 256;
    }
    for (; x >> 31 == 0u; x <<= 1) {
        away += 256;
    }
    away -= curve(x >> 19);
    return p < 32768u ? -away : away;
}

/* 1 / (1 + 2^-x) in 65536ths, within 16 and 65520; x in 256ths. */
static uint32_t squash(int32_t x)
{
    int32_t away = x < 0 ? -x : x;
    away = away > AWAY_MAX ? AWAY_MAX : away;
    uint32_t part = 256u - ((uint32_t)away & 255u); /* 2^(part / 256) * 2^-1 * 2^-whole */
    uint32_t power = 65536u + part * (168u + (88u * part >> 8));
    uint32_t small = power >> ((uint32_t)(away >> 8) + 1u); /* 2^-away in 65536ths */
    uint32_t p = (small << 15) / ((65536u + small) >> 1);
    p = p < 16u ? 16u : p;
    return x < 0 ? p : 65536u - p;
}

uint32_t otter_delta_slot(const struct otter_delta *delta, unsigned at)
{
    return delta->model[at] | 8u;
}

void otter_delta_slot_learn(struct otter_delta *delta, unsigned at, unsigned bit)
{
    int32_t p = delta->model[at];
    int32_t goal = bit != 0u ? 65535 : 0;
    if (at < OTTER_DELTA_FORM) {
        p += (goal - p) >> STEADY_RATE;
    } else {
        int32_t count = p & 15;
        p >>= 4;
        p += 2 * ((goal >> 4) - p) / (2 * count + 3);
        p = p << 4 | (count + (count < YOUNG_COUNT_MAX ? 1 : 0));
    }
    delta->model[at] = (uint16_t)p;
}

uint32_t otter_delta_mix(struct otter_delta *delta)
{
    int32_t sum = 0;
    for (unsigned i = 0; i < 3u; i++) {
        uint32_t p = otter_delta_slot(delta, delta->mix[i]);
        int32_t opinion = stretch(p);
        delta->opinion[i] = (int16_t)opinion;
        sum += opinion * (int16_t)delta->model[delta->mix[3] + i]; /* 3 * 2^12 * 2^15 at most */
    }
    return squash(sum >> WEIGHT_ONE);
}

void otter_delta_mix_learn(struct otter_delta *delta, uint32_t p, unsigned bit)
{
    int32_t error = ((int32_t)(bit << 16) - (int32_t)p) >> 4;
    for (unsigned i = 0; i < 3u; i++) {
        uint16_t *slot = &delta->model[delta->mix[3] + i];
        int32_t weight = (int16_t)*slot + ((delta->opinion[i] * error) >> (WEIGHT_RATE + 16 - WEIGHT_ONE));
        weight = weight > INT16_MAX ? INT16_MAX : weight;
        *slot = (uint16_t)(weight < -INT16_MAX ? -INT16_MAX : weight);
        otter_delta_slot_learn(delta, delta->mix[i], bit);
    }
}

void otter_delta_model_begin(struct otter_delta *delta)
{
    for (unsigned i = 0; i < OTTER_DELTA_MODEL_SIZE; i++) {
        uint32_t first = i < OTTER_DELTA_MISS_WEIGHT ? 0x8000u : WEIGHT_FIRST;
        delta->model[i] = (uint16_t)(i < OTTER_DELTA_FORM ? 0x8000u >> (i & 7u) : first);
    }
}
