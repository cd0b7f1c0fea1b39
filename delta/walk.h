/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - the walk along the result, unit by unit, that encoder and decoder share.
 *
 * Whoever includes this file has defined
 *     static unsigned code_bit(struct otter_delta *delta, uint32_t p, unsigned wanted);
 * which codes one bit whose probability to be 1 is p 65536ths: the decoder's ignores `wanted` and
 * returns what the patch says, the encoder's writes `wanted` and returns it; and
 *     static void code_about(struct otter_delta *delta, enum walk_about about);
 * which is told what the next bits are about; and code_plan, with which the encoder says how it wants a
 * unit told once it knows what is expected. All else is the same text on both sides, so they
 * cannot drift apart.
 *
 * One bit says whether a unit is as expected (expect.h), and nearly always nothing else is needed.
 */
#ifndef OTTER_DELTA_WALK_H
#define OTTER_DELTA_WALK_H

#include "delta/expect.h"
#include "delta/map.h"
#include "delta/model.h"
#include "delta/source.h"

#include <string.h>

enum { FORM_NEAR, FORM_COPY, FORM_BYTES };   /* how a missed reference is told */
enum { ORIGIN_MAP, ORIGIN_OLD, ORIGIN_NEW }; /* where a jump goes */
enum { NUMBER_GAP, NUMBER_DRIFT };           /* while the map is read; later: */
enum { NUMBER_JUMP = OTTER_DELTA_PLAIN };    /* and of each kind of reference */
enum { CONTEXT_JUMPED = 15 };

/* What the encoder wants; the decoder passes zeros. */
struct walk_want {
    const uint8_t *file; /* the result */
    bool jump;
    uint8_t origin;
    uint32_t source;
    /* of the unit in hand, by code_plan: */
    bool miss;
    uint8_t form;
    uint32_t target;
    uint8_t bytes[4];
};

static void code_about(struct otter_delta *delta, enum walk_about about);
static void code_plan(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want);

static unsigned code_young(struct otter_delta *delta, uint16_t *slot, unsigned wanted)
{
    unsigned bit = code_bit(delta, otter_delta_young_probability(*slot), wanted);
    otter_delta_young_learn(slot, bit);
    return bit;
}

static unsigned code_mixed(struct otter_delta *delta, struct otter_delta_mix *mix, unsigned wanted)
{
    uint32_t p = otter_delta_mix_probability(mix);
    unsigned bit = code_bit(delta, p, wanted);
    otter_delta_mix_learn(mix, p, bit);
    return bit;
}

/* A few bits by a tree, most significant first. */
static unsigned code_tree(struct otter_delta *delta, uint16_t *slots, unsigned bits, unsigned wanted)
{
    unsigned node = 1;
    for (unsigned i = bits; i-- > 0u;) {
        node = node << 1 | code_young(delta, &slots[node], wanted >> i & 1u);
    }
    return node & ((1u << bits) - 1u);
}

/* A number: how many bits number / 4 + 1 has, those bits (only the second is learnt), then number % 4. */
static uint32_t code_number(struct otter_delta *delta, unsigned what, uint32_t wanted)
{
    uint16_t *slots = delta->model.number[what];
    uint32_t high = (wanted >> 2) + 1u;
    unsigned size = 0;
    while (high >> size > 1u) {
        size++;
    }
    size = code_tree(delta, slots, 5, size);
    uint32_t value = 1;
    for (unsigned i = size; i-- > 0u;) {
        unsigned bit = high >> i & 1u;
        bit = i + 1u == size ? code_young(delta, &delta->model.second[size], bit) : code_bit(delta, 32768u, bit);
        value = value << 1 | bit;
    }
    value -= 1u;
    return value << 2 | code_tree(delta, slots + (value == 0u ? 36 : 32), 2, wanted & 3u);
}

/* Signed as unsigned: the sign goes below. */
static uint32_t fold(uint32_t value)
{
    return value << 1 ^ (0u - (value >> 31));
}

static uint32_t unfold(uint32_t value)
{
    return value >> 1 ^ (0u - (value & 1u));
}

static void note_byte(struct otter_delta *delta, unsigned which, uint8_t difference, bool guessed)
{
    if (difference != 0u) {
        delta->guesses = (uint8_t)((unsigned)delta->guesses << 1 | (guessed ? 1u : 0u));
        delta->difference[which] = difference;
    }
    delta->hits = (uint8_t)((unsigned)delta->hits << 1 | (difference == 0u ? 1u : 0u));
}

