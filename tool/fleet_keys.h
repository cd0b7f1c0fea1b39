/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_keys.h - whose images and jobs the fleet's devices take.
 *
 * Thousands of devices check the same signature of the same hash again and again. It is
 * computed once: what was found genuine is remembered. Hashes are computed every time.
 */
#ifndef OTTER_TOOL_FLEET_KEYS_H
#define OTTER_TOOL_FLEET_KEYS_H

#include "tool/key.h"

#define FLEET_KEYS_MAX 5u

struct fleet_keys {
    struct tool_key read[FLEET_KEYS_MAX];
    struct otter_key keys[FLEET_KEYS_MAX];
    size_t count;
};

/* The keys of an option. paths NULL: none. 0, or an exit code after saying why. */
int fleet_keys_read(struct fleet_keys *keys, const char *option, const char **paths);
void fleet_keys_free(struct fleet_keys *keys);

/* Who may sign images: those of --key (NULL: the repository's key for tests), and behind them the
 * factory, whose key is made for this run. */
int fleet_keys_images(struct fleet_keys *keys, const char **paths);

/* A healthy application of `size` bytes, signed by the factory. 0, or TOOL_REFUSED. */
int fleet_keys_image(const struct fleet_keys *keys, const struct otter_version *version, size_t size,
                     struct tool_bytes *ret_image);

#endif
