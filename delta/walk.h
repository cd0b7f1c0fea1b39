/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - the walk along the result, unit by unit, that encoder and decoder share.
 *
 * Whoever includes this file has defined
 *     static unsigned code_bit(struct otter_delta *delta, uint32_t p, unsigned wanted);
 *         which codes one bit whose probability to be 1 is p 65536ths: the decoder's ignores `wanted` and
 *         returns what the patch says, the encoder's writes `wanted` and returns it;
 *     static void code_about(struct otter_delta *delta, enum walk_about about);
 *         which is told what the next bits are about;
 *     static void code_plan(const struct otter_delta *, const struct otter_delta_unit *, struct walk_want *);
 *         with which the encoder says how it wants a unit told, once it knows what is expected;
 *     static unsigned code_size(uint32_t wanted);
 *         with which it says how many bits come after the first of a number that it wants.
 * All else is the same text on both sides, so they cannot drift apart.
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
enum { ROW_JUMPED = 7 };                     /* of a unit that a jump led to, in place of how recent the last miss is */

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
static unsigned code_size(uint32_t wanted);
static void code_plan(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want);

static unsigned code_slot(struct otter_delta *delta, unsigned at, unsigned wanted)
{
    unsigned bit = code_bit(delta, otter_delta_slot(delta, at), wanted);
    otter_delta_slot_learn(delta, at, bit);
    return bit;
}

static unsigned code_mixed(struct otter_delta *delta, unsigned wanted)
{
    uint32_t p = otter_delta_mix(delta);
    unsigned bit = code_bit(delta, p, wanted);
    otter_delta_mix_learn(delta, p, bit);
    return bit;
}

/* A few bits by a tree, most significant first. */
static unsigned code_tree(struct otter_delta *delta, unsigned at, unsigned bits, unsigned wanted)
{
    unsigned node = 1;
    for (unsigned i = bits; i-- > 0u;) {
        node = node << 1 | code_slot(delta, at + node, wanted >> i & 1u);
    }
    return node & ((1u << bits) - 1u);
}

