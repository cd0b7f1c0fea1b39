/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_config.c - what stays the same from connection to connection: trust, identity, suites.
 */
#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <psa/crypto.h>
#include <string.h>

#include "port/mbedtls/tls_private.h"

/* Authenticated encryption with a fresh key exchange, nothing else. */
static const int suites[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

/* P-256 first: its key share is the one that goes out with the first message. */
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

/* Does a certificate of the server carry the address that we connected to? */
static bool names_address(const struct otter_tls *tls, const mbedtls_x509_crt *crt)
{
    if (!mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
        return false;
    }
    for (const mbedtls_x509_sequence *name = &crt->subject_alt_names; name; name = name->next) {
        if ((name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS &&
            name->buf.len == tls->address_len &&
            memcmp(name->buf.p, tls->address, tls->address_len) == 0) {
            return true;
        }
    }
    return false;
}

/* mbedTLS asks for each certificate of the chain, the server's own is at depth 0. */
static int look_at(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct otter_tls *tls = ctx;
    tls->verified = true;
    if (!tls->has_time) {
        *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    }
    if (depth == 0 && tls->address_len != 0 && !names_address(tls, crt)) {
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    return 0;
}

/* mbedTLS wants PEM text with a NUL behind it that is counted; make a copy where the
 * caller's has none. ret_copy is to be freed. */
static int as_text(const void *data, size_t len, const unsigned char **ret_text, size_t *ret_len,
                   unsigned char **ret_copy)
{
    static const char begin[] = "-----BEGIN";
    const unsigned char *bytes = data;
    bool is_der = len > 0 && bytes[0] == (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    *ret_copy = NULL;
    *ret_text = bytes;
    *ret_len = len;
    if (is_der || len < sizeof begin || bytes[len - 1] == 0) {
        return 0;
    }
    unsigned char *copy = mbedtls_calloc(1, len + 1);
    if (!copy) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }
    memcpy(copy, data, len);
    *ret_copy = copy;
    *ret_text = copy;
    *ret_len = len + 1;
    return 0;
}

static int read_certificates(const void *data, size_t data_len, mbedtls_x509_crt *crt)
{
    const unsigned char *text;
    unsigned char *copy;
    size_t len;
    int ret = as_text(data, data_len, &text, &len, &copy);
    if (ret == 0) {
        ret = mbedtls_x509_crt_parse(crt, text, len);
        mbedtls_free(copy);
    }
    return ret > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : ret; /* >0: some did not parse */
}

static int read_key(struct otter_tls *tls)
{
    const struct otter_tls_config *config = tls->config;
    const unsigned char *text;
    unsigned char *copy;
    size_t len;
    if (config->psa_key_id != 0) {
        return mbedtls_pk_setup_opaque(&tls->key, config->psa_key_id);
    }
    int ret = as_text(config->key, config->key_len, &text, &len, &copy);
    if (ret != 0) {
        return ret;
    }
    ret = mbedtls_pk_parse_key(&tls->key, text, len, NULL, 0, otter_hooks_random, NULL);
    if (copy) {
        mbedtls_platform_zeroize(copy, len);
        mbedtls_free(copy);
    }
    if (ret == 0) {
        ret = mbedtls_pk_check_pair(&tls->cert.pk, &tls->key, otter_hooks_random, NULL);
    }
    return ret;
}

static int read_identity(struct otter_tls *tls)
{
    const struct otter_tls_config *config = tls->config;
    int ret = 0;
    if (config->ca) {
        ret = read_certificates(config->ca, config->ca_len, &tls->ca);
    }
    if (ret == 0 && config->cert) {
        ret = read_certificates(config->cert, config->cert_len, &tls->cert);
        if (ret == 0) {
            ret = read_key(tls);
        }
        if (ret == 0) {
            ret = mbedtls_ssl_conf_own_cert(&tls->conf, &tls->cert, &tls->key);
        }
    }
    return ret;
}

static unsigned char fragment_code(uint16_t size)
{
    switch (size) {
    case 512: return MBEDTLS_SSL_MAX_FRAG_LEN_512;
    case 1024: return MBEDTLS_SSL_MAX_FRAG_LEN_1024;
    case 2048: return MBEDTLS_SSL_MAX_FRAG_LEN_2048;
    case 4096: return MBEDTLS_SSL_MAX_FRAG_LEN_4096;
    default: return MBEDTLS_SSL_MAX_FRAG_LEN_NONE;
    }
}

static int configure(struct otter_tls *tls)
{
    const struct otter_tls_config *config = tls->config;
    mbedtls_ssl_config *conf = &tls->conf;
    int ret = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret != 0) {
        return ret;
    }
    mbedtls_ssl_conf_min_tls_version(conf, config->version_min == OTTER_TLS_1_3
                                               ? MBEDTLS_SSL_VERSION_TLS1_3
                                               : MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(conf, config->version_max == OTTER_TLS_1_2
                                               ? MBEDTLS_SSL_VERSION_TLS1_2
                                               : MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_rng(conf, otter_hooks_random, NULL);
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(conf, config->ca ? &tls->ca : NULL, NULL);
    mbedtls_ssl_conf_verify(conf, look_at, tls);
    mbedtls_ssl_conf_ciphersuites(conf, suites);
    mbedtls_ssl_conf_groups(conf, groups);
    mbedtls_ssl_conf_session_tickets(conf, config->no_sessions ? MBEDTLS_SSL_SESSION_TICKETS_DISABLED
                                                               : MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        conf, config->no_sessions ? MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_DISABLED
                                  : MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    return mbedtls_ssl_conf_max_frag_len(conf, fragment_code(config->fragment_max));
}

static void release(struct otter_tls *tls)
{
    otter_tls_sessions_free(tls);
    mbedtls_ssl_config_free(&tls->conf);
    mbedtls_pk_free(&tls->key);
    mbedtls_x509_crt_free(&tls->cert);
    mbedtls_x509_crt_free(&tls->ca);
}

int otter_tls_init(struct otter_tls *tls, const struct otter_tls_config *config,
                   struct otter_transport *ret_transport)
{
    if (!config->lower || !config->random || !config->arena ||
        (config->cert && !config->key && config->psa_key_id == 0) ||
        (config->version_min == OTTER_TLS_1_3 && config->version_max == OTTER_TLS_1_2)) {
        return OTTER_ERR_ARG;
    }
    memset(tls, 0, sizeof *tls);
    tls->config = config;
    otter_arena_init(&tls->arena, config->arena, config->arena_size);
    mbedtls_ssl_init(&tls->ssl);
    mbedtls_ssl_config_init(&tls->conf);
    mbedtls_x509_crt_init(&tls->ca);
    mbedtls_x509_crt_init(&tls->cert);
    mbedtls_pk_init(&tls->key);
    struct otter_hooks before = otter_hooks_enter(&tls->arena, config);
    int ret = psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED;
    if (ret == 0) {
        ret = configure(tls);
    }
    if (ret == 0) {
        ret = read_identity(tls);
    }
    tls->error = otter_hooks_error(ret);
    if (ret != 0) {
        release(tls);
    }
    otter_hooks_leave(before);
    if (ret != 0) {
        return otter_tls_judge(tls) == OTTER_ERR_NOSPACE ? OTTER_ERR_NOSPACE : OTTER_ERR_CORRUPT;
    }
    otter_tls_bind(tls, ret_transport);
    return OTTER_OK;
}

void otter_tls_free(struct otter_tls *tls)
{
    struct otter_transport transport;
    otter_tls_bind(tls, &transport);
    transport.close(transport.ctx);
    struct otter_hooks before = otter_hooks_enter(&tls->arena, tls->config);
    release(tls);
    otter_hooks_leave(before);
}
