/* SPDX-License-Identifier: Apache-2.0 */
/* test_boot.c - what the bootloader decides: the rows of its table. Failing flash: test_boot_wear.c. */
#include "test/unit/small_device.h"

#include "slot/journal.h"
#include "slot/trailer.h"

static struct file v0;

static void test_a_good_primary_starts_and_nothing_is_written(void **test)
{
    (void)test;
    assert_true(device_runs(&v1));
    assert_false(device.choice.on_trial);
    assert_int_equal(device.choice.entry_addr, device.layout.primary_addr + 0x200);
    uint64_t ops = device.board.power.ops;
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device.board.power.ops, ops);
    assert_non_null(device_event(OTTER_BOOT_START));
    assert_true(device.feeds > 0);
}

static void test_a_requested_image_is_tried_and_confirmed(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_true(device.choice.on_trial);
    assert_int_equal(device.choice.attempt, 1);
    assert_int_equal(device_event(OTTER_BOOT_SWAP)->from.minor, 1);
    assert_int_equal(device_event(OTTER_BOOT_SWAP)->version.minor, 2);
    assert_int_equal(device_event(OTTER_BOOT_TRIAL)->attempts_allowed, 3);
    assert_int_equal(device_confirm(), 0);
    assert_int_equal(device_boot(), 0);
    assert_false(device.choice.on_trial);
    assert_true(device_runs(&v2));
    assert_int_equal(read_state().floor_version.minor, 2);
}

static void test_a_permanent_image_has_no_trial(void **test)
{
    (void)test;
    device_install(&v2, true);
    assert_int_equal(device_boot(), 0);
    assert_false(device.choice.on_trial);
    assert_true(device_runs(&v2));
    assert_int_equal(read_state().floor_version.minor, 2);
}

static void test_an_unconfirmed_image_is_reverted_and_never_taken_again(void **test)
{
    (void)test;
    device_install(&v2, false);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(device_boot(), 0);
        assert_int_equal(device.choice.attempt, i);
        assert_true(device_runs(&v2));
    }
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_NOT_CONFIRMED);
    struct otter_state state = read_state();
    assert_true(otter_state_rejects_hash(&state, v2.hash));
    assert_true(otter_state_rejects_version(&state, &v2.version));
    assert_int_equal(state.floor_version.minor, 1);
    device_download(&v2);
    assert_int_equal(device_request(false), OTTER_ERR_REFUSED);
    assert_int_equal(device_boot(), 0); /* the reason stays */
    assert_int_equal(device.choice.reason, OTTER_REASON_NOT_CONFIRMED);
    assert_int_equal(otter_state_acknowledge(&state), 0);
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device.choice.reason, OTTER_REASON_NONE);
}

/* A confirmation that is cut may read as done at one boot and not at the next. The boot
 * that reads it as done must make it last, or a confirmed image would be reverted. */
static void test_a_rest_that_a_cut_left_unproven_is_proven_by_the_boot(void **test)
{
    (void)test;
    struct file same = file_make(0x4000, 1, 1); /* the floor does not rise: no other record */
    device_install(&same, false);
    assert_int_equal(device_boot(), 0);
    struct sim_snapshot *trial = sim_snapshot_save(&device.board);
    volatile unsigned confirmed = 0;
    for (volatile unsigned seed = 1; seed <= 40; seed++) {
        sim_snapshot_restore(&device.board, trial);
        device.board.power.random = seed;
        sim_power_cut_after(&device.board.power, 2, SIM_UNSTABLE);
        if (setjmp(device.out) == 0) {
            (void)device_confirm();
            fail();
        }
        device.board.power.cut_at = 0;
        assert_int_equal(device_boot(), 0);
        if (!device.choice.on_trial) {
            confirmed++;
            for (unsigned again = 0; again < 10; again++) {
                assert_int_equal(read_state().phase, OTTER_PHASE_IDLE);
            }
        }
    }
    assert_in_range(confirmed, 5, 40); /* a cell is read twice before it counts as no record */
    sim_snapshot_free(trial);
    free(same.bytes);
}

