/* SPDX-License-Identifier: Apache-2.0 */
/* delta_match.h - where else the next bytes of the new file stand: in the old one, or earlier in the new. */
#ifndef OTTER_TOOL_DELTA_MATCH_H
#define OTTER_TOOL_DELTA_MATCH_H

#include "tool/tool.h"

struct delta_match {
    bool from_new;
    uint32_t off;
    uint32_t len;
};
struct delta_matches;

struct delta_matches *delta_matches_new(const struct tool_bytes *old_file, const struct tool_bytes *new_file);
void delta_matches_free(struct delta_matches *matches);

/* The longest of each file, the old one's first, each of 4 bytes or more. */
enum { DELTA_MATCHES_MAX = 8 };
unsigned delta_match_find(const struct delta_matches *matches, uint32_t pos, struct delta_match *ret_list);

#endif
