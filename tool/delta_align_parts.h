/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align_parts.h - the steps of delta_align: sites, seeds, path. Offsets are bytes of a file.
 */
#ifndef OTTER_DELTA_ALIGN_PARTS_H
#define OTTER_DELTA_ALIGN_PARTS_H

#include "tool/delta_align.h"

/* What is found at an offset: the first byte of a reference, a later byte of one, or neither. */
enum delta_site {
    DELTA_SITE_NONE,
    DELTA_SITE_REST,
    DELTA_SITE_WORD,     /* an aligned word that points into the image */
    DELTA_SITE_CALL,     /* BL, B.W */
    DELTA_SITE_BRANCH_W, /* Bcc.W */
    DELTA_SITE_LITERAL,  /* LDR Rt, [pc, #n] of 2 bytes */
    DELTA_SITE_LITERAL_W,
    DELTA_SITE_BRANCH, /* Bcc, B of 2 bytes */
    DELTA_SITE_ZERO    /* CBZ, CBNZ */
};

/* A file with its sites. `masked`: its bytes without what a reference's distance or target makes. */
struct delta_sites {
    const uint8_t *bytes;
    uint32_t size;
    uint32_t address;
    uint8_t *masked;
    uint8_t *kind; /* enum delta_site of each byte */
};

/* 0, or -1: out of memory. `thumb` false: no sites, masked = bytes. */
int delta_sites_find(struct delta_sites *sites, bool thumb);
void delta_sites_free(struct delta_sites *sites);

/* Bytes that the site takes. */
uint32_t delta_site_len(uint8_t kind);

/* The file offset that the site at `off` refers to; may lie outside the file. */
int64_t delta_site_target(const struct delta_sites *sites, uint32_t off);

/* The distance from new to old offset (old_off - new_off) may be worth trying from new offset
 * `begin` on, and must not be given up before `until`. */
struct delta_seed {
    uint32_t begin;
    uint32_t until;
    int32_t drift;
};
struct delta_seeds {
    struct delta_seed *list;
    size_t count;
    size_t room;
    uint64_t work; /* bytes compared */
};
void delta_seeds_free(struct delta_seeds *seeds);
int delta_seeds_add(struct delta_seeds *seeds, const struct delta_seed *seed); /* 0, or -1 */
void delta_seeds_sort(struct delta_seeds *seeds);                            /* by begin */

/* Seeds from the longest matches of masked bytes, extended backwards. 0, or -1: out of memory. */
int delta_seeds_match(const struct delta_sites *old_sites, const struct delta_sites *new_sites,
                      struct delta_seeds *ret_seeds);

/* References say that new offset `off` lay at off + drift: what it costs, in 1/16 bit, if the copy
 * there has another drift. In order of off. */
struct delta_vote {
    uint32_t off;
    int32_t drift;
    uint32_t weight;
};
struct delta_votes {
    struct delta_vote *list;
    size_t count;
};
void delta_votes_free(struct delta_votes *votes);

/* Where old bytes lie in the new file: translate[old offset] = new offset. */
int delta_translate(const struct delta_copies *copies, uint32_t old_size, uint32_t **ret_translate);

/* The cheapest way through the new file: copies along the seeds, literal bytes between them.
 * translate NULL: every reference of the same kind counts as predicted. 0, or -1: out of memory. */
struct delta_path_input {
    const struct delta_sites *old_sites;
    const struct delta_sites *new_sites;
    const struct delta_seeds *seeds;
    const uint32_t *translate;
    const struct delta_votes *votes; /* may be NULL */
};
int delta_path(const struct delta_path_input *input, struct delta_copies *ret_copies);

/* The votes of all references in the copies; and seeds where they want them. 0, or -1: out of
 * memory. */
int delta_votes_count(const struct delta_path_input *in, const struct delta_copies *copies,
                      struct delta_votes *ret_votes);
int delta_votes_seed(const struct delta_votes *votes, uint32_t new_size, struct delta_seeds *seeds);

#endif
