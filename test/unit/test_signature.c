/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_signature.c - which images are genuine: keys, signatures, and which of several counts.
 */
#include "test/unit/craft.h"

static void test_all_key_types_by_hash_and_in_full(void **state)
{
    (void)state;
    for (int key = ECDSA; key < OTHER; key++) {
        struct craft craft;
        begin(&craft);
        finish(&craft, key);
        assert_int_equal(verdict(&craft), 0);

        begin(&craft);
        open_area(&craft, 0x6907);
        put_hash(&craft);
        put_tlv(&craft, 0x02, keys[key].der.data, keys[key].der.len);
        put_sig(&craft, key);
        close_area(&craft);
        assert_int_equal(verdict(&craft), 0);

        craft.data[craft.len - 1] ^= 1;
        assert_int_equal(verdict(&craft), OTTER_IMAGE_SIGNATURE_WRONG);
    }
}

static void test_strange_entries_between_name_and_signature(void **state)
{
    (void)state;
    struct craft craft;
    const uint8_t long_key[600] = {0};
    begin(&craft);
    open_area(&craft, 0x6907);
    put_hash(&craft);
    put_tlv(&craft, 0x02, long_key, sizeof long_key); /* longer than any key: nobody's */
    put_sig(&craft, ECDSA);
    put_key_hash(&craft, ECDSA);
    put_tlv(&craft, 0x32, long_key, 113);
    put_sig(&craft, ECDSA);
    close_area(&craft);
    assert_int_equal(verdict(&craft), 0);
}

static void test_the_beginning_of_a_key_names_nobody(void **state)
{
    (void)state;
    for (int key = ECDSA; key < OTHER; key++) {
        for (size_t len = 0; len < keys[key].der.len; len += 13) {
            struct craft craft;
            begin(&craft);
            open_area(&craft, 0x6907);
            put_hash(&craft);
            put_tlv(&craft, 0x02, keys[key].der.data, len);
            put_sig(&craft, key);
            close_area(&craft);
            assert_int_equal(verdict(&craft), OTTER_IMAGE_NOT_SIGNED);
        }
    }
}

static void test_a_key_of_another_type_does_not_verify(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    open_area(&craft, 0x6907);
    put_hash(&craft);
    put_key_hash(&craft, ECDSA);
    put_sig(&craft, ED25519);
    close_area(&craft);
    assert_int_equal(verdict(&craft), OTTER_IMAGE_SIGNATURE_WRONG);
}

static void test_nobody_is_trusted_without_keys(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    finish(&craft, ECDSA);
    struct memory memory = {craft.data, craft.len, 0, false};
    assert_int_equal(judge_with(&memory, NULL, 0), OTTER_IMAGE_NOT_SIGNED);
    assert_int_equal(judge_with(&memory, &trusted[ED25519], 1), OTTER_IMAGE_NOT_SIGNED);
    assert_int_equal(judge_with(&memory, &trusted[ECDSA], 1), 0);
}

/* The order of `steps`: k/K trusted key hash (ECDSA/Ed25519), o the other's, s/S good signature,
 * b a wrong one by ECDSA, t one by the other key, h the hash. */
static int verdict_of(const char *steps, const struct otter_key *list, size_t count)
{
    struct craft craft;
    begin(&craft);
    open_area(&craft, 0x6907);
    for (; *steps; steps++) {
        switch (*steps) {
        case 'h': put_hash(&craft); break;
        case 'k': put_key_hash(&craft, ECDSA); break;
        case 'K': put_key_hash(&craft, ED25519); break;
        case 'o': put_key_hash(&craft, OTHER); break;
        case 's': put_sig(&craft, ECDSA); break;
        case 'S': put_sig(&craft, ED25519); break;
        case 'b': put_bad_sig(&craft, ECDSA); break;
        case 't': put_sig(&craft, OTHER); break;
        default: fail();
        }
    }
    close_area(&craft);
    struct memory memory = {craft.data, craft.len, 0, false};
    return judge_with(&memory, list, count);
}

