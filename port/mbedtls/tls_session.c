/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_session.c - sessions by host and port, the newest of each.
 *
 * Only a handshake with certificates proves a host, so a session is offered to the very
 * host and port that it came from and to no other.
 */
#include <string.h>

#include <mbedtls/platform.h>

#include "port/mbedtls/tls_private.h"

static struct otter_tls_session *find(struct otter_tls *tls)
{
    for (uint32_t i = 0; i < OTTER_TLS_SESSIONS; i++) {
        struct otter_tls_session *entry = &tls->sessions[i];
        if (entry->used && entry->port == tls->port && strcmp(entry->host, tls->host) == 0) {
            tls->session_last = i;
            return entry;
        }
    }
    return NULL;
}

static void release(struct otter_tls_session *entry)
{
    if (entry->used) {
        mbedtls_ssl_session_free(&entry->session);
    }
    entry->used = false;
}

/* A free place, or the one that was not used last. */
static struct otter_tls_session *place(struct otter_tls *tls)
{
    uint32_t i = 0;
    while (i < OTTER_TLS_SESSIONS && tls->sessions[i].used) {
        i++;
    }
    if (i == OTTER_TLS_SESSIONS) {
        i = (tls->session_last + 1) % OTTER_TLS_SESSIONS;
    }
    tls->session_last = i;
    return &tls->sessions[i];
}

/* The server's certificate is not needed to resume, and is the largest part. */
static void drop_certificate(mbedtls_ssl_session *session)
{
    mbedtls_x509_crt *cert = session->MBEDTLS_PRIVATE(peer_cert);
    if (cert) {
        mbedtls_x509_crt_free(cert);
        mbedtls_free(cert);
        session->MBEDTLS_PRIVATE(peer_cert) = NULL;
    }
}

bool otter_tls_session_offer(struct otter_tls *tls)
{
    struct otter_tls_session *entry = tls->config->no_sessions ? NULL : find(tls);
    if (!entry) {
        return false;
    }
    if ((tls->has_time && !entry->timed) || mbedtls_ssl_set_session(&tls->ssl, &entry->session) != 0) {
        release(entry);
        return false;
    }
    return true;
}

void otter_tls_session_save(struct otter_tls *tls)
{
    mbedtls_ssl_session fresh;
    if (tls->config->no_sessions) {
        return;
    }
    mbedtls_ssl_session_init(&fresh);
    if (mbedtls_ssl_get_session(&tls->ssl, &fresh) != 0) {
        mbedtls_ssl_session_free(&fresh); /* no memory: the session before stays good */
        return;
    }
    drop_certificate(&fresh);
    struct otter_tls_session *entry = find(tls);
    entry = entry ? entry : place(tls);
    bool resumed_untimed = !tls->verified && entry->used && !entry->timed;
    release(entry);
    entry->session = fresh;
    memcpy(entry->host, tls->host, sizeof entry->host);
    entry->port = tls->port;
    entry->timed = tls->has_time && !resumed_untimed;
    entry->used = true;
}

void otter_tls_session_forget(struct otter_tls *tls)
{
    struct otter_tls_session *entry = find(tls);
    if (entry) {
        release(entry);
    }
}

void otter_tls_sessions_free(struct otter_tls *tls)
{
    for (uint32_t i = 0; i < OTTER_TLS_SESSIONS; i++) {
        release(&tls->sessions[i]);
    }
}
