/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha512.c - libsodium's SHA-512 interface on mbedTLS, for bootloaders.
 *
 * Ed25519 needs SHA-512 once per signature. libsodium's is unrolled to 8 KB; mbedTLS's small
 * one has 1.5 KB. Linked in place of libsodium's own by builds that count bytes.
 */
#include <mbedtls/sha512.h>
#include <sodium/crypto_hash_sha512.h>

_Static_assert(sizeof(mbedtls_sha512_context) <= sizeof(crypto_hash_sha512_state),
               "the state of SHA-512 must fit the caller's object");

static mbedtls_sha512_context *context_of(crypto_hash_sha512_state *state)
{
    return (mbedtls_sha512_context *)(void *)state;
}

int crypto_hash_sha512_init(crypto_hash_sha512_state *state)
{
    mbedtls_sha512_init(context_of(state));
    return mbedtls_sha512_starts(context_of(state), 0);
}

int crypto_hash_sha512_update(crypto_hash_sha512_state *state, const unsigned char *in,
                              unsigned long long len)
{
    return mbedtls_sha512_update(context_of(state), in, (size_t)len);
}

int crypto_hash_sha512_final(crypto_hash_sha512_state *state, unsigned char *out)
{
    return mbedtls_sha512_finish(context_of(state), out);
}
