/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - the model before the first bit, and logistic arithmetic in integers. */
#include "delta/model.h"

#include <string.h>

/* log2(x) in 256ths, x >= 1: the mantissa's curve is 1.34 m - 0.34 m^2. */
static int32_t logarithm(uint32_t x)
{
    int32_t whole = 0;
    for (int32_t step = 16; step > 0; step >>= 1) {
        whole += x >> (whole + step) != 0u ? step : 0;
    }
    int32_t part = (int32_t)((x << (31 - whole)) >> 15 & 0xffffu); /* 16 bits after the leading 1 */
    part >>= 4;                                                    /* 12 bits */
    int32_t curve = (part * (5505 - ((1409 * part) >> 12))) >> 12;
    return whole * 256 + (curve >> 4);
}

int32_t otter_delta_stretch(uint32_t p)
{
    return logarithm(p) - logarithm(65536u - p);
}

uint32_t otter_delta_squash(int32_t x)
{
    int32_t away = x < 0 ? -x : x;
    away = away > 3071 ? 3071 : away;
    uint32_t part = 256u - ((uint32_t)away & 255u); /* 2^(part / 256) * 2^-1 * 2^-whole */
    uint32_t power = 65536u + part * (168u + (88u * part >> 8));
    uint32_t small = power >> ((uint32_t)(away >> 8) + 1u); /* 2^-away in 65536ths */
    uint32_t p = (small << 15) / ((65536u + small) >> 1);
    p = p < 16u ? 16u : p;
    return x < 0 ? p : 65536u - p;
}

static void fill(uint32_t *slots, size_t count, uint32_t slot)
{
    for (size_t i = 0; i < count; i++) {
        slots[i] = slot;
    }
}

void otter_delta_model_begin(struct otter_delta_model *model)
{
    memset(model, 0, sizeof *model);
    fill(&model->miss[0][0], (sizeof *model - sizeof model->weight) / 4u, 0x80000000u);
    for (size_t kind = 0; kind < 8u; kind++) {
        for (size_t i = 0; i < 8u; i++) {
            model->miss[kind][i] = (0x80000000u >> i) | 2u;
        }
    }
    for (size_t set = 0; set < 3u; set++) {
        for (size_t i = 0; i < 3u; i++) {
            model->weight[set][i] = 30000;
        }
    }
}
