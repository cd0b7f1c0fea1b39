/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otter_mbedtls_boot_config.h - what a bootloader takes from mbedTLS 3.6: hashes.
 *
 * SHA-512 and the big-number core are for Ed25519 only, and not linked without it. ECDSA P-256 is p256-m, compiled
 * beside it. No heap, no random numbers, no errors as text.
 */
#ifndef OTTER_MBEDTLS_BOOT_CONFIG_H
#define OTTER_MBEDTLS_BOOT_CONFIG_H

#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA256_SMALLER /* 1.5 KB less code, for about 30 % of the speed */
#define MBEDTLS_SHA512_C
#define MBEDTLS_SHA512_SMALLER
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_PLATFORM_ZEROIZE_ALT /* boot_zeroize.c: nothing here is secret */

#endif
