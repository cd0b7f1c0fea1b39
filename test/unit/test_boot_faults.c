/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_boot_faults.c - the bootloader where flash reads wrong at the worst moment, and where
 * the records are whole but ask for what cannot be. Worn flash: test_boot_wear.c.
 */
#include "test/unit/small_device.h"

#include "boot/swap.h"
#include "slot/journal.h"
#include "test/unit/faulty.h"

/* When flash goes wrong: at this event, or when this phase has copied all its bytes. */
static struct {
    enum otter_boot_event_kind kind;
    enum otter_phase phase;
    uint32_t good, bad;
} at;

static void on_event_reads(void *ctx, const struct otter_boot_event *event)
{
    on_event(ctx, event);
    if (event->kind == at.kind && event->done == event->total &&
        (event->kind != OTTER_BOOT_PROGRESS || event->phase == at.phase)) {
        faulty_reads(at.good, at.bad);
    }
}

static void break_reads_at(enum otter_boot_event_kind kind, enum otter_phase phase, uint32_t good, uint32_t bad)
{
    at.kind = kind;
    at.phase = phase;
    at.good = good;
    at.bad = bad;
    device.config.on_event = on_event_reads;
}

static unsigned events_of(enum otter_boot_event_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < device.events_count; i++) {
        count += device.events[i].kind == kind;
    }
    return count;
}

static void start_trial(void)
{
    device_install(&v2, false);
    assert_int_equal(device_boot(), 0);
    assert_true(device.choice.on_trial);
    device.config.reset_by_watchdog = true;
}

static void test_a_secondary_that_cannot_be_read_any_more_turns_the_swap_back(void **test)
{
    (void)test;
    device_install(&v2, false);
    faulty_wrap(&device.layout.secondary);
    faulty.reads.to = faulty.reads.from + 0x100; /* the new image's begin: moved in last */
    break_reads_at(OTTER_BOOT_SWAP, OTTER_PHASE_SWAP, 0, FAULTY_ALL);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_COPY_FAILED);
    assert_int_equal(read_state().rejects_count, 0); /* flash failed, not the image */
}

static void test_bytes_that_cannot_be_read_are_replaced_all_the_same(void **test)
{
    (void)test;
    device_install(&v2, false);
    faulty_wrap(&device.layout.primary);
    break_reads_at(OTTER_BOOT_SWAP, OTTER_PHASE_SWAP, 0, 1);
    assert_int_equal(device_boot(), 0);
    assert_int_equal(faulty.reads.bad, 0);
    assert_true(device_runs(&v2));
}

static void test_a_revert_that_fails_is_taken_up_at_the_next_boot(void **test)
{
    (void)test;
    start_trial();
    faulty_wrap(&device.layout.primary);
    faulty_changes(1, FAULTY_ALL);
    assert_int_equal(device_boot(), OTTER_ERR_IO);
    assert_non_null(device_event(OTTER_BOOT_REVERT));
    assert_int_equal(device_event(OTTER_BOOT_NOTHING)->err, OTTER_ERR_IO);
    device.config.reset_by_watchdog = false;
    faulty_changes(0, 0);
    assert_int_equal(device_boot(), 0);
    assert_non_null(device_event(OTTER_BOOT_REVERT_RESUMED));
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_WATCHDOG);
}

