/* SPDX-License-Identifier: Apache-2.0 */
/* delta_parse.h - where the encoder jumps, so that the patch becomes as small as can be found. */
#ifndef OTTER_TOOL_DELTA_PARSE_H
#define OTTER_TOOL_DELTA_PARSE_H

#include "tool/delta_encode.h"

/* In order of pos. */
struct delta_jumps {
    struct delta_jump *list;
    size_t count;
};

/* The jumps from where the encoder stands to the end of the file; release list with free.
 * False: out of memory. The encoder stays as it is. */
bool delta_parse(const struct delta_encoder *encoder, struct delta_jumps *ret_jumps);

#endif
