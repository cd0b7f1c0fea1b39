/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_build.h - a fleet made from its options: keys, factory images, devices. */
#ifndef OTTER_TOOL_FLEET_BUILD_H
#define OTTER_TOOL_FLEET_BUILD_H

#include "tool/fleet_device.h"

/* fleet->options is set and checked. 0, or an exit code after saying why; free in both cases. */
int fleet_build(struct fleet *fleet);
void fleet_free(struct fleet *fleet);

#endif
