/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align.c - copies of the old file in the new one: sites, seeds, and the path twice.
 *
 * The first path takes every reference for predicted; its copies say where things went, and with
 * that the next one knows which references will be predicted.
 */
#include "tool/delta_align.h"

#include <stdlib.h>

#include "tool/delta_align_parts.h"

enum { PASSES = 3 };

void delta_copies_free(struct delta_copies *copies)
{
    free(copies->list);
    *copies = (struct delta_copies){NULL, 0, 0};
}

static int compare_old(const void *a, const void *b)
{
    const struct delta_copy *one = a;
    const struct delta_copy *two = b;
    if (one->old_off != two->old_off) {
        return one->old_off < two->old_off ? -1 : 1;
    }
    if (one->len != two->len) {
        return one->len < two->len ? -1 : 1; /* the longer one is written last, and stays */
    }
    return (one->new_off < two->new_off) - (one->new_off > two->new_off);
}

/* What no copy covers goes with the copy before it. */
int delta_translate(const struct delta_copies *copies, uint32_t old_size, uint32_t **ret_translate)
{
    uint32_t *translate = malloc(((size_t)old_size + 1) * sizeof translate[0]);
    struct delta_copy *sorted = malloc((copies->count + 1) * sizeof sorted[0]);
    if (translate == NULL || sorted == NULL) {
        free(translate);
        free(sorted);
        return -1;
    }
    for (size_t i = 0; i < copies->count; i++) {
        sorted[i] = copies->list[i];
    }
    qsort(sorted, copies->count, sizeof sorted[0], compare_old);
    uint32_t at = 0;
    uint32_t drift = 0; /* to be added, modulo 2^32 */
    for (size_t i = 0; i < copies->count; i++) {
        const struct delta_copy *copy = &sorted[i];
        uint32_t end = copy->old_off + copy->len;
        while (at < copy->old_off) {
            translate[at] = at + drift;
            at++;
        }
        if (end > at) {
            drift = copy->new_off - copy->old_off;
            while (at < end) {
                translate[at] = at + drift;
                at++;
            }
        }
    }
    for (; at < old_size; at++) {
        translate[at] = at + drift;
    }
    free(sorted);
    *ret_translate = translate;
    return 0;
}

/* Once more, with what the copies so far say. */
static int improve(struct delta_path_input *input, struct delta_copies *copies)
{
    uint32_t *translate = NULL;
    struct delta_votes votes = {NULL, 0};
    struct delta_seeds seeds = {NULL, 0, 0, 0};
    struct delta_path_input again = *input;
    int err = delta_translate(copies, input->old_sites->size, &translate);
    if (err == 0) {
        err = delta_votes_count(input, copies, &votes);
    }
    for (size_t i = 0; err == 0 && i < input->seeds->count; i++) {
        err = delta_seeds_add(&seeds, &input->seeds->list[i]);
    }
    if (err == 0) {
        err = delta_votes_seed(&votes, input->new_sites->size, &seeds);
    }
    if (err == 0) {
        uint64_t work = copies->work;
        delta_copies_free(copies);
        again.translate = translate;
        again.votes = &votes;
        again.seeds = &seeds;
        err = delta_path(&again, copies);
        copies->work += work;
    }
    free(translate);
    delta_votes_free(&votes);
    delta_seeds_free(&seeds);
    return err;
}

static int find_paths(struct delta_path_input *input, struct delta_copies *ret_copies)
{
    int err = delta_path(input, ret_copies);
    for (int pass = 1; err == 0 && pass < PASSES; pass++) {
        err = improve(input, ret_copies);
    }
    return err;
}

int delta_align(const struct tool_bytes *old_file, const struct tool_bytes *new_file,
                const struct delta_align_options *options, struct delta_copies *ret_copies)
{
    *ret_copies = (struct delta_copies){NULL, 0, 0};
    if (old_file->len > DELTA_ALIGN_SIZE_MAX || new_file->len > DELTA_ALIGN_SIZE_MAX) {
        return tool_refuse("files of more than 64 MiB are not compared");
    }
    struct delta_sites old_sites = {old_file->data, (uint32_t)old_file->len, options->address, NULL, NULL};
    struct delta_sites new_sites = {new_file->data, (uint32_t)new_file->len, options->address, NULL, NULL};
    struct delta_seeds seeds = {NULL, 0, 0, 0};
    struct delta_path_input input = {&old_sites, &new_sites, &seeds, NULL, NULL};
    int err = delta_sites_find(&old_sites, options->thumb);
    if (err == 0) {
        err = delta_sites_find(&new_sites, options->thumb);
    }
    if (err == 0) {
        err = delta_seeds_match(&old_sites, &new_sites, &seeds);
    }
    if (err == 0) {
        err = find_paths(&input, ret_copies);
    }
    ret_copies->work += seeds.work;
    delta_seeds_free(&seeds);
    delta_sites_free(&old_sites);
    delta_sites_free(&new_sites);
    if (err < 0) {
        delta_copies_free(ret_copies);
        return tool_refuse("not enough memory to compare files of %zu and %zu bytes", old_file->len,
                           new_file->len);
    }
    return 0;
}
