/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar.c - libsodium's sc25519_reduce on mbedTLS's big-number core, for bootloaders.
 *
 * Ed25519 reduces a SHA-512 modulo the order L of the group once per signature. libsodium's
 * routine is unrolled to 4.6 KB; this is 0.6 KB and needs no heap. With R = 2^256 and Montgomery
 * products a * b / R mod L:
 *
 *     low + high * R = ((low * R) + ((high * R) * R)) / R   (mod L)
 *
 * A Montgomery product is right, and below L, for any a < R and b < L: the terms need no
 * reduction before. Signatures are public, so nothing here hides its timing.
 */
#include <bignum_core.h>

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this file is for little-endian machines"
#endif

enum { SIZE = 32, LIMBS = SIZE / sizeof(mbedtls_mpi_uint) };

/* L = 2^252 + 27742317777372353535851937790883648493, and R^2 mod L; little-endian. */
static const uint8_t order[SIZE] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10};
static const uint8_t r_squared[SIZE] = {
    0x01, 0x0f, 0x9c, 0x44, 0xe3, 0x11, 0x06, 0xa4, 0x47, 0x93, 0x85, 0x68, 0xa7, 0x1b, 0x0e, 0xd0,
    0x65, 0xbe, 0xf5, 0x17, 0xd2, 0x73, 0xec, 0xce, 0x3d, 0x9a, 0x30, 0x7c, 0x1b, 0x41, 0x99, 0x03};

struct work {
    mbedtls_mpi_uint n[LIMBS], factor[LIMBS], temp[2 * LIMBS + 1];
    mbedtls_mpi_uint mm;
};

/* value *= factor / R; both in [0, R). */
static void multiply(struct work *work, mbedtls_mpi_uint *value)
{
    mbedtls_mpi_core_montmul(value, value, work->factor, LIMBS, work->n, LIMBS, work->mm, work->temp);
}

void sc25519_reduce(unsigned char s[64]);

void sc25519_reduce(unsigned char s[64])
{
    struct work work;
    mbedtls_mpi_uint low[LIMBS];
    mbedtls_mpi_uint high[LIMBS];
    memcpy(work.n, order, SIZE); /* limbs are little-endian, as the machine is */
    memcpy(work.factor, r_squared, SIZE);
    memcpy(low, s, SIZE);
    memcpy(high, s + SIZE, SIZE);
    work.mm = mbedtls_mpi_core_montmul_init(work.n);
    multiply(&work, low);
    multiply(&work, high);
    multiply(&work, high);
    (void)mbedtls_mpi_core_add(low, low, high, LIMBS); /* below 2 L: no carry */
    memset(work.factor, 0, SIZE);
    work.factor[0] = 1;
    multiply(&work, low);
    memcpy(s, low, SIZE);
}