static void test_a_watchdog_reset_on_trial_reverts_at_once(void **test)
{
    (void)test;
    device.config.reset_by_watchdog = true; /* before the trial: means nothing */
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device.choice.on_trial);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_WATCHDOG);
    assert_int_equal(device_event(OTTER_BOOT_REVERT)->reason, OTTER_REASON_WATCHDOG);
}

static void test_an_image_given_up_is_reverted_with_its_reason(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    struct otter_state state = read_state();
    assert_int_equal(otter_state_give_up(&state), 0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_HEALTH);
    state = read_state();
    assert_true(otter_state_rejects_hash(&state, v2.hash));
}

static void test_trial_boots_can_be_chosen(void **test)
{
    (void)test;
    device.config.trial_boots = 1;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
}

static void refused(enum otter_reason reason)
{
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_non_null(device_event(OTTER_BOOT_REFUSED));
    assert_int_equal(device_event(OTTER_BOOT_REFUSED)->reason, reason);
    assert_int_equal(device.choice.reason, reason);
    assert_int_equal(device_boot(), 0);
    assert_null(device_event(OTTER_BOOT_REFUSED));
}

static void test_a_request_is_refused_with_its_reason(void **test)
{
    (void)test;
    device_install(&v0, false);
    refused(OTTER_REASON_DOWNGRADE);
    struct file low = file_make(0x3000, 3, 0); /* newer, but its security counter is lower */
    device_install(&low, false);
    refused(OTTER_REASON_COUNTER);
    device_install(&v2, false);
    spoil(&device.layout.secondary, 0x1000);
    refused(OTTER_REASON_BAD_IMAGE);
    device_install(&v2, false);
    struct file other = file_make(0x3000, 4, 9);
    device_download(&other);
    refused(OTTER_REASON_NOT_REQUESTED);
    device_install(&v2, false);
    struct otter_state state = read_state();
    assert_int_equal(otter_state_write_reject(&state), 0);
    refused(OTTER_REASON_REJECTED);
    device_install(&other, false);
    device.layout.image_size_max = other.size - 1;
    refused(OTTER_REASON_NOSPACE);
    free(low.bytes);
    free(other.bytes);
}

static void test_the_build_number_counts(void **test)
{
    (void)test;
    struct file same = file_make(0x4000, 1, 1);
    device_install(&same, true); /* equal is allowed */
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&same));
    free(same.bytes);
}

static void test_the_floor_outlives_the_primary(void **test)
{
    (void)test;
    struct file older = file_make(0x5000, 1, 9);
    struct file lower = file_make(0x5000, 3, 1);
    device_install(&v2, true);
    assert_int_equal(device_boot(), 0);
    struct otter_state state = read_state();
    state.old_size = 0; /* no fallback */
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    spoil(&device.layout.primary, 0x1000);
    device_download(&older); /* genuine, but below what was confirmed here */
    assert_true(device_boot() < 0);
    assert_non_null(device_event(OTTER_BOOT_NOTHING));
    device_download(&lower);
    assert_true(device_boot() < 0);
    device_download(&v2);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_non_null(device_event(OTTER_BOOT_BOOTSTRAP));
    free(older.bytes);
    free(lower.bytes);
}