/* Copied and compared, but verified otherwise: not copied for ever. */
static void test_a_bootstrap_that_does_not_verify_ends_and_is_tried_at_the_next_boot(void **test)
{
    (void)test;
    device_download(&v2);
    spoil(&device.layout.primary, 0x1000);
    faulty_wrap(&device.layout.primary);
    faulty.silent = true;
    break_reads_at(OTTER_BOOT_PROGRESS, OTTER_PHASE_SWAP, 0, FAULTY_ALL);
    assert_int_equal(device_boot(), OTTER_ERR_CORRUPT);
    assert_int_equal(events_of(OTTER_BOOT_BOOTSTRAP), 1);
    assert_non_null(device_event(OTTER_BOOT_NOTHING));
    assert_int_equal(read_state().phase, OTTER_PHASE_IDLE);
    assert_int_equal(read_state().reason, OTTER_REASON_COPY_FAILED);
    faulty_reads(0, 0);
    device.config.on_event = on_event;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

static void test_a_revert_that_does_not_verify_ends_and_is_tried_at_the_next_boot(void **test)
{
    (void)test;
    start_trial();
    faulty_wrap(&device.layout.primary);
    faulty.silent = true;
    break_reads_at(OTTER_BOOT_PROGRESS, OTTER_PHASE_REVERT, 0, FAULTY_ALL);
    assert_int_equal(device_boot(), OTTER_ERR_CORRUPT);
    assert_int_equal(events_of(OTTER_BOOT_REVERT), 1);
    assert_non_null(device_event(OTTER_BOOT_NOTHING));
    assert_int_equal(read_state().phase, OTTER_PHASE_REVERT);
    faulty_reads(0, 0);
    device.config.on_event = on_event;
    assert_int_equal(device_boot(), 0);
    assert_non_null(device_event(OTTER_BOOT_REVERT_RESUMED));
    assert_true(device_runs(&v1));
    assert_int_equal(device.choice.reason, OTTER_REASON_WATCHDOG);
}

static void test_a_dead_journal_and_a_dead_primary_do_not_stop_a_bootstrap(void **test)
{
    (void)test;
    device_download(&v2);
    spoil(&device.layout.primary, 0x1000);
    faulty_wrap(&device.layout.journal);
    faulty_changes(0, FAULTY_ALL);
    assert_int_equal(device_boot(), 0);
    assert_non_null(device_event(OTTER_BOOT_BOOTSTRAP));
    assert_true(device_runs(&v2));
}

static void test_a_journal_out_of_reach_starts_a_good_primary_and_writes_nothing(void **test)
{
    (void)test;
    device_install(&v2, false);
    uint64_t ops = device.board.power.ops;
    faulty_wrap(&device.layout.journal);
    faulty_reads(0, FAULTY_ALL);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.board.power.ops, ops);
    faulty_reads(FAULTY_ALL, 0);
    assert_int_equal(device_boot(), 0); /* it reads again, and nothing was lost */
    assert_true(device_runs(&v2));
    assert_true(device.choice.on_trial);
}

/* Below a floor that is not known nothing is installed: it may have been the one that ruled it out. */
static void test_a_journal_out_of_reach_installs_nothing(void **test)
{
    (void)test;
    device_download(&v2);
    spoil(&device.layout.primary, 0x1000);
    uint64_t ops = device.board.power.ops;
    faulty_wrap(&device.layout.journal);
    faulty_reads(0, FAULTY_ALL);
    assert_int_equal(device_boot(), OTTER_ERR_AUTH);
    assert_int_equal(device.board.power.ops, ops);
    faulty_reads(FAULTY_ALL, 0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

/* Read when the request was found, and no more when the table is asked again. */
static void test_a_journal_that_stops_reading_before_the_swap_begins_none(void **test)
{
    (void)test;
    device_install(&v2, false);
    faulty_wrap(&device.layout.journal);
    uint64_t ops = device.board.power.ops;
    break_reads_at(OTTER_BOOT_FOUND, OTTER_PHASE_REQUESTED, 0, FAULTY_ALL);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device.board.power.ops, ops);
    assert_int_equal(device.choice.reason, OTTER_REASON_NONE);
}

/* Image, then fallback, then nothing: until a good image comes into the secondary. */
static void test_a_trial_whose_image_and_fallback_die_is_ended_by_a_new_image(void **test)
{
    (void)test;
    start_trial();
    spoil(&device.layout.primary, 0x1000);
    spoil(&device.layout.secondary, read_state().unit_size + 0x800);
    assert_true(device_boot() < 0);
    assert_int_equal(device_event(OTTER_BOOT_NOTHING)->err, OTTER_ERR_AUTH);
    assert_int_equal(read_state().phase, OTTER_PHASE_TRIAL);
    device_download(&v2);
    assert_int_equal(device_boot(), 0);
    assert_non_null(device_event(OTTER_BOOT_BOOTSTRAP));
    assert_true(device_runs(&v2));
    assert_false(device.choice.on_trial);
}

/* A fallback is believed only where all of the record fits what is there. */
static void test_a_record_that_does_not_fit_the_fallback_does_not_lead_to_it(void **test)
{
    (void)test;
    start_trial();
    struct sim_snapshot *trial = sim_snapshot_save(&device.board);
    for (unsigned i = 0; i < 4; i++) {
        sim_snapshot_restore(&device.board, trial);
        struct otter_state state = read_state();
        state.old_size = i == 0 ? UINT32_MAX : i == 1 ? state.old_size - 1 : state.old_size;
        state.new_size = i == 2 ? device.layout.image_size_max + 1 : state.new_size;
        state.unit_size += i == 3 ? 0x1000 : 0;
        assert_int_equal(otter_state_write(&state), 0);
        assert_int_equal(device_boot(), 0);
        assert_null(device_event(OTTER_BOOT_REVERT));
        assert_true(device.choice.on_trial);
        assert_int_equal(device.choice.attempt, 2);
        assert_true(device_runs(&v2));
    }
    sim_snapshot_restore(&device.board, trial);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1)); /* and so it does, untouched */
    sim_snapshot_free(trial);
}

