/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otter_mbedtls_config.h - what Otter switches on in mbedTLS 3.6; host and device alike.
 *
 * A list of what is wanted, not the default with parts taken out: what is not named here is
 * not built. TLS 1.2 and 1.3, client only: ECDHE with P-256, P-384 and X25519, certificates
 * with ECDSA or RSA (PKCS#1 1.5 and PSS), AES-GCM and ChaCha20-Poly1305, session tickets,
 * SNI. Left out on purpose: the server side, DTLS, CBC and static-RSA suites,
 * renegotiation, SHA-1, MD5, DES, early data, files and sockets of mbedTLS's own.
 *
 * Memory, time and random bytes come from the caller (arena.h, tls.h), not from the system.
 * Image verification (sha256.c, ecdsa_p256.c, rsa_pss.c) uses the same primitives.
 */
#ifndef OTTER_MBEDTLS_CONFIG_H
#define OTTER_MBEDTLS_CONFIG_H

#include <stddef.h>
#include <stdint.h>

/* ---- platform ---- */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_CALLOC_MACRO otter_mbedtls_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO otter_mbedtls_free
void *otter_mbedtls_calloc(size_t count, size_t size);
void otter_mbedtls_free(void *block);

#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE
#define MBEDTLS_PLATFORM_TIME_TYPE_MACRO int64_t /* also where time_t has 32 bits */
#define MBEDTLS_PLATFORM_TIME_MACRO otter_mbedtls_time
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT
int64_t otter_mbedtls_time(int64_t *ret_now);

#define MBEDTLS_HAVE_ASM
#define MBEDTLS_AESNI_C /* x86-64: used where the processor has it */
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES /* 6 KB less, and no slower where a rotation is free, as on Cortex-M */
#define MBEDTLS_SHA512_SMALLER
#define MBEDTLS_MPI_MAX_SIZE 512 /* RSA up to 4096 bits */

/* ---- hashes, ciphers ---- */
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_HKDF_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_AES_C
#define MBEDTLS_GCM_C
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT /* GCM only ever encrypts blocks */
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C

/* ---- public keys ---- */
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_BASE64_C
#define MBEDTLS_PEM_PARSE_C

/* TLS 1.3 needs the PSA interface; keys in a secure element are reached through it too. */
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_USE_PSA_CRYPTO
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS /* one task at a time inside: no copies of records */
#ifndef MBEDTLS_PSA_KEY_SLOT_COUNT
#define MBEDTLS_PSA_KEY_SLOT_COUNT 32 /* an open connection holds two, a handshake five */
#endif

/* ---- certificates, TLS ---- */
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#define MBEDTLS_X509_REMOVE_INFO
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE /* mbedTLS demands it for TLS 1.3 */
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_SESSION_TICKETS
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_ALL_ALERT_MESSAGES
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384 /* any server may send records of this size */
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096 /* requests, reports, our certificate chain */

#endif
