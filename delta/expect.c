/* SPDX-License-Identifier: Apache-2.0 */
/* expect.c - expectations: the base, the map, and corrections learnt on the way. */
#include "delta/expect.h"

#include "delta/map.h"
#include "delta/source.h"

#include <string.h>

enum { TRUST_MAX = 3 };
#define REACH_OUTSIDE 0x4000u /* of corrections for addresses outside the file: RAM moves in large pieces */

/* The correction closest to `was`, less than `reach` away. */
static const struct otter_delta_learnt *find_close(const struct otter_delta *delta, uint32_t was, uint32_t reach)
{
    const struct otter_delta_learnt *best = NULL;
    for (size_t i = 0; i < OTTER_DELTA_LEARNT_MAX; i++) {
        uint32_t away = was - delta->learnt[i].was;
        away = (away & 0x80000000u) != 0u ? 0u - away : away;
        if (away < reach && delta->learnt[i].was != 0u) {
            reach = away;
            best = &delta->learnt[i];
        }
    }
    return best;
}

/* What unit->was is now, as the map has it. */
static uint32_t by_map(const struct otter_delta *delta, const struct otter_delta_unit *unit, unsigned kind)
{
    uint32_t off = (unit->was - delta->header.address) & ~1u;
    uint32_t beside = off - delta->source + delta->pos;
    if (kind <= OTTER_DELTA_POOL && beside >= delta->from_off && beside < delta->next_off) {
        return unit->was - delta->source + delta->pos;
    }
    if (off < delta->header.base_size && !delta->from_new) {
        return unit->was + (otter_delta_map_translate(delta, off) - off);
    }
    return unit->was;
}

/* What it was corrected to before; else what the map or a correction close by says, whichever was right of late. */
static void expect_target(const struct otter_delta *delta, struct otter_delta_unit *unit, unsigned kind)
{
    static const uint16_t reach[] = {0, 64, 64, 64, 256};
    bool inside = ((unit->was - delta->header.address) & ~1u) < delta->header.base_size;
    unit->is = by_map(delta, unit, kind);
    unit->other = unit->is;
    unit->close = find_close(delta, unit->was, inside ? reach[kind] : REACH_OUTSIDE);
    if (unit->close == NULL) {
        return;
    }
    unit->other = unit->was + (unit->close->is - unit->close->was);
    if (!inside || unit->close->was == unit->was || delta->trust[kind] < 0) {
        uint32_t is = unit->is;
        unit->is = unit->other;
        unit->other = is;
    }
}

static void expect_word(const struct otter_delta *delta, struct otter_delta_unit *unit)
{
    uint32_t word = load32(unit->old);
    bool inside = word - delta->header.address < delta->header.base_size;
    if (!inside && word >> 20 != 0x200u) {
        return;
    }
    unit->was = word;
    expect_target(delta, unit, OTTER_DELTA_WORD);
    if (!inside && unit->is == unit->was && delta->filter->find(unit->old, 0, &word) != OTTER_DELTA_PLAIN) {
        return;
    }
    unit->kind = OTTER_DELTA_WORD;
    unit->len = 4;
    store32(unit->bytes, unit->is);
}

static void expect_code(const struct otter_delta *delta, struct otter_delta_unit *unit, uint32_t room)
{
    const struct otter_delta_header *header = &delta->header;
    enum otter_delta_kind kind = delta->filter->find(unit->old, header->address + delta->source, &unit->was);
    if (kind == OTTER_DELTA_PLAIN || delta->second || (kind == OTTER_DELTA_CALL && room < 4u)) {
        return;
    }
    expect_target(delta, unit, kind);
    unit->kind = (uint8_t)kind;
    unit->len = kind == OTTER_DELTA_CALL ? 4u : 2u;
    if (!otter_delta_aim(delta, unit, unit->bytes)) { /* out of reach: then as it is */
        (void)delta->filter->find(unit->bytes, header->address + delta->pos, &unit->is);
    }
}

bool otter_delta_aim(const struct otter_delta *delta, const struct otter_delta_unit *unit, uint8_t bytes[4])
{
    if (unit->kind == OTTER_DELTA_WORD) {
        store32(bytes, unit->is);
        return true;
    }
    return delta->filter->aim(bytes, delta->header.address + delta->pos, unit->is);
}

/* A reference where there can be one: both places at multiples of 4, or of 2. */
static void expect_reference(const struct otter_delta *delta, struct otter_delta_unit *unit, uint32_t room)
{
    uint32_t both = delta->pos | delta->source;
    if (delta->filter->words && room >= 4u && (both & 3u) == 0u) {
        expect_word(delta, unit);
    }
    if (unit->kind == OTTER_DELTA_PLAIN && unit->len == 2u && (both & 1u) == 0u) {
        expect_code(delta, unit, room);
    }
}

void otter_delta_expect(struct otter_delta *delta, struct otter_delta_unit *ret_unit)
{
    uint32_t end = delta->next_off < delta->header.size ? delta->next_off : delta->header.size;
    uint32_t room = end - delta->pos;
    memset(ret_unit, 0, sizeof *ret_unit);
    ret_unit->len = (delta->pos & 1u) != 0u || room < 2u ? 1u : 2u;
    source_read(delta, ret_unit->old);
    memcpy(ret_unit->bytes, ret_unit->old, 4);
    expect_reference(delta, ret_unit, room);
    ret_unit->changed = memcmp(ret_unit->bytes, ret_unit->old, ret_unit->len) != 0;
    ret_unit->disputed = ret_unit->kind != OTTER_DELTA_PLAIN && ret_unit->close != NULL && ret_unit->other != ret_unit->is;
}

/* The map and a correction close by said different things: which was right? */
static void note_trust(struct otter_delta *delta, const struct otter_delta_unit *before, uint32_t is)
{
    struct otter_delta_learnt *close = &delta->learnt[before->close - delta->learnt];
    uint32_t by_close = before->was + (close->is - close->was);
    int8_t *trust = &delta->trust[before->kind];
    if (is == by_close) {
        *trust = (int8_t)(*trust - (*trust > -TRUST_MAX ? 1 : 0));
        close->was = before->was; /* it moves along, as tables of addresses do */
        close->is = is;
    } else if (is == before->is || is == before->other) {
        *trust = (int8_t)(*trust + (*trust < TRUST_MAX ? 1 : 0));
    }
}

void otter_delta_learn(struct otter_delta *delta, const struct otter_delta_unit *before, uint32_t is, bool teach)
{
    if (before->disputed && before->close->was != before->was) {
        note_trust(delta, before, is);
    }
    if (!teach) {
        return;
    }
    size_t at = delta->learnt_next;
    for (size_t i = 0; i < OTTER_DELTA_LEARNT_MAX; i++) {
        if (delta->learnt[i].was == before->was) {
            at = i;
        }
    }
    if (at == delta->learnt_next) {
        delta->learnt_next = (uint8_t)((at + 1u) % OTTER_DELTA_LEARNT_MAX);
    }
    delta->learnt[at].was = before->was;
    delta->learnt[at].is = is;
}
