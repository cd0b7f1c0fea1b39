/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - the copy map: where a place of the base lies in the result. */
#ifndef OTTER_DELTA_MAP_H
#define OTTER_DELTA_MAP_H

#include "otter/delta.h"

/* Put (old_off, new_off) in its place; new_off no less than any before. False: the map is full. */
bool otter_delta_map_add(struct otter_delta *delta, uint32_t old_off, uint32_t new_off);

/* The offset in the result of what lies at old_off in the base. */
uint32_t otter_delta_map_translate(const struct otter_delta *delta, uint32_t old_off);

/* Start over from the first entry; then, at next_off, go on to the next. */
void otter_delta_map_begin(struct otter_delta *delta);
void otter_delta_map_follow(struct otter_delta *delta);

/* The source that the map names for pos. */
uint32_t otter_delta_map_source(const struct otter_delta *delta);

#endif