/* One byte that is not as expected, or stands beside such. `other`: what it may be instead. */
static uint8_t code_byte(struct otter_delta *delta, unsigned which, uint8_t expected, uint8_t other, uint8_t wanted)
{
    struct otter_delta_model *model = &delta->model;
    struct otter_delta_mix mix = {.young = true};
    unsigned node = 1;
    bool agrees = true;
    bool also = true;
    for (unsigned i = 8; i-- > 0u;) {
        unsigned hint = (unsigned)expected >> i & 1u;
        unsigned guess = (unsigned)other >> i & 1u;
        mix.slots[0] = &model->byte[which][node];
        mix.slots[1] = &model->expected[agrees ? delta->hits & 7u : 8u][hint];
        mix.slots[2] = &model->guess[also ? delta->guesses & 7u : 8u][guess];
        mix.weights = model->byte_weight[(i >> 1) * 6u + which * 3u + (agrees ? 0u : 1u + also)];
        unsigned bit = code_mixed(delta, &mix, (unsigned)wanted >> i & 1u);
        agrees = agrees && bit == hint;
        also = also && bit == guess;
        node = node << 1 | bit;
    }
    note_byte(delta, which, (uint8_t)(node - expected), also);
    return (uint8_t)node;
}

static struct otter_delta_swap *find_swap(struct otter_delta *delta, unsigned was)
{
    return &delta->swap[(was * 40503u >> 5) & (OTTER_DELTA_SWAPS - 1u)];
}

/* Bytes, the high one of each pair first; they may be what the same pair became before, or as far from what was
 * expected as the last such byte. */
static void code_bytes(struct otter_delta *delta, const struct otter_delta_unit *unit, unsigned len, const struct walk_want *want)
{
    unsigned was = (unsigned)unit->old[0] | (unsigned)unit->old[1] << 8;
    const struct otter_delta_swap *swap = find_swap(delta, was);
    code_about(delta, ABOUT_LITERALS);
    for (unsigned i = 0; i < len; i++) {
        unsigned at = len == 1u ? 0u : i ^ 1u;
        unsigned which = len == 1u ? delta->pos & 1u : at & 1u;
        uint8_t other = (uint8_t)(unit->bytes[at] + delta->difference[which]);
        if (len == 2u && swap->was == was) {
            other = (uint8_t)(swap->is >> 8 * at);
        }
        delta->pending[at] = code_byte(delta, which, unit->bytes[at], other, want->bytes[at]);
    }
    delta->pending_len = (uint8_t)len;
}

/* A target: the other one, or its distance from the expected one. */
static uint32_t code_target(struct otter_delta *delta, const struct otter_delta_unit *unit, uint16_t *slots, uint32_t wanted)
{
    static const uint8_t shifts[] = {0, 1, 2, 1, 0};
    if (unit->disputed && code_young(delta, &slots[2], wanted == unit->other) != 0u) {
        return unit->other;
    }
    uint32_t shift = shifts[unit->kind];
    uint32_t expected = unit->is & ~((1u << shift) - 1u);
    uint32_t away = wanted - expected;
    away = fold(away >> shift | (away & 0x80000000u));
    return expected + (unfold(code_number(delta, unit->kind, away)) << shift);
}

/* A reference that is not as expected; unit->is becomes what it refers to. True: that is worth learning. */
static bool code_reference(struct otter_delta *delta, struct otter_delta_unit *unit, unsigned context, const struct walk_want *want)
{
    uint16_t *slots = delta->model.form[context];
    code_about(delta, ABOUT_REFERENCES);
    memcpy(delta->pending, unit->old, 4);
    if (code_young(delta, &slots[0], want->form == FORM_NEAR) != 0u) {
        unit->is = code_target(delta, unit, slots, want->target);
        if (!otter_delta_aim(delta, unit, delta->pending)) {
            delta->error = OTTER_ERR_CORRUPT;
        }
        return true;
    }
    if (unit->changed && code_young(delta, &slots[1], want->form == FORM_COPY) != 0u) {
        unit->is = unit->was;
        return unit->len == 4u;
    }
    unit->disputed = false;
    if (unit->kind != OTTER_DELTA_WORD) {
        code_bytes(delta, unit, 2, want);
        return false;
    }
    code_bytes(delta, unit, 4, want);
    unit->is = load32(delta->pending);
    return true;
}

static void code_jump(struct otter_delta *delta, const struct walk_want *want)
{
    uint16_t *slots = delta->model.origin;
    code_about(delta, ABOUT_JUMPS);
    delta->second = false;
    delta->from_new = false;
    if (code_young(delta, &slots[0], want->origin == ORIGIN_MAP) != 0u) {
        delta->source = otter_delta_map_source(delta);
        return;
    }
    uint32_t from = delta->source;
    delta->from_new = code_young(delta, &slots[1], want->origin == ORIGIN_NEW) != 0u;
    from = delta->from_new ? delta->pos : from;
    delta->source = from + unfold(code_number(delta, NUMBER_JUMP, fold(want->source - from)));
    if (delta->source >= (delta->from_new ? delta->pos : delta->header.base_size)) {
        delta->error = OTTER_ERR_CORRUPT;
    }
}

