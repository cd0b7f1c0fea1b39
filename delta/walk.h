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
 * A unit is four bytes (a call, a word that looks like an address), two, or one. The walk
 * expects what lies at `source` in the base, with its reference moved along by the map. One
 * bit says whether that is right, and nearly always nothing else is needed.
 */
#ifndef OTTER_DELTA_WALK_H
#define OTTER_DELTA_WALK_H

#include "delta/filter.h"
#include "delta/map.h"
#include "delta/model.h"
#include "delta/source.h"

#include <string.h>

static void code_about(struct otter_delta *delta, enum walk_about about);
struct walk_unit;
struct walk_want;
static void code_plan(const struct otter_delta *delta, const struct walk_unit *unit, struct walk_want *want);

enum { FORM_COPY, FORM_NEAR, FORM_BYTES };      /* how a missed reference is told */
enum { ORIGIN_MAP, ORIGIN_OLD, ORIGIN_NEW };    /* where a jump goes */
enum { NUMBER_GAP, NUMBER_DRIFT, NUMBER_JUMP, NUMBER_CALL, NUMBER_WORD };
enum { LIMIT_RARE = 255, LIMIT_FLAG = 60, LIMIT_BYTE = 30 };

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

struct walk_unit {
    uint8_t kind;
    uint8_t len;
    uint8_t context;
    bool changed;
    uint32_t was; /* what the base refers to */
    uint32_t is;  /* what the result is expected to refer to */
    uint8_t old[4];
    uint8_t bytes[4]; /* expected */
};

static unsigned code_slot(struct otter_delta *delta, uint32_t *slot, unsigned limit, unsigned wanted)
{
    unsigned bit = code_bit(delta, slot_probability(*slot), wanted);
    slot_learn(slot, bit, limit);
    return bit;
}

/* A number: how many bits it has (of number + 1) by a tree of 5 levels, then those bits. */
static uint32_t code_number(struct otter_delta *delta, uint32_t slots[64], uint32_t wanted)
{
    unsigned size = 0;
    while ((wanted + 1u) >> size > 1u) {
        size++;
    }
    unsigned node = 1;
    for (unsigned i = 5; i-- > 0u;) {
        node = node << 1 | code_slot(delta, &slots[node], LIMIT_BYTE, size >> i & 1u);
    }
    size = node & 31u;
    uint32_t value = 1;
    for (unsigned i = size; i-- > 0u;) {
        uint32_t bit = (wanted + 1u) >> i & 1u;
        bool first = value == 1u;
        value = value << 1 | (first ? code_slot(delta, &slots[32u + size], LIMIT_BYTE, bit) : code_bit(delta, 32768u, bit));
    }
    return value - 1u;
}

static uint32_t fold(uint32_t value)
{
    return value << 1 ^ (0u - (value >> 31));
}

static uint32_t unfold(uint32_t value)
{
    return value >> 1 ^ (0u - (value & 1u));
}

/* One byte; `expected` is what the base has there. */
static uint8_t code_byte(struct otter_delta *delta, uint8_t expected, uint8_t wanted)
{
    struct otter_delta_model *model = &delta->model;
    uint32_t *tree = model->byte[delta->pos & 1u];
    unsigned node = 1;
    bool agrees = true;
    for (unsigned i = 8; i-- > 0u;) {
        unsigned hint = (unsigned)expected >> i & 1u;
        uint32_t *second = &model->expected[agrees ? delta->hits & 7u : 15u][hint];
        int32_t *weight = model->weight[agrees ? 0 : 1];
        int32_t x[2] = {otter_delta_stretch(slot_probability(tree[node])), otter_delta_stretch(slot_probability(*second))};
        int32_t sum = (int32_t)(((int64_t)x[0] * weight[0] + (int64_t)x[1] * weight[1]) >> 16);
        uint32_t p = otter_delta_squash(sum);
        unsigned bit = code_bit(delta, p, (unsigned)wanted >> i & 1u);
        int32_t error = (int32_t)(bit << 16) - (int32_t)p;
        weight[0] += (x[0] * (error >> 4)) >> 10;
        weight[1] += (x[1] * (error >> 4)) >> 10;
        slot_learn(&tree[node], bit, LIMIT_BYTE);
        slot_learn(second, bit, LIMIT_BYTE);
        agrees = agrees && bit == hint;
        node = node << 1 | bit;
    }
    delta->hits = (uint16_t)((unsigned)delta->hits << 1 | (agrees ? 1u : 0u));
    return (uint8_t)node;
}

/* Corrections seen before: the same reference, or one close by in memory that no file covers. */
static const struct otter_delta_learnt *find_learnt(const struct otter_delta *delta, uint32_t was, bool exactly)
{
    const struct otter_delta_learnt *best = NULL;
    uint32_t least = exactly ? 1u : 0x10000u;
    for (size_t i = 0; i < OTTER_DELTA_LEARNT_MAX; i++) {
        uint32_t away = was - delta->learnt[i].was;
        away = (away & 0x80000000u) != 0u ? 0u - away : away;
        if (away < least && delta->learnt[i].was != 0u) {
            least = away;
            best = &delta->learnt[i];
        }
    }
    return best;
}