/* Moves that no bootloader with this layout began. */
enum { TOO_LARGE, OTHER_UNIT, REVERT_OTHER_UNIT, REVERT_TOO_FAR, SWAP_TOO_FAR, NO_MOVES };

static void write_no_move(unsigned which)
{
    struct otter_state state = read_state();
    struct otter_plan plan;
    assert_int_equal(otter_plan_make(&device.layout, v1.size, v2.size, &plan), 0);
    bool revert = which == REVERT_OTHER_UNIT || which == REVERT_TOO_FAR;
    state.phase = revert ? OTTER_PHASE_REVERT : OTTER_PHASE_SWAP;
    state.old_size = v1.size;
    state.new_size = which == TOO_LARGE ? UINT32_MAX : v2.size;
    state.unit_size = which == OTHER_UNIT || which == REVERT_OTHER_UNIT ? plan.unit + 0x1000 : plan.unit;
    state.out_count = which == REVERT_TOO_FAR || which == SWAP_TOO_FAR ? plan.count + 1 : 1;
    state.in_count = which == SWAP_TOO_FAR ? plan.count : 0;
    assert_int_equal(otter_state_write(&state), 0);
}

static void test_a_move_that_fits_no_plan_is_rest(void **test)
{
    (void)test;
    device_install(&v2, false);
    for (unsigned which = 0; which < NO_MOVES; which++) {
        write_no_move(which);
        assert_int_equal(device_boot(), 0);
        assert_true(device_runs(&v1));
        assert_true(device_holds(&device.layout.secondary, &v2));
        assert_int_equal(read_state().phase, OTTER_PHASE_IDLE);
        uint64_t ops = device.board.power.ops;
        assert_int_equal(device_boot(), 0);
        assert_int_equal(device.board.power.ops, ops);
    }
}

static void test_a_move_that_fits_no_plan_does_not_stop_a_bootstrap(void **test)
{
    (void)test;
    device_install(&v2, false);
    spoil(&device.layout.primary, 0x1000);
    struct sim_snapshot *dead = sim_snapshot_save(&device.board);
    for (unsigned which = 0; which < NO_MOVES; which++) {
        sim_snapshot_restore(&device.board, dead);
        write_no_move(which);
        assert_int_equal(device_boot(), 0);
        assert_non_null(device_event(OTTER_BOOT_BOOTSTRAP));
        assert_true(device_runs(&v2));
        assert_false(device.choice.on_trial);
    }
    sim_snapshot_free(dead);
}

/* With nothing to start nothing is written either: what the record means may still be found out. */
static void test_a_move_that_fits_no_plan_is_kept_where_nothing_starts(void **test)
{
    (void)test;
    device_install(&v2, false);
    spoil(&device.layout.primary, 0x1000);
    spoil(&device.layout.secondary, 0x1000);
    for (unsigned which = 0; which < NO_MOVES; which++) {
        write_no_move(which);
        uint64_t ops = device.board.power.ops;
        enum otter_phase phase = read_state().phase;
        assert_int_equal(device_boot(), OTTER_ERR_AUTH);
        assert_int_equal(device_event(OTTER_BOOT_NOTHING)->err, OTTER_ERR_AUTH);
        assert_int_equal(device.board.power.ops, ops);
        assert_int_equal(read_state().phase, phase);
    }
}

