/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_until.h - when a run of a fleet has seen what it was to see. */
#ifndef OTTER_TOOL_FLEET_UNTIL_H
#define OTTER_TOOL_FLEET_UNTIL_H

#include "tool/fleet_device.h"

enum fleet_until_kind {
    FLEET_UNTIL_STOPPED, /* no condition */
    FLEET_UNTIL_IDLE,    /* every device heard of the server, and none has changed for a while */
    FLEET_UNTIL_STATE,   /* so many devices are in this state */
    FLEET_UNTIL_DONE     /* so many are updated or failed */
};

struct fleet_until {
    enum fleet_until_kind kind;
    enum fleet_state state;
    double part;    /* of the devices; <0: a number of them */
    uint32_t count;
};

/* "idle", "updated=90%", "failed=3", "waiting=...", "done=...". 0 or TOOL_USAGE. */
int fleet_until_parse(const char *text, struct fleet_until *ret_until);

bool fleet_until_met(const struct fleet_until *until, const struct fleet *fleet, uint64_t at_ms);

#endif
