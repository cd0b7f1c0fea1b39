/* SPDX-License-Identifier: Apache-2.0 */
/* test_state_faults.c - what is remembered when flash fails, and without a journal. */
#include "otter/result.h"
#include "sim/maps.h"
#include "sim/sim.h"
#include "slot/journal.h"
#include "slot/trailer.h"
#include "test/unit/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sim_board board;
static struct otter_layout layout;
static struct otter_state state;
static const struct otter_image image = {.version = {1, 2, 0, 0}, .size = 0x1000, .hash = {7, 7, 7}};

static int setup(void **test)
{
    (void)test;
    struct sim_map map;
    if (!sim_map_find("psoc62_512k_xip_swap_single", &map) || sim_map_build(&map, &board, 1, NULL, &layout) != 0) {
        return -1;
    }
    faulty_wrap(&layout.journal);
    return otter_state_open(&state, &layout);
}

static int teardown(void **test)
{
    (void)test;
    sim_board_close(&board);
    return 0;
}

static void begin_trial(bool permanent)
{
    state.phase = OTTER_PHASE_TRIAL;
    state.permanent = permanent;
    state.attempts = 2;
    assert_int_equal(otter_state_write(&state), 0);
}

static void test_a_confirmation_that_fails_changes_nothing_in_memory(void **test)
{
    (void)test;
    for (unsigned permanent = 0; permanent < 2; permanent++) {
        begin_trial(permanent);
        faulty_changes(0, FAULTY_ALL);
        assert_int_equal(otter_state_confirm(&state, &image), OTTER_ERR_IO);
        assert_int_equal(state.phase, OTTER_PHASE_TRIAL);
        assert_int_equal(state.permanent, permanent);
        assert_int_equal(state.attempts, 2);
        faulty_changes(0, 0);
        assert_int_equal(otter_state_open(&state, &layout), 0);
        assert_int_equal(state.phase, OTTER_PHASE_TRIAL);
    }
}

/* The first record of a confirmation arrives, the one that proves it does not. */
static void test_half_a_confirmation_is_an_error_and_an_unproven_rest(void **test)
{
    (void)test;
    volatile unsigned halves = 0;
    begin_trial(false);
    struct sim_snapshot *trial = sim_snapshot_save(&board);
    for (uint32_t good = 0; good < 6; good++) {
        sim_snapshot_restore(&board, trial);
        faulty_changes(0, 0);
        assert_int_equal(otter_state_open(&state, &layout), 0);
        assert_true(otter_state_on_trial(&state));
        faulty_changes(good, FAULTY_ALL);
        int err = otter_state_confirm(&state, &image);
        assert_int_equal(otter_state_on_trial(&state), err < 0);
        faulty_changes(0, 0);
        assert_int_equal(otter_state_open(&state, &layout), 0);
        if (err < 0 && state.phase == OTTER_PHASE_IDLE) {
            halves++;
            assert_false(state.proven);
            assert_int_equal(otter_state_settle(&state, &image), 0); /* as the next boot does */
            assert_int_equal(otter_state_open(&state, &layout), 0);
            assert_true(state.proven);
        }
        if (err == OTTER_OK) {
            assert_int_equal(state.phase, OTTER_PHASE_IDLE);
            assert_true(state.proven);
            assert_int_equal(state.floor_version.minor, 2);
        }
    }
    assert_true(halves > 0);
    sim_snapshot_free(trial);
}

static void test_progress_that_cannot_be_written_is_not_claimed(void **test)
{
    (void)test;
    struct otter_download download = {.off = 0x1000, .source = "sixteen bytes.."};
    assert_int_equal(otter_state_save_download(&state, &download), 0);
    struct otter_download more = {.off = 0x2000, .source = "another source."};
    faulty_changes(0, FAULTY_ALL);
    assert_int_equal(otter_state_save_download(&state, &more), OTTER_ERR_IO);
    assert_memory_equal(&state.download, &download, sizeof download);
    faulty_changes(0, 0);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_memory_equal(&state.download, &download, sizeof download);
}

/* What the application gave up is still to be reverted, and why must not be forgotten. */
static void test_a_reason_is_acknowledged_only_at_rest(void **test)
{
    (void)test;
    begin_trial(false);
    assert_int_equal(otter_state_give_up(&state), 0);
    uint64_t ops = board.power.ops;
    assert_int_equal(otter_state_acknowledge(&state), 0);
    assert_int_equal(board.power.ops, ops);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_int_equal(state.reason, OTTER_REASON_HEALTH);
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    assert_int_equal(otter_state_acknowledge(&state), 0);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_int_equal(state.reason, OTTER_REASON_NONE);
}

/* A FLOOR as another program might have left it, behind what is there. */
static void append_floor(uint8_t minor)
{
    struct otter_record record = {.type = OTTER_RECORD_FLOOR, .body = {1, minor}};
    const struct otter_journal_reader none = {0}; /* no compaction comes */
    assert_int_equal(otter_journal_append(&state.journal, &record, &none), 0);
}

static void test_a_floor_is_proven_by_its_repetition_in_one_session(void **test)
{
    (void)test;
    assert_int_equal(otter_state_settle(&state, &image), 0);
    append_floor(3);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_int_equal(state.floor_version.minor, 3);
    assert_false(state.proven); /* another floor than the one before */
    append_floor(3);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_false(state.proven); /* the same, but written by another session */
    append_floor(3);
    append_floor(3);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_true(state.proven);
}

static void test_a_request_takes_the_place_of_the_one_before(void **test)
{
    (void)test;
    struct otter_image other = {.version = {1, 3, 0, 0}, .size = 0x2000, .hash = {8, 8}};
    assert_int_equal(otter_state_request_swap(&state, &image, false), 0);
    assert_int_equal(otter_state_request_swap(&state, &other, true), 0);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_int_equal(state.phase, OTTER_PHASE_REQUESTED);
    assert_true(state.permanent);
    assert_memory_equal(state.requested.hash, other.hash, sizeof state.requested.hash);
    assert_int_equal(state.requested.version.minor, 3);
}

static void test_a_layout_without_journal_and_trailers_is_impossible(void **test)
{
    (void)test;
    layout.journal.size = 0;
    assert_int_equal(otter_state_open(&state, &layout), OTTER_ERR_ARG);
}

#define FAULTY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULTY(test_a_confirmation_that_fails_changes_nothing_in_memory),
        FAULTY(test_half_a_confirmation_is_an_error_and_an_unproven_rest),
        FAULTY(test_progress_that_cannot_be_written_is_not_claimed),
        FAULTY(test_a_reason_is_acknowledged_only_at_rest),
        FAULTY(test_a_floor_is_proven_by_its_repetition_in_one_session),
        FAULTY(test_a_request_takes_the_place_of_the_one_before),
        FAULTY(test_a_layout_without_journal_and_trailers_is_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