static void test_a_dead_primary_is_replaced_from_the_secondary_and_confirmed(void **test)
{
    (void)test;
    device_download(&v2);
    spoil(&device.layout.primary, 0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_false(device.choice.on_trial);
    assert_non_null(device_event(OTTER_BOOT_PRIMARY_BAD));
    assert_non_null(device_event(OTTER_BOOT_BOOTSTRAP));
    assert_int_equal(read_state().floor_version.minor, 2);
}

static void test_a_request_with_a_dead_primary_is_a_bootstrap(void **test)
{
    (void)test;
    device_install(&v2, false);
    spoil(&device.layout.primary, 0x1000);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_false(device.choice.on_trial);
}

static void test_a_primary_that_dies_after_its_confirmation_falls_back(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device_confirm(), 0);
    assert_int_equal(device_boot(), 0);
    spoil(&device.layout.secondary, 0x10); /* a stale copy of the new image's first unit */
    spoil(&device.layout.primary, 0x1000);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1)); /* older than the floor: the fallback is always allowed */
    assert_int_equal(device.choice.reason, OTTER_REASON_PRIMARY_DEAD);
    assert_int_equal(read_state().rejects_count, 0);
    assert_int_equal(read_state().floor_version.minor, 2);
    struct file older = file_make(0x5000, 1, 9); /* not below the primary, but the floor */
    struct file lower = file_make(0x5000, 3, 1);
    device_install(&older, false);
    refused(OTTER_REASON_DOWNGRADE);
    device_install(&lower, false);
    refused(OTTER_REASON_COUNTER);
    free(older.bytes);
    free(lower.bytes);
}

static void test_a_trial_without_a_fallback_stays_and_is_kept_in_the_end(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    spoil(&device.layout.secondary, 0x10000 - 0x4000); /* lies in the old image */
    struct otter_state state = read_state();
    spoil(&device.layout.secondary, state.unit_size + 0x800);
    for (unsigned i = 2; i <= 15; i++) {
        assert_int_equal(device_boot(), 0);
        assert_true(device.choice.on_trial);
        assert_int_equal(device.choice.attempt, i);
    }
    assert_int_equal(device_boot(), 0);
    assert_false(device.choice.on_trial);
    assert_true(device_runs(&v2));
    assert_int_equal(device.choice.reason, OTTER_REASON_NO_FALLBACK);
}

static void test_an_unreadable_secondary_does_not_stop_a_good_primary(void **test)
{
    (void)test;
    device_install(&v2, false);
    sim_power_cut_after(&device.board.power, 1, SIM_ECC);
    if (setjmp(device.out) == 0) {
        (void)otter_area_erase(&device.layout.secondary, 0, 0x1000);
        fail();
    }
    device.board.power.cut_at = 0;
    refused(OTTER_REASON_BAD_IMAGE);
}

static void test_another_flash_map_is_refused_with_an_event(void **test)
{
    (void)test;
    device.layout.map_hash[3] = 9;
    assert_int_equal(device_boot(), OTTER_ERR_REFUSED);
    assert_int_equal(device_event(OTTER_BOOT_OTHER_MAP)->err, OTTER_ERR_REFUSED);
    assert_null(device_event(OTTER_BOOT_NOTHING));
}

static void test_impossible_configurations_are_refused(void **test)
{
    (void)test;
    device.config.buf_size = 511;
    assert_int_equal(device_boot(), OTTER_ERR_ARG);
    device.config.buf_size = sizeof device.buf;
    device.config.buf = NULL;
    assert_int_equal(device_boot(), OTTER_ERR_ARG);
    device.config.buf = device.buf;
    device.layout.journal.size = 0; /* swap needs a journal; to overwrite, trailers are enough */
    device.layout.trailers = &otter_trailers;
    assert_int_equal(device_boot(), OTTER_ERR_ARG);
    device.layout.mode = OTTER_MODE_OVERWRITE;
    assert_int_equal(device_boot(), 0);
}

static void test_an_empty_device_has_nothing_to_start(void **test)
{
    (void)test;
    struct sim_map map = small_map(OTTER_MODE_SWAP);
    device_create(&map);
    assert_int_equal(device_boot(), OTTER_ERR_CORRUPT);
    assert_non_null(device_event(OTTER_BOOT_JOURNAL_NEW));
    device_download(&v1);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    device_close();
}

