/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.c - SHA-256 of mbedTLS behind struct otter_sha256.
 *
 * mbedTLS's software SHA-256 has no error a caller could cause, and holds no resources, so
 * results are not passed on and nothing is freed.
 */
#include <mbedtls/sha256.h>

#include "otter/image.h"

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(struct otter_sha256),
               "the state of SHA-256 must fit the caller's object");

static mbedtls_sha256_context *context_of(struct otter_sha256 *sha)
{
    return (mbedtls_sha256_context *)(void *)sha->state;
}

void otter_sha256_init(struct otter_sha256 *sha)
{
    mbedtls_sha256_init(context_of(sha));
    (void)mbedtls_sha256_starts(context_of(sha), 0);
}

void otter_sha256_update(struct otter_sha256 *sha, const void *buf, size_t len)
{
    (void)mbedtls_sha256_update(context_of(sha), buf, len);
}

void otter_sha256_finish(struct otter_sha256 *sha, uint8_t ret_hash[OTTER_HASH_SIZE])
{
    (void)mbedtls_sha256_finish(context_of(sha), ret_hash);
}