static void learn(struct otter_delta *delta, uint32_t was, uint32_t is)
{
    struct otter_delta_learnt *slot = NULL;
    for (size_t i = 0; i < OTTER_DELTA_LEARNT_MAX && slot == NULL; i++) {
        slot = delta->learnt[i].was == was ? &delta->learnt[i] : NULL;
    }
    if (slot == NULL) {
        slot = &delta->learnt[delta->learnt_next];
        delta->learnt_next = (uint8_t)((delta->learnt_next + 1u) % OTTER_DELTA_LEARNT_MAX);
    }
    slot->was = was;
    slot->is = is;
}

/* What `was` is expected to be now. */
static uint32_t expect_target(const struct otter_delta *delta, uint32_t was)
{
    const struct otter_delta_header *header = &delta->header;
    uint32_t off = (was - header->address) & ~1u;
    bool inside = off < header->base_size;
    const struct otter_delta_learnt *learnt = find_learnt(delta, was, inside);
    if (learnt != NULL) {
        return was + (learnt->is - learnt->was);
    }
    return inside && !delta->from_new ? was + (otter_delta_map_translate(delta, off) - off) : was;
}

static bool is_address(const struct otter_delta *delta, uint32_t word)
{
    return word - delta->header.address < delta->header.base_size || word >> 28 == 2u || word >> 24 == 8u;
}

static void expect_word(struct otter_delta *delta, struct walk_unit *unit)
{
    uint32_t was = load32(unit->old);
    if (!is_address(delta, was)) {
        return;
    }
    unit->kind = OTTER_DELTA_WORD;
    unit->len = 4;
    unit->was = was;
    unit->is = expect_target(delta, was);
    store32(unit->bytes, unit->is);
}

static void expect_code(struct otter_delta *delta, struct walk_unit *unit, uint32_t room)
{
    const struct otter_delta_header *header = &delta->header;
    enum otter_delta_kind kind = delta->filter->find(unit->old, header->address + delta->source, &unit->was);
    if (kind == OTTER_DELTA_PLAIN || (kind == OTTER_DELTA_CALL && room < 4u)) {
        return;
    }
    unit->is = expect_target(delta, unit->was);
    if (!delta->filter->aim(unit->bytes, header->address + delta->pos, unit->is)) {
        memcpy(unit->bytes, unit->old, 4);
        if (kind == OTTER_DELTA_NEAR) {
            return;
        }
    }
    unit->kind = (uint8_t)kind;
    unit->len = kind == OTTER_DELTA_CALL ? 4u : 2u;
}

/* Which probabilities say whether the unit is as expected. */
static uint8_t unit_context(const struct walk_unit *unit)
{
    if (unit->kind == OTTER_DELTA_PLAIN || (unit->kind == OTTER_DELTA_NEAR && !unit->changed)) {
        return unit->len == 1u ? 1u : 0u;
    }
    return (uint8_t)(unit->kind * 2u + (unit->changed ? 1u : 0u));
}

static void expect_unit(struct otter_delta *delta, struct walk_unit *unit)
{
    uint32_t end = delta->next_off < delta->header.size ? delta->next_off : delta->header.size;
    uint32_t room = end - delta->pos;
    uint32_t both = delta->pos | delta->source;
    *unit = (struct walk_unit){.len = (delta->pos & 1u) != 0u || room < 2u ? 1u : 2u};
    source_read(delta, unit->old);
    memcpy(unit->bytes, unit->old, 4);
    if (room >= 4u && (both & 3u) == 0u && delta->filter->words) {
        expect_word(delta, unit);
    }
    if (unit->kind == OTTER_DELTA_PLAIN && (both & 1u) == 0u && unit->len == 2u) {
        expect_code(delta, unit, room);
    }
    unit->changed = memcmp(unit->bytes, unit->old, unit->len) != 0;
    unit->context = unit_context(unit);
}

static void code_bytes(struct otter_delta *delta, const struct walk_unit *unit, unsigned len, const struct walk_want *want)
{
    uint32_t pos = delta->pos;
    code_about(delta, ABOUT_LITERALS);
    for (unsigned i = 0; i < len; i++) {
        delta->pending[i] = code_byte(delta, unit->bytes[i], want->bytes[i]);
        delta->pos++;
    }
    delta->pos = pos;
    delta->pending_len = (uint8_t)len;
}

/* A target, as its distance from the expected one; a call's is even. */
static void code_target(struct otter_delta *delta, struct walk_unit *unit, const struct walk_want *want)
{
    uint32_t shift = unit->kind == OTTER_DELTA_CALL ? 1u : 0u;
    uint32_t expected = unit->is & ~shift;
    uint32_t away = want->target - expected;
    away = fold(away >> shift | (away & 0x80000000u));
    away = unfold(code_number(delta, delta->model.number[shift != 0u ? NUMBER_CALL : NUMBER_WORD], away));
    unit->is = expected + (away << shift);
    if (shift == 0u) {
        store32(delta->pending, unit->is);
    } else if (!delta->filter->aim(delta->pending, delta->header.address + delta->pos, unit->is)) {
        delta->error = OTTER_ERR_CORRUPT;
    }
    learn(delta, unit->was, unit->is);
}

