/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what happens on the chip, as one JSON object per line for the board.
 *
 * {"from": "boot" or "app", "event": name, ...}; names and values are listed in
 * docs/host-board.md. Progress is thinned out to steps of one twentieth.
 */
#ifndef OTTER_BOARD_HOST_EVENT_H
#define OTTER_BOARD_HOST_EVENT_H

#include "board/host/board.h"
#include "otter/agent.h"
#include "otter/boot.h"
#include "otter/result.h"

const char *host_phase_str(enum otter_phase phase);

struct host_reporter {
    struct host_chip *chip;
    uint32_t done, total; /* last progress that was said */
};

void host_event_boot(struct host_reporter *reporter, const struct otter_boot_event *event);

/* `cause` (NULL: none): the network's own words for what went wrong. */
void host_event_agent(struct host_reporter *reporter, const struct otter_event *event, const char *cause);

/* An event of the application itself; `format` and what follows as for jansson's
 * json_pack, an object: "{s:i}", "toggles", 3. NULL: no details. */
void host_event_app(struct host_reporter *reporter, const char *name, const char *format, ...);

#endif
