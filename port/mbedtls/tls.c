/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.c - a connection: the transport below opens, TLS shakes hands, bytes flow.
 *
 * mbedTLS's connection exists from HANDSHAKE to close and is then released as a whole; the
 * configuration (tls_config.c) and the saved sessions (tls_session.c) stay. Every function
 * of the transport enters the hooks first and leaves them last.
 */
#include <limits.h>
#include <mbedtls/error.h>
#include <string.h>

#include "port/mbedtls/tls_private.h"

static int lower_send(void *ctx, const unsigned char *buf, size_t len)
{
    const struct otter_transport *lower = ((struct otter_tls *)ctx)->config->lower;
    int n = lower->send(lower->ctx, buf, len < INT_MAX ? len : INT_MAX);
    return n > 0 ? n : n == 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int lower_recv(void *ctx, unsigned char *buf, size_t len)
{
    const struct otter_transport *lower = ((struct otter_tls *)ctx)->config->lower;
    int n = lower->recv(lower->ctx, buf, len < INT_MAX ? len : INT_MAX);
    return n > 0 ? n : n == 0 ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

static bool is_later(int ret)
{
    return ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* The connection is of no use any more: keep the cause, choose the caller's error. */
static int fail(struct otter_tls *tls, int error)
{
    tls->state = OTTER_TLS_DEAD;
    tls->error = otter_hooks_error(error);
    tls->alert = 0;
    if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        tls->alert = tls->ssl.MBEDTLS_PRIVATE(in_msg)[1];
    }
    tls->flags = error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
                     ? mbedtls_ssl_get_verify_result(&tls->ssl)
                     : 0;
    return otter_tls_judge(tls);
}

/* Names and addresses are checked in different ways: an address is no name for SNI. */
static int set_host(struct otter_tls *tls)
{
    tls->address_len = mbedtls_x509_crt_parse_cn_inet_pton(tls->host, tls->address);
    return mbedtls_ssl_set_hostname(&tls->ssl, tls->address_len ? NULL : tls->host);
}

static int begin_handshake(struct otter_tls *tls)
{
    int64_t now;
    const struct otter_tls_config *config = tls->config;
    tls->has_time = config->now && config->now(config->ctx, &now);
    tls->verified = false;
    mbedtls_ssl_init(&tls->ssl);
    tls->state = OTTER_TLS_HANDSHAKE;
    int ret = mbedtls_ssl_setup(&tls->ssl, &tls->conf);
    if (ret == 0) {
        ret = set_host(tls);
    }
    if (ret != 0) {
        return fail(tls, ret);
    }
    mbedtls_ssl_set_bio(&tls->ssl, tls, lower_send, lower_recv, NULL);
    tls->offered = otter_tls_session_offer(tls);
    return OTTER_OK;
}

/* A session ties mbedTLS to its TLS version, and a server may have changed: what fails with
 * a session is tried once without, on a new connection. */
static int start_over(struct otter_tls *tls)
{
    const struct otter_transport *lower = tls->config->lower;
    otter_tls_session_forget(tls);
    mbedtls_ssl_free(&tls->ssl);
    lower->close(lower->ctx);
    tls->state = OTTER_TLS_CONNECT;
    return 1;
}

/* One message at a time: each can cost a second on a slow processor, and the caller has a
 * watchdog to feed. */
static int handshake(struct otter_tls *tls)
{
    int ret = mbedtls_ssl_handshake_step(&tls->ssl);
    if (is_later(ret) || (ret == 0 && !mbedtls_ssl_is_handshake_over(&tls->ssl))) {
        return 1;
    }
    if (ret != 0) {
        return tls->offered ? start_over(tls) : fail(tls, ret);
    }
    tls->state = OTTER_TLS_OPEN;
    if (tls->verified) {
        tls->full_count++;
    } else {
        tls->resumed_count++;
    }
    if (mbedtls_ssl_get_version_number(&tls->ssl) == MBEDTLS_SSL_VERSION_TLS1_2) {
        otter_tls_session_save(tls); /* TLS 1.3 brings tickets when it likes: see tls_recv */
    }
    return OTTER_OK;
}

static int connect_lower(struct otter_tls *tls)
{
    const struct otter_transport *lower = tls->config->lower;
    int rc = lower->open(lower->ctx, tls->host, tls->port);
    if (rc == 0) {
        return begin_handshake(tls);
    }
    if (rc < 0) {
        tls->error = MBEDTLS_ERR_SSL_CONN_EOF;
        tls->state = OTTER_TLS_DEAD;
    }
    return rc;
}

static int open_step(struct otter_tls *tls, const char *host, uint16_t port)
{
    if (tls->state == OTTER_TLS_CLOSED) {
        size_t len = strlen(host);
        if (len >= sizeof tls->host) {
            return OTTER_ERR_ARG;
        }
        memcpy(tls->host, host, len + 1);
        tls->port = port;
        tls->state = OTTER_TLS_CONNECT;
    }
    if (tls->state == OTTER_TLS_CONNECT) {
        int rc = connect_lower(tls);
        if (rc != 0) {
            return rc;
        }
    }
    if (tls->state == OTTER_TLS_HANDSHAKE) {
        return handshake(tls);
    }
    return tls->state == OTTER_TLS_OPEN ? OTTER_OK : OTTER_ERR_IO;
}

static int tls_open(void *ctx, const char *host, uint16_t port)
{
    struct otter_tls *tls = ctx;
    struct otter_hooks before = otter_hooks_enter(&tls->arena, tls->config);
    int rc = open_step(tls, host, port);
    otter_hooks_leave(before);
    return rc;
}

/* A ticket may be half received when we write: mbedTLS then goes on with it first. */
static int write_record(struct otter_tls *tls, const void *buf, size_t len)
{
    int ret;
    do {
        ret = mbedtls_ssl_write(&tls->ssl, buf, len);
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            otter_tls_session_save(tls);
        }
    } while (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    return ret;
}

/* Push out what the last send left in mbedTLS's buffer; 0, or an mbedTLS error. */
static int flush(struct otter_tls *tls)
{
    if (tls->ssl.MBEDTLS_PRIVATE(out_left) == 0) {
        return 0;
    }
    /* no bytes of ours: a pending ticket may have flushed before, then this is a record of 0 */
    int ret = write_record(tls, "", 0);
    return ret < 0 ? ret : 0;
}

static int send_step(struct otter_tls *tls, const void *buf, size_t len)
{
    int ret = flush(tls);
    if (ret < 0 || len == 0) {
        return ret == 0 || is_later(ret) ? 0 : fail(tls, ret);
    }
    int room = mbedtls_ssl_get_max_out_record_payload(&tls->ssl);
    if (room < 0) {
        return fail(tls, room);
    }
    len = len < (size_t)room ? len : (size_t)room;
    ret = write_record(tls, buf, len);
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return (int)len; /* encrypted already: flush sends it */
    }
    if (ret == MBEDTLS_ERR_SSL_WANT_READ) {
        return 0; /* a half ticket is in the way, nothing was taken */
    }
    return ret < 0 ? fail(tls, ret) : ret;
}

static int tls_send(void *ctx, const void *buf, size_t len)
{
    struct otter_tls *tls = ctx;
    if (tls->state != OTTER_TLS_OPEN) {
        return OTTER_ERR_IO;
    }
    struct otter_hooks before = otter_hooks_enter(&tls->arena, tls->config);
    int n = send_step(tls, buf, len);
    otter_hooks_leave(before);
    return n;
}

static int recv_step(struct otter_tls *tls, void *buf, size_t len)
{
    int ret = flush(tls);
    if (ret < 0 && !is_later(ret)) {
        return fail(tls, ret);
    }
    do {
        ret = mbedtls_ssl_read(&tls->ssl, buf, len < INT_MAX ? len : INT_MAX);
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            otter_tls_session_save(tls);
        }
    } while (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    if (ret > 0) {
        return ret;
    }
    if (is_later(ret)) {
        return 0;
    }
    return fail(tls, ret == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : ret);
}

static int tls_recv(void *ctx, void *buf, size_t len)
{
    struct otter_tls *tls = ctx;
    if (tls->state != OTTER_TLS_OPEN) {
        return OTTER_ERR_IO;
    }
    if (len == 0) {
        return 0;
    }
    struct otter_hooks before = otter_hooks_enter(&tls->arena, tls->config);
    int n = recv_step(tls, buf, len);
    otter_hooks_leave(before);
    return n;
}

static void tls_close(void *ctx)
{
    struct otter_tls *tls = ctx;
    const struct otter_transport *lower = tls->config->lower;
    struct otter_hooks before = otter_hooks_enter(&tls->arena, tls->config);
    if (tls->state == OTTER_TLS_OPEN && flush(tls) == 0) {
        (void)mbedtls_ssl_close_notify(&tls->ssl); /* as far as the socket takes it */
    }
    mbedtls_ssl_free(&tls->ssl); /* also fine when it was never set up */
    tls->state = OTTER_TLS_CLOSED;
    otter_hooks_leave(before);
    lower->close(lower->ctx);
}

void otter_tls_bind(struct otter_tls *tls, struct otter_transport *ret_transport)
{
    *ret_transport = (struct otter_transport){tls, tls_open, tls_send, tls_recv, tls_close};
}
