/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_parse.c - where the encoder jumps.
 *
 * Several encoders walk side by side, each with its own model and its own jumps so far. Where a unit is
 * not as one expects, it is also sent on to wherever else these bytes stand. Two that have come to
 * the same source go on alike, so the dearer one ends; so does one that has fallen too far behind.
 * While all is as expected there is just one. Work is rationed by the bytes made: where hardly
 * anything matches (or everything does), fewer jumps are tried.
 */
#include "tool/delta_parse.h"

#include <stdlib.h>

enum {
    BEAM = 16,
    POOL = BEAM + 2,
    LOST_BITS = 40,  /* behind the best one */
    LATE_BITS = 8,   /* a jump to where another one is already costs at least so much */
    RATION_MAX = 1 << 14, /* tries saved up at most */
    RATION_BYTES = 1,     /* bytes for which there is one more */
    TELL_BYTES = 1 << 14,
    PROGRESS_ALL = 1 << 16
};

struct state {
    struct delta_encoder encoder;
    double bits;
    size_t trail; /* one more than the index of its last jump; 0: none */
};

struct step {
    struct delta_jump jump;
    size_t before; /* likewise */
};

struct parse {
    struct state *spare[POOL];
    size_t spares;
    struct state *list[BEAM];
    size_t count;
    struct step *trail;
    size_t steps;
    size_t room;
    uint32_t pos; /* the least of all */
    uint32_t told; /* the last one of which the progress knows */
    uint32_t ration;
};

static void end_state(struct parse *parse, struct state *state)
{
    parse->spare[parse->spares++] = state;
}

static bool same_place(const struct otter_delta *a, const struct otter_delta *b)
{
    return a->pos == b->pos && a->source == b->source && a->from_new == b->from_new && a->second == b->second;
}

static double least_bits(const struct parse *parse, double bits)
{
    for (size_t i = 0; i < parse->count; i++) {
        bits = parse->list[i]->bits < bits ? parse->list[i]->bits : bits;
    }
    return bits;
}

static void drop_lost(struct parse *parse, double limit)
{
    size_t kept = 0;
    for (size_t i = 0; i < parse->count; i++) {
        if (parse->list[i]->bits > limit) {
            end_state(parse, parse->list[i]);
        } else {
            parse->list[kept++] = parse->list[i];
        }
    }
    parse->count = kept;
}

/* Into the list, in place of one that has come to the same place or of the dearest one; or it ends. */
static void keep(struct parse *parse, struct state *state)
{
    size_t worst = 0;
    for (size_t i = 0; i < parse->count; i++) {
        if (same_place(&parse->list[i]->encoder.delta, &state->encoder.delta)) {
            bool better = state->bits < parse->list[i]->bits;
            end_state(parse, better ? parse->list[i] : state);
            parse->list[i] = better ? state : parse->list[i];
            return;
        }
    }
    double limit = least_bits(parse, state->bits) + LOST_BITS;
    drop_lost(parse, limit);
    for (size_t i = 0; i < parse->count; i++) {
        worst = parse->list[i]->bits > parse->list[worst]->bits ? i : worst;
    }
    bool full = parse->count == BEAM;
    if (state->bits > limit || (full && parse->list[worst]->bits <= state->bits)) {
        end_state(parse, state);
    } else if (full) {
        end_state(parse, parse->list[worst]);
        parse->list[worst] = state;
    } else {
        parse->list[parse->count++] = state;
    }
}

/* Another state copies from there already, and is not much dearer. */
static bool taken(const struct parse *parse, const struct state *state, const struct delta_jump *jump)
{
    const struct otter_delta *here = &state->encoder.delta;
    uint32_t source = delta_encoder_target(&state->encoder, jump);
    bool from_new = jump->origin == DELTA_JUMP_NEW;
    if (source == here->source && from_new == here->from_new) {
        return true;
    }
    for (size_t i = 0; i < parse->count; i++) {
        const struct otter_delta *other = &parse->list[i]->encoder.delta;
        if (other->from_new == from_new && other->source - other->pos == source - here->pos &&
            parse->list[i]->bits < state->bits + LATE_BITS) {
            return true;
        }
    }
    return false;
}

