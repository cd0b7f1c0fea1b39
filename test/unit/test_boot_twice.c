/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_boot_twice.c - nothing is started or installed on one decision: one answer of the signature
 * check is false, each in turn. The same on instructions: test/glitch.
 */
#include "test/unit/device.h"

enum { CHECKS = 24 }; /* more than any boot here makes */

static unsigned checks, wrong_at; /* the wrong_at-th answer is the opposite of the truth */

static int sometimes_wrong(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE], const uint8_t *sig,
                           size_t sig_len)
{
    int err = test_verify(key, hash, sig, sig_len);
    checks++;
    return checks != wrong_at ? err : err == OTTER_OK ? OTTER_ERR_AUTH : OTTER_OK;
}

static const struct otter_key key = {.type = OTTER_SIG_ECDSA_P256, .verify = sometimes_wrong,
                                     .pubkey = test_pubkey, .pubkey_len = sizeof test_pubkey};

static struct file old, forged;

static void create(const struct file *primary)
{
    struct sim_map map = small_map(OTTER_MODE_SWAP);
    device_create(&map);
    device.config.keys = &key;
    device_factory(primary);
    checks = 0;
    wrong_at = 0;
}

static void make_images(void)
{
    old = file_make(0x4000, 1, 1);
    forged = file_make(0x4800, 2, 1);
    forged.bytes[forged.size - 1] ^= 1; /* of the signature: the hash is right */
}

static int teardown(void **state)
{
    (void)state;
    free(old.bytes);
    free(forged.bytes);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    make_images();
    return 0;
}

static void test_one_wrong_answer_starts_no_forged_image(void **test)
{
    (void)test;
    for (unsigned n = 1; n <= CHECKS; n++) {
        create(&forged);
        wrong_at = n;
        device.choice.entry_addr = 0;
        assert_true(device_boot() < 0);
        assert_int_equal(device.choice.entry_addr, 0);
        assert_true(device_event(OTTER_BOOT_START) == NULL);
        struct otter_state state = read_state();
        assert_int_equal(state.floor_version.minor, 0); /* nor does it raise the floor */
        device_close();
    }
}

static void test_one_wrong_answer_installs_no_forged_image(void **test)
{
    (void)test;
    for (unsigned n = 1; n <= CHECKS; n++) {
        create(&old);
        assert_int_equal(device_boot(), 0);
        device_install(&forged, false);
        checks = 0;
        wrong_at = n;
        int err = device_boot();
        assert_true(device_event(OTTER_BOOT_SWAP) == NULL);
        if (err < 0) { /* the right image was called wrong: the next boot knows better */
            wrong_at = 0;
            assert_int_equal(device_boot(), 0);
        }
        assert_true(device_runs(&old));
        device_close();
    }
}

static void test_one_wrong_answer_bootstraps_no_forged_image(void **test)
{
    (void)test;
    for (unsigned n = 1; n <= CHECKS; n++) {
        create(&forged);
        device_download(&forged);
        wrong_at = n;
        assert_true(device_boot() < 0);
        assert_true(device_event(OTTER_BOOT_BOOTSTRAP) == NULL);
        device_close();
    }
}

static void test_a_trial_goes_on_after_one_wrong_answer(void **test)
{
    (void)test;
    for (unsigned n = 1; n <= 4; n++) {
        struct file new = file_make(0x4800, 2, 1);
        create(&old);
        assert_int_equal(device_boot(), 0);
        device_install(&new, false);
        assert_int_equal(device_boot(), 0);
        checks = 0;
        wrong_at = n;
        assert_int_equal(device_boot(), 0); /* its second trial boot */
        assert_true(device_runs(&new));
        free(new.bytes);
        device_close();
    }
}

static void test_an_image_starts_after_one_wrong_answer(void **test)
{
    (void)test;
    for (unsigned n = 1; n <= 4; n++) {
        create(&old);
        wrong_at = n;
        assert_int_equal(device_boot(), 0);
        assert_int_equal(checks, n <= 2 ? 3 : 2); /* twice right; what failed is asked again */
        device_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_wrong_answer_starts_no_forged_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_wrong_answer_installs_no_forged_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_wrong_answer_bootstraps_no_forged_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_trial_goes_on_after_one_wrong_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_starts_after_one_wrong_answer, setup, teardown),
    };
    return cmocka_run_group_tests_name("boot-twice", tests, NULL, NULL);
}
