/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.h - where requests may go.
 *
 * A place's host is always one of the configuration's own strings: a job document or a
 * redirect can choose among them, never add one. Nor can it leave TLS.
 */
#ifndef OTTER_AGENT_URL_H
#define OTTER_AGENT_URL_H

#include "otter/agent_object.h"

/* The configuration's string for this host name; NULL: not allowed. */
const char *otter_url_host(const struct otter_agent_config *config, const char *host, size_t len);

/* The configured server. */
struct otter_place otter_url_home(const struct otter_agent_config *config);

bool otter_url_same_place(const struct otter_place *a, const struct otter_place *b);

/* "/..." of visible ASCII without '#': safe on a request line. */
bool otter_url_path_ok(const char *path);

/* Apply a Location (absolute or relative) to place and path (OTTER_PATH_SIZE bytes), which
 * change on success only. OTTER_ERR_REFUSED: another host, scheme, or from TLS to plain;
 * OTTER_ERR_CORRUPT: not a URL; OTTER_ERR_NOSPACE: too long. */
int otter_url_follow(const struct otter_agent_config *config, const char *location,
                     struct otter_place *place, char *path);

#endif
