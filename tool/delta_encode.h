/* SPDX-License-Identifier: Apache-2.0 */
/* delta_encode.h - one walk along the new file that writes a patch, or only counts what it costs. */
#ifndef OTTER_TOOL_DELTA_ENCODE_H
#define OTTER_TOOL_DELTA_ENCODE_H

#include "delta/model.h"
#include "tool/delta.h"
#include "tool/delta_align.h"
#include "tool/delta_match.h"
#include "tool/delta_range.h"

struct delta_job {
    const struct tool_bytes *old_file;
    const struct tool_bytes *new_file;
    const struct otter_delta_header *header;
    const struct delta_copies *map;    /* in order of new_off */
    const struct delta_copies *copies; /* all that are known */
    struct delta_matches *matches;
    const struct delta_options *options;
    struct delta_copies *walked; /* grows by the copies that were used; NULL: not wanted */
    unsigned round;              /* of the encodings of these files, for the progress */
    unsigned rounds;
};

struct delta_encoder {
    struct otter_delta delta;  /* first: the walk finds the encoder by it */
    struct delta_range *range; /* NULL: only counted */
    const struct delta_job *job;
    size_t copy;               /* the first that does not end before here */
    enum walk_about about;
    const float *cost; /* bits of each probability, in 65536ths */
    double bits[ABOUT_KINDS];
};

/* Before the unit at `pos` the source becomes another one: what the map has there, or `source`, an offset
 * of the old file or of the new one. */
enum { DELTA_JUMP_MAP, DELTA_JUMP_OLD, DELTA_JUMP_NEW, DELTA_JUMPS_MAX = 12 };
struct delta_jump {
    uint32_t pos;
    uint32_t source;
    uint8_t origin;
};

/* The next unit is as expected. */
bool delta_encoder_hits(struct delta_encoder *encoder);
/* Code it, after a jump or (NULL) without. */
void delta_encoder_step(struct delta_encoder *encoder, const struct delta_jump *jump);
/* Where to one could jump here, at most DELTA_JUMPS_MAX: to what the map and the known copies have, and
 * (matches) to where the next bytes stand elsewhere. */
unsigned delta_encoder_jumps(const struct delta_encoder *encoder, struct delta_jump *ret_jumps, bool matches);
uint32_t delta_encoder_target(const struct delta_encoder *encoder, const struct delta_jump *jump);
/* Spent so far. */
double delta_encoder_bits(const struct delta_encoder *encoder);

/* False: out of memory. */
bool delta_encode(const struct delta_job *job, struct delta_range *range, struct delta_stats *ret_stats);

#endif