static void test_a_phase_that_nobody_knows_is_rest(void **test)
{
    (void)test;
    struct otter_state state = read_state();
    state.phase = (enum otter_phase)200;
    assert_int_equal(otter_state_write(&state), 0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    state = read_state();
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    uint64_t ops = device.board.power.ops;
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device.board.power.ops, ops);
}

static void test_program_units_too_large_for_the_buffer_are_refused(void **test)
{
    (void)test;
    faulty_wrap(&device.layout.primary);
    device.config.buf_size = 600;
    faulty.flash.prog_size = 300;
    assert_int_equal(device_boot(), 0);
    faulty.flash.prog_size = 301;
    assert_int_equal(device_boot(), OTTER_ERR_ARG);
    device.config.buf_size = sizeof device.buf;
    assert_int_equal(device_boot(), 0);
    faulty.flash.prog_size = OTTER_PROG_SIZE_MAX + 1;
    assert_int_equal(device_boot(), OTTER_ERR_ARG);
}

static void test_a_plan_for_sizes_from_a_broken_record_is_refused(void **test)
{
    (void)test;
    struct otter_plan plan;
    assert_int_equal(otter_plan_make(&device.layout, v1.size, v2.size, &plan), 0);
    assert_int_equal(otter_plan_make(&device.layout, UINT32_MAX, v2.size, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&device.layout, v1.size, UINT32_MAX, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&device.layout, v1.size, 0, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&device.layout, 0, 0, &plan), OTTER_ERR_NOSPACE);
}

/* Slots that begin inside a row: its other half belongs to nobody here, but a row write takes all. */
static void test_rows_that_a_copy_does_not_begin_on_are_erased_and_programmed(void **test)
{
    (void)test;
    struct sim_map map = small_map(OTTER_MODE_SWAP);
    map.parts[0] = (struct sim_geometry){.name = "rows64", .size = 0x40000, .sector_size = 512, .prog_size = 64,
                                         .page_size = 512, .erased = 0x00, .row_write = true};
    map.primary = (struct sim_place){0, 0x40, 0xffc0};
    map.secondary = (struct sim_place){0, 0x10040, 0xffc0};
    device_close();
    device_create(&map);
    device_factory(&v1);
    device_install(&v2, false);
    const struct sim_count *count = &device.board.devices[0].count;
    uint64_t erases = count->erases;
    uint64_t writes = count->writes;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    /* Each image begins inside a row, wherever it is copied to; all the other rows are whole. */
    assert_int_equal(count->erases - erases, 2);
    assert_int_equal(count->writes - writes, v1.size / 512 + v2.size / 512);
    device.config.reset_by_watchdog = true;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWAP(test_a_secondary_that_cannot_be_read_any_more_turns_the_swap_back),
        OVERWRITE(test_bytes_that_cannot_be_read_are_replaced_all_the_same),
        SWAP(test_a_revert_that_fails_is_taken_up_at_the_next_boot),
        SWAP(test_a_bootstrap_that_does_not_verify_ends_and_is_tried_at_the_next_boot),
        SWAP(test_a_revert_that_does_not_verify_ends_and_is_tried_at_the_next_boot),
        SWAP(test_a_dead_journal_and_a_dead_primary_do_not_stop_a_bootstrap),
        SWAP(test_a_journal_out_of_reach_starts_a_good_primary_and_writes_nothing),
        SWAP(test_a_journal_out_of_reach_installs_nothing),
        SWAP(test_a_journal_that_stops_reading_before_the_swap_begins_none),
        SWAP(test_a_trial_whose_image_and_fallback_die_is_ended_by_a_new_image),
        SWAP(test_a_record_that_does_not_fit_the_fallback_does_not_lead_to_it),
        SWAP(test_a_move_that_fits_no_plan_is_rest),
        SWAP(test_a_move_that_fits_no_plan_does_not_stop_a_bootstrap),
        SWAP(test_a_move_that_fits_no_plan_is_kept_where_nothing_starts),
        SWAP(test_a_phase_that_nobody_knows_is_rest),
        SWAP(test_program_units_too_large_for_the_buffer_are_refused),
        SWAP(test_a_plan_for_sizes_from_a_broken_record_is_refused),
        SWAP(test_rows_that_a_copy_does_not_begin_on_are_erased_and_programmed),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