static void test_which_signature_counts(void **state)
{
    (void)state;
    const struct otter_key *one = &trusted[ECDSA];
    assert_int_equal(verdict_of("hks", one, 1), 0);
    assert_int_equal(verdict_of("ksh", one, 1), 0); /* the hash may come last */
    assert_int_equal(verdict_of("khs", one, 1), 0); /* or between */
    assert_int_equal(verdict_of("hotks", one, 1), 0);
    assert_int_equal(verdict_of("hksot", one, 1), 0);
    assert_int_equal(verdict_of("hkosks", one, 1), 0); /* the stranger's name takes the first */
    assert_int_equal(verdict_of("hs", one, 1), OTTER_IMAGE_NOT_SIGNED);
    assert_int_equal(verdict_of("hsk", one, 1), OTTER_IMAGE_NOT_SIGNED);
    assert_int_equal(verdict_of("hot", one, 1), OTTER_IMAGE_NOT_SIGNED);
    assert_int_equal(verdict_of("hkt", one, 1), OTTER_IMAGE_SIGNATURE_WRONG);
    assert_int_equal(verdict_of("hkskb", one, 1), OTTER_IMAGE_SIGNATURES_MANY);
    assert_int_equal(verdict_of("hkbks", one, 1), OTTER_IMAGE_SIGNATURE_WRONG);
    assert_int_equal(verdict_of("hksks", one, 1), OTTER_IMAGE_SIGNATURES_MANY);
    assert_int_equal(verdict_of("hkss", one, 1), 0); /* the second has no name of its own: skipped */
    assert_int_equal(verdict_of("hksKS", trusted, OTHER), 0);
    assert_int_equal(verdict_of("hKSkb", trusted, OTHER), OTTER_IMAGE_SIGNATURE_WRONG);
    assert_int_equal(verdict_of("ks", one, 1), OTTER_IMAGE_NO_HASH);
    assert_int_equal(verdict_of("hhks", one, 1), OTTER_IMAGE_TLV_TWICE);
}

/* An ECDSA signature with r of that length, changed by `change`, which returns the new length. */
static int verdict_of_ecdsa(size_t (*change)(uint8_t *sig, size_t len), uint8_t r_len)
{
    struct craft craft;
    uint8_t sig[1024] = {0};
    begin(&craft);
    open_area(&craft, 0x6907);
    put_hash(&craft);
    put_key_hash(&craft, ECDSA);
    size_t len;
    do { /* half of them have an r of 32 bytes, half one that needs a leading zero */
        len = make_sig(&craft, ECDSA, sig);
    } while (sig[3] != r_len);
    len = change(sig, len);
    put_tlv(&craft, 0x22, sig, len);
    close_area(&craft);
    return verdict(&craft);
}

static size_t unchanged(uint8_t *sig, size_t len)
{
    (void)sig;
    return len;
}

static size_t zeros_to_72(uint8_t *sig, size_t len)
{
    memset(sig + len, 0, 80 - len);
    return 72 > len ? 72 : len;
}

static size_t zeros_to_128(uint8_t *sig, size_t len)
{
    memset(sig + len, 0, 128 - len);
    return 128;
}

static size_t zeros_to_129(uint8_t *sig, size_t len)
{
    memset(sig + len, 0, 129 - len);
    return 129;
}

static size_t junk_behind(uint8_t *sig, size_t len)
{
    sig[len] = 0;
    sig[len + 1] = 7;
    return len + 2;
}

static size_t junk_inside(uint8_t *sig, size_t len)
{
    sig[1] = (uint8_t)(sig[1] + 1);
    sig[len] = 0;
    return len + 1;
}

static size_t not_minimal(uint8_t *sig, size_t len)
{
    memmove(sig + 5, sig + 4, len - 4); /* one more zero in front of r */
    sig[4] = 0;
    sig[1]++;
    sig[3]++;
    return len + 1;
}

static size_t negative(uint8_t *sig, size_t len)
{
    memmove(sig + 4, sig + 5, len - 5); /* r without the zero that makes it positive */
    sig[1]--;
    sig[3]--;
    return len - 1;
}

static size_t zero_r_and_s(uint8_t *sig, size_t len)
{
    static const uint8_t zero[] = {0x30, 6, 2, 1, 0, 2, 1, 0};
    (void)len;
    memcpy(sig, zero, sizeof zero);
    return sizeof zero;
}

static size_t long_form(uint8_t *sig, size_t len)
{
    memmove(sig + 3, sig + 2, len - 2);
    sig[2] = sig[1];
    sig[1] = 0x81;
    return len + 1;
}

static size_t integer_of_no_bytes(uint8_t *sig, size_t len)
{
    static const uint8_t none[] = {0x30, 5, 2, 0, 2, 1, 1};
    (void)len;
    memcpy(sig, none, sizeof none);
    return sizeof none;
}

static size_t integer_beyond_the_end(uint8_t *sig, size_t len)
{
    sig[3] = 0x7f;
    return len;
}

static size_t integer_of_33_bytes(uint8_t *sig, size_t len)
{
    memmove(sig + 5, sig + 4, len - 4);
    sig[4] = 1;
    sig[3]++;
    sig[1]++;
    return len + 1;
}

static size_t longer_than_any(uint8_t *sig, size_t len)
{
    memset(sig + len, 0, 700 - len); /* longer than a check's buffer */
    return 700;
}

static size_t empty(uint8_t *sig, size_t len)
{
    (void)sig;
    (void)len;
    return 0;
}

