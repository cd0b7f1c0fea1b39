/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align_votes.c - what references say about where things went.
 *
 * A reference in a copy leads to old T; the same one in the new file leads to new T'. If T' is
 * copied from T, it is predicted. So each such reference is a vote for that drift at T', also
 * where bytes alone would not tell: small functions, short texts, constants.
 */
#include <stdlib.h>
#include <string.h>

#include "tool/delta_align_parts.h"

/* Costs in 1/16 bit: the first reference that is not predicted, and each further one (which the
 * decoder may have learnt). Of one place the strongest votes count. */
enum { VOTE_FIRST = 9 * 16, VOTE_NEXT = 2 * 16, VOTE_MAX = 60 * 16, VOTE_PLACES = 4, VOTE_SEED = 8 };

void delta_votes_free(struct delta_votes *votes)
{
    free(votes->list);
    *votes = (struct delta_votes){NULL, 0};
}

static int compare(const void *a, const void *b)
{
    const struct delta_vote *one = a;
    const struct delta_vote *two = b;
    if (one->off != two->off) {
        return one->off < two->off ? -1 : 1;
    }
    return (one->drift > two->drift) - (one->drift < two->drift);
}

/* Strongest first. */
static int compare_weight(const void *a, const void *b)
{
    const struct delta_vote *one = a;
    const struct delta_vote *two = b;
    if (one->weight != two->weight) {
        return one->weight > two->weight ? -1 : 1;
    }
    return (one->drift > two->drift) - (one->drift < two->drift);
}

/* The reference at old offset `from`, copied to `at`: its vote, if it has one. */
static bool vote_of(const struct delta_sites *old_sites, const struct delta_sites *new_sites,
                    uint32_t from, uint32_t at, struct delta_vote *ret_vote)
{
    uint8_t kind = old_sites->kind[from];
    if (new_sites->kind[at] != kind ||
        memcmp(old_sites->masked + from, new_sites->masked + at, delta_site_len(kind)) != 0) {
        return false;
    }
    int64_t was = delta_site_target(old_sites, from);
    int64_t is = delta_site_target(new_sites, at);
    if (was < 0 || was >= old_sites->size || is < 0 || is >= new_sites->size) {
        return false;
    }
    if (kind == DELTA_SITE_WORD && was % 2 != 0 && is % 2 != 0) {
        was--; /* maybe a function with its Thumb bit */
        is--;
    }
    *ret_vote = (struct delta_vote){(uint32_t)is, (int32_t)(was - is), 0};
    return true;
}

static void collect(const struct delta_path_input *in, const struct delta_copies *copies,
                    struct delta_votes *votes)
{
    for (size_t i = 0; i < copies->count; i++) {
        const struct delta_copy *copy = &copies->list[i];
        for (uint32_t j = 0; j < copy->len; j++) {
            uint8_t kind = in->old_sites->kind[copy->old_off + j];
            if (kind > DELTA_SITE_REST && copy->len - j >= delta_site_len(kind) &&
                vote_of(in->old_sites, in->new_sites, copy->old_off + j, copy->new_off + j,
                        &votes->list[votes->count])) {
                votes->count++;
            }
        }
    }
}

/* Equal ones become one with their weight; only the strongest of a place stay. */
static void count_equal(struct delta_votes *votes)
{
    size_t kept = 0;
    size_t place = 0; /* where the votes for the current offset begin */
    for (size_t i = 0; i < votes->count;) {
        size_t end = i;
        uint32_t weight = VOTE_FIRST - VOTE_NEXT;
        while (end < votes->count && compare(&votes->list[i], &votes->list[end]) == 0) {
            weight += weight < VOTE_MAX ? VOTE_NEXT : 0;
            end++;
        }
        struct delta_vote vote = votes->list[i];
        vote.weight = weight;
        votes->list[kept++] = vote;
        i = end;
        if (i == votes->count || votes->list[i].off != vote.off) {
            qsort(votes->list + place, kept - place, sizeof votes->list[0], compare_weight);
            kept = kept - place > VOTE_PLACES ? place + VOTE_PLACES : kept;
            place = kept;
        }
    }
    votes->count = kept;
}

int delta_votes_count(const struct delta_path_input *in, const struct delta_copies *copies,
                      struct delta_votes *ret_votes)
{
    *ret_votes = (struct delta_votes){NULL, 0};
    ret_votes->list = malloc(((size_t)in->new_sites->size / 2 + 2) * sizeof ret_votes->list[0]);
    if (ret_votes->list == NULL) {
        return -1;
    }
    collect(in, copies, ret_votes);
    if (ret_votes->count > 1) {
        qsort(ret_votes->list, ret_votes->count, sizeof ret_votes->list[0], compare);
    }
    count_equal(ret_votes);
    return 0;
}

int delta_votes_seed(const struct delta_votes *votes, uint32_t new_size, struct delta_seeds *seeds)
{
    for (size_t i = 0; i < votes->count; i++) {
        const struct delta_vote *vote = &votes->list[i];
        uint32_t room = new_size - vote->off;
        struct delta_seed seed = {vote->off, vote->off + (room < VOTE_SEED ? room : VOTE_SEED), vote->drift};
        if (delta_seeds_add(seeds, &seed) < 0) {
            return -1;
        }
    }
    delta_seeds_sort(seeds);
    return 0;
}
