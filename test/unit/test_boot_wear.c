/* SPDX-License-Identifier: Apache-2.0 */
/* test_boot_wear.c - the bootloader on flash that fails, and over cuts in trailer mode. */
#include "test/unit/small_device.h"

#include "slot/journal.h"

static void test_a_worn_sector_turns_the_swap_back(void **test)
{
    (void)test;
    for (unsigned silent = 0; silent < 2; silent++) {
        device_install(&v2, false);
        /* Behind the new image: only the old one's top moves there. */
        sim_flash_break(sim_flash_of(&device.layout.secondary),
                        device.layout.secondary.base + 0xe000, silent);
        assert_int_equal(device_boot(), 0);
        assert_true(device_runs(&v1));
        assert_int_equal(device.choice.reason, OTTER_REASON_COPY_FAILED);
        assert_int_equal(read_state().rejects_count, 0);
        device_close();
        create(OTTER_MODE_SWAP);
        assert_int_equal(device_boot(), 0);
    }
}

/* The old image is still there: the swap back finds it, and erases nothing more. */
static void test_a_worn_sector_of_the_primary_does_not_stop_the_old_image(void **test)
{
    (void)test;
    device_install(&v2, false);
    sim_flash_break(sim_flash_of(&device.layout.primary), device.layout.primary.base + 0x2000, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_COPY_FAILED);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
}

static void wear_out_the_journal(void)
{
    for (uint32_t off = 0; off < device.layout.journal.size; off += 512) {
        sim_flash_break(sim_flash_of(&device.layout.journal), off, false);
    }
}

static void test_a_worn_out_journal_does_not_stop_a_good_primary(void **test)
{
    (void)test;
    device_install(&v2, false);
    wear_out_the_journal();
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    for (uint32_t off = 0; off < device.layout.journal.size; off += 8) {
        sim_flash_poke(sim_flash_of(&device.layout.journal), off, "garbage!", 8);
    }
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
}

static void test_a_journal_that_dies_on_trial_still_lets_the_old_image_back(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    wear_out_the_journal();
    device.config.reset_by_watchdog = true;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
}

static void on_event_wear(void *ctx, const struct otter_boot_event *event)
{
    on_event(ctx, event);
    if (event->kind == OTTER_BOOT_SWAP) {
        wear_out_the_journal();
    }
}

static void test_a_journal_that_dies_in_a_swap_turns_it_back(void **test)
{
    (void)test;
    device_install(&v2, false);
    device.config.on_event = on_event_wear;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_COPY_FAILED);
    assert_int_equal(device_boot(), 0); /* and again: the record still says SWAP */
    assert_true(device_runs(&v1));
}

static void test_a_journal_that_dies_in_an_overwrite_does_not_stop_it(void **test)
{
    (void)test;
    device_install(&v2, false);
    device.config.on_event = on_event_wear;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_a_worn_primary_stops_an_overwrite_and_every_boot_tries_again(void **test)
{
    (void)test;
    device_install(&v2, false);
    sim_flash_break(sim_flash_of(&device.layout.primary), 0x3000, false);
    assert_int_equal(device_boot(), OTTER_ERR_IO);
    assert_int_equal(device_boot(), OTTER_ERR_IO);
    assert_non_null(device_event(OTTER_BOOT_SWAP_RESUMED));
}

static void test_a_worn_primary_cannot_be_reverted_but_the_fallback_stays(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    sim_flash_break(sim_flash_of(&device.layout.primary), 0x3000, false);
    device.config.reset_by_watchdog = true;
    assert_int_equal(device_boot(), OTTER_ERR_IO);
    assert_int_equal(device_boot(), OTTER_ERR_IO);
    assert_non_null(device_event(OTTER_BOOT_REVERT_RESUMED));
    struct otter_area fallback = device.layout.secondary;
    fallback.base += read_state().unit_size;
    assert_true(device_holds(&fallback, &v1));
}

static void test_a_primary_that_dies_on_trial_is_reverted_and_not_rejected(void **test)
{
    (void)test;
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    spoil(&device.layout.primary, 0x2000);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_PRIMARY_DEAD);
    assert_int_equal(read_state().rejects_count, 0);
}