/* A number: how many bits number / 4 + 1 has, those bits (only the second is learnt), then number % 4. */
static uint32_t code_number(struct otter_delta *delta, unsigned what, uint32_t wanted)
{
    unsigned at = OTTER_DELTA_NUMBER + 36u * what;
    uint32_t high = (wanted >> 2) + 1u;
    unsigned size = code_tree(delta, at, 5, code_size(high));
    uint32_t value = 1;
    for (unsigned i = size; i-- > 0u;) {
        unsigned bit = high >> i & 1u;
        bit = i + 1u == size ? code_slot(delta, OTTER_DELTA_SECOND + size, bit) : code_bit(delta, 32768u, bit);
        value = value << 1 | bit;
    }
    value -= 1u;
    return value << 2 | code_tree(delta, at + 32u, 2, wanted & 3u);
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

enum { NO_HINT = 16 };

/* One byte that is not as expected, or stands beside such: three opinions are the byte's own tree, what was expected, and
 * that with what was last added. Each hint counts until a bit is not as it says. */
static uint8_t code_byte(struct otter_delta *delta, unsigned which, unsigned expected, unsigned wanted)
{
    unsigned other = expected + delta->difference[which];
    unsigned hint = (delta->hits & 7u) * 2u;
    unsigned guess = (delta->guesses & 7u) * 2u;
    unsigned node = 1;
    for (unsigned i = 8; i-- > 0u;) {
        unsigned hinted = expected >> i & 1u;
        unsigned guessed = other >> i & 1u;
        delta->mix[0] = (uint16_t)(OTTER_DELTA_BYTE + which * 256u + node);
        delta->mix[1] = (uint16_t)(OTTER_DELTA_EXPECTED + hint + hinted);
        delta->mix[2] = (uint16_t)(OTTER_DELTA_GUESS + guess + guessed);
        delta->mix[3] = (uint16_t)(OTTER_DELTA_BYTE_WEIGHT + which * 12u + (hint & NO_HINT) / 16u * 3u + (guess & NO_HINT) / 16u * 6u);
        unsigned bit = code_mixed(delta, wanted >> i & 1u);
        hint = bit == hinted ? hint : NO_HINT;
        guess = bit == guessed ? guess : NO_HINT;
        node = node << 1 | bit;
    }
    delta->hits = (uint8_t)((unsigned)delta->hits << 1 | (hint == NO_HINT ? 0u : 1u));
    if (hint == NO_HINT) {
        delta->guesses = (uint8_t)((unsigned)delta->guesses << 1 | (guess == NO_HINT ? 0u : 1u));
        delta->difference[which] = (uint8_t)(node - expected);
    }
    return (uint8_t)node;
}

/* Bytes, the high one of each pair first; they may be as far from what was expected as the last one that was not. High
 * and low ones are told apart; single ones by whether the unit before was as expected. */
static void code_bytes(struct otter_delta *delta, const struct otter_delta_unit *unit, unsigned len, const struct walk_want *want)
{
    code_about(delta, ABOUT_LITERALS);
    for (unsigned i = 0; i < len; i++) {
        unsigned at = i ^ 1u;
        unsigned which = at;
        if (len == 1u) {
            at = 0;
            which = (unsigned)delta->past >> 1;
        }
        delta->pending[at] = code_byte(delta, which & 1u, unit->bytes[at], want->bytes[at]);
    }
    delta->pending_len = (uint8_t)len;
}

/* What the unit refers to, as the distance from what was expected. */
static uint32_t code_target(struct otter_delta *delta, const struct otter_delta_unit *unit, uint32_t wanted)
{
    uint32_t shift = unit->kind == OTTER_DELTA_WORD ? 0u : unit->kind == OTTER_DELTA_POOL ? 2u : 1u;
    uint32_t expected = unit->is >> shift << shift;
    uint32_t away = wanted - expected;
    away = fold(away >> shift | (away & 0x80000000u));
    return expected + (unfold(code_number(delta, unit->kind, away)) << shift);
}

/* A reference that is not as expected: by its distance from that, as the base has it, or byte by byte. */
static void code_reference(struct otter_delta *delta, const struct otter_delta_unit *unit, unsigned context, const struct walk_want *want)
{
    unsigned form = OTTER_DELTA_FORM + 2u * context;
    uint32_t is = unit->was;
    bool teach = unit->len == 4u;
    code_about(delta, ABOUT_REFERENCES);
    memcpy(delta->pending, unit->old, 4);
    if (code_slot(delta, form, want->form == FORM_NEAR) != 0u) {
        is = code_target(delta, unit, want->target);
        teach = true;
        if (!otter_delta_aim(delta, unit, is, delta->pending)) {
            delta->error = OTTER_ERR_CORRUPT;
        }
    } else if (!unit->changed || code_slot(delta, form + 1u, want->form == FORM_COPY) == 0u) {
        code_bytes(delta, unit, unit->kind == OTTER_DELTA_WORD ? 4u : 2u, want);
        is = load32(delta->pending);
        teach = unit->kind == OTTER_DELTA_WORD;
    }
    if (teach) {
        otter_delta_learn(delta, unit->was, is);
    }
}

static void code_jump(struct otter_delta *delta, const struct walk_want *want)
{
    code_about(delta, ABOUT_JUMPS);
    delta->second = false;
    delta->from_new = false;
    if (code_slot(delta, OTTER_DELTA_ORIGIN, want->origin == ORIGIN_MAP) != 0u) {
        delta->source = otter_delta_map_source(delta);
        return;
    }
    uint32_t from = delta->source;
    delta->from_new = code_slot(delta, OTTER_DELTA_ORIGIN + 1u, want->origin == ORIGIN_NEW) != 0u;
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
    otter_delta_model_begin(delta);
    code_about(delta, ABOUT_MAP);
    (void)otter_delta_map_add(delta, 0, 0);
    return code_number(delta, NUMBER_GAP, wanted);
}

/* After the map: back to the beginning, with a model that knows nothing. */
static void walk_begin(struct otter_delta *delta)
{
    otter_delta_model_begin(delta);
    otter_delta_map_begin(delta);
    delta->old_off = OTTER_DELTA_SIZE_MAX + 1u;
    delta->out_off = 0;
}

static unsigned unit_context(const struct otter_delta_unit *unit)
{
    if (unit->kind == OTTER_DELTA_PLAIN) {
        return unit->len == 1u ? 1u : 0u;
    }
    return unit->kind * 2u + (unit->changed ? 1u : 0u);
}

/* Whether the unit is not as expected. */
static unsigned code_miss(struct otter_delta *delta, const struct otter_delta_unit *unit, unsigned context, unsigned row, struct walk_want *want)
{
    bool plain = unit->kind == OTTER_DELTA_PLAIN;
    unsigned opcode = plain ? (unsigned)unit->old[1] >> 3 : 32u + unit->kind * 4u + (unit->old[0] & 3u);
    code_about(delta, ABOUT_COPIES);
    code_plan(delta, unit, want);
    memcpy(delta->pending, unit->bytes, 4);
    delta->pending_len = unit->len;
    delta->mix[0] = (uint16_t)(OTTER_DELTA_MISS + context * 8u + row);
    delta->mix[1] = (uint16_t)(OTTER_DELTA_OPCODE + opcode);
    delta->mix[2] = (uint16_t)(OTTER_DELTA_PAST + (delta->past & 31u) * 3u + (plain ? 0u : unit->changed ? 2u : 1u));
    delta->mix[3] = (uint16_t)(OTTER_DELTA_MISS_WEIGHT + context * 3u);
    unsigned miss = code_mixed(delta, want->miss || want->jump);
    delta->past = (uint8_t)((unsigned)delta->past << 1 | miss);
    return miss;
}

/* How long ago the last miss was, in steps that double; which halfwords begin and end instructions. */
static void note_unit(struct otter_delta *delta, const struct otter_delta_unit *unit, bool miss)
{
    delta->units = miss ? 0u : (uint8_t)(delta->units + (delta->units < 127u ? 1u : 0u));
    delta->recent = 0;
    while (delta->units >> delta->recent != 0u) {
        delta->recent++;
    }
    delta->second = delta->pending_len == 2u && !delta->second && unit->old[1] >= 0xe8u;
}

/* The next unit, into pending. Errors are in delta->error. */
static void code_unit(struct otter_delta *delta, struct walk_want *want)
{
    struct otter_delta_unit unit;
    unsigned recent = delta->recent;
    unsigned context;
    unsigned miss;
    otter_delta_map_follow(delta);
    for (bool jumped = false;; jumped = true) {
        otter_delta_expect(delta, &unit);
        context = unit_context(&unit);
        miss = code_miss(delta, &unit, context, jumped ? (unsigned)ROW_JUMPED : recent, want);
        if (miss == 0u || jumped || code_slot(delta, OTTER_DELTA_JUMP + recent, want->jump) == 0u) {
            break;
        }
        code_jump(delta, want);
        want->jump = false;
    }
    if (miss != 0u && unit.kind != OTTER_DELTA_PLAIN) {
        code_reference(delta, &unit, context, want);
    } else if (miss != 0u) {
        code_bytes(delta, &unit, unit.len, want);
    }
    note_unit(delta, &unit, miss != 0u);
    delta->source += delta->pending_len;
    delta->pos += delta->pending_len;
}

#endif
