/* SPDX-License-Identifier: Apache-2.0 */
/* test_state.c - what is remembered across resets, with the journal. */
#include "otter/result.h"
#include "sim/maps.h"
#include "sim/sim.h"
#include "slot/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sim_board board;
static struct otter_layout layout;
static struct otter_state state;
static bool was_created; /* no valid half was found */
static jmp_buf out;

static void on_lost(void *ctx)
{
    (void)ctx;
    longjmp(out, 1);
}

static void create(const char *name)
{
    struct sim_map map;
    assert_true(sim_map_find(name, &map));
    assert_int_equal(sim_map_build(&map, &board, 1, NULL, &layout), 0);
    board.power.lost = on_lost;
    memset(layout.map_hash, 0x11, sizeof layout.map_hash);
}

static int setup(void **test)
{
    (void)test;
    create("psoc62_512k_xip_swap_single");
    int err = otter_state_open(&state, &layout);
    was_created = state.created;
    return err == OTTER_OK ? otter_state_settle(&state, NULL) : err; /* the first record begins it */
}

static int teardown(void **test)
{
    (void)test;
    sim_board_close(&board);
    return 0;
}

static struct otter_image image_of(uint8_t minor)
{
    struct otter_image image = {.version = {1, minor, 0, 7}, .security_counter = minor,
                                .size = 0x1000};
    memset(image.hash, minor, sizeof image.hash);
    return image;
}

static void reopen(void)
{
    sim_board_power_on(&board);
    assert_int_equal(otter_state_open(&state, &layout), 0);
}

static void put_phase(enum otter_phase phase)
{
    state.phase = phase;
    assert_int_equal(otter_state_write(&state), 0);
    reopen();
    assert_int_equal(state.phase, phase);
}

static void test_a_new_journal_is_idle(void **test)
{
    (void)test;
    assert_true(was_created);
    reopen();
    assert_false(state.created);
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    assert_int_equal(state.rejects_count, 0);
    assert_true(state.proven);
    assert_false(state.journal.unproven);
}

static void test_another_flash_map_is_refused(void **test)
{
    (void)test;
    layout.map_hash[0] ^= 1;
    assert_int_equal(otter_state_open(&state, &layout), OTTER_ERR_REFUSED);
}

static void test_request_keeps_what_was_asked_for(void **test)
{
    (void)test;
    struct otter_image image = image_of(2);
    assert_int_equal(otter_state_request_swap(&state, &image, true), 0);
    reopen();
    assert_int_equal(state.phase, OTTER_PHASE_REQUESTED);
    assert_true(state.permanent);
    assert_memory_equal(state.requested.hash, image.hash, sizeof state.requested.hash);
    assert_int_equal(otter_version_compare(&state.requested.version, &image.version), 0);
}

static void test_request_is_refused_on_trial_and_for_a_rejected_image(void **test)
{
    (void)test;
    struct otter_image image = image_of(2);
    assert_int_equal(otter_state_request_swap(&state, &image, false), 0);
    put_phase(OTTER_PHASE_TRIAL);
    struct otter_image other = image_of(3);
    assert_int_equal(otter_state_request_swap(&state, &other, false), OTTER_ERR_REFUSED);
    assert_int_equal(otter_state_write_reject(&state), 0);
    put_phase(OTTER_PHASE_IDLE);
    assert_true(otter_state_rejects_hash(&state, image.hash));
    assert_true(otter_state_rejects_version(&state, &image.version));
    assert_false(otter_state_rejects_version(&state, &other.version));
    assert_int_equal(otter_state_request_swap(&state, &image, false), OTTER_ERR_REFUSED);
    assert_int_equal(otter_state_request_swap(&state, &other, false), 0);
}

