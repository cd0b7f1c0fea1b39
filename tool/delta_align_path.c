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
    COST_COPY = 18 * 16,   /* a new copy, plus what its drift is away from the last one's */
    COST_LITERAL = 7 * 16, /* a byte that is in no copy */
    COST_BYTE = 7 * 16,    /* a byte that is not as expected, beside the flag that says so */
    COST_EQUAL = 1 * 16,   /* an equal byte beside such a one */
    COST_RAW = 4 * 16,     /* a reference of 4 bytes that did not change though it was expected to */
    COST_NEAR = 11 * 16,   /* one that changed in another way */
    COST_SHORT = 8 * 16    /* one of 2 bytes that changed in another way */
};

/* What a miss and a hit cost by the bytes since the last miss. */
static const struct {
    uint8_t since;
    uint8_t miss;
    uint8_t hit; /* each byte */
} flags[] = {{2, 26, 5}, {4, 40, 2}, {8, 53, 1}, {16, 67, 1}, {32, 80, 0}, {96, 104, 0}, {254, 128, 0}, {255, 160, 0}};

struct runner {
    uint64_t cost;
    uint32_t start;
    uint32_t until;
    int32_t drift;
    uint8_t since; /* bytes since the last one that was not as expected */
    uint8_t price; /* of each byte more of the reference in hand */
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
    size_t next_vote;
    uint64_t work;
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

static uint32_t miss_cost(uint8_t since)
{
    size_t i = 0;
    while (since > flags[i].since) {
        i++;
    }
    return flags[i].miss;
}

static void hit(struct runner *runner, uint32_t len)
{
    size_t i = 0;
    while (runner->since > flags[i].since) {
        i++;
    }
    runner->cost += flags[i].hit * len;
    runner->since = (uint8_t)(runner->since < 255 - len ? runner->since + len : 255);
}

/* What a reference that is not as predicted costs, beside the flag. */
static uint32_t missed_cost(const struct delta_path_input *in, uint32_t from, uint32_t at)
{
    uint8_t kind = in->old_sites->kind[from];
    uint32_t len = delta_site_len(kind);
    if (at + len > in->new_sites->size) {
        return len * COST_BYTE;
    }
    const uint8_t *was = in->old_sites->bytes + from;
    const uint8_t *is = in->new_sites->bytes + at;
    bool same_kind = in->new_sites->kind[at] == kind &&
                     memcmp(in->old_sites->masked + from, in->new_sites->masked + at, len) == 0;
    if (len == 4 && memcmp(was, is, 4) == 0) {
        return COST_RAW;
    }
    if (len == 4 && kind != DELTA_SITE_BRANCH_W) {
        return same_kind ? COST_NEAR : 4 * COST_BYTE;
    }
    return same_kind ? COST_SHORT : len * COST_BYTE;
}

/* A reference begins at old offset `from`: it is paid for byte by byte. */
static void enter_site(const struct delta_path_input *in, struct runner *runner, uint32_t from, uint32_t at)
{
    uint32_t len = delta_site_len(in->old_sites->kind[from]);
    runner->price = 0;
    if (predicted(in, from, at)) {
        hit(runner, len);
        return;
    }
    runner->cost += miss_cost(runner->since);
    runner->since = 0;
    runner->price = (uint8_t)(missed_cost(in, from, at) / len);
}

static void step_runner(const struct delta_path_input *in, struct runner *runner, uint32_t at)
{
    uint32_t from = at + (uint32_t)runner->drift;
    uint8_t kind = in->old_sites->kind[from];
    if (kind > DELTA_SITE_REST) {
        enter_site(in, runner, from, at);
    }
    if (kind != DELTA_SITE_NONE && (kind > DELTA_SITE_REST || runner->start < at)) {
        runner->cost += runner->price;
        return;
    }
    if (in->old_sites->bytes[from] == in->new_sites->bytes[at]) {
        hit(runner, 1);
        return;
    }
    /* two bytes are told together: an equal one beside a wrong one is paid for, too */
    runner->cost += runner->since == 0 ? COST_BYTE : miss_cost(runner->since) + COST_BYTE + COST_EQUAL;
    runner->since = 0;
}

static void begin_runner(const struct walk *walk, struct runner *runner, uint32_t at)
{
    runner->cost = walk->best.cost + jump_cost(walk->best.drift, runner->drift);
    runner->start = at;
    runner->since = 16;
    runner->price = 0;
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
        if (runner->cost > walk->best.cost + COST_COPY &&
            runner->cost > walk->best.cost + jump_cost(walk->best.drift, runner->drift)) {
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
    if (walk->literal.cost > walk->best.cost) {
        walk->literal.cost = walk->best.cost;
        walk->literal.start = walk->best.start; /* set by the caller to where we are */
    }
    walk->literal.cost += COST_LITERAL;
}

/* Whoever does not copy as references want it pays. */
static void charge_votes(struct walk *walk, uint32_t at)
{
    const struct delta_votes *votes = walk->in->votes;
    while (votes != NULL && walk->next_vote < votes->count &&
           votes->list[walk->next_vote].off == at) {
        const struct delta_vote *vote = &votes->list[walk->next_vote++];
        walk->literal.cost += vote->weight;
        for (size_t i = 0; i < walk->count; i++) {
            walk->runners[i].cost += walk->runners[i].drift != vote->drift ? vote->weight : 0;
        }
    }
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
    charge_votes(walk, at);
    walk->best = walk->literal;
    walk->work += walk->count;
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
    *ret_copies = (struct delta_copies){list, count, walk->work};
    return 0;
}

int delta_path(const struct delta_path_input *input, struct delta_copies *ret_copies)
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
    int err = collect(walk, ret_copies);
    free(places);
    free(walk);
    return err;
}
