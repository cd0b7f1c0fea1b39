/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - struct otter_transport over TLS 1.2 and 1.3 (mbedTLS), on top of another one.
 *
 * open() returns 0 only when the server has proven the name or address that it was asked
 * for: its chain leads to `ca`, the host is in the subjectAltName (a name as dNSName, an
 * address as iPAddress), and, when the time is trusted, every certificate is valid now.
 * Sessions are kept between connections and offered again to the same host and port, so a
 * later handshake needs no certificates. A session that was made without trusted time is
 * not used once there is one.
 *
 * No heap: everything lives in this object and in the caller's arena (arena.h; one task at
 * a time inside). No call waits, but a handshake computes: one call of open() takes one message
 * of it, at worst the server's chain, with one public-key operation for each certificate.
 */
#ifndef OTTER_PORT_MBEDTLS_TLS_H
#define OTTER_PORT_MBEDTLS_TLS_H

#include <mbedtls/ssl.h>
#include <stdbool.h>

#include "otter/result.h"
#include "otter/transport.h"
#include "port/mbedtls/arena.h"

/* Enough for a client certificate and a server chain of three, RSA-4096 each. A device whose
 * servers have EC certificates does with 36 KiB: docs/certificates.md has what was measured. */
#define OTTER_TLS_ARENA_SIZE (64u * 1024u)
#define OTTER_TLS_SESSIONS 2u /* hosts whose sessions are kept */
#define OTTER_TLS_HOST_MAX 254u

enum otter_tls_version { OTTER_TLS_ANY, OTTER_TLS_1_2, OTTER_TLS_1_3 };

/* Borrowed, outlives the object. Zero or NULL means the default in brackets. */
struct otter_tls_config {
    const struct otter_transport *lower; /* carries the records, such as TCP */

    /* PEM (any number of certificates; a terminating NUL may be counted or not) or DER. */
    const void *ca; /* whom to trust; without it every connection is refused */
    size_t ca_len;
    const void *cert; /* the client's, then its chain [none] */
    size_t cert_len;
    const void *key; /* the client's private key, not encrypted [none] */
    size_t key_len;
    uint32_t psa_key_id; /* or its key in the PSA key store or a secure element [none] */

    void *arena; /* OTTER_TLS_ARENA_SIZE is enough for most */
    size_t arena_size;

    void *ctx; /* handed to both hooks */
    /* Fill buf with random bytes fit for keys; 0 or a negative error. Required. */
    int (*random)(void *ctx, void *buf, size_t len);
    /* The time in seconds since 1970 if it can be trusted, else false [false]. */
    bool (*now)(void *ctx, int64_t *ret_unix);

    enum otter_tls_version version_min, version_max; /* [TLS 1.2, TLS 1.3] */
    uint16_t fragment_max; /* ask for records of 512, 1024, 2048 or 4096 bytes [16384] */
    bool no_sessions;      /* full handshakes only */
};

enum otter_tls_state {
    OTTER_TLS_CLOSED,
    OTTER_TLS_CONNECT, /* the transport below opens */
    OTTER_TLS_HANDSHAKE,
    OTTER_TLS_OPEN,
    OTTER_TLS_DEAD /* failed: close it */
};

struct otter_tls_session {
    mbedtls_ssl_session session;
    char host[OTTER_TLS_HOST_MAX];
    uint16_t port;
    bool used;
    bool timed; /* dates were checked when it was made */
};

/* The caller's; contents private. Not to be moved after init. */
struct otter_tls {
    const struct otter_tls_config *config;
    struct otter_arena arena;
    mbedtls_ssl_config conf;
    mbedtls_ssl_context ssl;
    mbedtls_x509_crt ca, cert;
    mbedtls_pk_context key;
    struct otter_tls_session sessions[OTTER_TLS_SESSIONS];
    uint32_t session_last; /* the one used last */
    char host[OTTER_TLS_HOST_MAX];
    uint16_t port;
    uint8_t address[16]; /* host is this address; address_len 0: it is a name */
    size_t address_len;
    enum otter_tls_state state;
    bool has_time;    /* in this handshake */
    bool offered;     /* a session, to this handshake */
    bool verified;    /* certificates were looked at in this handshake: not resumed */
    int error;        /* mbedTLS's, of the last failure */
    int alert;        /* the server's, of MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE */
    uint32_t flags;   /* verification flags then */
    uint32_t full_count, resumed_count; /* handshakes done */
};

/* Read the certificates and fill ret_transport, whose ctx is the object. OTTER_ERR_CORRUPT:
 * ca, cert or key does not parse; OTTER_ERR_NOSPACE: the arena is too small;
 * OTTER_ERR_ARG: lower, random or arena missing, cert without key, version_min above max. */
int otter_tls_init(struct otter_tls *tls, const struct otter_tls_config *config,
                   struct otter_transport *ret_transport);

/* Close, and release everything in the arena. */
void otter_tls_free(struct otter_tls *tls);

/* Why the last open, send or recv failed, in plain words; never NULL. */
const char *otter_tls_cause(const struct otter_tls *tls);

#endif