static void test_confirm_settles_and_raises_the_floor(void **test)
{
    (void)test;
    struct otter_image image = image_of(5);
    assert_int_equal(otter_state_confirm(&state, &image), 0); /* not on trial: nothing */
    assert_int_equal(state.floor_version.minor, 0);
    put_phase(OTTER_PHASE_TRIAL);
    uint64_t ops = board.power.ops;
    assert_int_equal(otter_state_confirm(&state, &image), 0);
    assert_int_equal(board.power.ops - ops, 5); /* erase twice ahead, row write, program, program */
    reopen();
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    assert_true(state.proven);
    assert_int_equal(state.floor_version.minor, 5);
    assert_int_equal(state.floor_counter, 5);
    assert_false(otter_state_floor_rises(&state, &image));
    image.security_counter++;
    assert_true(otter_state_floor_rises(&state, &image));
    image = image_of(4);
    assert_false(otter_state_floor_rises(&state, &image));
}

/* Version and counter each: the highest of all that the half holds, whatever came last. */
static void test_a_lower_record_does_not_lower_the_floor(void **test)
{
    (void)test;
    struct otter_image image = image_of(5);
    assert_int_equal(otter_state_settle(&state, &image), 0);
    state.floor_version.minor = 2;
    state.floor_counter = 9;
    assert_int_equal(otter_state_settle(&state, NULL), 0); /* FLOOR twice, as it stands in memory */
    reopen();
    assert_int_equal(state.floor_version.minor, 5);
    assert_int_equal(state.floor_counter, 9);
    assert_false(state.proven); /* so the next boot writes both */
    state.floor_version.minor = 6;
    state.floor_counter = 1;
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    reopen();
    assert_int_equal(state.floor_version.minor, 6);
    assert_int_equal(state.floor_counter, 9);
    assert_false(state.proven);
    state.journal.next_off = state.journal.half_off + state.journal.half_size; /* compaction */
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    reopen();
    assert_int_equal(state.floor_version.minor, 6);
    assert_int_equal(state.floor_counter, 9);
    assert_true(state.proven);
}

static void test_the_newest_four_rejects_are_kept(void **test)
{
    (void)test;
    for (uint8_t i = 1; i <= 6; i++) {
        struct otter_image image = image_of(i == 6 ? 3 : i); /* the third comes again */
        memcpy(state.requested.hash, image.hash, sizeof state.requested.hash);
        state.requested.version = image.version;
        assert_int_equal(otter_state_write_reject(&state), 0);
    }
    struct otter_image image = image_of(6);
    memcpy(state.requested.hash, image.hash, sizeof state.requested.hash);
    assert_int_equal(otter_state_write_reject(&state), 0);
    for (unsigned compacted = 0; compacted < 3; compacted++) {
        reopen();
        assert_int_equal(state.rejects_count, 4);
        const uint8_t expected[] = {4, 5, 3, 6};
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(state.rejects[i].hash[0], expected[i]);
        }
        state.journal.next_off = state.journal.half_off + state.journal.half_size;
        put_phase(OTTER_PHASE_IDLE);
    }
}

static void test_a_reason_stays_until_acknowledged(void **test)
{
    (void)test;
    assert_int_equal(otter_state_acknowledge(&state), 0);
    state.reason = OTTER_REASON_WATCHDOG;
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    reopen();
    reopen();
    assert_int_equal(state.reason, OTTER_REASON_WATCHDOG);
    assert_int_equal(otter_state_acknowledge(&state), 0);
    reopen();
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    assert_true(state.proven);
}

static void test_give_up_is_remembered_only_on_trial(void **test)
{
    (void)test;
    assert_int_equal(otter_state_give_up(&state), 0);
    reopen();
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    put_phase(OTTER_PHASE_TRIAL);
    assert_int_equal(otter_state_give_up(&state), 0);
    reopen();
    assert_int_equal(state.phase, OTTER_PHASE_TRIAL);
    assert_int_equal(state.reason, OTTER_REASON_HEALTH);
}

