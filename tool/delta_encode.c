/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_encode.c - the walk (delta/walk.h) from the encoder's side.
 *
 * Once to find out where to jump (delta_parse.c), by encoders that only count what they would write,
 * and once more to write.
 */
#include "tool/delta_encode.h"

#include "delta/model.h"
#include "tool/delta_parse.h"

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

static unsigned code_size(uint32_t wanted)
{
    unsigned size = 0;
    while (wanted >> size > 1u) {
        size++;
    }
    return size;
}

#include "delta/walk.h"

/* How a reference that is not as expected is told best. */
static void plan_reference(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want)
{
    uint8_t bytes[4];
    bool same = true;
    want->target = load32(want->bytes);
    if (unit->kind != OTTER_DELTA_WORD) {
        uint32_t at = delta->header.address + delta->pos;
        same = delta->filter->find(want->bytes, at, &want->target) == (enum otter_delta_kind)unit->kind;
        memcpy(bytes, unit->old, 4);
        same = same && otter_delta_aim(delta, unit, want->target, bytes) && memcmp(bytes, want->bytes, unit->len) == 0;
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

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct tool_bytes *file = ctx;
    memcpy(buf, file->data + off, len);
    return 0;
}

double delta_encoder_bits(const struct delta_encoder *encoder)
{
    double sum = 0;
    for (unsigned i = 0; i < ABOUT_KINDS; i++) {
        sum += encoder->bits[i];
    }
    return sum;
}

/* The known copies' source for pos, and the best plain matches. */
unsigned delta_encoder_jumps(const struct delta_encoder *encoder, struct delta_jump *ret_jumps, bool matches)
{
    const struct delta_job *job = encoder->job;
    uint32_t pos = encoder->delta.pos;
    unsigned count = 0;
    ret_jumps[count++] = (struct delta_jump){pos, 0, DELTA_JUMP_MAP};
    for (size_t i = encoder->copy; i < job->copies->count && job->copies->list[i].new_off <= pos; i++) {
        const struct delta_copy *copy = &job->copies->list[i];
        if (pos - copy->new_off < copy->len) {
            ret_jumps[count++] = (struct delta_jump){pos, copy->old_off + pos - copy->new_off, DELTA_JUMP_OLD};
            break;
        }
    }
    struct delta_match list[DELTA_MATCHES_MAX];
    unsigned found = matches ? delta_match_find(job->matches, pos, list) : 0;
    for (unsigned i = 0; i < found; i++) {
        ret_jumps[count++] = (struct delta_jump){pos, list[i].off, list[i].from_new ? DELTA_JUMP_NEW : DELTA_JUMP_OLD};
    }
    return count;
}

uint32_t delta_encoder_target(const struct delta_encoder *encoder, const struct delta_jump *jump)
{
    return jump->origin == DELTA_JUMP_MAP ? otter_delta_map_source(&encoder->delta) : jump->source;
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

bool delta_encoder_hits(struct delta_encoder *encoder)
{
    struct otter_delta *delta = &encoder->delta;
    struct otter_delta_unit unit;
    otter_delta_map_follow(delta);
    otter_delta_expect(delta, &unit);
    return memcmp(unit.bytes, encoder->job->new_file->data + delta->pos, unit.len) == 0;
}

void delta_encoder_step(struct delta_encoder *encoder, const struct delta_jump *jump)
{
    static const uint8_t origins[] = {ORIGIN_MAP, ORIGIN_OLD, ORIGIN_NEW};
    const struct delta_job *job = encoder->job;
    struct walk_want want = {.file = job->new_file->data};
    if (jump != NULL) {
        want.jump = true;
        want.origin = origins[jump->origin];
        want.source = jump->source;
    }
    code_unit(&encoder->delta, &want);
    while (encoder->copy < job->copies->count &&
           job->copies->list[encoder->copy].new_off + job->copies->list[encoder->copy].len <= encoder->delta.pos) {
        encoder->copy++;
    }
}

/* The last unit, of `len` bytes, was copied from the old file: it begins or prolongs a copy. */
static bool note_copy(const struct delta_encoder *encoder, uint32_t len)
{
    struct delta_copies *walked = encoder->job->walked;
    const struct otter_delta *delta = &encoder->delta;
    if (walked == NULL || delta->from_new || delta->source > delta->header.base_size) {
        return true;
    }
    struct delta_copy unit = {delta->source - len, delta->pos - len, len};
    struct delta_copy *last = walked->count > 0 ? &walked->list[walked->count - 1] : NULL;
    if (last != NULL && last->new_off + last->len == unit.new_off && last->old_off + last->len == unit.old_off) {
        last->len += len;
        return true;
    }
    if ((walked->count & (walked->count - 1)) == 0) { /* full: its room is the next power of two */
        size_t room = walked->count == 0 ? 1 : walked->count * 2;
        struct delta_copy *list = realloc(walked->list, room * sizeof list[0]);
        if (list == NULL) {
            return false;
        }
        walked->list = list;
    }
    walked->list[walked->count++] = unit;
    return true;
}

static bool encode_all(struct delta_encoder *encoder, struct delta_stats *stats)
{
    struct delta_jumps jumps;
    size_t next = 0;
    bool good = delta_parse(encoder, &jumps);
    while (good && encoder->delta.pos < encoder->delta.header.size) {
        uint32_t pos = encoder->delta.pos;
        bool jump = next < jumps.count && jumps.list[next].pos == encoder->delta.pos;
        stats->literals += delta_encoder_hits(encoder) ? 0 : 1;
        stats->jumps += jump ? 1 : 0;
        delta_encoder_step(encoder, jump ? &jumps.list[next] : NULL);
        next += jump ? 1 : 0;
        good = note_copy(encoder, encoder->delta.pos - pos);
    }
    free(jumps.list);
    return good;
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
    bool good = encode_all(encoder, ret_stats);
    for (unsigned i = 0; i < ABOUT_KINDS; i++) {
        ret_stats->bytes[i] = encoder->bits[i] / 8;
    }
    ret_stats->copies = (uint32_t)job->map->count;
    free(encoder);
    free(cost);
    return good;
}
