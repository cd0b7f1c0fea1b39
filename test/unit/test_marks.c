/* SPDX-License-Identifier: Apache-2.0 */
/* test_marks.c - overwrite maps without a journal: what says that an image is, or is not, asked for. */
#include "slot/journal.h"
#include "slot/trailer.h"
#include "test/unit/faulty.h"
#include "test/unit/small_device.h"

static const uint8_t mark[16] = {0x6f, 0x74, 0x74, 0x65, 0x72, 0x3a, 0x73, 0x65,
                                 0x74, 0x74, 0x6c, 0x65, 0x64, 0xc5, 0x3a, 0x96};

/* Of the small device: sectors of 0x1000, fields from -64 on, marks of 16. */
enum { UPPER = 0x10000 - 64 - 16, UPPER_PROOF = UPPER - 16, COPYING = UPPER - 32, LOWER = 0xf000 - 16, LOWER_PROOF = LOWER - 16, LIMIT = 0xe000 };

static bool marked(uint32_t off)
{
    uint8_t bytes[16];
    sim_flash_peek(sim_flash_of(&device.layout.secondary), device.layout.secondary.base + off, bytes, 16);
    return memcmp(bytes, mark, 16) == 0;
}

static void spoil_mark(uint32_t off)
{
    const uint8_t zeros[16] = {0};
    sim_flash_poke(sim_flash_of(&device.layout.secondary), device.layout.secondary.base + off, zeros, 16);
}

static enum otter_phase phase(void)
{
    return read_state().phase;
}

static void settle(void)
{
    struct otter_state state = read_state();
    assert_int_equal(otter_state_settle(&state, NULL), 0);
}

static int begin_download(uint32_t off)
{
    struct otter_state state = read_state();
    const struct otter_download download = {.off = off};
    return otter_state_save_download(&state, &download);
}

static void test_an_image_ends_below_both_marks(void **test)
{
    (void)test;
    static const struct {
        uint32_t prog_size, sector, limit, lower, upper; /* distances from the slot's end */
    } cases[] = {{1, 0x1000, 0x2000, 0x1010, 56}, {8, 0x1000, 0x2000, 0x1010, 56},
                 {16, 0x1000, 0x2000, 0x1010, 80}, {32, 0x1000, 0x2000, 0x1020, 160},
                 {8, 0x400, 0x800, 0x410, 56}, {32, 0x100, 0x200, 0x120, 160},
                 {4, 0x40, 0xc0, 0x90, 56}, {4, 0x20, 0x80, 0x70, 56}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_map map = small_map(OTTER_MODE_OVERWRITE);
        device_close();
        map.parts[0].prog_size = cases[i].prog_size;
        map.parts[0].sector_size = cases[i].sector;
        map.parts[0].page_size = cases[i].prog_size;
        map.journal.size = 0;
        device_create(&map);
        device.layout.trailers = &otter_trailers;
        const struct otter_area *slot = &device.layout.secondary;
        assert_int_equal(otter_trailer_limit(slot, OTTER_MODE_OVERWRITE), slot->size - cases[i].limit);
        assert_int_equal(otter_trailers.limit(slot), slot->size - cases[i].limit);
        settle();
        assert_true(marked(slot->size - cases[i].lower));
        assert_true(marked(slot->size - cases[i].upper));
        uint32_t len = cases[i].prog_size == 32 ? 32 : 16;
        assert_true(marked(slot->size - cases[i].upper - len)); /* the proofs */
        assert_true(marked(slot->size - cases[i].lower - len));
    }
}

static void test_a_slot_too_small_for_marks_is_impossible(void **test)
{
    (void)test;
    struct otter_state state;
    struct otter_layout layout = device.layout;
    layout.secondary.size = 0x1000;
    assert_int_equal(otter_trailer_limit(&layout.secondary, OTTER_MODE_OVERWRITE), 0);
    assert_int_equal(otter_state_open(&state, &layout), OTTER_ERR_ARG);
    assert_int_equal(otter_trailer_request(&layout, false, 0), OTTER_ERR_ARG);
    layout.secondary.size = 0x1000 + 32; /* the lower proof would begin where the slot does */
    assert_int_equal(otter_trailer_limit(&layout.secondary, OTTER_MODE_OVERWRITE), 0);
}

static void test_without_marks_an_image_is_asked_for_and_nothing_else_is(void **test)
{
    (void)test;
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
    device_download(&v2);
    assert_int_equal(phase(), OTTER_PHASE_REQUESTED);
    settle();
    assert_true(marked(LOWER) && marked(UPPER));
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
    spoil_mark(LOWER);
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
    spoil_mark(UPPER);
    assert_int_equal(phase(), OTTER_PHASE_REQUESTED);
}

