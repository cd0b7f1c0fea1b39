/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h - private to this port: whose memory, time and random bytes mbedTLS uses now. */
#ifndef OTTER_PORT_MBEDTLS_HOOKS_H
#define OTTER_PORT_MBEDTLS_HOOKS_H

#include "port/mbedtls/tls.h"

/* What was current before; otter_hooks_leave puts it back. */
struct otter_hooks {
    struct otter_arena *arena;
    const struct otter_tls_config *config;
};
struct otter_hooks otter_hooks_enter(struct otter_arena *arena, const struct otter_tls_config *config);
void otter_hooks_leave(struct otter_hooks before);

/* In the form that mbedTLS's older interfaces want it. */
int otter_hooks_random(void *ctx, unsigned char *buf, size_t len);

/* The error as it is, or, where random bytes failed since the last enter, that they did: mbedTLS
 * reports it in many ways. */
int otter_hooks_error(int error);

#endif
