/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity.h - shares, durations and times, as people write them.
 *
 * Strict: no unit is guessed, nothing is rounded, nothing may follow.
 */
#ifndef OTTER_TOOL_QUANTITY_H
#define OTTER_TOOL_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "10%", "2.5%", "25‰": 0 to 1000 thousandths. */
bool tool_permille_parse(const char *text, int *ret_permille);
#define TOOL_PERMILLE_SIZE 8
const char *tool_permille_text(int permille, char ret_text[TOOL_PERMILLE_SIZE]); /* "2.5%" */

/* "45s", "90m", "12h", "30d", "8w": at most UINT32_MAX seconds. */
bool tool_duration_parse(const char *text, int64_t *ret_seconds);
#define TOOL_DURATION_SIZE 24
const char *tool_duration_text(int64_t seconds, char ret_text[TOOL_DURATION_SIZE]); /* "3d", "36h" */

/* "2026-12-01T08:00Z", with or without seconds, or "+2h" from now; Unix seconds within 32 bits. */
bool tool_time_parse(const char *text, int64_t now, int64_t *ret_time);
#define TOOL_TIME_SIZE 24
const char *tool_time_text(int64_t time, char ret_text[TOOL_TIME_SIZE]); /* "2026-12-01T08:00:00Z" */

#endif
