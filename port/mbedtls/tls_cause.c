/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cause.c - what a failure means: to the caller (enum otter_err) and to a person.
 *
 * Everything that says "this is not the server, or not in this way" is OTTER_ERR_AUTH; a
 * connection that merely broke is OTTER_ERR_IO.
 */
#include <mbedtls/error.h>

#include "port/mbedtls/tls_private.h"

struct cause {
    int error;
    int err; /* enum otter_err */
    const char *text;
};

static const struct cause causes[] = {
    {MBEDTLS_ERR_SSL_CONN_EOF, OTTER_ERR_IO, "the connection ended"},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, OTTER_ERR_IO, "the server closed the connection"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, OTTER_ERR_NOSPACE, "the TLS arena is too small"},
    {MBEDTLS_ERR_X509_ALLOC_FAILED, OTTER_ERR_NOSPACE, "the TLS arena is too small"},
    {MBEDTLS_ERR_PK_ALLOC_FAILED, OTTER_ERR_NOSPACE, "the TLS arena is too small"},
    {MBEDTLS_ERR_MPI_ALLOC_FAILED, OTTER_ERR_NOSPACE, "the TLS arena is too small"},
    {MBEDTLS_ERR_ECP_ALLOC_FAILED, OTTER_ERR_NOSPACE, "the TLS arena is too small"},
    {MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, OTTER_ERR_NOSPACE, "a message is larger than TLS's buffers"},
    {MBEDTLS_ERR_SSL_NO_RNG, OTTER_ERR_IO, "no random bytes"},
    {MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED, OTTER_ERR_AUTH, "no CA certificate is configured"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, OTTER_ERR_AUTH, "the server speaks no TLS version that is allowed"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, OTTER_ERR_AUTH, "no cipher, curve or signature in common"},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, OTTER_ERR_AUTH, "the server's certificate is not usable"},
    {MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, OTTER_ERR_AUTH, "the server breaks the TLS protocol"},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, OTTER_ERR_AUTH, "the server breaks the TLS protocol"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, OTTER_ERR_IO, "the server breaks the TLS protocol"},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, OTTER_ERR_IO, "the server breaks the TLS protocol"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, OTTER_ERR_IO, "what came is not TLS, or was changed on the way"},
    {MBEDTLS_ERR_SSL_INVALID_MAC, OTTER_ERR_IO, "what came was changed on the way"},
};

static const struct cause other_cause = {0, OTTER_ERR_IO, "TLS failed"};
static const struct cause bad_proof = {0, OTTER_ERR_AUTH, "the server's proof does not hold"};

/* RFC 8446 section 6: alerts in which the server says what it has against us. */
static const struct cause alerts[] = {
    {20, OTTER_ERR_IO, "the server says that a record was changed on the way"},
    {40, OTTER_ERR_AUTH, "the server finds no cipher, curve or signature in common, or wants a client certificate"},
    {42, OTTER_ERR_AUTH, "the server does not accept this device's certificate"},
    {43, OTTER_ERR_AUTH, "the server does not accept this device's certificate"},
    {44, OTTER_ERR_AUTH, "the server says that this device's certificate is revoked"},
    {45, OTTER_ERR_AUTH, "the server says that this device's certificate has expired"},
    {46, OTTER_ERR_AUTH, "the server does not accept this device's certificate"},
    {48, OTTER_ERR_AUTH, "the server does not know the CA of this device's certificate"},
    {49, OTTER_ERR_AUTH, "the server denies access"},
    {70, OTTER_ERR_AUTH, "the server speaks no TLS version that is allowed"},
    {71, OTTER_ERR_AUTH, "the server asks for stronger ciphers"},
    {80, OTTER_ERR_IO, "the server has an internal error"},
    {112, OTTER_ERR_AUTH, "the server does not know the name it was asked for"},
    {116, OTTER_ERR_AUTH, "the server asks for a client certificate"},
};

static const struct cause flags[] = {
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, OTTER_ERR_AUTH, "the server's certificate does not lead to a trusted CA"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, OTTER_ERR_AUTH, "the server's certificate is for another host"},
    {MBEDTLS_X509_BADCERT_EXPIRED, OTTER_ERR_AUTH, "a certificate of the server has expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, OTTER_ERR_AUTH, "a certificate of the server is not valid yet"},
    {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, OTTER_ERR_AUTH, "the server's certificate is not meant for servers"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE, OTTER_ERR_AUTH, "the server's certificate is not meant for servers"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, OTTER_ERR_AUTH, "a certificate of the server has a weak key"},
    {MBEDTLS_X509_BADCERT_BAD_MD, OTTER_ERR_AUTH, "a certificate of the server has a weak signature"},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const struct cause *look_up(const struct cause *table, size_t count, int error)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].error == error) {
            return &table[i];
        }
    }
    return NULL;
}

static const struct cause *flag_cause(uint32_t set)
{
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (set & (uint32_t)flags[i].error) {
            return &flags[i];
        }
    }
    return &bad_proof;
}

/* An error of the X.509, ASN.1, public-key, RSA or ECP module: the proof was bad. Those
 * modules' numbers lie below 0x5080 (ASN.1: 0x60..0x6c), TLS's own above. */
static bool is_bad_proof(int error)
{
    int high = -error & 0xff80;
    int low = -error & 0x7f;
    return (high != 0 && high < 0x5080) || (high == 0 && low >= 0x60 && low <= 0x6c);
}

static const struct cause *cause_of(const struct otter_tls *tls)
{
    const struct cause *cause = NULL;
    if (tls->error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        return flag_cause(tls->flags);
    }
    if (tls->error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        cause = look_up(alerts, COUNT(alerts), tls->alert);
    } else {
        cause = look_up(causes, COUNT(causes), tls->error);
        cause = cause || !is_bad_proof(tls->error) ? cause : &bad_proof;
    }
    return cause ? cause : &other_cause;
}

int otter_tls_judge(const struct otter_tls *tls)
{
    return cause_of(tls)->err;
}

const char *otter_tls_cause(const struct otter_tls *tls)
{
    return tls->error == 0 ? "no failure" : cause_of(tls)->text;
}
