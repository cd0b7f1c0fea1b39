/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls.c - whom the TLS transport trusts, and in which versions and suites. */
#include "test/unit/tls_fixture.h"

#include <mbedtls/platform_util.h>
#include <openssl/core_names.h>
#include <psa/crypto.h>

static void test_bytes_flow_over_both_versions(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 2; i++) {
        only(i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
        assert_int_equal(fetch("ota.example", 100000), OTTER_OK);
        assert_string_equal(server.name_seen, "ota.example");
        transport.close(transport.ctx);
    }
    assert_int_equal(tls.full_count, 2);
}

static void test_rsa_server_works(void **state)
{
    (void)state;
    present(&rsa_pair);
    start();
    for (int i = 0; i < 2; i++) {
        only(i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
        assert_int_equal(fetch("ota.example", 1000), OTTER_OK);
        transport.close(transport.ctx);
    }
}

static void test_every_suite_works(void **state)
{
    static const char *const old[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                      "ECDHE-ECDSA-CHACHA20-POLY1305"};
    static const char *const new[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256"};
    static char curves[][8] = {"P-256", "X25519", "P-384"};
    (void)state;
    config.no_sessions = true;
    start();
    for (int i = 0; i < 9; i++) {
        SSL_CTX_set_cipher_list(server.ctx, old[i / 3]);
        SSL_CTX_set_ciphersuites(server.ctx, new[i / 3]);
        SSL_CTX_set1_groups_list(server.ctx, curves[i % 3]); /* another than ours: a retry */
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            only(version);
            assert_int_equal(fetch("ota.example", 5000), OTTER_OK);
            transport.close(transport.ctx);
        }
    }
}

static void test_old_or_weak_servers_are_refused(void **state)
{
    (void)state;
    start();
    SSL_CTX_set_security_level(server.ctx, 0);
    only(TLS1_1_VERSION);
    refuses(OTTER_ERR_AUTH, "the server speaks no TLS version that is allowed");
    only(TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(server.ctx, "ECDHE-ECDSA-AES128-SHA256"); /* CBC */
    refuses(OTTER_ERR_AUTH, "the server finds no cipher, curve or signature in common, or wants a client certificate");
}

static void test_version_limits_hold(void **state)
{
    (void)state;
    config.version_min = OTTER_TLS_1_3;
    start();
    only(TLS1_2_VERSION);
    refuses(OTTER_ERR_AUTH, "the server speaks no TLS version that is allowed");
    otter_tls_free(&tls);
    config.version_min = OTTER_TLS_ANY;
    config.version_max = OTTER_TLS_1_2;
    start();
    SSL_CTX_set_max_proto_version(server.ctx, TLS1_3_VERSION);
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    assert_string_equal(SSL_get_version(server.ssl), "TLSv1.2");
}

static void test_addresses_match_only_address_names(void **state)
{
    (void)state;
    config.no_sessions = true;
    start();
    assert_int_equal(fetch("192.0.2.7", 10), OTTER_OK);
    assert_string_equal(server.name_seen, ""); /* an address is no SNI (RFC 6066) */
    transport.close(transport.ctx);
    assert_int_equal(fetch("2001:db8::7", 10), OTTER_OK);
    transport.close(transport.ctx);
    static const char *const wrong[] = {"192.0.2.8", "2001:db8::8", "other.example", "http_server",
                                        "xota.example", "a.ota.example"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(open_to(wrong[i]), OTTER_ERR_AUTH);
        assert_string_equal(otter_tls_cause(&tls), "the server's certificate is for another host");
        transport.close(transport.ctx);
    }
}

/* The replaced system's certificates: the address stands in a dNSName, as "IP:...". */
static void test_address_inside_a_dns_name_is_refused(void **state)
{
    static const char *const broken[] = {"http_server", "IP:192.0.2.7"};
    struct tool_cert_spec spec = {TOOL_CERT_SERVER, "http_server", broken, 2, NOW - YEAR, NOW + YEAR};
    struct pair pair = {.key = tool_cert_key(0)};
    (void)state;
    pair.cert = tool_cert_make(&spec, pair.key, ca.cert, ca.key);
    present(&pair);
    start();
    assert_int_equal(open_to("192.0.2.7"), OTTER_ERR_AUTH);
    drop(&pair);
}

static void test_untrusted_chains_are_refused(void **state)
{
    static const char untrusted[] = "the server's certificate does not lead to a trusted CA";
    struct pair self = make(TOOL_CERT_SERVER, "http_server", NULL, 0, NOW - YEAR, NOW + YEAR);
    struct pair foreign = make(TOOL_CERT_SERVER, "http_server", &other_ca, 0, NOW - YEAR, NOW + YEAR);
    (void)state;
    start();
    present(&foreign); /* same CA name, another key */
    refuses(OTTER_ERR_AUTH, untrusted);
    present(&self);
    refuses(OTTER_ERR_AUTH, untrusted);
    present(&client_pair); /* ours, but not a server */
    assert_int_equal(open_to("ota.example"), OTTER_ERR_AUTH);
    otter_tls_free(&tls);
    config.ca = NULL;
    start();
    present(&server_pair);
    refuses(OTTER_ERR_AUTH, "no CA certificate is configured");
    drop(&self);
    drop(&foreign);
}

static void test_dates_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (int64_t now = 0; now < 8000000000; now += 86400 * 3 + 12347) { /* 1970 to 2223 */
        struct tm ours;
        struct tm theirs;
        time_t seconds = (time_t)now;
        assert_ptr_equal(mbedtls_platform_gmtime_r(&now, &ours), &ours);
        assert_non_null(gmtime_r(&seconds, &theirs));
        assert_int_equal(ours.tm_year, theirs.tm_year);
        assert_int_equal(ours.tm_mon, theirs.tm_mon);
        assert_int_equal(ours.tm_mday, theirs.tm_mday);
        assert_int_equal(ours.tm_hour, theirs.tm_hour);
        assert_int_equal(ours.tm_min, theirs.tm_min);
        assert_int_equal(ours.tm_sec, theirs.tm_sec);
    }
}

static void test_dates_count_when_time_is_trusted(void **state)
{
    struct pair expired = make(TOOL_CERT_SERVER, "http_server", &ca, 0, NOW - YEAR, NOW - 1);
    struct pair future = make(TOOL_CERT_SERVER, "http_server", &ca, 0, NOW + 10, NOW + YEAR);
    (void)state;
    config.no_sessions = true;
    start();
    present(&expired);
    refuses(OTTER_ERR_AUTH, "a certificate of the server has expired");
    present(&future);
    refuses(OTTER_ERR_AUTH, "a certificate of the server is not valid yet");
    clock_now = 0; /* not trusted */
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    transport.close(transport.ctx);
    present(&expired);
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    transport.close(transport.ctx);
    clock_now = NOW + 2 * YEAR; /* now the CA itself has expired */
    present(&server_pair);
    refuses(OTTER_ERR_AUTH, "a certificate of the server has expired");
    drop(&expired);
    drop(&future);
}

static void test_client_certificate_is_presented(void **state)
{
    unsigned char *cert_der = NULL;
    unsigned char *key_der = NULL;
    (void)state;
    client_certificate();
    for (int form = 0; form < 2; form++) {
        config.cert = client_pair.cert_pem;
        config.cert_len = strlen(client_pair.cert_pem) + 1;
        config.key = client_pair.key_pem;
        config.key_len = strlen(client_pair.key_pem);
        if (form == 1) {
            config.cert_len = (size_t)i2d_X509(client_pair.cert, &cert_der);
            config.cert = cert_der;
            config.key_len = (size_t)i2d_PrivateKey(client_pair.key, &key_der);
            config.key = key_der;
        }
        start();
        for (int i = 0; i < 4; i++) {
            only(i < 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
            assert_int_equal(fetch("ota.example", 10), OTTER_OK);
            assert_int_equal(server.resumed, i % 2);
            transport.close(transport.ctx);
        }
        otter_tls_free(&tls);
    }
    OPENSSL_free(cert_der);
    OPENSSL_free(key_der);
}

/* The private key never leaves the PSA key store, as it would not leave a secure element. */
static void test_key_in_the_psa_store_signs(void **state)
{
    static uint8_t store_memory[4096]; /* what the platform gave its key store */
    struct otter_arena store;
    uint8_t scalar[32];
    psa_key_id_t id;
    BIGNUM *number = NULL;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    (void)state;
    assert_int_equal(EVP_PKEY_get_bn_param(client_pair.key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
    assert_int_equal(BN_bn2binpad(number, scalar, sizeof scalar), sizeof scalar);
    BN_free(number);
    otter_arena_init(&store, store_memory, sizeof store_memory);
    struct otter_arena *before = otter_arena_enter(&store);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_import_key(&attributes, scalar, sizeof scalar, &id), PSA_SUCCESS);
    (void)otter_arena_enter(before);
    client_certificate();
    config.cert = client_pair.cert_pem;
    config.cert_len = strlen(client_pair.cert_pem);
    config.psa_key_id = id;
    start();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        only(version);
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        assert_non_null(SSL_get0_peer_certificate(server.ssl));
        transport.close(transport.ctx);
    }
    otter_tls_free(&tls);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    assert_int_equal(store.used, 0);
}

static void test_missing_client_certificate_is_named(void **state)
{
    (void)state;
    client_certificate();
    start();
    only(TLS1_3_VERSION);
    int rc = fetch("ota.example", 10); /* TLS 1.3: the client learns it after the handshake */
    assert_int_equal(rc, OTTER_ERR_AUTH);
    assert_string_equal(otter_tls_cause(&tls), "the server asks for a client certificate");
    transport.close(transport.ctx);
    only(TLS1_2_VERSION);
    refuses(OTTER_ERR_AUTH, "the server finds no cipher, curve or signature in common, or wants a client certificate");
}

static void test_bad_configurations_are_refused(void **state)
{
    (void)state;
    config.random = NULL;
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_ARG);
    config.random = fixed_random;
    config.cert = client_pair.cert_pem;
    config.cert_len = strlen(client_pair.cert_pem);
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_ARG);
    config.key = ca.key_pem; /* of another certificate */
    config.key_len = strlen(ca.key_pem);
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_CORRUPT);
    config.cert = NULL;
    config.version_min = OTTER_TLS_1_3;
    config.version_max = OTTER_TLS_1_2;
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_ARG);
    config.version_min = OTTER_TLS_ANY;
    config.ca = "not a certificate";
    config.ca_len = 17;
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_CORRUPT);
    char cut_short[300];
    memcpy(cut_short, ca.cert_pem, sizeof cut_short);
    config.ca = cut_short;
    config.ca_len = sizeof cut_short;
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_CORRUPT);
    config.ca_len = 0;
    assert_int_equal(otter_tls_init(&tls, &config, &transport), OTTER_ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_flow_over_both_versions),
        TEST(test_rsa_server_works),
        TEST(test_every_suite_works),
        TEST(test_old_or_weak_servers_are_refused),
        TEST(test_version_limits_hold),
        TEST(test_addresses_match_only_address_names),
        TEST(test_address_inside_a_dns_name_is_refused),
        TEST(test_untrusted_chains_are_refused),
        TEST(test_dates_are_those_of_the_calendar),
        TEST(test_dates_count_when_time_is_trusted),
        TEST(test_client_certificate_is_presented),
        TEST(test_key_in_the_psa_store_signs),
        TEST(test_missing_client_certificate_is_named),
        TEST(test_bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, make_all, drop_all);
}
