/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align_seeds.c - the longest match in the old file of every place of the new one.
 *
 * One suffix array over old and new together, and the lengths that neighbours in it share (both
 * computed in linear time): the best old matches of a new suffix are its nearest old neighbours above
 * and below. Nothing is searched, so repetitions cost nothing extra.
 */
#include <divsufsort.h>
#include <stdlib.h>
#include <string.h>

#include "tool/delta_align_parts.h"

/* A match shorter than this is no seed; a seed is led back at most so far, and all of them at most
 * so many times the file, in bytes. Of each place the nearest old neighbours are tried, while there are not yet
 * so many seeds for each byte. */
enum { MATCH_MIN = 4, BACK_MAX = 512, BACK_BUDGET = 16, RANKS = 3, SEEDS_EACH = 1 };

struct match {
    uint32_t off; /* in the old file */
    uint32_t len;
};

struct text {
    const struct delta_sites *old_sites;
    const struct delta_sites *new_sites;
    uint8_t *bytes; /* masked: new, then old (so that no old suffix goes on beyond its file) */
    int32_t size;
    int32_t *suffixes;
    int32_t *common;    /* of suffixes[i - 1] and suffixes[i] */
    struct match *best; /* of each new offset: the neighbour above, or below */
};

static void text_free(struct text *text)
{
    free(text->bytes);
    free(text->suffixes);
    free(text->common);
    free(text->best);
}

static int text_make(struct text *text)
{
    uint32_t old_size = text->old_sites->size;
    uint32_t new_size = text->new_sites->size;
    size_t size = (size_t)old_size + new_size;
    text->size = (int32_t)size;
    text->bytes = malloc(size + 1);
    text->suffixes = malloc((size + 1) * sizeof text->suffixes[0]);
    text->common = malloc((size + 1) * sizeof text->common[0]);
    text->best = malloc(((size_t)new_size + 1) * sizeof text->best[0]);
    if (text->bytes == NULL || text->suffixes == NULL || text->common == NULL ||
        text->best == NULL) {
        return -1;
    }
    if (new_size > 0) {
        memcpy(text->bytes, text->new_sites->masked, new_size);
    }
    if (old_size > 0) {
        memcpy(text->bytes + new_size, text->old_sites->masked, old_size);
    }
    return divsufsort(text->bytes, text->suffixes, text->size) == 0 ? 0 : -1;
}

/* Lengths in common, in text order (each is at most one shorter than the one before it). */
static int find_common(struct text *text)
{
    int32_t *before = malloc(((size_t)text->size + 1) * sizeof before[0]);
    int32_t *lengths = malloc(((size_t)text->size + 1) * sizeof lengths[0]);
    if (before == NULL || lengths == NULL) {
        free(before);
        free(lengths);
        return -1;
    }
    for (int32_t i = 0; i < text->size; i++) {
        before[text->suffixes[i]] = i > 0 ? text->suffixes[i - 1] : -1;
    }
    int32_t len = 0;
    for (int32_t at = 0; at < text->size; at++) {
        int32_t other = before[at];
        int32_t room = other < 0 ? 0 : text->size - (at > other ? at : other);
        while (len < room && text->bytes[at + len] == text->bytes[other + len]) {
            len++;
        }
        lengths[at] = other < 0 ? 0 : len;
        len = lengths[at] > 0 ? lengths[at] - 1 : 0;
    }
    for (int32_t i = 0; i < text->size; i++) {
        text->common[i] = lengths[text->suffixes[i]];
    }
    free(before);
    free(lengths);
    return 0;
}

/* The old suffixes passed last, the nearest first, and what they have in common with where we are. */
struct near {
    int32_t off[RANKS];
    int32_t len[RANKS];
};

static void pass_old(struct near *near, int32_t off)
{
    for (size_t rank = RANKS - 1; rank > 0; rank--) {
        near->off[rank] = near->off[rank - 1];
        near->len[rank] = near->len[rank - 1];
    }
    near->off[0] = off;
    near->len[0] = INT32_MAX;
}

/* For each new offset the old suffix that is nearest but `rank` before it in the array (step 1) or
 * behind it (-1). */