static void test_a_swap_under_another_layout_is_not_resumed(void **test)
{
    (void)test;
    device_install(&v2, false);
    sim_power_cut_after(&device.board.power, 60, SIM_NOT_DONE);
    if (setjmp(device.out) == 0) {
        (void)device_boot();
        fail();
    }
    device.board.power.cut_at = 0;
    assert_int_equal(read_state().phase, OTTER_PHASE_SWAP);
    device.layout.unit_max = 0x1000;
    assert_int_equal(device_boot(), OTTER_ERR_CORRUPT);
    device.layout.unit_max = 0;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_an_image_that_upstream_mcuboot_reverted_counts_as_rejected(void **test)
{
    (void)test;
    const uint8_t magic[16] = {0x10, 0x00, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b,
                               0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
    const uint8_t fields[3] = {1, 1, OTTER_SWAP_REVERT}; /* image_ok, copy_done, swap_info */
    struct sim_flash *flash = sim_flash_of(&device.layout.primary);
    uint32_t end = device.layout.primary.base + device.layout.primary.size;
    device_download(&v2);
    sim_flash_poke(flash, end - 16, magic, 16);
    for (uint32_t i = 0; i < 3; i++) {
        sim_flash_poke(flash, end - 32 - 16 * i, &fields[i], 1);
    }
    struct otter_state state = read_state();
    assert_int_equal(state.phase, OTTER_PHASE_REQUESTED); /* no marks: they alone say that it is not */
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    state = read_state();
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    assert_int_equal(state.reason, OTTER_REASON_NOT_CONFIRMED);
    assert_true(otter_state_rejects_hash(&state, v2.hash));
    assert_int_equal(device_request(false), OTTER_ERR_REFUSED);
}

/* As an agent does: before anything is erased, nothing may ask for what lies there. */
static void install_v2(void)
{
    const struct otter_download none = {0};
    struct otter_state state = read_state();
    if (state.phase == OTTER_PHASE_REQUESTED) { /* a request that surfaced late is taken back */
        assert_int_equal(otter_state_settle(&state, NULL), 0);
    }
    assert_int_equal(otter_state_save_download(&state, &none), 0);
    device_install(&v2, false);
}

/* Overwrite by the trailer's request, cut anywhere, and once more early in the recovery. */
static void install_over_cuts(unsigned cut, unsigned outcome)
{
    volatile unsigned lives = 0;
    volatile unsigned boots = 0;
    sim_power_cut_after(&device.board.power, cut, (enum sim_outcome)outcome);
    if (setjmp(device.out) != 0) {
        device.board.power.cut_at = 0;
        if (lives++ == 0) {
            sim_power_cut_after(&device.board.power, 1 + cut % 5,
                                (enum sim_outcome)((outcome + cut / 5) % SIM_OUTCOMES_USUAL));
        }
    }
    for (;;) {
        assert_true(boots++ < 12);
        assert_int_equal(device_boot(), 0);
        assert_false(device.choice.on_trial);
        if (device_runs(&v2)) {
            break;
        }
        assert_true(device_runs(&v1));
        install_v2();
    }
    device.board.power.cut_at = 0;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_an_overwrite_by_trailer_survives_cuts(void **test)
{
    (void)test;
    struct sim_snapshot *fresh = sim_snapshot_save(&device.board);
    uint64_t ops = device.board.power.ops;
    install_v2();
    assert_int_equal(device_boot(), 0);
    ops = device.board.power.ops - ops;
    for (unsigned cut = 1; cut <= ops; cut++) {
        for (unsigned outcome = 0; outcome < SIM_OUTCOMES_USUAL; outcome++) {
            sim_snapshot_restore(&device.board, fresh);
            install_over_cuts(cut, outcome);
        }
    }
    sim_snapshot_free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWAP(test_a_worn_sector_turns_the_swap_back),
        SWAP(test_a_worn_sector_of_the_primary_does_not_stop_the_old_image),
        SWAP(test_a_worn_out_journal_does_not_stop_a_good_primary),
        SWAP(test_a_journal_that_dies_on_trial_still_lets_the_old_image_back),
        SWAP(test_a_journal_that_dies_in_a_swap_turns_it_back),
        OVERWRITE(test_a_journal_that_dies_in_an_overwrite_does_not_stop_it),
        OVERWRITE(test_a_worn_primary_stops_an_overwrite_and_every_boot_tries_again),
        SWAP(test_a_worn_primary_cannot_be_reverted_but_the_fallback_stays),
        SWAP(test_a_primary_that_dies_on_trial_is_reverted_and_not_rejected),
        SWAP(test_a_swap_under_another_layout_is_not_resumed),
        TRAILER(test_an_image_that_upstream_mcuboot_reverted_counts_as_rejected),
        TRAILER(test_an_overwrite_by_trailer_survives_cuts),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
