/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otter_mbedtls_config.h - what Otter switches on in mbedTLS 3.6; host and device alike.
 *
 * TLS 1.2 and 1.3 client with tickets, X.509, ECDHE, P-256/P-384/X25519, RSA, AES-GCM,
 * ChaCha20-Poly1305. No server side, no heap of its own (MBEDTLS_PLATFORM_MEMORY: the
 * caller's arena).
 */
#ifndef OTTER_MBEDTLS_CONFIG_H
#define OTTER_MBEDTLS_CONFIG_H

#include "mbedtls/mbedtls_config.h"

#endif