static void find_best(struct text *text, int32_t step, size_t rank)
{
    int32_t new_size = (int32_t)text->new_sites->size;
    struct near near = {{0}, {0}};
    for (int32_t i = step > 0 ? 0 : text->size - 1; i >= 0 && i < text->size; i += step) {
        int32_t common = step > 0 ? text->common[i] : i + 1 < text->size ? text->common[i + 1] : 0;
        for (size_t k = 0; k <= rank; k++) {
            near.len[k] = common < near.len[k] ? common : near.len[k];
        }
        int32_t at = text->suffixes[i];
        if (at >= new_size) {
            pass_old(&near, at - new_size);
            continue;
        }
        int32_t len = near.len[rank] < new_size - at ? near.len[rank] : new_size - at;
        text->best[at] = (struct match){(uint32_t)near.off[rank], (uint32_t)len};
    }
}

/* How far back from new offset `at` the match is still worth it: equal bytes gain, others cost. */
static uint32_t lead_back(const struct text *text, uint32_t at, uint32_t old_off, uint32_t limit)
{
    const uint8_t *old_bytes = text->old_sites->masked;
    const uint8_t *new_bytes = text->new_sites->masked;
    uint32_t room = at < old_off ? at : old_off;
    room = room < limit ? room : limit;
    uint32_t best = 0;
    int best_score = 0;
    int score = 0;
    for (uint32_t back = 1; back <= room && score > best_score - 24; back++) {
        score += old_bytes[old_off - back] == new_bytes[at - back] ? 1 : -2;
        if (score > best_score) {
            best_score = score;
            best = back;
        }
    }
    return best;
}

/* The match ends no later than the one before it, so it says nothing new. */
static bool contained(const struct match *matches, uint32_t at)
{
    return at > 0 && matches[at - 1].len > matches[at].len;
}

static int add_seeds(const struct text *text, struct delta_seeds *seeds)
{
    uint32_t size = text->new_sites->size;
    uint64_t budget = (uint64_t)size * BACK_BUDGET;
    for (uint32_t at = 0; at < size; at++) {
        const struct match *match = &text->best[at];
        if (match->len < MATCH_MIN || contained(text->best, at)) {
            continue;
        }
        uint32_t back = lead_back(text, at, match->off, budget < BACK_MAX ? (uint32_t)budget : BACK_MAX);
        budget -= back;
        seeds->work += back;
        struct delta_seed seed = {at - back, at + match->len, (int32_t)(match->off - at)};
        if (delta_seeds_add(seeds, &seed) < 0) {
            return -1;
        }
    }
    return 0;
}

int delta_seeds_match(const struct delta_sites *old_sites, const struct delta_sites *new_sites,
                      struct delta_seeds *ret_seeds)
{
    struct text text = {.old_sites = old_sites, .new_sites = new_sites};
    int err = text_make(&text);
    if (err == 0) {
        err = find_common(&text);
    }
    size_t enough = (size_t)new_sites->size * SEEDS_EACH + 1;
    for (size_t rank = 0; rank < RANKS && ret_seeds->count < enough; rank++) {
        for (int32_t step = 1; err == 0 && step >= -1; step -= 2) {
            find_best(&text, step, rank);
            err = add_seeds(&text, ret_seeds);
        }
    }
    text_free(&text);
    if (err == 0) {
        delta_seeds_sort(ret_seeds);
    }
    return err;
}

int delta_seeds_add(struct delta_seeds *seeds, const struct delta_seed *seed)
{
    if (seeds->count == seeds->room) {
        size_t room = seeds->room == 0 ? 1024 : seeds->room * 2;
        struct delta_seed *list = realloc(seeds->list, room * sizeof list[0]);
        if (list == NULL) {
            return -1;
        }
        seeds->list = list;
        seeds->room = room;
    }
    seeds->list[seeds->count++] = *seed;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct delta_seed *one = a;
    const struct delta_seed *two = b;
    if (one->begin != two->begin) {
        return one->begin < two->begin ? -1 : 1;
    }
    if (one->drift != two->drift) {
        return one->drift < two->drift ? -1 : 1;
    }
    return (one->until > two->until) - (one->until < two->until);
}

void delta_seeds_sort(struct delta_seeds *seeds)
{
    if (seeds->count > 1) {
        qsort(seeds->list, seeds->count, sizeof seeds->list[0], compare);
    }
}

void delta_seeds_free(struct delta_seeds *seeds)
{
    free(seeds->list);
    *seeds = (struct delta_seeds){NULL, 0, 0, 0};
}