static size_t one_integer(uint8_t *sig, size_t len)
{
    (void)len;
    sig[1] = (uint8_t)(2 + sig[3]);
    return 2u + sig[1];
}

static void test_ecdsa_signatures_are_strict_der_and_zeros(void **state)
{
    (void)state;
    static size_t (*const good[])(uint8_t *, size_t) = {unchanged, zeros_to_72, zeros_to_128};
    static size_t (*const wrong[])(uint8_t *, size_t) = {zeros_to_129, junk_behind, junk_inside, not_minimal,
                                                         negative, zero_r_and_s, long_form, empty, one_integer,
                                                         integer_of_no_bytes, integer_beyond_the_end,
                                                         integer_of_33_bytes, longer_than_any};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(verdict_of_ecdsa(good[i], 32), 0);
        assert_int_equal(verdict_of_ecdsa(good[i], 33), 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(verdict_of_ecdsa(wrong[i], 32), OTTER_IMAGE_SIGNATURE_WRONG);
        assert_int_equal(verdict_of_ecdsa(wrong[i], 33), OTTER_IMAGE_SIGNATURE_WRONG);
    }
}

static void test_other_signatures_have_one_length(void **state)
{
    (void)state;
    for (int key = ED25519; key <= RSA3072; key++) {
        for (int more = -1; more <= 1; more += 2) {
            struct craft craft;
            uint8_t sig[OTTER_SIG_SIZE_MAX + 1] = {0};
            begin(&craft);
            open_area(&craft, 0x6907);
            put_hash(&craft);
            put_key_hash(&craft, key);
            size_t len = make_sig(&craft, key, sig);
            put_tlv(&craft, (unsigned)keys[key].verify.type, sig, (size_t)((int)len + more));
            close_area(&craft);
            assert_int_equal(verdict(&craft), OTTER_IMAGE_SIGNATURE_WRONG);
        }
    }
}

static void test_a_key_that_is_none_is_the_callers_mistake(void **state)
{
    (void)state;
    const uint8_t hash[OTTER_HASH_SIZE] = {0};
    uint8_t der[600] = {0x30, 0x82, 0x02, 0x00, 0x02};
    struct otter_key key = {.type = OTTER_SIG_ECDSA_P256, .pubkey = der, .pubkey_len = 44};
    assert_int_equal(otter_ecdsa_p256_verify(&key, hash, der, 70), OTTER_ERR_ARG);
    key.pubkey_len = 91;
    assert_int_equal(otter_ecdsa_p256_verify(&key, hash, der, 70), OTTER_ERR_ARG);
    assert_int_equal(otter_ed25519_verify(&key, hash, der, 64), OTTER_ERR_ARG);
    for (size_t len = 0; len <= sizeof der; len++) {
        key.pubkey_len = len;
        assert_int_equal(otter_rsa_pss_verify(&key, hash, der, 256), OTTER_ERR_ARG);
    }
    for (size_t len = 0; len < keys[RSA2048].der.len; len++) {
        key.pubkey = keys[RSA2048].der.data;
        key.pubkey_len = len;
        assert_int_equal(otter_rsa_pss_verify(&key, hash, der, 256), OTTER_ERR_ARG);
    }
    uint8_t changed[600];
    memcpy(changed, keys[RSA2048].der.data, keys[RSA2048].der.len);
    key.pubkey = changed;
    key.pubkey_len = keys[RSA2048].der.len;
    changed[key.pubkey_len - 6] ^= 1; /* the last byte of the modulus: even now */
    assert_int_equal(otter_rsa_pss_verify(&key, hash, der, 256), OTTER_ERR_ARG);
    changed[key.pubkey_len - 6] ^= 1;
    changed[key.pubkey_len - 4] -= 1; /* an exponent of two bytes, and one left over */
    assert_int_equal(otter_rsa_pss_verify(&key, hash, der, 256), OTTER_ERR_ARG);
    key = keys[RSA2048].verify;
    key.type = OTTER_SIG_RSA3072_PSS;
    assert_int_equal(otter_rsa_pss_verify(&key, hash, der, 384), OTTER_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_key_types_by_hash_and_in_full),
        cmocka_unit_test(test_strange_entries_between_name_and_signature),
        cmocka_unit_test(test_the_beginning_of_a_key_names_nobody),
        cmocka_unit_test(test_a_key_of_another_type_does_not_verify),
        cmocka_unit_test(test_nobody_is_trusted_without_keys),
        cmocka_unit_test(test_which_signature_counts),
        cmocka_unit_test(test_ecdsa_signatures_are_strict_der_and_zeros),
        cmocka_unit_test(test_other_signatures_have_one_length),
        cmocka_unit_test(test_a_key_that_is_none_is_the_callers_mistake),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
