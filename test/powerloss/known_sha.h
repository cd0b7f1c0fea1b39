/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known_sha.h - SHA-256 that knows some answers, for millions of boots.
 *
 * In place of the port's: otter_sha256_*. As long as the bytes that come are, byte for byte,
 * the beginning of a known message, nothing is computed; a message that ends where a known
 * one ends has that one's hash. Anything else is computed by mbedTLS, from its first byte.
 * The known hashes were computed by mbedTLS as well: known_sha_add does it.
 */
#ifndef OTTER_TEST_KNOWN_SHA_H
#define OTTER_TEST_KNOWN_SHA_H

#include "otter/image.h"

/* Borrowed until known_sha_forget. */
void known_sha_add(const uint8_t *bytes, uint32_t len);
void known_sha_forget(void);

#endif
