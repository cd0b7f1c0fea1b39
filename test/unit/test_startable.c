/* SPDX-License-Identifier: Apache-2.0 */
/* test_startable.c - genuine images that are for another address or another processor. */
#include "test/unit/small_device.h"

enum { HERE = 0x10018000, ELSEWHERE = 0x10028000 };

static struct file here, elsewhere;
static uint8_t unstartable; /* minor version that the board refuses; 0: none */
static bool only_in_primary; /* it does so only there: cannot happen */

static bool startable(const struct otter_layout *layout, const struct otter_view *view,
                      const struct otter_image *image)
{
    uint8_t version[2];
    assert_ptr_equal(layout, &device.layout);
    assert_int_equal(otter_view_read(view, 20, version, sizeof version), 0);
    assert_int_equal(version[1], image->version.minor);
    bool primary = view->low.flash == layout->primary.flash && view->low.base == layout->primary.base;
    return version[1] != unstartable || (only_in_primary && !primary);
}

/* The request is refused and forgotten; the old image was not touched. */
static void wrong_place(const struct file *file)
{
    device_install(file, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    const struct otter_boot_event *event = device_event(OTTER_BOOT_REFUSED);
    assert_non_null(event);
    assert_int_equal(event->reason, OTTER_REASON_WRONG_PLACE);
    assert_string_equal(otter_reason_str(event->reason), "wrong-place");
    assert_int_equal(event->version.minor, file->version.minor);
    assert_null(device_event(OTTER_BOOT_SWAP));
    assert_int_equal(read_state().rejects_count, 0); /* it had no trial */
    assert_int_equal(device_boot(), 0);
    assert_null(device_event(OTTER_BOOT_REFUSED));
}

static void test_a_request_for_another_address_is_refused(void **test)
{
    (void)test;
    wrong_place(&elsewhere);
    device_install(&here, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&here));
}

static void test_a_request_that_the_board_cannot_start_is_refused(void **test)
{
    (void)test;
    unstartable = 2;
    wrong_place(&v2);
    unstartable = 0;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_without_a_board_everything_genuine_starts(void **test)
{
    (void)test;
    unstartable = 2;
    device.config.startable = NULL;
    device_install(&v2, true);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_what_cannot_start_is_no_bootstrap(void **test)
{
    (void)test;
    spoil(&device.layout.primary, 0x1000);
    device_download(&elsewhere);
    assert_int_equal(device_boot(), OTTER_ERR_AUTH);
    assert_null(device_event(OTTER_BOOT_BOOTSTRAP));
    device_download(&v2);
    unstartable = 2;
    assert_int_equal(device_boot(), OTTER_ERR_AUTH);
    unstartable = 0;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void primary_is_told_and_not_started(void)
{
    assert_int_equal(device_boot(), OTTER_ERR_REFUSED);
    assert_int_equal(device_event(OTTER_BOOT_PRIMARY_BAD)->err, OTTER_ERR_REFUSED);
    assert_int_equal(device_event(OTTER_BOOT_PRIMARY_BAD)->reason, OTTER_REASON_WRONG_PLACE);
    assert_int_equal(device_event(OTTER_BOOT_NOTHING)->err, OTTER_ERR_REFUSED);
    assert_null(device_event(OTTER_BOOT_START));
}

static void test_a_primary_for_another_address_is_not_started(void **test)
{
    (void)test;
    device_factory(&elsewhere);
    primary_is_told_and_not_started();
    device_download(&v2);
    assert_int_equal(device_boot(), 0); /* as a primary that does not verify */
    assert_true(device_runs(&v2));
    assert_non_null(device_event(OTTER_BOOT_BOOTSTRAP));
}

static void test_a_primary_that_the_board_cannot_start_is_not_started(void **test)
{
    (void)test;
    unstartable = 1;
    primary_is_told_and_not_started();
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_false(device.choice.on_trial); /* nothing was kept to go back to */
}

static void test_a_confirmed_primary_that_cannot_start_falls_back(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device_confirm(), 0);
    spoil(&device.layout.secondary, 0x10); /* a stale copy of the new image's first unit */
    unstartable = 2;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_PRIMARY_DEAD);
    assert_int_equal(read_state().rejects_count, 0);
}

static void test_a_trial_that_cannot_start_is_reverted(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    unstartable = 2;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_PRIMARY_DEAD);
}

static void test_a_swap_whose_image_cannot_start_is_turned_back(void **test)
{
    (void)test;
    unstartable = 2;
    only_in_primary = true;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_non_null(device_event(OTTER_BOOT_SWAP));
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_COPY_FAILED);
}

static void test_an_overwrite_asks_before_the_primary_is_touched(void **test)
{
    (void)test;
    device_install(&elsewhere, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device_event(OTTER_BOOT_REFUSED)->reason, OTTER_REASON_WRONG_PLACE);
    unstartable = 2;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device_event(OTTER_BOOT_REFUSED)->reason, OTTER_REASON_WRONG_PLACE);
}

static void ask_the_board(void)
{
    device.layout.primary_addr = HERE;
    device.config.startable = startable;
    unstartable = 0;
    only_in_primary = false;
}

static int make_four(void **state)
{
    arrange = ask_the_board;
    here = file_make_fixed(0x5000, 3, 2, HERE);
    elsewhere = file_make_fixed(0x5000, 3, 2, ELSEWHERE);
    return make_files(state);
}

static int free_four(void **state)
{
    free(here.bytes);
    free(elsewhere.bytes);
    return free_files(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWAP(test_a_request_for_another_address_is_refused),
        SWAP(test_a_request_that_the_board_cannot_start_is_refused),
        SWAP(test_without_a_board_everything_genuine_starts),
        SWAP(test_what_cannot_start_is_no_bootstrap),
        SWAP(test_a_primary_for_another_address_is_not_started),
        SWAP(test_a_primary_that_the_board_cannot_start_is_not_started),
        SWAP(test_a_confirmed_primary_that_cannot_start_falls_back),
        SWAP(test_a_trial_that_cannot_start_is_reverted),
        SWAP(test_a_swap_whose_image_cannot_start_is_turned_back),
        OVERWRITE(test_an_overwrite_asks_before_the_primary_is_touched),
        TRAILER(test_an_overwrite_asks_before_the_primary_is_touched),
    };
    return cmocka_run_group_tests(tests, make_four, free_four);
}
