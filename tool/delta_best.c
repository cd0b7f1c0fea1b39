/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_best.c - the smallest of several encodings of one pair of files.
 *
 * What an entry of the map costs and saves is known only when everything else is coded. So the map is
 * chosen again from the copies that an encoding really used, with entries cheap and dear in turn,
 * and the smallest encoding is kept.
 */
#include "tool/delta_best.h"

#include <stdlib.h>

#include "tool/delta_map.h"

enum {
    ROUNDS = 8,
    WORK_MAX = 1 << 23, /* of all rounds: bytes of the result, and for each miss, ... */
    MISS_WORK = 256     /* ... as much as for so many bytes */
};

/* What the map of each round takes an entry to cost and a jump to cost, in bits. */
static const struct {
    uint8_t entry;
    uint8_t jump;
} prices[ROUNDS] = {{20, 24}, {20, 24}, {24, 16}, {20, 24}, {28, 16}, {20, 24}, {32, 16}, {20, 24}};

static int choose_map(const struct delta_job *job, const struct delta_align_options *align,
                      const struct delta_copies *copies, unsigned round, struct delta_copies *ret_map)
{
    struct delta_map_input input = {.old_file = job->old_file,
                                    .new_file = job->new_file,
                                    .options = align,
                                    .copies = copies,
                                    .most = OTTER_DELTA_MAP_MAX - 1,
                                    .entry_bits = prices[round].entry,
                                    .jump_bits = prices[round].jump};
    return delta_map_choose(&input, ret_map);
}

/* One encoding, which replaces *best if it is smaller. */
static int encode(struct delta_job *job, struct delta_range *best, struct delta_stats *best_stats, uint32_t *ret_misses)
{
    struct delta_range range;
    struct delta_stats stats = *best_stats;
    stats.literals = 0;
    stats.jumps = 0;
    delta_range_begin(&range);
    bool good = delta_encode(job, &range, &stats);
    if (good) {
        delta_range_end(&range);
    }
    if (!good || range.failed) {
        free(range.bytes);
        return tool_refuse("out of memory");
    }
    *ret_misses = stats.literals;
    if (best->bytes == NULL || range.len < best->len) {
        free(best->bytes);
        *best = range;
        *best_stats = stats;
    } else {
        free(range.bytes);
    }
    return 0;
}

static unsigned rounds_for(const struct delta_job *job, uint32_t misses)
{
    uint64_t work = (uint64_t)job->new_file->len + (uint64_t)misses * MISS_WORK + 1;
    uint64_t rounds = WORK_MAX / work;
    return rounds > ROUNDS ? ROUNDS : (unsigned)rounds;
}

static int encode_rounds(struct delta_job *job, const struct delta_align_options *align, struct delta_range *range,
                         struct delta_stats *stats)
{
    struct delta_copies map = {NULL, 0, 0};
    struct delta_copies walked = {NULL, 0, 0};
    int err = 0;
    job->map = &map;
    job->walked = &walked;
    job->rounds = ROUNDS;
    for (unsigned round = 0; err == 0 && round < job->rounds; round++) {
        uint32_t misses = 0;
        err = choose_map(job, align, round == 0 ? job->copies : &walked, round, &map);
        delta_copies_free(&walked);
        job->round = round;
        err = err == 0 ? encode(job, range, stats, &misses) : err;
        job->rounds = round == 0 ? rounds_for(job, misses) : job->rounds;
        delta_copies_free(&map);
    }
    delta_copies_free(&walked);
    return err;
}

int delta_best(struct delta_job *job, const struct delta_align_options *align, struct delta_range *ret_range,
               struct delta_stats *ret_stats)
{
    struct delta_copies copies = {NULL, 0, 0};
    *ret_range = (struct delta_range){.bytes = NULL};
    int err = delta_align(job->old_file, job->new_file, align, &copies);
    if (err != 0) {
        return err;
    }
    job->copies = &copies;
    job->matches = delta_matches_new(job->old_file, job->new_file);
    err = job->matches == NULL ? tool_refuse("out of memory") : encode_rounds(job, align, ret_range, ret_stats);
    delta_matches_free(job->matches);
    delta_copies_free(&copies);
    if (err != 0) {
        free(ret_range->bytes);
        ret_range->bytes = NULL;
    }
    return err;
}
