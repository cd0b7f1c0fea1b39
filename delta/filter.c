/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - the filters that this decoder has. */
#include "delta/filter.h"

static const struct otter_delta_filter none = {.find = NULL};

const struct otter_delta_filter *otter_delta_filter_find(uint8_t id)
{
    static const struct otter_delta_filter *const filters[] = {&none, &otter_delta_thumb};
    return id < sizeof filters / sizeof filters[0] ? filters[id] : NULL;
}
