/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_encode.c - the walk (delta/walk.h) from the encoder's side.
 *
 * Where a unit is not as expected, other sources are tried by walking a little way from each, and the
 * cheapest is taken.
 */
#include "tool/delta_encode.h"

#include "delta/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROBABILITY_ONE = 65536 };

/* Bits that coding something of each probability takes; NULL: out of memory. */
static float *make_costs(void)
{
    float *cost = malloc((PROBABILITY_ONE + 1) * sizeof *cost);
    for (uint32_t p = 0; cost != NULL && p <= PROBABILITY_ONE; p++) {
        cost[p] = (float)-log2((p > 0 ? (double)p : 0.5) / PROBABILITY_ONE);
    }
    return cost;
}

static unsigned code_bit(struct otter_delta *delta, uint32_t p, unsigned wanted)
{
    struct delta_encoder *encoder = (struct delta_encoder *)(void *)delta;
    encoder->bits[encoder->about] += (double)encoder->cost[wanted != 0 ? p : PROBABILITY_ONE - p];
    if (encoder->range != NULL) {
        delta_range_bit(encoder->range, p, wanted);
    }
    return wanted;
}

static void code_about(struct otter_delta *delta, enum walk_about about)
{
    ((struct delta_encoder *)(void *)delta)->about = about;
}

struct otter_delta_unit;
struct walk_want;

#include "delta/walk.h"

/* How a reference that is not as expected is told best. */
static void plan_reference(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want)
{
    struct otter_delta_unit aimed = *unit;
    bool same = true;
    want->target = load32(want->bytes);
    if (unit->kind != OTTER_DELTA_WORD) {
        uint32_t at = delta->header.address + delta->pos;
        same = delta->filter->find(want->bytes, at, &want->target) == (enum otter_delta_kind)unit->kind;
        aimed.is = want->target;
        same = same && otter_delta_aim(delta, &aimed, aimed.old) && memcmp(aimed.old, want->bytes, unit->len) == 0;
    }
    want->form = same && fold(want->target - unit->is) < 0x200000u ? FORM_NEAR : FORM_BYTES;
    if (memcmp(unit->old, want->bytes, unit->len) == 0 && unit->changed) {
        want->form = FORM_COPY;
    }
}

static void code_plan(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want)
{
    uint32_t left = delta->header.size - delta->pos;
    memset(want->bytes, 0, 4);
    memcpy(want->bytes, want->file + delta->pos, left < 4 ? left : 4);
    want->miss = memcmp(want->bytes, unit->bytes, unit->len) != 0;
    if (want->miss && unit->kind != OTTER_DELTA_PLAIN) {
        plan_reference(delta, unit, want);
    }
}

enum { HORIZON = 24, CANDIDATES_MAX = 8 };

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct tool_bytes *file = ctx;
    memcpy(buf, file->data + off, len);
    return 0;
}

static double bits_of(const struct delta_encoder *encoder)
{
    double sum = 0;
    for (unsigned i = 0; i < ABOUT_KINDS; i++) {
        sum += encoder->bits[i];
    }
    return sum;
}

/* Walk to `end` without another jump. */
static double walk_cost(const struct delta_encoder *encoder, const struct walk_want *first, uint32_t end)
{
    struct delta_encoder trial = *encoder;
    struct walk_want want = *first;
    trial.range = NULL;
    while (trial.delta.pos < end) {
        code_unit(&trial.delta, &want);
    }
    return bits_of(&trial) - bits_of(encoder);
}

