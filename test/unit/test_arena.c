/* SPDX-License-Identifier: Apache-2.0 */
/* test_arena.c - the caller's memory for mbedTLS, and RSA verification inside its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "otter/image.h"
#include "otter/result.h"
#include "port/mbedtls/arena.h"

static uint8_t memory[4096 + 16];
static struct otter_arena arena;

static int begin(void **state)
{
    (void)state;
    otter_arena_init(&arena, memory + 1, 4096); /* an odd address on purpose */
    assert_null(otter_arena_enter(&arena));
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)otter_arena_enter(NULL);
    return 0;
}

static void test_blocks_are_zero_aligned_and_apart(void **state)
{
    uint8_t *blocks[8];
    (void)state;
    memset(memory, 0xa5, sizeof memory);
    otter_arena_init(&arena, memory + 1, 4096);
    for (size_t i = 0; i < 8; i++) {
        blocks[i] = otter_mbedtls_calloc(i + 1, 7);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % (2 * sizeof(void *)), 0);
        for (size_t k = 0; k < (i + 1) * 7; k++) {
            assert_int_equal(blocks[i][k], 0);
        }
        memset(blocks[i], (int)i + 1, (i + 1) * 7);
    }
    for (size_t i = 0; i < 8; i++) {
        for (size_t k = 0; k < (i + 1) * 7; k++) {
            assert_int_equal(blocks[i][k], i + 1);
        }
        otter_mbedtls_free(blocks[i]);
    }
    assert_int_equal(arena.used, 0);
}

static void test_free_neighbours_are_joined(void **state)
{
    void *blocks[16];
    (void)state;
    for (size_t i = 0; i < 16; i++) {
        blocks[i] = otter_mbedtls_calloc(1, 200);
        assert_non_null(blocks[i]);
    }
    assert_null(otter_mbedtls_calloc(1, 3500));
    for (size_t i = 0; i < 16; i++) {
        otter_mbedtls_free(blocks[(i * 5) % 16]); /* in a mixed order */
    }
    void *whole = otter_mbedtls_calloc(1, 3900);
    assert_non_null(whole);
    otter_mbedtls_free(whole);
}

static void test_impossible_sizes_are_refused(void **state)
{
    (void)state;
    assert_null(otter_mbedtls_calloc(0, 4));
    assert_null(otter_mbedtls_calloc(4, 0));
    assert_null(otter_mbedtls_calloc(SIZE_MAX, 2));
    assert_null(otter_mbedtls_calloc(SIZE_MAX / 2, 2));
    assert_null(otter_mbedtls_calloc(1, SIZE_MAX - 8));
    assert_null(otter_mbedtls_calloc(1, 4096));
    (void)otter_arena_enter(NULL);
    assert_null(otter_mbedtls_calloc(1, 1));
    otter_mbedtls_free(NULL);
    assert_int_equal(arena.used, 0);
}

static void test_blocks_return_to_their_own_arena(void **state)
{
    static uint8_t other_memory[512];
    struct otter_arena other;
    (void)state;
    void *block = otter_mbedtls_calloc(1, 100);
    otter_arena_init(&other, other_memory, sizeof other_memory);
    assert_ptr_equal(otter_arena_enter(&other), &arena);
    otter_mbedtls_free(block);
    assert_int_equal(arena.used, 0);
    assert_int_equal(other.used, 0);
}

/* The peak is an arena size that would have been enough for the same calls. */
static void test_peak_is_enough_for_the_same_calls_again(void **state)
{
    size_t size = 4096;
    (void)state;
    for (int run = 0; run < 2; run++) {
        void *blocks[12] = {NULL};
        unsigned seed = 7;
        otter_arena_init(&arena, memory, size);
        for (int i = 0; i < 500; i++) {
            seed = seed * 1103515245u + 12345u;
            unsigned k = (seed >> 16) % 12;
            if (blocks[k]) {
                otter_mbedtls_free(blocks[k]);
                blocks[k] = NULL;
            } else {
                blocks[k] = otter_mbedtls_calloc(1, 1 + (seed >> 8) % 250);
                assert_non_null(blocks[k]);
            }
        }
        size = arena.peak;
    }
    assert_true(size < 4096);
}

static void test_too_little_memory_is_no_arena(void **state)
{
    (void)state;
    for (size_t size = 0; size < 64; size++) {
        otter_arena_init(&arena, memory, size);
        void *block = otter_mbedtls_calloc(1, 1);
        assert_true(!block || size > 2 * sizeof(void *));
    }
}

static void test_rsa_verifies_in_memory_of_its_own(void **state)
{
    (void)state;
    for (unsigned bits = 2048; bits <= 3072; bits += 1024) {
        EVP_PKEY *pkey = EVP_RSA_gen(bits);
        unsigned char *der = NULL;
        uint8_t hash[OTTER_HASH_SIZE] = {1, 2, 3};
        uint8_t sig[OTTER_SIG_SIZE_MAX];
        size_t sig_len = sizeof sig;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) > 0);
        assert_true(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0);
        assert_int_equal(EVP_PKEY_sign(ctx, sig, &sig_len, hash, sizeof hash), 1);
        struct otter_key key = {bits == 2048 ? OTTER_SIG_RSA2048_PSS : OTTER_SIG_RSA3072_PSS,
                                otter_rsa_pss_verify, NULL, (size_t)i2d_PublicKey(pkey, &der)};
        key.pubkey = der;
        assert_int_equal(otter_rsa_pss_verify(&key, hash, sig, sig_len), OTTER_OK);
        sig[5] ^= 1;
        assert_int_equal(otter_rsa_pss_verify(&key, hash, sig, sig_len), OTTER_ERR_AUTH);
        assert_int_equal(arena.used, 0);
        assert_int_equal(arena.peak, 0);
        assert_ptr_equal(otter_arena_enter(&arena), &arena); /* ours is current again */
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(pkey);
        OPENSSL_free(der);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks_are_zero_aligned_and_apart),
        TEST(test_free_neighbours_are_joined),
        TEST(test_impossible_sizes_are_refused),
        TEST(test_blocks_return_to_their_own_arena),
        TEST(test_peak_is_enough_for_the_same_calls_again),
        TEST(test_too_little_memory_is_no_arena),
        TEST(test_rsa_verifies_in_memory_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
