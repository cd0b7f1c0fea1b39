/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - the model before the first bit, and logistic mixing in integers. */
#include "delta/model.h"

#include <string.h>

enum { STEADY_RATE = 5, WEIGHT_RATE = 11, WEIGHT_ONE = 14 };
enum { AWAY_MAX = 3071 }; /* 12 bits: a probability of 16 in 65536 */

/* log2(x) in 256ths, x >= 1: the mantissa's curve is 1.34 m - 0.34 m^2. */
static int32_t logarithm(uint32_t x)
{
    int32_t whole = 0;
    for (int32_t step = 16; step > 0; step >>= 1) {
        whole += x >> (whole + step) != 0u ? step : 0;
    }
    int32_t part = (int32_t)((x << (31 - whole)) >> 19 & 0xfffu); /* 12 bits after the leading 1 */
    int32_t curve = (part * (5505 - ((1409 * part) >> 12))) >> 12;
    return whole * 256 + (curve >> 4);
}

/* log2(p / (1 - p)) in 256ths; p in 65536ths, not 0. */
static int32_t stretch(uint32_t p)
{
    return logarithm(p) - logarithm(65536u - p);
}

/* Its inverse, within 16 and 65520. */
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

uint32_t otter_delta_mix_probability(struct otter_delta_mix *mix)
{
    int32_t sum = 0;
    for (unsigned i = 0; i < MIX_MAX; i++) {
        uint32_t slot = *mix->slots[i];
        mix->opinion[i] = stretch(mix->young ? otter_delta_young_probability((uint16_t)slot) : slot | 8u);
        sum += mix->opinion[i] * mix->weights[i]; /* 3 * 2^12 * 2^15 at most */
    }
    return squash(sum >> WEIGHT_ONE);
}

void otter_delta_mix_learn(struct otter_delta_mix *mix, uint32_t p, unsigned bit)
{
    int32_t error = ((int32_t)(bit << 16) - (int32_t)p) >> 4;
    for (unsigned i = 0; i < MIX_MAX; i++) {
        int32_t weight = mix->weights[i] + ((mix->opinion[i] * error) >> (WEIGHT_RATE + 16 - WEIGHT_ONE));
        weight = weight > INT16_MAX ? INT16_MAX : weight;
        mix->weights[i] = (int16_t)(weight < -INT16_MAX ? -INT16_MAX : weight);
        if (mix->young) {
            otter_delta_young_learn(mix->slots[i], bit);
        } else {
            int32_t slot = *mix->slots[i];
            *mix->slots[i] = (uint16_t)(slot + (((bit != 0u ? 65535 : 0) - slot) >> STEADY_RATE));
        }
    }
}

void otter_delta_young_learn(uint16_t *slot, unsigned bit)
{
    int32_t count = *slot & 15;
    int32_t p = *slot >> 4;
    int32_t half = bit != 0u ? count + 1 : -count - 1; /* rounds to the nearest */
    p += (2 * ((bit != 0u ? 4095 : 0) - p) + half) / (2 * count + 3);
    p = p < 0 ? 0 : p > 4095 ? 4095 : p;
    count += count < YOUNG_COUNT_MAX ? 1 : 0;
    *slot = (uint16_t)(p << 4 | count);
}

static void fill(uint16_t *slots, size_t size, uint16_t value)
{
    for (size_t i = 0; i < size / sizeof *slots; i++) {
        slots[i] = value;
    }
}

void otter_delta_model_begin(struct otter_delta_model *model)
{
    fill(model->opcode, sizeof model->opcode + sizeof model->past, 512);
    fill(model->form[0], offsetof(struct otter_delta_model, miss_weight) - offsetof(struct otter_delta_model, form), 0x8000);
    for (size_t i = 0; i < 8u; i++) {
        for (size_t kind = 0; kind < 16u; kind++) {
            model->miss[kind][i] = (uint16_t)(0x8000u >> i);
        }
    }
    for (size_t set = 0; set < 16u; set++) {
        model->miss_weight[set][0] = 12500;
        model->miss_weight[set][1] = 2500;
        model->miss_weight[set][2] = 2500;
    }
    for (size_t set = 0; set < 24u; set++) {
        for (size_t i = 0; i < MIX_MAX; i++) {
            model->byte_weight[set][i] = 5000;
        }
    }
}