/* The known copies' source for pos, and the best plain matches. */
static unsigned candidates(const struct delta_encoder *encoder, struct walk_want *list)
{
    const struct delta_job *job = encoder->job;
    const struct otter_delta *delta = &encoder->delta;
    unsigned count = 0;
    if (delta->from_new || otter_delta_map_source(delta) != delta->source) {
        list[count++] = (struct walk_want){.origin = ORIGIN_MAP};
    }
    for (size_t i = encoder->copy; i < job->copies->count && job->copies->list[i].new_off <= delta->pos; i++) {
        const struct delta_copy *copy = &job->copies->list[i];
        if (delta->pos - copy->new_off < copy->len) {
            list[count++] = (struct walk_want){.origin = ORIGIN_OLD, .source = copy->old_off + delta->pos - copy->new_off};
            break;
        }
    }
    struct delta_match matches[4];
    unsigned found = delta_match_find(job->matches, delta->pos, matches, 4);
    for (unsigned i = 0; i < found; i++) {
        list[count++] = (struct walk_want){.origin = matches[i].from_new ? ORIGIN_NEW : ORIGIN_OLD, .source = matches[i].off};
    }
    return count;
}

static struct walk_want choose(const struct delta_encoder *encoder)
{
    const struct otter_delta *delta = &encoder->delta;
    struct walk_want list[CANDIDATES_MAX];
    struct walk_want best = {.file = encoder->job->new_file->data};
    uint32_t end = delta->pos + HORIZON < delta->header.size ? delta->pos + HORIZON : delta->header.size;
    unsigned count = candidates(encoder, list);
    double least = count > 0 ? walk_cost(encoder, &best, end) : 0; /* nothing else to do: not weighed */
    for (unsigned i = 0; i < count; i++) {
        list[i].file = best.file;
        list[i].jump = true;
        if (list[i].origin != ORIGIN_MAP && list[i].source == delta->source && (list[i].origin == ORIGIN_NEW) == delta->from_new) {
            continue;
        }
        double cost = walk_cost(encoder, &list[i], end);
        if (cost < least) {
            least = cost;
            best = list[i];
        }
    }
    return best;
}

static void encode_map(struct delta_encoder *encoder)
{
    const struct delta_copies *map = encoder->job->map;
    struct otter_delta *delta = &encoder->delta;
    (void)code_entries(delta, (uint32_t)map->count);
    for (size_t i = 0; i < map->count; i++) {
        (void)code_entry(delta, map->list[i].old_off, map->list[i].new_off);
    }
    walk_begin(delta);
}

static bool is_hit(struct otter_delta *delta, const uint8_t *bytes)
{
    struct otter_delta_unit unit;
    otter_delta_map_follow(delta);
    otter_delta_expect(delta, &unit);
    return memcmp(unit.bytes, bytes + delta->pos, unit.len) == 0;
}

bool delta_encode(const struct delta_job *job, struct delta_range *range, struct delta_stats *ret_stats)
{
    struct otter_delta_io io = {.ctx = (void *)(uintptr_t)job->old_file, .read_old = read_old};
    struct delta_encoder *encoder = calloc(1, sizeof *encoder);
    float *cost = make_costs();
    if (encoder == NULL || cost == NULL) {
        free(encoder);
        free(cost);
        return false;
    }
    encoder->cost = cost;
    struct otter_delta *delta = &encoder->delta;
    encoder->range = range;
    encoder->job = job;
    delta->io = &io;
    delta->header = *job->header;
    delta->filter = otter_delta_filter_find(job->header->filter);
    delta->out = job->new_file->data;
    encode_map(encoder);
    while (delta->pos < delta->header.size) {
        struct walk_want want = {.file = job->new_file->data};
        if (!is_hit(delta, want.file)) {
            want = choose(encoder);
            ret_stats->literals++;
            ret_stats->jumps += want.jump ? 1 : 0;
        }
        while (encoder->copy < job->copies->count &&
               job->copies->list[encoder->copy].new_off + job->copies->list[encoder->copy].len <= delta->pos) {
            encoder->copy++;
        }
        code_unit(delta, &want);
    }
    for (unsigned i = 0; i < ABOUT_KINDS; i++) {
        ret_stats->bytes[i] = encoder->bits[i] / 8;
    }
    ret_stats->copies = (uint32_t)job->map->count;
    free(encoder);
    free(cost);
    return true;
}
