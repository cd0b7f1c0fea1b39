/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align_path.c - the cheapest way through the new file.
 *
 * A walk over the new bytes with a small set of runners. Each runner copies from the old file at one
 * drift (old_off - new_off) and carries the least number of bits that the new file up to here takes
 * when its last byte is copied so; one more has its last byte literal. A runner that costs more than
 * the best one with a new copy begun here has lost: it begins anew here, or, when its seed is over,
 * leaves. For every place the best runner, and where it began, is kept; the way is read from the end
 * backwards. Work per byte is bounded by the number of runners.
 */
#include <stdlib.h>
#include <string.h>

#include "tool/delta_align_parts.h"

enum { RUNNERS = 40 };

/* Costs in 1/16 bit; about what the coder takes. */
enum {
    COST_COPY = 20 * 16,    /* a new copy, plus what its drift is away from the last one's */
    COST_LITERALS = 4 * 16, /* the first literal byte */
    COST_LITERAL = 6 * 16,
    COST_SAME = 0, /* a byte as in the old file, after such a one */
    COST_SAME_AGAIN = 14, /* after one that differs */
    COST_OTHER = 15 * 16, /* a byte that differs, after an equal one */
    COST_OTHER_AGAIN = 9 * 16,
    COST_MISSED = 14 * 4, /* each byte of a reference of four that is not as predicted */
    COST_MISSED_SHORT = 10 * 8,
    COST_ASIDE = 4, /* each byte of such a one while predictions are not known yet */
};

struct runner {
    uint64_t cost;
    uint32_t start;
    uint32_t until;
    int32_t drift;
    bool differed;
};

struct place {
    uint32_t start; /* where the best runner up to here began */
    int32_t drift;
};
#define DRIFT_NONE INT32_MIN /* literal */

struct walk {
    const struct delta_path_input *in;
    struct place *places;
    struct runner runners[RUNNERS];
    size_t count;
    size_t next_seed;
    struct runner literal;
    struct runner best;
};

static uint32_t jump_cost(int32_t from, int32_t to)
{
    if (from == DRIFT_NONE) {
        return COST_COPY + 4 * 16;
    }
    uint64_t jump = (uint64_t)(to > from ? (int64_t)to - from : (int64_t)from - to);
    uint32_t bits = 0;
    while (jump >> bits > 1 && bits < 20) {
        bits++;
    }
    return COST_COPY + bits * 8;
}

/* Is the reference at old offset `from` what the decoder would predict for new offset `at`? */
static bool predicted(const struct delta_path_input *in, uint32_t from, uint32_t at)
{
    uint8_t kind = in->old_sites->kind[from];
    uint32_t len = delta_site_len(kind);
    if (at + len > in->new_sites->size || in->new_sites->kind[at] != kind ||
        memcmp(in->old_sites->masked + from, in->new_sites->masked + at, len) != 0) {
        return false;
    }
    int64_t target = delta_site_target(in->old_sites, from);
    if (in->translate == NULL) {
        return true;
    }
    int64_t now = target < 0 || target >= in->old_sites->size
                      ? target
                      : (int64_t)in->translate[target];
    return now == delta_site_target(in->new_sites, at);
}

/* What the byte at `at` costs this runner, when it is part of a reference in the old file. */
static uint32_t site_cost(const struct delta_path_input *in, uint32_t from, uint32_t at)
{
    uint32_t back = 0;
    while (in->old_sites->kind[from - back] == DELTA_SITE_REST) {
        back++;
    }
    uint32_t len = delta_site_len(in->old_sites->kind[from - back]);
    if (at < back) {
        return COST_MISSED;
    }
    if (!predicted(in, from - back, at - back)) {
        return len == 2 ? COST_MISSED_SHORT : COST_MISSED;
    }
    bool same = memcmp(in->old_sites->bytes + from - back, in->new_sites->bytes + at - back, len) == 0;
    return in->translate == NULL && !same ? COST_ASIDE : 0;
}

static void step_runner(const struct delta_path_input *in, struct runner *runner, uint32_t at)
{
    uint32_t from = at + (uint32_t)runner->drift;
    if (in->old_sites->kind[from] != DELTA_SITE_NONE) {
        runner->cost += site_cost(in, from, at);
        return;
    }
    bool differs = in->old_sites->bytes[from] != in->new_sites->bytes[at];
    if (differs) {
        runner->cost += runner->differed ? COST_OTHER_AGAIN : COST_OTHER;
    } else {
        runner->cost += runner->differed ? COST_SAME_AGAIN : COST_SAME;
    }
    runner->differed = differs;
}