static bool try_jump(struct parse *parse, const struct state *state, const struct delta_jump *jump)
{
    if (parse->steps == parse->room) {
        size_t room = parse->room == 0 ? 4096 : parse->room * 2;
        struct step *trail = realloc(parse->trail, room * sizeof trail[0]);
        if (trail == NULL) {
            return false;
        }
        parse->trail = trail;
        parse->room = room;
    }
    struct state *next = parse->spare[--parse->spares];
    *next = *state;
    parse->trail[parse->steps++] = (struct step){*jump, state->trail};
    next->trail = parse->steps;
    delta_encoder_step(&next->encoder, jump);
    next->bits = delta_encoder_bits(&next->encoder);
    keep(parse, next);
    return true;
}

static bool try_jumps(struct parse *parse, const struct state *state)
{
    struct delta_jump jumps[DELTA_JUMPS_MAX];
    bool rationed = parse->ration == 0;
    if (rationed && state->bits > least_bits(parse, state->bits)) {
        return true;
    }
    unsigned count = delta_encoder_jumps(&state->encoder, jumps, !rationed);
    for (unsigned i = 0; i < count; i++) {
        if (!taken(parse, state, &jumps[i])) {
            parse->ration -= parse->ration > 0 ? 1 : 0;
            if (!try_jump(parse, state, &jumps[i])) {
                return false;
            }
        }
    }
    return true;
}

/* The one that is furthest behind, out of the list. */
static struct state *take_last(struct parse *parse)
{
    size_t last = 0;
    for (size_t i = 1; i < parse->count; i++) {
        last = parse->list[i]->encoder.delta.pos < parse->list[last]->encoder.delta.pos ? i : last;
    }
    struct state *state = parse->list[last];
    parse->list[last] = parse->list[--parse->count];
    return state;
}

/* All are at `pos` or further on: more tries are earned, and whoever waits is told. */
static void pass(struct parse *parse, const struct delta_job *job, uint32_t pos)
{
    uint32_t more = (pos - parse->pos) / RATION_BYTES;
    parse->pos += more * RATION_BYTES;
    parse->ration = parse->ration + more < RATION_MAX ? parse->ration + more : RATION_MAX;
    if (pos - parse->told >= TELL_BYTES && job->options != NULL && job->options->progress != NULL) {
        uint64_t size = job->new_file->len;
        uint64_t done = (job->round * size + pos) * PROGRESS_ALL / (job->rounds * size);
        parse->told = pos;
        job->options->progress(job->options->ctx, (uint32_t)done, PROGRESS_ALL);
    }
}

static bool walk(struct parse *parse, uint32_t size)
{
    for (;;) {
        struct state *state = take_last(parse);
        uint32_t pos = state->encoder.delta.pos;
        if (pos >= size) {
            parse->list[parse->count++] = state;
            return true;
        }
        pass(parse, state->encoder.job, pos);
        if (!delta_encoder_hits(&state->encoder) && !try_jumps(parse, state)) {
            return false;
        }
        delta_encoder_step(&state->encoder, NULL);
        state->bits = delta_encoder_bits(&state->encoder);
        keep(parse, state);
    }
}

static bool collect(const struct parse *parse, struct delta_jumps *ret_jumps)
{
    size_t best = 0;
    for (size_t i = 1; i < parse->count; i++) {
        best = parse->list[i]->bits < parse->list[best]->bits ? i : best;
    }
    size_t count = 0;
    for (size_t at = parse->list[best]->trail; at != 0; at = parse->trail[at - 1].before) {
        count++;
    }
    *ret_jumps = (struct delta_jumps){malloc((count + 1) * sizeof ret_jumps->list[0]), count};
    if (ret_jumps->list == NULL) {
        return false;
    }
    for (size_t at = parse->list[best]->trail; at != 0; at = parse->trail[at - 1].before) {
        ret_jumps->list[--count] = parse->trail[at - 1].jump;
    }
    return true;
}

bool delta_parse(const struct delta_encoder *encoder, struct delta_jumps *ret_jumps)
{
    struct parse *parse = calloc(1, sizeof *parse);
    struct state *pool = malloc(POOL * sizeof pool[0]);
    bool good = parse != NULL && pool != NULL;
    *ret_jumps = (struct delta_jumps){NULL, 0};
    if (good) {
        for (size_t i = 1; i < POOL; i++) {
            parse->spare[parse->spares++] = &pool[i];
        }
        pool[0] = (struct state){.encoder = *encoder};
        pool[0].encoder.range = NULL;
        pool[0].bits = delta_encoder_bits(encoder);
        parse->list[parse->count++] = &pool[0];
        parse->ration = RATION_MAX;
        good = walk(parse, encoder->delta.header.size) && collect(parse, ret_jumps);
        free(parse->trail);
    }
    free(pool);
    free(parse);
    return good;
}
