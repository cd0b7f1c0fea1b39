/* SPDX-License-Identifier: Apache-2.0 */
/* delta_range.h - the range encoder: the other side of delta/decode.c's code_bit. */
#ifndef OTTER_TOOL_DELTA_RANGE_H
#define OTTER_TOOL_DELTA_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delta_range {
    uint64_t low;
    uint32_t range;
    uint8_t cache;
    uint64_t cached; /* bytes held back because a carry may change them */
    uint8_t *bytes;  /* malloc'ed */
    size_t len;
    size_t room;
    bool failed;     /* out of memory */
};

void delta_range_begin(struct delta_range *range);
void delta_range_bit(struct delta_range *range, uint32_t p, unsigned bit);
/* Write what is left, as few bytes as the decoder needs (it reads up to 4 zeros beyond). */
void delta_range_end(struct delta_range *range);

#endif