static void test_an_overwrite_installs_without_trial(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_false(device.choice.on_trial);
    device_install(&v1, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    if (device.layout.journal.size != 0) {
        assert_int_equal(device.choice.reason, OTTER_REASON_DOWNGRADE);
    }
    assert_int_equal(device_event(OTTER_BOOT_REFUSED)->reason, OTTER_REASON_DOWNGRADE);
    struct file lower = file_make(0x4000, 3, 1);
    device_install(&lower, false);
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device_event(OTTER_BOOT_REFUSED)->reason, OTTER_REASON_COUNTER);
    free(lower.bytes);
    uint64_t ops = device.board.power.ops;
    assert_int_equal(device_boot(), 0); /* the request is gone */
    assert_int_equal(device.board.power.ops, ops);
    device_download(&v2);
    spoil(&device.layout.primary, 4);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_a_request_in_the_trailer_from_imgtool_pad_is_taken(void **test)
{
    (void)test;
    device_download(&v2);
    assert_int_equal(otter_trailer_request(&device.layout, true, v2.size), 0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

/* docs/spec/40-boot.md has the rules of boot.c, row for row. */
static void test_the_table_in_the_specification_is_the_code(void **test)
{
    (void)test;
    FILE *code = fopen(OTTER_SOURCE_DIR "/boot/boot.c", "r");
    FILE *spec = fopen(OTTER_SOURCE_DIR "/docs/spec/40-boot.md", "r");
    char line[512];
    char phase[32];
    char question[32];
    char act[32];
    char expected[128];
    unsigned rows = 0;
    assert_non_null(code);
    assert_non_null(spec);
    while (fgets(line, sizeof line, code)) {
        if (sscanf(line, " {OTTER_PHASE_%31[A-Z], %31[a-z_], %31[a-z_]}", phase, question, act) != 3) {
            continue;
        }
        int len = snprintf(expected, sizeof expected, "| %s | `%s` | `%s` |", phase, question, act);
        do {
            assert_non_null(fgets(line, sizeof line, spec));
        } while (sscanf(line, "| %31[A-Z] | `%31[a-z_]` |", phase, question) != 2);
        if (strncmp(line, expected, (size_t)len) != 0) {
            fail_msg("specification has %s, code has %s", line, expected);
        }
        rows++;
    }
    assert_int_equal(rows, 14);
    fclose(code);
    fclose(spec);
}

static int make_three(void **state)
{
    v0 = file_make(0x5000, 0, 1);
    return make_files(state);
}

static int free_three(void **state)
{
    free(v0.bytes);
    return free_files(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWAP(test_a_good_primary_starts_and_nothing_is_written),
        SWAP(test_a_requested_image_is_tried_and_confirmed),
        SWAP(test_a_permanent_image_has_no_trial),
        SWAP(test_an_unconfirmed_image_is_reverted_and_never_taken_again),
        SWAP(test_a_rest_that_a_cut_left_unproven_is_proven_by_the_boot),
        SWAP(test_a_watchdog_reset_on_trial_reverts_at_once),
        SWAP(test_an_image_given_up_is_reverted_with_its_reason),
        SWAP(test_trial_boots_can_be_chosen),
        SWAP(test_a_request_is_refused_with_its_reason),
        SWAP(test_the_build_number_counts),
        SWAP(test_the_floor_outlives_the_primary),
        SWAP(test_a_dead_primary_is_replaced_from_the_secondary_and_confirmed),
        SWAP(test_a_request_with_a_dead_primary_is_a_bootstrap),
        SWAP(test_a_primary_that_dies_after_its_confirmation_falls_back),
        SWAP(test_a_trial_without_a_fallback_stays_and_is_kept_in_the_end),
        SWAP(test_an_unreadable_secondary_does_not_stop_a_good_primary),
        SWAP(test_another_flash_map_is_refused_with_an_event),
        SWAP(test_impossible_configurations_are_refused),
        cmocka_unit_test(test_an_empty_device_has_nothing_to_start),
        OVERWRITE(test_an_overwrite_installs_without_trial),
        TRAILER(test_an_overwrite_installs_without_trial),
        TRAILER(test_a_request_in_the_trailer_from_imgtool_pad_is_taken),
        cmocka_unit_test(test_the_table_in_the_specification_is_the_code),
    };
    return cmocka_run_group_tests(tests, make_three, free_three);
}
