/* SPDX-License-Identifier: Apache-2.0 */
/* expect.c - expectations: the base, the map, and corrections learnt on the way. */
#include "delta/expect.h"

#include "delta/map.h"
#include "delta/source.h"

#include <string.h>

#define REACH_OUTSIDE 0x4000u /* of corrections for addresses outside the file: RAM moves in large pieces */

/* The correction closest to `was`, less than `reach` away; NULL: none. */
static const struct otter_delta_learnt *find_learnt(const struct otter_delta *delta, uint32_t was, uint32_t reach)
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

/* What `was` is now: what it was corrected to before, else what is at the same distance from here (of short references
 * that stay in the entry of the map), else what the map says. */
static uint32_t expect_target(const struct otter_delta *delta, uint32_t was, bool is_short)
{
    uint32_t off = (was - delta->header.address) & ~1u;
    bool inside = off < delta->header.base_size;
    const struct otter_delta_learnt *learnt = find_learnt(delta, was, inside ? 1u : REACH_OUTSIDE);
    if (learnt != NULL) {
        return was + (learnt->is - learnt->was);
    }
    uint32_t beside = off - delta->source + delta->pos;
    if (is_short && beside >= delta->from_off && beside < delta->next_off) {
        return was + (beside - off);
    }
    return inside && !delta->from_new ? was + (otter_delta_map_translate(delta, off) - off) : was;
}

static bool expect_word(const struct otter_delta *delta, struct otter_delta_unit *unit)
{
    uint32_t word = load32(unit->old);
    bool inside = word - delta->header.address < delta->header.base_size;
    if (!inside && word >> 20 != 0x200u) {
        return false;
    }
    unit->was = word;
    unit->is = expect_target(delta, word, false);
    return inside || unit->is != word || delta->filter->find(unit->old, 0, &word) == OTTER_DELTA_PLAIN;
}

bool otter_delta_aim(const struct otter_delta *delta, const struct otter_delta_unit *unit, uint32_t target, uint8_t bytes[4])
{
    if (unit->kind == OTTER_DELTA_WORD) {
        store32(bytes, target);
        return true;
    }
    return delta->filter->aim(bytes, delta->header.address + delta->pos, target);
}

/* A word that looks like an address where both places are multiples of 4; else an instruction, where even. */
static void expect_reference(const struct otter_delta *delta, struct otter_delta_unit *unit, uint32_t room)
{
    uint32_t both = delta->pos | delta->source;
    uint32_t address = delta->header.address;
    enum otter_delta_kind kind = OTTER_DELTA_WORD;
    if (room < 4u || (both & 3u) != 0u || !expect_word(delta, unit)) {
        kind = delta->filter->find(unit->old, address + delta->source, &unit->was);
        if (kind == OTTER_DELTA_PLAIN || delta->second || (kind == OTTER_DELTA_CALL && room < 4u)) {
            return;
        }
        unit->is = expect_target(delta, unit->was, kind != OTTER_DELTA_CALL);
    }
    unit->kind = (uint8_t)kind;
    unit->len = kind >= OTTER_DELTA_CALL ? 4u : 2u;
    if (!otter_delta_aim(delta, unit, unit->is, unit->bytes)) { /* out of reach: then as it is */
        (void)delta->filter->find(unit->bytes, address + delta->pos, &unit->is);
    }
}

/* Do these four bytes differ? As words: a call of memcmp takes longer than all else of most units. */
static bool differ(const uint8_t *left, const uint8_t *right)
{
    uint32_t words[2];
    memcpy(&words[0], left, 4);
    memcpy(&words[1], right, 4);
    return words[0] != words[1];
}

void otter_delta_expect(struct otter_delta *delta, struct otter_delta_unit *ret_unit)
{
    uint32_t end = delta->next_off < delta->header.size ? delta->next_off : delta->header.size;
    uint32_t room = end - delta->pos;
    ret_unit->kind = OTTER_DELTA_PLAIN;
    ret_unit->len = 1;
    source_read(delta, ret_unit->old);
    memcpy(ret_unit->bytes, ret_unit->old, 4);
    if (delta->filter->find != NULL && (delta->pos & 1u) == 0u && room >= 2u) {
        ret_unit->len = 2;
        if ((delta->source & 1u) == 0u) {
            expect_reference(delta, ret_unit, room);
        }
    }
    ret_unit->changed = differ(ret_unit->bytes, ret_unit->old);
}

void otter_delta_learn(struct otter_delta *delta, uint32_t was, uint32_t is)
{
    struct otter_delta_learnt *learnt = &delta->learnt[delta->learnt_next % OTTER_DELTA_LEARNT_MAX];
    for (size_t i = 0; i < OTTER_DELTA_LEARNT_MAX; i++) {
        if (delta->learnt[i].was == was) {
            learnt = &delta->learnt[i];
        }
    }
    if (learnt->was != was) {
        delta->learnt_next++;
    }
    learnt->was = was;
    learnt->is = is;
}