static void test_download_progress_survives_compaction_and_ends_with_a_request(void **test)
{
    (void)test;
    struct otter_download download = {.source = "sixteen bytes.."};
    for (uint32_t i = 1; i < 50; i++) {
        download.off = i * 4096;
        assert_int_equal(otter_state_save_download(&state, &download), 0);
        if (i % 4 == 0) {
            reopen();
            assert_int_equal(state.download.off, download.off);
            assert_memory_equal(state.download.source, download.source, 16);
        }
    }
    struct otter_image image = image_of(2);
    assert_int_equal(otter_state_request_swap(&state, &image, false), 0);
    assert_int_equal(state.download.off, 0);
    assert_int_equal(otter_state_save_download(&state, &download), OTTER_ERR_REFUSED);
    put_phase(OTTER_PHASE_IDLE);
    assert_int_equal(state.download.off, 0);
    assert_int_equal(otter_state_save_download(&state, &download), 0);
    download.off = 0;
    assert_int_equal(otter_state_save_download(&state, &download), 0);
    uint64_t ops = board.power.ops;
    assert_int_equal(otter_state_save_download(&state, &download), 0); /* settles what is torn */
    assert_true(board.power.ops > ops);
    reopen();
    assert_int_equal(state.download.off, 0);
}

static void test_an_unproven_rest_is_seen(void **test)
{
    (void)test;
    reopen();
    assert_true(state.proven);
    put_phase(OTTER_PHASE_IDLE); /* its cell may hold another record as well */
    assert_false(state.proven);
    put_phase(OTTER_PHASE_TRIAL);
    put_phase(OTTER_PHASE_IDLE);
    assert_false(state.proven);
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    reopen();
    assert_true(state.proven);
}

static void test_a_failing_journal_leaves_the_state_in_memory_as_it_was(void **test)
{
    (void)test;
    struct otter_image image = image_of(2);
    for (uint32_t off = 0; off < layout.journal.size; off += 512) {
        sim_flash_break(sim_flash_of(&layout.journal), layout.journal.base + off, false);
    }
    assert_int_equal(otter_state_request_swap(&state, &image, true), OTTER_ERR_IO);
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    assert_false(state.permanent);
    state.phase = OTTER_PHASE_TRIAL;
    assert_int_equal(otter_state_give_up(&state), OTTER_ERR_IO);
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    assert_int_equal(otter_state_confirm(&state, &image), OTTER_ERR_IO);
    assert_true(otter_state_on_trial(&state));
}

static void test_every_reason_has_a_name(void **test)
{
    (void)test;
    for (unsigned i = 0; i <= OTTER_REASON_NO_FALLBACK; i++) {
        assert_non_null(otter_reason_str((enum otter_reason)i));
        assert_string_not_equal(otter_reason_str((enum otter_reason)i), "unknown");
    }
    assert_string_equal(otter_reason_str((enum otter_reason)15), "unknown");
}

/* Confirm, cut anywhere: on trial as before, or confirmed; and it does not flicker. */
static void test_a_cut_confirmation_is_before_or_after(void **test)
{
    (void)test;
    struct otter_image image = image_of(5);
    put_phase(OTTER_PHASE_TRIAL);
    struct sim_snapshot *fresh = sim_snapshot_save(&board);
    for (volatile unsigned cut = 1; cut <= 3; cut++) {
        for (volatile unsigned outcome = 0; outcome < SIM_OUTCOMES_USUAL; outcome++) {
            sim_snapshot_restore(&board, fresh);
            reopen();
            sim_power_cut_after(&board.power, cut, (enum sim_outcome)outcome);
            if (setjmp(out) == 0) {
                (void)otter_state_confirm(&state, &image);
                fail();
            }
            board.power.cut_at = 0;
            reopen();
            assert_true(state.phase == OTTER_PHASE_TRIAL || state.phase == OTTER_PHASE_IDLE);
            enum otter_phase seen = state.phase;
            if (seen == OTTER_PHASE_IDLE && (!state.proven || state.journal.unproven)) {
                assert_int_equal(otter_state_settle(&state, &image), 0);
            } else if (seen == OTTER_PHASE_TRIAL) {
                assert_int_equal(otter_state_write(&state), 0);
            }
            for (unsigned again = 0; again < 4; again++) {
                reopen();
                assert_int_equal(state.phase, seen);
            }
        }
    }
    sim_snapshot_free(fresh);
}