static void test_an_image_that_reaches_into_the_marks_is_none(void **test)
{
    (void)test;
    struct file large = file_make(LIMIT + 1, 2, 2);
    device_download(&large);
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
    assert_int_equal(otter_trailer_request(&device.layout, true, LIMIT + 1), OTTER_ERR_NOSPACE);
    free(large.bytes);
}

/* Whatever becomes of the magic: only the end of the copy takes the request away. */
static void test_a_copy_begins_without_marks_and_ends_with_them(void **test)
{
    (void)test;
    settle();
    device_install(&v2, false);
    assert_false(marked(LOWER) || marked(UPPER));
    struct otter_state state = read_state();
    assert_int_equal(state.phase, OTTER_PHASE_REQUESTED);
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    state.phase = OTTER_PHASE_SWAP;
    uint64_t ops = device.board.power.ops;
    state.in_count = 1; /* a step: nothing to say */
    assert_int_equal(otter_state_write(&state), 0);
    state.phase = OTTER_PHASE_TRIAL;
    assert_int_equal(otter_state_write(&state), 0);
    assert_int_equal(device.board.power.ops, ops);
    state.phase = OTTER_PHASE_SWAP;
    state.in_count = 0; /* the begin */
    assert_int_equal(otter_state_write(&state), 0);
    assert_int_equal(device.board.power.ops, ops + 3);
    assert_true(marked(COPYING));
    assert_int_equal(phase(), OTTER_PHASE_REQUESTED);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_true(marked(LOWER) && marked(UPPER));
    ops = device.board.power.ops;
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device.board.power.ops, ops);
}

/* Two erases and a cell: each fails once, and once is enough to stay with what runs. */
static void test_a_copy_that_cannot_begin_is_none(void **test)
{
    (void)test;
    faulty_wrap(&device.layout.secondary);
    for (uint32_t good = 0; good < 3; good++) {
        device_download(&v2);
        assert_int_equal(device_request(false), 0);
        faulty_changes(good, 1);
        assert_int_equal(device_boot(), 0);
        assert_true(device_runs(&v1));
        assert_int_equal(device.choice.reason, OTTER_REASON_COPY_FAILED);
        assert_int_equal(phase(), OTTER_PHASE_IDLE);
    }
}

static void test_a_download_begins_with_both_marks(void **test)
{
    (void)test;
    assert_int_equal(begin_download(0x1000), 0); /* goes on: they were there when it began */
    assert_false(marked(LOWER) || marked(UPPER));
    assert_int_equal(begin_download(0), 0);
    assert_true(marked(LOWER) && marked(UPPER));
    uint64_t ops = device.board.power.ops;
    assert_int_equal(begin_download(0), 0);
    assert_int_equal(device.board.power.ops, ops);
    static const uint32_t offs[] = {UPPER, UPPER_PROOF, LOWER, LOWER_PROOF};
    for (unsigned i = 0; i < 4; i++) { /* one that is not proven is written anew, the other is not */
        ops = device.board.power.ops;
        spoil_mark(offs[i]);
        assert_int_equal(begin_download(0), 0);
        assert_true(marked(UPPER) && marked(UPPER_PROOF) && marked(LOWER) && marked(LOWER_PROOF));
        assert_int_equal(device.board.power.ops, ops + 3);
    }
}

/* The one that does not read as set is written; the other one stays. */
static void test_the_mark_that_is_there_stays_until_the_other_one_is(void **test)
{
    (void)test;
    static const uint32_t offs[] = {LOWER, UPPER};
    device_download(&v2);
    settle();
    for (volatile unsigned spoilt = 0; spoilt < 2; spoilt++) {
        for (volatile unsigned cut = 1; cut <= 2; cut++) {
            settle();
            spoil_mark(offs[spoilt]);
            sim_power_cut_after(&device.board.power, cut, SIM_NOT_DONE);
            if (setjmp(device.out) == 0) {
                settle();
                fail();
            }
            device.board.power.cut_at = 0;
            assert_true(marked(offs[1 - spoilt]));
            assert_int_equal(phase(), OTTER_PHASE_IDLE);
        }
    }
}

/* Each operation that fails once is reported; and what was not said is not there. */
static void test_a_request_that_fails_is_none(void **test)
{
    (void)test;
    settle();
    device_download(&v2);
    faulty_wrap(&device.layout.secondary);
    for (uint32_t good = 0; good < 5; good++) { /* two erases, image_ok, swap_info, magic */
        faulty_changes(good, 1);
        assert_int_equal(device_request(true), OTTER_ERR_IO);
        assert_int_equal(phase(), OTTER_PHASE_IDLE);
    }
    for (uint32_t good = 0; good < 6; good++) { /* an erase, a mark, its proof; and again */
        spoil_mark(UPPER);
        spoil_mark(LOWER);
        faulty_changes(good, 1);
        struct otter_state state = read_state();
        assert_int_equal(otter_state_settle(&state, NULL), OTTER_ERR_IO);
    }
    faulty_changes(0, 0);
    settle();
    spoil_mark(LOWER);
    sim_flash_break(sim_flash_of(&device.layout.secondary), device.layout.secondary.base + LOWER, true);
    struct otter_state state = read_state();
    assert_int_equal(otter_state_settle(&state, NULL), OTTER_ERR_IO); /* written, and not there */
}

