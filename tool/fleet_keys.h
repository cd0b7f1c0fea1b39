/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_keys.h - whose images the fleet's devices run: those of --key, and the factory's.
 *
 * Thousands of devices check the same signature of the same hash again and again. It is
 * computed once: what was found genuine is remembered. Hashes are computed every time.
 */
#ifndef OTTER_TOOL_FLEET_KEYS_H
#define OTTER_TOOL_FLEET_KEYS_H

#include "tool/key.h"

#define FLEET_KEYS_MAX 4u

struct fleet_keys {
    struct tool_key read[FLEET_KEYS_MAX + 1]; /* the last one is the factory's, made for this run */
    struct otter_key keys[FLEET_KEYS_MAX + 1];
    size_t count;
};

/* paths NULL: the repository's key for tests. 0, or an exit code after saying why. */
int fleet_keys_read(struct fleet_keys *keys, const char **paths);
void fleet_keys_free(struct fleet_keys *keys);

/* A healthy application of `size` bytes, signed by the factory. 0, or TOOL_REFUSED. */
int fleet_keys_image(const struct fleet_keys *keys, const struct otter_version *version, size_t size,
                     struct tool_bytes *ret_image);

#endif