static void begin_runner(const struct walk *walk, struct runner *runner, uint32_t at)
{
    runner->cost = walk->best.cost + jump_cost(walk->best.drift, runner->drift);
    runner->start = at;
    runner->differed = false;
}

/* Runners that lost begin anew or leave; those at the end of the old file leave. */
static void prune(struct walk *walk, uint32_t at)
{
    size_t kept = 0;
    for (size_t i = 0; i < walk->count; i++) {
        struct runner *runner = &walk->runners[i];
        int64_t from = (int64_t)at + runner->drift;
        if (from < 0 || from >= walk->in->old_sites->size) {
            continue;
        }
        if (runner->cost > walk->best.cost + jump_cost(walk->best.drift, runner->drift)) {
            if (at >= runner->until) {
                continue;
            }
            begin_runner(walk, runner, at);
        }
        walk->runners[kept++] = *runner;
    }
    walk->count = kept;
}

static void admit(struct walk *walk, const struct delta_seed *seed, uint32_t at)
{
    int64_t from = (int64_t)at + seed->drift;
    if (from < 0 || from >= walk->in->old_sites->size) {
        return;
    }
    size_t worst = 0;
    for (size_t i = 0; i < walk->count; i++) {
        struct runner *runner = &walk->runners[i];
        if (runner->drift == seed->drift) {
            runner->until = seed->until > runner->until ? seed->until : runner->until;
            return;
        }
        worst = runner->cost > walk->runners[worst].cost ? i : worst;
    }
    size_t index = walk->count < RUNNERS ? walk->count++ : worst;
    walk->runners[index] = (struct runner){.until = seed->until, .drift = seed->drift};
    begin_runner(walk, &walk->runners[index], at);
}

static void step_literal(struct walk *walk)
{
    if (walk->literal.cost > walk->best.cost + COST_LITERALS) {
        walk->literal.cost = walk->best.cost + COST_LITERALS;
        walk->literal.start = walk->best.start; /* set by the caller to where we are */
    }
    walk->literal.cost += COST_LITERAL;
}

static void step(struct walk *walk, uint32_t at)
{
    const struct delta_seeds *seeds = walk->in->seeds;
    prune(walk, at);
    while (walk->next_seed < seeds->count && seeds->list[walk->next_seed].begin <= at) {
        admit(walk, &seeds->list[walk->next_seed++], at);
    }
    walk->best.start = at;
    step_literal(walk);
    walk->best = walk->literal;
    for (size_t i = 0; i < walk->count; i++) {
        step_runner(walk->in, &walk->runners[i], at);
        if (walk->runners[i].cost < walk->best.cost) {
            walk->best = walk->runners[i];
        }
    }
    walk->places[at + 1] = (struct place){walk->best.start, walk->best.drift};
}

/* Read the way from its end; neighbours of one drift become one copy. */
static int collect(const struct walk *walk, struct delta_copies *ret_copies)
{
    uint32_t size = walk->in->new_sites->size;
    size_t count = 0;
    for (uint32_t at = size; at > 0; at = walk->places[at].start) {
        count += walk->places[at].drift != DRIFT_NONE;
    }
    struct delta_copy *list = malloc((count + 1) * sizeof list[0]);
    if (list == NULL) {
        return -1;
    }
    size_t index = count;
    for (uint32_t at = size; at > 0; at = walk->places[at].start) {
        const struct place *place = &walk->places[at];
        if (place->drift != DRIFT_NONE) {
            list[--index] = (struct delta_copy){place->start + (uint32_t)place->drift, place->start,
                                                at - place->start};
        }
    }
    *ret_copies = (struct delta_copies){list, count};
    return 0;
}

int delta_path(const struct delta_path_input *input, struct delta_copies *ret_copies,
               uint64_t *ret_cost)
{
    uint32_t size = input->new_sites->size;
    struct walk *walk = calloc(1, sizeof *walk);
    struct place *places = malloc(((size_t)size + 1) * sizeof places[0]);
    if (walk == NULL || places == NULL) {
        free(walk);
        free(places);
        return -1;
    }
    walk->in = input;
    walk->places = places;
    walk->literal = (struct runner){.drift = DRIFT_NONE};
    walk->best = (struct runner){.drift = 0}; /* a first copy without drift is the cheapest */
    for (uint32_t at = 0; at < size; at++) {
        step(walk, at);
    }
    *ret_cost = walk->best.cost / 16;
    int err = collect(walk, ret_copies);
    free(places);
    free(walk);
    return err;
}