static void test_accepted_jobs_only_rise(void **test)
{
    (void)test;
    struct otter_download download = {.off = 4096, .source = {1, 2, 3}};
    struct otter_image image = image_of(5);
    assert_int_equal(otter_state_settle(&state, &image), 0);
    assert_int_equal(otter_state_save_download(&state, &download), 0);
    assert_int_equal(otter_state_raise_job(&state, 7, 1800), 0);
    uint64_t ops = board.power.ops;
    assert_int_equal(otter_state_raise_job(&state, 7, 1800), 0);
    assert_int_equal(otter_state_raise_job(&state, 6, 1700), 0);
    assert_int_equal(board.power.ops, ops); /* nothing rises: nothing is written */
    assert_int_equal(otter_state_raise_job(&state, 8, 1750), 0);
    assert_int_equal(otter_state_raise_job(&state, 3, 1900), 0);
    for (unsigned compacted = 0; compacted < 3; compacted++) {
        reopen();
        assert_int_equal(state.job_sequence, 8);
        assert_int_equal(state.job_issued, 1900);
        assert_int_equal(state.floor_version.minor, 5);
        assert_int_equal(state.floor_counter, 5);
        assert_int_equal(state.download.off, 4096);
        state.journal.next_off = state.journal.half_off + state.journal.half_size;
        assert_int_equal(otter_state_settle(&state, NULL), 0);
    }
    reopen();
    assert_true(state.proven);
    assert_int_equal(otter_state_raise_job(&state, UINT32_MAX, UINT32_MAX), 0);
    reopen();
    assert_true(state.proven); /* a boot has nothing to write again */
    assert_int_equal(state.job_sequence, UINT32_MAX);
    assert_int_equal(state.job_issued, UINT32_MAX);
}

/* A raise, cut anywhere: both as before or both as after, and then for good. */
static void test_a_cut_raise_of_a_job_is_before_or_after(void **test)
{
    (void)test;
    assert_int_equal(otter_state_raise_job(&state, 5, 100), 0);
    struct sim_snapshot *fresh = sim_snapshot_save(&board);
    volatile unsigned before = 0;
    volatile unsigned after = 0;
    for (volatile unsigned cut = 1; cut <= 3; cut++) {
        for (volatile unsigned outcome = 0; outcome < SIM_OUTCOMES_USUAL; outcome++) {
            sim_snapshot_restore(&board, fresh);
            reopen();
            sim_power_cut_after(&board.power, cut, (enum sim_outcome)outcome);
            if (setjmp(out) == 0) {
                (void)otter_state_raise_job(&state, 9, 200);
                board.power.cut_at = 0; /* it took fewer operations */
            }
            board.power.cut_at = 0;
            reopen();
            assert_true((state.job_sequence == 5 && state.job_issued == 100) ||
                        (state.job_sequence == 9 && state.job_issued == 200));
            uint32_t seen = state.job_sequence;
            before += seen == 5;
            after += seen == 9;
            if (!state.proven || state.journal.unproven) { /* as a boot does */
                assert_int_equal(otter_state_settle(&state, NULL), 0);
            }
            for (unsigned again = 0; again < 4; again++) {
                reopen();
                assert_int_equal(state.job_sequence, seen);
            }
        }
    }
    assert_true(before > 0 && after > 0);
    sim_snapshot_free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_new_journal_is_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_flash_map_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_request_keeps_what_was_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_request_is_refused_on_trial_and_for_a_rejected_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_confirm_settles_and_raises_the_floor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lower_record_does_not_lower_the_floor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accepted_jobs_only_rise, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cut_raise_of_a_job_is_before_or_after, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_newest_four_rejects_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reason_stays_until_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_give_up_is_remembered_only_on_trial, setup, teardown),
        cmocka_unit_test_setup_teardown(test_download_progress_survives_compaction_and_ends_with_a_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unproven_rest_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_journal_leaves_the_state_in_memory_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_reason_has_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cut_confirmation_is_before_or_after, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
