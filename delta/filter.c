/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - the filters that this decoder has. */
#include "delta/filter.h"

static enum otter_delta_kind find_none(const uint8_t bytes[4], uint32_t address, uint32_t *ret_target)
{
    (void)bytes;
    (void)address;
    (void)ret_target;
    return OTTER_DELTA_PLAIN;
}

static const struct otter_delta_filter none = {.id = 0, .words = false, .find = find_none};

const struct otter_delta_filter *otter_delta_filter_find(uint8_t id)
{
    static const struct otter_delta_filter *const filters[] = {&none, &otter_delta_thumb};
    return id < sizeof filters / sizeof filters[0] ? filters[id] : NULL;
}
