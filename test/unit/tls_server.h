/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_server.h - an OpenSSL server in memory, as the transport below the TLS port.
 *
 * No sockets, no threads: open makes a fresh server, send feeds it and lets it work, recv
 * hands out what it wrote. The server answers each line "GET n\n" with n bytes, of which
 * byte i is i % 251. It can stall, cut the wire, or change a byte. Included once, by the
 * test that uses it.
 */
#ifndef OTTER_TEST_TLS_SERVER_H
#define OTTER_TEST_TLS_SERVER_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "otter/result.h"
#include "otter/transport.h"

struct tls_server {
    SSL_CTX *ctx; /* the test's to configure */
    SSL *ssl;
    BIO *in, *out;
    struct otter_transport transport;
    size_t from_client, from_server; /* bytes on this connection */
    size_t piece;      /* most bytes per call; 0: any */
    int stalls;        /* only each stalls-th call does something; 0: all */
    int calls;
    size_t cut_after;  /* server bytes after which the wire ends; 0: never */
    size_t change_at;  /* the server byte that is changed on the way; 0: none */
    int open_later;    /* open returns 1 that many times */
    int open_error;    /* or this error */
    bool ends;         /* the wire ends once the answer is out */
    bool says_goodbye; /* and close_notify before it */
    size_t owed, sent; /* application bytes of the answer */
    char line[32];
    size_t line_len;
    char name_seen[256]; /* SNI of the last handshake */
    bool resumed;        /* the last handshake was, as the server sees it */
};

static inline void server_hang_up(struct tls_server *server)
{
    if (server->ssl) { /* a real server's cache outlives a lost connection too */
        SSL_set_shutdown(server->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(server->ssl); /* and its BIOs */
    server->ssl = NULL;
}

static inline int server_open(void *ctx, const char *host, uint16_t port)
{
    struct tls_server *server = ctx;
    (void)host;
    (void)port;
    if (server->open_later > 0) {
        server->open_later--;
        return 1;
    }
    if (server->open_error != 0) {
        return server->open_error;
    }
    server->ssl = SSL_new(server->ctx);
    server->in = BIO_new(BIO_s_mem());
    server->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(server->in, -1);
    SSL_set_bio(server->ssl, server->in, server->out);
    SSL_set_accept_state(server->ssl);
    server->from_client = server->from_server = server->owed = server->sent = server->line_len = 0;
    server->name_seen[0] = 0;
    return OTTER_OK;
}

static inline void server_answer(struct tls_server *server)
{
    uint8_t body[4096];
    while (server->sent < server->owed) {
        size_t n = server->owed - server->sent;
        n = n < sizeof body ? n : sizeof body;
        for (size_t i = 0; i < n; i++) {
            body[i] = (uint8_t)((server->sent + i) % 251);
        }
        if (SSL_write(server->ssl, body, (int)n) <= 0) {
            return;
        }
        server->sent += n;
    }
    if (server->says_goodbye && server->owed > 0) {
        (void)SSL_shutdown(server->ssl);
    }
}

static inline void server_work(struct tls_server *server)
{
    if (!SSL_is_init_finished(server->ssl) && SSL_do_handshake(server->ssl) == 1) {
        const char *name = SSL_get_servername(server->ssl, TLSEXT_NAMETYPE_host_name);
        strncpy(server->name_seen, name ? name : "", sizeof server->name_seen - 1);
        server->resumed = SSL_session_reused(server->ssl);
    }
    char c;
    while (SSL_is_init_finished(server->ssl) && SSL_read(server->ssl, &c, 1) == 1) {
        if (c != '\n') {
            server->line[server->line_len++ % (sizeof server->line - 1)] = c;
            continue;
        }
        server->line[server->line_len] = 0;
        server->line_len = 0;
        if (strncmp(server->line, "GET ", 4) == 0) {
            server->owed = strtoul(server->line + 4, NULL, 10);
            server->sent = 0;
            server_answer(server);
        }
    }
}

static inline size_t server_piece(struct tls_server *server, size_t len)
{
    server->calls++;
    if (server->stalls > 0 && server->calls % server->stalls != 0) {
        return 0;
    }
    return server->piece > 0 && server->piece < len ? server->piece : len;
}

static inline int server_send(void *ctx, const void *buf, size_t len)
{
    struct tls_server *server = ctx;
    if (!server->ssl) {
        return OTTER_ERR_IO;
    }
    len = server_piece(server, len);
    if (len > 0) {
        BIO_write(server->in, buf, (int)len);
        server->from_client += len;
        server_work(server);
    }
    return (int)len;
}

static inline int server_recv(void *ctx, void *buf, size_t len)
{
    struct tls_server *server = ctx;
    if (!server->ssl) {
        return OTTER_ERR_IO;
    }
    if (server->cut_after > 0 && server->from_server + len > server->cut_after) {
        len = server->cut_after - server->from_server;
        if (len == 0) {
            return OTTER_ERR_IO;
        }
    }
    len = server_piece(server, len);
    int n = len > 0 ? BIO_read(server->out, buf, (int)len) : 0;
    if (n <= 0) {
        bool over = server->ends && server->owed > 0 && BIO_pending(server->out) == 0;
        return over ? OTTER_ERR_IO : 0;
    }
    if (server->change_at > server->from_server && server->change_at <= server->from_server + (size_t)n) {
        ((uint8_t *)buf)[server->change_at - server->from_server - 1] ^= 1;
    }
    server->from_server += (size_t)n;
    return n;
}

static inline void server_close(void *ctx)
{
    server_hang_up(ctx);
}

static inline void server_init(struct tls_server *server, SSL_CTX *ctx)
{
    *server = (struct tls_server){.ctx = ctx};
    server->transport =
        (struct otter_transport){server, server_open, server_send, server_recv, server_close};
}

#endif
