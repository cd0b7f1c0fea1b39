/* SPDX-License-Identifier: Apache-2.0 */
/* delta_map.h - which copies go into the decoder's map. */
#ifndef OTTER_TOOL_DELTA_MAP_H
#define OTTER_TOOL_DELTA_MAP_H

#include "tool/delta_align.h"

/* At most `most` of the copies, in order of new_off; release with delta_copies_free. 0 or TOOL_REFUSED. */
int delta_map_choose(const struct delta_copies *copies, size_t most, struct delta_copies *ret_map);

#endif
