/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date.h - HTTP dates.
 */
#ifndef OTTER_AGENT_DATE_H
#define OTTER_AGENT_DATE_H

#include <stddef.h>
#include <stdint.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, IMF-fixdate, the one form that is sent
 * today) as Unix time; -1: anything else. */
int64_t otter_date_read(const char *str);

#endif