static void test_one_read_that_fails_asks_for_nothing(void **test)
{
    (void)test;
    device_download(&v2);
    settle();
    faulty_wrap(&device.layout.secondary);
    for (uint32_t good = 0; good < 12; good++) {
        faulty_reads(good, 1);
        assert_int_equal(phase(), OTTER_PHASE_IDLE);
    }
    spoil_mark(LOWER);
    spoil_mark(UPPER);
    for (uint32_t good = 0; good < 12; good++) {
        faulty_reads(good, 1);
        assert_int_equal(phase(), OTTER_PHASE_REQUESTED);
    }
}

/* M4 of 45-cuts.md: a mark that is proven is not written anew for it, while another download may begin. */
static void test_one_read_that_fails_renews_no_mark(void **test)
{
    (void)test;
    device_download(&v2);
    settle();
    faulty_wrap(&device.layout.secondary);
    uint64_t ops = device.board.power.ops;
    for (uint32_t good = 0; good < 12; good++) {
        faulty_reads(good, 1);
        assert_int_equal(begin_download(0), 0);
    }
    assert_int_equal(device.board.power.ops, ops);
}

/* Over upstream MCUboot that swaps, the marks mean nothing, and are not written. */
static void test_where_upstream_swaps_there_are_no_marks(void **test)
{
    (void)test;
    device.layout.mode = OTTER_MODE_SWAP;
    device_download(&v2);
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
    uint64_t ops = device.board.power.ops;
    assert_int_equal(begin_download(0), 0);
    assert_int_equal(device.board.power.ops, ops);
    assert_int_equal(device_request(false), 0);
    assert_int_equal(phase(), OTTER_PHASE_REQUESTED);
    settle();
    assert_false(marked(LOWER) || marked(UPPER));
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
}

/* While a copy is under way the primary is torn, and may read as anything: nothing is judged by it. */
static void test_a_copy_under_way_is_not_given_up_for_what_the_primary_reads(void **test)
{
    (void)test;
    static const enum otter_reason reasons[] = {OTTER_REASON_NONE, OTTER_REASON_DOWNGRADE, OTTER_REASON_COUNTER};
    device_install(&v2, false);
    struct otter_state state = read_state();
    state.phase = OTTER_PHASE_SWAP;
    assert_int_equal(otter_state_write(&state), 0);
    for (unsigned i = 0; i < 3; i++) {
        state = read_state();
        state.reason = reasons[i];
        assert_int_equal(otter_state_settle(&state, NULL), 0);
        assert_int_equal(phase(), OTTER_PHASE_REQUESTED);
    }
    state = read_state();
    state.reason = OTTER_REASON_BAD_IMAGE;
    assert_int_equal(otter_state_settle(&state, NULL), 0);
    assert_int_equal(phase(), OTTER_PHASE_IDLE);
    assert_false(marked(COPYING));
}

/* A secondary that was filled in the factory, or by an older bootloader. */
static void test_what_the_factory_left_is_installed_or_refused_once(void **test)
{
    (void)test;
    struct file v0 = file_make(0x5000, 0, 1);
    device_download(&v0);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v1));
    assert_int_equal(device_event(OTTER_BOOT_REFUSED)->reason, OTTER_REASON_DOWNGRADE);
    uint64_t ops = device.board.power.ops;
    assert_int_equal(device_boot(), 0);
    assert_int_equal(device.board.power.ops, ops);
    free(v0.bytes);
    spoil_mark(LOWER);
    spoil_mark(UPPER);
    device_download(&v2);
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAILER(test_an_image_ends_below_both_marks),
        TRAILER(test_a_slot_too_small_for_marks_is_impossible),
        TRAILER(test_without_marks_an_image_is_asked_for_and_nothing_else_is),
        TRAILER(test_an_image_that_reaches_into_the_marks_is_none),
        TRAILER(test_a_copy_begins_without_marks_and_ends_with_them),
        TRAILER(test_a_copy_that_cannot_begin_is_none),
        TRAILER(test_a_download_begins_with_both_marks),
        TRAILER(test_the_mark_that_is_there_stays_until_the_other_one_is),
        TRAILER(test_a_request_that_fails_is_none),
        TRAILER(test_one_read_that_fails_asks_for_nothing),
        TRAILER(test_one_read_that_fails_renews_no_mark),
        TRAILER(test_where_upstream_swaps_there_are_no_marks),
        TRAILER(test_a_copy_under_way_is_not_given_up_for_what_the_primary_reads),
        TRAILER(test_what_the_factory_left_is_installed_or_refused_once),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
