/* SPDX-License-Identifier: Apache-2.0 */
/* delta_best.h - the smallest of several encodings of one pair of files. */
#ifndef OTTER_TOOL_DELTA_BEST_H
#define OTTER_TOOL_DELTA_BEST_H

#include "tool/delta_align.h"
#include "tool/delta_encode.h"

/* Align, then encode up to eight times with other maps; fewer times the longer one takes, counted in
 * bytes and misses, so that the result does not depend on the machine. Fills job->map, copies, matches as it
 * needs them. The caller frees ret_range->bytes. 0, or TOOL_REFUSED after saying why. */
int delta_best(struct delta_job *job, const struct delta_align_options *align, struct delta_range *ret_range,
               struct delta_stats *ret_stats);

#endif
