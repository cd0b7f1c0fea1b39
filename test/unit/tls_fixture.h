/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_fixture.h - certificates, a server in memory, and a TLS transport to it, anew per test.
 *
 * Included once, by each test program of the TLS port.
 */
#ifndef OTTER_TEST_TLS_FIXTURE_H
#define OTTER_TEST_TLS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "port/mbedtls/tls.h"
#include "port/posix/tcp.h"
#include "test/unit/tls_server.h"
#include "tool/certificate.h"

#define NOW 1900000000 /* 2030-03-17: no test depends on the machine's clock */
#define YEAR (365 * 86400)

struct pair {
    EVP_PKEY *key;
    X509 *cert;
    char *cert_pem, *key_pem;
};

/* The certificates, made once; the connection under test, made anew by each test. */
static struct pair ca, other_ca, server_pair, client_pair, rsa_pair;
static const char *const hosts[] = {"ota.example", "192.0.2.7", "2001:db8::7"};

static struct tls_server server;
static struct otter_tls tls;
static struct otter_tls_config config;
static struct otter_transport transport;
static uint8_t arena[OTTER_TLS_ARENA_SIZE + 1];
static int64_t clock_now;

static inline int fixed_random(void *ctx, void *buf, size_t len)
{
    return otter_posix_random(ctx, buf, len);
}

static inline bool clock_of_test(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    *ret_unix = clock_now;
    return clock_now != 0;
}

static inline struct pair make(enum tool_cert_use use, const char *name, const struct pair *issuer,
                        unsigned rsa_bits, time_t from, time_t to)
{
    struct tool_cert_spec spec = {.use = use, .common_name = name, .not_before = from, .not_after = to};
    if (use == TOOL_CERT_SERVER) {
        spec.hosts = hosts;
        spec.hosts_count = 3;
    }
    struct pair pair = {.key = tool_cert_key(rsa_bits)};
    pair.cert = tool_cert_make(&spec, pair.key, issuer ? issuer->cert : NULL, issuer ? issuer->key : NULL);
    assert_non_null(pair.cert);
    pair.cert_pem = tool_cert_pem(pair.cert);
    pair.key_pem = tool_cert_key_pem(pair.key);
    return pair;
}

static inline void drop(struct pair *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
    OPENSSL_free(pair->cert_pem);
    OPENSSL_free(pair->key_pem);
}

static inline int make_all(void **state)
{
    (void)state;
    ca = make(TOOL_CERT_CA, "test CA", NULL, 0, NOW - YEAR, NOW + YEAR);
    other_ca = make(TOOL_CERT_CA, "test CA", NULL, 0, NOW - YEAR, NOW + YEAR);
    server_pair = make(TOOL_CERT_SERVER, "http_server", &ca, 0, NOW - YEAR, NOW + YEAR);
    rsa_pair = make(TOOL_CERT_SERVER, "http_server", &ca, 2048, NOW - YEAR, NOW + YEAR);
    client_pair = make(TOOL_CERT_CLIENT, "http_client", &ca, 0, NOW - YEAR, NOW + YEAR);
    return 0;
}

static inline int drop_all(void **state)
{
    (void)state;
    drop(&ca);
    drop(&other_ca);
    drop(&server_pair);
    drop(&rsa_pair);
    drop(&client_pair);
    return 0;
}

static inline void present(const struct pair *pair)
{
    assert_int_equal(SSL_CTX_use_certificate(server.ctx, pair->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server.ctx, pair->key), 1);
}

static inline int begin(void **state)
{
    (void)state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
    server_init(&server, ctx);
    present(&server_pair);
    clock_now = NOW;
    config = (struct otter_tls_config){
        .lower = &server.transport,
        .ca = ca.cert_pem,
        .ca_len = strlen(ca.cert_pem),
        .arena = arena,
        .arena_size = OTTER_TLS_ARENA_SIZE,
        .random = fixed_random,
        .now = clock_of_test,
    };
    memset(&tls, 0, sizeof tls);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    if (tls.config) {
        otter_tls_free(&tls);
        assert_int_equal(tls.arena.used, 0);
    }
    SSL_CTX_free(server.ctx);
    return 0;
}

static inline void start(void)
{
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_OK);
}

static inline void only(int version)
{
    SSL_CTX_set_min_proto_version(server.ctx, version);
    SSL_CTX_set_max_proto_version(server.ctx, version);
}

static inline int open_to(const char *host)
{
    int rc = 1;
    for (int i = 0; i < 100000 && rc == 1; i++) {
        rc = transport.open(transport.ctx, host, 443);
    }
    return rc == 1 ? OTTER_ERR_TIMEOUT : rc;
}

static inline int send_all(const char *text)
{
    size_t len = strlen(text);
    for (int i = 0; i < 100000 && len > 0; i++) {
        int n = transport.send(transport.ctx, text, len);
        if (n < 0) {
            return n;
        }
        text += n;
        len -= (size_t)n;
    }
    return len == 0 ? OTTER_OK : OTTER_ERR_TIMEOUT;
}

/* Receives n bytes of an answer and checks each; the error, or OTTER_OK. */
static inline int receive(size_t n)
{
    uint8_t buf[1500];
    size_t got = 0;
    for (int i = 0; i < 1000000 && got < n; i++) {
        int rc = transport.recv(transport.ctx, buf, sizeof buf);
        if (rc < 0) {
            return rc;
        }
        for (int k = 0; k < rc; k++) {
            assert_int_equal(buf[k], (got + (size_t)k) % 251);
        }
        got += (size_t)rc;
    }
    return got == n ? OTTER_OK : OTTER_ERR_TIMEOUT;
}

static inline int fetch(const char *host, size_t n)
{
    char line[32];
    int rc = open_to(host);
    if (rc == OTTER_OK) {
        snprintf(line, sizeof line, "GET %zu\n", n);
        rc = send_all(line);
    }
    return rc == OTTER_OK ? receive(n) : rc;
}

static inline void refuses(int err, const char *cause)
{
    assert_int_equal(open_to("ota.example"), err);
    assert_string_equal(otter_tls_cause(&tls), cause);
    assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), OTTER_ERR_IO);
    transport.close(transport.ctx);
}

static inline void client_certificate(void)
{
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server.ctx), ca.cert);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(server.ctx), NOW);
    SSL_CTX_set_verify(server.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#endif
