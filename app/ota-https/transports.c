/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transports.c - all memory that TCP and TLS keep is here, static.
 */
#include <string.h>

#include "app/ota-https/transports.h"
#include "board/board.h"
#include "port/lwip/tcp.h"
#include "port/mbedtls/tls.h"

static struct otter_lwip_tcp tls_tcp, plain_tcp;
static struct otter_transport tls_lower, tls_transport, plain_transport;
static struct otter_tls_config tls_config;
static struct otter_tls tls;
static uint8_t arena[OTTER_TLS_ARENA_SIZE] __attribute__((aligned(16)));

bool transports_time(void *ctx, int64_t *ret_unix)
{
    const struct config *config = ctx;
    return !config->no_clock && board_time(NULL, ret_unix);
}

static enum otter_tls_version version_of(const char *name)
{
    if (name == NULL) {
        return OTTER_TLS_ANY;
    }
    return strcmp(name, "1.2") == 0 ? OTTER_TLS_1_2 : OTTER_TLS_1_3;
}

static int open_tls(struct config *config)
{
    tls_config = (struct otter_tls_config){
        .lower = &tls_lower,
        .ca = config->ca.data,
        .ca_len = config->ca.len,
        .cert = config->cert.data,
        .cert_len = config->cert.len,
        .key = config->cert_key.data,
        .key_len = config->cert_key.len,
        .arena = arena,
        .arena_size = sizeof arena,
        .ctx = config,
        .random = board_random,
        .now = transports_time,
        .version_min = version_of(config->tls),
        .version_max = version_of(config->tls),
    };
    config->agent.tls = &tls_transport;
    return otter_tls_init(&tls, &tls_config, &tls_transport);
}

int transports_open(struct config *config)
{
    otter_lwip_tcp_init(&plain_tcp, &plain_transport);
    otter_lwip_tcp_init(&tls_tcp, &tls_lower);
    config->agent.plain = &plain_transport; /* always: not to leave TLS is the agent's rule */
    config->agent.tls = NULL;
    return config->ca.data != NULL ? open_tls(config) : OTTER_OK;
}

/* TCP knows best why there is no connection, TLS why there is no trust. */
const char *transports_cause(bool plain, enum otter_outcome outcome)
{
    const struct otter_lwip_tcp *tcp = plain ? &plain_tcp : &tls_tcp;
    if (!plain && tls.error != 0 && (outcome == OTTER_OUTCOME_UNTRUSTED || tcp->error == OTTER_LWIP_NO_ERROR)) {
        return otter_tls_cause(&tls);
    }
    return tcp->error != OTTER_LWIP_NO_ERROR ? otter_lwip_tcp_cause(tcp) : NULL;
}

uint32_t transports_arena_peak(void)
{
    return (uint32_t)tls.arena.peak;
}