static void code_reference(struct otter_delta *delta, struct walk_unit *unit, const struct walk_want *want)
{
    uint32_t *slots = delta->model.form[unit->context];
    code_about(delta, ABOUT_REFERENCES);
    memcpy(delta->pending, unit->old, 4);
    if (code_slot(delta, &slots[0], LIMIT_BYTE, want->form == FORM_NEAR) != 0u) {
        code_target(delta, unit, want);
    } else if (code_slot(delta, &slots[1], LIMIT_BYTE, want->form == FORM_COPY) != 0u) {
        learn(delta, unit->was, unit->was);
    } else if (unit->kind == OTTER_DELTA_CALL) {
        code_bytes(delta, unit, 2, want);
    } else {
        code_bytes(delta, unit, 4, want);
        learn(delta, unit->was, load32(delta->pending));
    }
}

static void code_jump(struct otter_delta *delta, const struct walk_want *want)
{
    uint32_t *slots = delta->model.origin;
    code_about(delta, ABOUT_JUMPS);
    bool map = code_slot(delta, &slots[0], LIMIT_BYTE, want->origin == ORIGIN_MAP) != 0u;
    if (map) {
        delta->source = otter_delta_map_source(delta, delta->pos);
        delta->from_new = false;
        return;
    }
    delta->from_new = code_slot(delta, &slots[1], LIMIT_BYTE, want->origin == ORIGIN_NEW) != 0u;
    uint32_t from = delta->from_new ? delta->pos : delta->source;
    delta->source = from + unfold(code_number(delta, delta->model.number[NUMBER_JUMP], fold(want->source - from)));
    uint32_t size = delta->from_new ? delta->pos : delta->header.base_size;
    if (delta->source >= size) {
        delta->error = OTTER_ERR_CORRUPT;
    }
}

/* One entry of the map, after the one before (pos, source). */
static int code_entry(struct otter_delta *delta, uint32_t old_off, uint32_t new_off)
{
    const struct otter_delta_header *header = &delta->header;
    uint32_t gap = code_number(delta, delta->model.number[NUMBER_GAP], new_off - delta->pos);
    uint32_t next = delta->pos + gap;
    uint32_t source = delta->source + next - delta->pos;
    source += unfold(code_number(delta, delta->model.number[NUMBER_DRIFT], fold(old_off - source)));
    if (next < delta->pos || next >= header->size || source >= header->base_size || !otter_delta_map_add(delta, source, next)) {
        return OTTER_ERR_CORRUPT;
    }
    delta->pos = next;
    delta->source = source;
    return 0;
}

/* Before the map's first entry: the whole base is where it was. */
static void walk_begin(struct otter_delta *delta)
{
    delta->old_off = OTTER_DELTA_SIZE_MAX + 1u;
    (void)otter_delta_map_add(delta, 0, 0);
}

static unsigned code_miss(struct otter_delta *delta, const struct walk_unit *unit, uint32_t *slot, struct walk_want *want)
{
    code_about(delta, ABOUT_COPIES);
    code_plan(delta, unit, want);
    memcpy(delta->pending, unit->bytes, 4);
    delta->pending_len = unit->len;
    return code_slot(delta, slot, LIMIT_RARE, want->miss || want->jump);
}

/* How long ago the last miss was, in steps that grow. */
static void note_miss(struct otter_delta *delta, bool miss)
{
    static const uint8_t steps[] = {1, 2, 4, 8, 16, 48, 128};
    delta->units = miss ? 0u : delta->units < 255u ? (uint8_t)(delta->units + 1u) : 255u;
    delta->recent = 0;
    while (delta->recent < sizeof steps && delta->units >= steps[delta->recent]) {
        delta->recent++;
    }
}

/* The next unit, into pending. Errors are in delta->error. */
static void code_unit(struct otter_delta *delta, struct walk_want *want)
{
    struct walk_unit unit;
    unsigned recent = delta->recent;
    if (delta->pos == delta->next_off) {
        otter_delta_map_follow(delta);
    }
    expect_unit(delta, &unit);
    unsigned miss = code_miss(delta, &unit, &delta->model.miss[unit.context][recent], want);
    if (miss != 0u && code_slot(delta, &delta->model.jump[recent < 3u ? recent : 3u], LIMIT_BYTE, want->jump) != 0u) {
        code_jump(delta, want);
        want->jump = false;
        expect_unit(delta, &unit);
        miss = code_miss(delta, &unit, &delta->model.miss[7][unit.kind], want);
    }
    if (miss != 0u && unit.len == 4u) {
        code_reference(delta, &unit, want);
    } else if (miss != 0u) {
        code_bytes(delta, &unit, unit.len, want);
    }
    note_miss(delta, miss != 0u);
    delta->source += delta->pending_len;
    delta->pos += delta->pending_len;
}

#endif
