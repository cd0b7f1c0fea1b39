/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transports.h - the agent's byte streams: lwIP's TCP, and TLS over it. One pair per program.
 */
#ifndef OTTER_APP_TRANSPORTS_H
#define OTTER_APP_TRANSPORTS_H

#include "app/ota-https/config.h"

/* Fill in config->agent.tls (NULL without a CA) and .plain. `config` is kept and must stay.
 * An error is one of otter_tls_init. */
int transports_open(struct config *config);

/* Why the network failed last, in words; NULL: neither TCP nor TLS knows. `plain`: the
 * configured server speaks HTTP. */
const char *transports_cause(bool plain, enum otter_outcome outcome);

/* The trusted wall clock (hooks.now); ctx: the struct config. */
bool transports_time(void *ctx, int64_t *ret_unix);

uint32_t transports_arena_peak(void); /* bytes of TLS's memory; 0 without TLS */

#endif
