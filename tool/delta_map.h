/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_map.h - which entries go into the decoder's map.
 *
 * An entry (old_off, new_off) says two things: from new_off on, the result is copied from old_off on; and
 * what refers to an old offset from old_off on, up to the next entry's, refers to new_off on now.
 */
#ifndef OTTER_TOOL_DELTA_MAP_H
#define OTTER_TOOL_DELTA_MAP_H

#include "tool/delta_align.h"

struct delta_map_input {
    const struct tool_bytes *old_file;
    const struct tool_bytes *new_file;
    const struct delta_align_options *options;
    const struct delta_copies *copies;
    size_t most;        /* entries that the decoder has room for; (0, 0) is in its map anyway */
    uint8_t entry_bits; /* what an entry costs, and a jump where a copy begins without one */
    uint8_t jump_bits;
};

/* The entries that save most, in order of new_off (len: old bytes up to the next one); release with
 * delta_copies_free. 0, or TOOL_REFUSED after saying why. */
int delta_map_choose(const struct delta_map_input *input, struct delta_copies *ret_map);

#endif
