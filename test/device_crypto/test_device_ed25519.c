/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_device_ed25519.c - the small Ed25519 verifier of a bootloader against OpenSSL.
 *
 * Same sources as in the size build: libsodium's curve, SHA-512 and scalar reduction on mbedTLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#include "otter/image.h"
#include "otter/result.h"

void sc25519_reduce(unsigned char s[64]);

static void check_reduce(const uint8_t in[64])
{
    uint8_t ours[64];
    uint8_t wanted[32];
    BIGNUM *order = NULL;
    assert_true(BN_hex2bn(&order, "1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED") > 0);
    BIGNUM *value = BN_lebin2bn(in, 64, NULL);
    BN_CTX *ctx = BN_CTX_new();
    assert_int_equal(BN_nnmod(value, value, order, ctx), 1);
    assert_int_equal(BN_bn2lebinpad(value, wanted, sizeof wanted), sizeof wanted);
    memcpy(ours, in, sizeof ours);
    sc25519_reduce(ours);
    assert_memory_equal(ours, wanted, sizeof wanted);
    BN_free(order);
    BN_free(value);
    BN_CTX_free(ctx);
}

/* k * L + delta for small k and delta, and patterns of all zeros and ones. */
static void test_reduction_at_the_edges(void **state)
{
    (void)state;
    uint8_t in[64];
    BIGNUM *order = NULL;
    assert_true(BN_hex2bn(&order, "1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED") > 0);
    for (unsigned shift = 0; shift < 260; shift++) {
        for (int delta = -2; delta <= 2; delta++) {
            BIGNUM *value = BN_dup(order);
            assert_int_equal(BN_lshift(value, value, (int)shift), 1);
            assert_int_equal(delta < 0 ? BN_sub_word(value, (BN_ULONG)-delta) : BN_add_word(value, (BN_ULONG)delta), 1);
            if (BN_num_bytes(value) <= 64) {
                assert_int_equal(BN_bn2lebinpad(value, in, sizeof in), sizeof in);
                check_reduce(in);
            }
            BN_free(value);
        }
    }
    BN_free(order);
    for (size_t zeros = 0; zeros <= 64; zeros++) {
        memset(in, 0xff, sizeof in);
        memset(in, 0, zeros);
        check_reduce(in);
        memset(in, 0, sizeof in);
        memset(in, 0xff, zeros);
        check_reduce(in);
    }
}

static void test_reduction_of_random_numbers(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t in[64];
        assert_int_equal(RAND_bytes(in, sizeof in), 1);
        check_reduce(in);
    }
}

static void test_signatures_of_openssl(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        uint8_t hash[OTTER_HASH_SIZE];
        uint8_t sig[64];
        size_t len = sizeof sig;
        EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        unsigned char *der = NULL;
        int der_len = i2d_PUBKEY(pkey, &der);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        assert_int_equal(RAND_bytes(hash, sizeof hash), 1);
        assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey), 1);
        assert_int_equal(EVP_DigestSign(ctx, sig, &len, hash, sizeof hash), 1);
        struct otter_key key = {OTTER_SIG_ED25519, otter_ed25519_verify, der, (size_t)der_len};
        assert_int_equal(otter_ed25519_verify(&key, hash, sig, sizeof sig), OTTER_OK);
        for (unsigned bit = (unsigned)i; bit < 512; bit += 50) {
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(otter_ed25519_verify(&key, hash, sig, sizeof sig), OTTER_ERR_AUTH);
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        hash[i % 32] ^= 1;
        assert_int_equal(otter_ed25519_verify(&key, hash, sig, sizeof sig), OTTER_ERR_AUTH);
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(pkey);
        OPENSSL_free(der);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduction_at_the_edges),
        cmocka_unit_test(test_reduction_of_random_numbers),
        cmocka_unit_test(test_signatures_of_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
