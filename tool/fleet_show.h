/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_show.h - a fleet for people and programs: a live line, the table at the end, a plot. */
#ifndef OTTER_TOOL_FLEET_SHOW_H
#define OTTER_TOOL_FLEET_SHOW_H

#include <stdio.h>

#include "tool/fleet_device.h"

/* One line on a terminal, over and over. */
void fleet_show_live(const struct fleet *fleet, uint64_t at_ms);
void fleet_show_live_end(void);

/* One JSON line; `end`: everything, else the states only. */
void fleet_show_json(const struct fleet *fleet, uint64_t at_ms, bool end);

void fleet_show_table(const struct fleet *fleet);

/* One JSON line per device. */
void fleet_show_list(FILE *out, const struct fleet *fleet);

/* Devices by state and by version over time, as SVG. */
void fleet_plot(FILE *out, const struct fleet *fleet);

/* Failed devices by reason, most first; returns how many reasons. Those that never heard of the
 * server, or are in the middle of an update, count with what keeps them from it. */
size_t fleet_failures(const struct fleet *fleet, struct fleet_count ret_counts[FLEET_FAILURES_MAX]);

/* 1234567 as "1,234,567". */
struct fleet_text {
    char text[40];
};
struct fleet_text fleet_number(uint64_t number);

#endif
