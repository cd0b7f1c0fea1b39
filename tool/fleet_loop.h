/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_loop.h - one thread, many devices: each is stepped when its time or its socket says so.
 */
#ifndef OTTER_TOOL_FLEET_LOOP_H
#define OTTER_TOOL_FLEET_LOOP_H

#include "tool/fleet_device.h"

/* What the loop asks between two rounds, some twenty times a second; true: end. */
struct fleet_watcher {
    void *ctx;
    bool (*tick)(void *ctx, uint64_t at_ms);
};

/* Run until the watcher ends it. 0, or TOOL_REFUSED after saying why. Devices stay on. */
int fleet_loop(struct fleet *fleet, const struct fleet_watcher *watcher);

#endif
