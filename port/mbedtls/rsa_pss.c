/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsa_pss.c - RSA-2048 and RSA-3072 PSS verification with mbedTLS.
 *
 * SHA-256, MGF1 with SHA-256, a salt of 32 bytes, as MCUboot. mbedTLS's big numbers ask for
 * memory: they get MEMORY_SIZE bytes of this function's stack (arena.h; 7.6 KiB for RSA-3072).
 * Nothing stays.
 */
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/rsa.h>

#include "otter/image.h"
#include "otter/result.h"
#include "port/mbedtls/arena.h"

enum { SALT_SIZE = 32, MEMORY_SIZE = 8 * 1024 };

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (PKCS#1). */
static int take_key(mbedtls_rsa_context *rsa, const struct otter_key *key)
{
    unsigned char der[512];
    size_t len;
    mbedtls_asn1_buf modulus = {0};
    mbedtls_asn1_buf exponent = {0};
    if (key->pubkey_len > sizeof der) {
        return OTTER_ERR_ARG;
    }
    memcpy(der, key->pubkey, key->pubkey_len); /* mbedTLS's reader takes no const */
    unsigned char *at = der;
    unsigned char *end = der + key->pubkey_len;
    if (mbedtls_asn1_get_tag(&at, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0 ||
        at + len != end || mbedtls_asn1_get_tag(&at, end, &modulus.len, MBEDTLS_ASN1_INTEGER) != 0) {
        return OTTER_ERR_ARG;
    }
    modulus.p = at;
    at += modulus.len;
    if (mbedtls_asn1_get_tag(&at, end, &exponent.len, MBEDTLS_ASN1_INTEGER) != 0 ||
        at + exponent.len != end) {
        return OTTER_ERR_ARG;
    }
    exponent.p = at;
    if (mbedtls_rsa_import_raw(rsa, modulus.p, modulus.len, NULL, 0, NULL, 0, NULL, 0, exponent.p,
                               exponent.len) != 0 ||
        mbedtls_rsa_complete(rsa) != 0 || mbedtls_rsa_check_pubkey(rsa) != 0) {
        return OTTER_ERR_ARG;
    }
    return OTTER_OK;
}

static int verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                  const uint8_t *sig, size_t sig_len)
{
    mbedtls_rsa_context rsa;
    size_t size = key->type == OTTER_SIG_RSA2048_PSS ? 256 : 384;
    mbedtls_rsa_init(&rsa);
    int err = take_key(&rsa, key);
    if (err == OTTER_OK && mbedtls_rsa_get_len(&rsa) != size) {
        err = OTTER_ERR_ARG;
    }
    if (err == OTTER_OK) {
        err = OTTER_ERR_AUTH;
        if (sig_len == size &&
            mbedtls_rsa_set_padding(&rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256) == 0 &&
            mbedtls_rsa_rsassa_pss_verify_ext(&rsa, MBEDTLS_MD_SHA256, OTTER_HASH_SIZE, hash,
                                              MBEDTLS_MD_SHA256, SALT_SIZE, sig) == 0) {
            err = OTTER_OK;
        }
    }
    mbedtls_rsa_free(&rsa);
    return err;
}

int otter_rsa_pss_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                         const uint8_t *sig, size_t sig_len)
{
    uint64_t memory[MEMORY_SIZE / sizeof(uint64_t)];
    struct otter_arena arena;
    otter_arena_init(&arena, memory, sizeof memory);
    struct otter_arena *before = otter_arena_enter(&arena);
    int err = verify(key, hash, sig, sig_len);
    (void)otter_arena_enter(before);
    return err;
}