/* One entry of the map, after the one before (pos, source). */
static int code_entry(struct otter_delta *delta, uint32_t old_off, uint32_t new_off)
{
    const struct otter_delta_header *header = &delta->header;
    uint32_t next = delta->pos + code_number(delta, NUMBER_GAP, new_off - delta->pos);
    uint32_t source = delta->source + next - delta->pos;
    source += unfold(code_number(delta, NUMBER_DRIFT, fold(old_off - source)));
    if (next < delta->pos || next >= header->size || source >= header->base_size || !otter_delta_map_add(delta, source, next)) {
        return OTTER_ERR_CORRUPT;
    }
    delta->pos = next;
    delta->source = source;
    return 0;
}

/* The number of entries to come; before the first, the whole base is where it was. */
static uint32_t code_entries(struct otter_delta *delta, uint32_t wanted)
{
    otter_delta_model_begin(&delta->model);
    code_about(delta, ABOUT_MAP);
    (void)otter_delta_map_add(delta, 0, 0);
    return code_number(delta, NUMBER_GAP, wanted);
}

/* After the map: back to the beginning, with a model that knows nothing. */
static void walk_begin(struct otter_delta *delta)
{
    otter_delta_model_begin(&delta->model);
    otter_delta_map_begin(delta);
    delta->old_off = OTTER_DELTA_SIZE_MAX + 1u;
    delta->out_off = 0;
}

static unsigned unit_context(const struct otter_delta_unit *unit)
{
    if (unit->kind == OTTER_DELTA_PLAIN) {
        return unit->len == 1u ? 1u : 0u;
    }
    return unit->kind * 3u + (unit->disputed ? 2u : unit->changed ? 1u : 0u);
}

/* Whether the unit is not as expected. */
static unsigned code_miss(struct otter_delta *delta, const struct otter_delta_unit *unit, unsigned context, unsigned row, struct walk_want *want)
{
    struct otter_delta_model *model = &delta->model;
    bool plain = unit->kind == OTTER_DELTA_PLAIN;
    struct otter_delta_mix mix = {.weights = model->miss_weight[context]};
    code_about(delta, ABOUT_COPIES);
    code_plan(delta, unit, want);
    memcpy(delta->pending, unit->bytes, 4);
    delta->pending_len = unit->len;
    mix.slots[0] = &model->miss[context][row];
    mix.slots[1] = &model->opcode[plain ? (unsigned)unit->old[1] >> 3 : 32u + unit->kind * 4u + (unit->old[0] & 3u)];
    mix.slots[2] = &model->past[(delta->past & 31u) * 3u + (plain ? 0u : unit->changed ? 2u : 1u)];
    unsigned miss = code_mixed(delta, &mix, want->miss || want->jump);
    delta->past = (uint8_t)((unsigned)delta->past << 1 | miss);
    return miss;
}

/* How long ago the last miss was, in steps that grow; which halfwords begin and end instructions; what became of a pair. */
static void note_unit(struct otter_delta *delta, const struct otter_delta_unit *unit, bool miss)
{
    static const uint8_t steps[] = {1, 2, 4, 8, 16, 48, 128};
    delta->units = miss ? 0u : delta->units < 255u ? (uint8_t)(delta->units + 1u) : 255u;
    delta->recent = 0;
    while (delta->recent < sizeof steps && delta->units >= steps[delta->recent]) {
        delta->recent++;
    }
    delta->second = delta->pending_len == 2u && !delta->second && unit->old[1] >= 0xe8u;
    if (miss && unit->kind == OTTER_DELTA_PLAIN && unit->len == 2u) {
        unsigned was = (unsigned)unit->old[0] | (unsigned)unit->old[1] << 8;
        struct otter_delta_swap *swap = find_swap(delta, was);
        swap->was = (uint16_t)was;
        swap->is = (uint16_t)(delta->pending[0] | (unsigned)delta->pending[1] << 8);
    }
}

/* The next unit, into pending. Errors are in delta->error. */
static void code_unit(struct otter_delta *delta, struct walk_want *want)
{
    struct otter_delta_unit unit;
    unsigned recent = delta->recent;
    otter_delta_map_follow(delta);
    otter_delta_expect(delta, &unit);
    unsigned context = unit_context(&unit);
    unsigned miss = code_miss(delta, &unit, context, recent, want);
    if (miss != 0u && code_young(delta, &delta->model.jump[recent < 3u ? recent : 3u], want->jump) != 0u) {
        code_jump(delta, want);
        want->jump = false;
        otter_delta_expect(delta, &unit);
        context = unit_context(&unit);
        miss = code_miss(delta, &unit, CONTEXT_JUMPED, unit.kind, want);
    }
    struct otter_delta_unit before = unit;
    bool teach = false;
    if (miss != 0u && unit.kind != OTTER_DELTA_PLAIN) {
        teach = code_reference(delta, &unit, context, want);
        before.disputed = unit.disputed;
    } else if (miss != 0u) {
        code_bytes(delta, &unit, unit.len, want);
    }
    otter_delta_learn(delta, &before, unit.is, teach);
    note_unit(delta, &unit, miss != 0u);
    delta->source += delta->pending_len;
    delta->pos += delta->pending_len;
}

#endif
