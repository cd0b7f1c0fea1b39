/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_zeroize.c - a bootloader has no secrets: it hashes and verifies what everybody may read.
 *
 * mbedTLS wipes its working memory after each block of 64 bytes, which is a quarter of the time
 * that SHA-256 takes here. Linked only into bootloaders (otter_mbedtls_boot_config.h).
 */
#include <mbedtls/platform_util.h>

void mbedtls_platform_zeroize(void *buf, size_t len)
{
    (void)buf;
    (void)len;
}
