/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journal_odd.c - journals put together record by record: leftovers, holes, records out
 * of order, and reads that fail. test_journal.c has the journals that the code itself writes.
 */
#include "otter/result.h"
#include "sim/sim.h"
#include "slot/bytes.h"
#include "slot/journal.h"
#include "test/unit/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two halves of 6 sectors of 4 records. */
enum { SECTOR = 128, HALF = 6 * SECTOR };
static const struct sim_geometry part = {.name = "work", .size = 2 * HALF, .sector_size = SECTOR, .prog_size = 4,
                                         .page_size = SECTOR, .erased = 0xff};
static const uint8_t map_hash[OTTER_MAP_HASH_SIZE] = "oddjournals";

static struct sim_board board;
static struct otter_area area;
static struct otter_journal journal;
static uint32_t number; /* the reader's whole state: what the last STATE record says */

static void take(void *ctx, const struct otter_record *record)
{
    (void)ctx;
    if (record == NULL) {
        number = 0;
    } else if (record->type == OTTER_RECORD_STATE) {
        number = load_le32(record->body);
    }
}

static bool give(void *ctx, uint32_t index, struct otter_record *ret_record)
{
    (void)ctx;
    memset(ret_record, 0, sizeof *ret_record);
    ret_record->type = OTTER_RECORD_STATE;
    store_le32(ret_record->body, number);
    return index == 0;
}

static const struct otter_journal_reader reader = {.take = take, .give = give};

static int setup(void **state)
{
    (void)state;
    int err = sim_board_create(&board, &part, 1, 1, NULL);
    area = (struct otter_area){&board.devices[0].flash, 0, 2 * HALF};
    return err;
}

static int teardown(void **state)
{
    (void)state;
    sim_board_close(&board);
    return 0;
}

static int open_journal(void)
{
    return otter_journal_open(&journal, &area, map_hash, &reader);
}

static void poke(uint32_t off, struct otter_record record)
{
    uint8_t raw[OTTER_RECORD_SIZE];
    otter_record_encode(&record, raw);
    sim_flash_poke(&board.devices[0], off, raw, sizeof raw);
}

static void poke_head(uint32_t off, uint32_t seq, uint32_t first, uint32_t count)
{
    struct otter_record head = {.seq = seq, .type = OTTER_RECORD_HEAD};
    store_le32(head.body, first);
    store_le32(head.body + 4, count);
    memcpy(head.body + 8, map_hash, sizeof map_hash);
    poke(off, head);
}

/* A STATE record whose number is ten times its seq. */
static void poke_state(uint32_t off, uint32_t seq)
{
    struct otter_record record = {.seq = seq, .type = OTTER_RECORD_STATE};
    store_le32(record.body, 10 * seq);
    poke(off, record);
}

static int append(uint32_t value)
{
    struct otter_record record = {.type = OTTER_RECORD_STATE};
    store_le32(record.body, value);
    return otter_journal_append(&journal, &record, &reader);
}

static void test_only_known_kinds_of_record_are_records(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        struct otter_record record = {.seq = 3, .type = (uint8_t)type};
        struct otter_record back;
        uint8_t raw[OTTER_RECORD_SIZE];
        otter_record_encode(&record, raw);
        assert_int_equal(otter_record_decode(raw, &back), type >= OTTER_RECORD_HEAD && type <= OTTER_RECORD_DOWNLOAD);
    }
}

static void test_the_newest_head_counts_wherever_it_lies(void **state)
{
    (void)state;
    poke_head(0, 10, 10, 0);
    poke_state(32, 11);
    poke_state(64, 12);
    poke_head(2 * SECTOR, 5, 3, 2); /* an older generation's, not erased yet; its live records are */
    poke_state(2 * SECTOR + 32, 6);
    poke_state(2 * SECTOR + 64, 7);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 120);
    assert_int_equal(journal.seq, 12);
    assert_int_equal(journal.next_off, SECTOR);
}

/* A cell that a cut left unstable may have any number: who wrote behind it read it, or another one there. */
static void test_of_two_records_the_later_place_counts(void **state)
{
    (void)state;
    poke_head(0, 10, 10, 0);
    poke_state(32, 11);
    poke_state(64, 13);
    poke_state(96, 12);
    poke_state(128, 9); /* an older generation's */
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 120);
    assert_int_equal(journal.seq, 12);
    assert_int_equal(append(7), 0);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 7);
    assert_int_equal(journal.seq, 13);
}

static void test_a_half_is_in_force_only_with_a_record_behind_its_head(void **state)
{
    (void)state;
    poke_head(0, 10, 10, 0);
    assert_int_equal(open_journal(), 1);
    assert_int_equal(number, 0);
    poke_head(HALF, 4, 4, 0);
    poke_state(HALF + 32, 5);
    assert_int_equal(open_journal(), 0); /* the older half still is */
    assert_int_equal(number, 50);
    poke_state(32, 11);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 110);
}

static void test_a_half_is_in_force_only_with_all_its_live_records(void **state)
{
    (void)state;
    poke_state(0, 10);
    poke_head(SECTOR, 12, 10, 2);
    poke_state(SECTOR + 32, 13);
    assert_int_equal(open_journal(), 1); /* 11 is missing */
    assert_int_equal(number, 0);
    poke_state(32, 11);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 130);
}

static void test_a_head_that_vouches_for_too_many_records_is_not_believed(void **state)
{
    (void)state;
    for (uint32_t count = OTTER_JOURNAL_LIVE_MAX; count <= OTTER_JOURNAL_LIVE_MAX + 1; count++) {
        for (uint32_t i = 0; i < count; i++) {
            poke_state(32 * i, 10 + i);
        }
        poke_head(3 * SECTOR, 10 + count, 10, count);
        poke_state(3 * SECTOR + 32, 11 + count);
        assert_int_equal(open_journal(), count > OTTER_JOURNAL_LIVE_MAX);
    }
    poke_head(3 * SECTOR, UINT32_MAX - 1, 10, UINT32_MAX - 11);
    assert_int_equal(open_journal(), 1);
}

/* Only a forged record counts that far. Begun anew, and with small numbers again. */
static void test_numbers_end_before_they_wrap(void **state)
{
    (void)state;
    poke_head(0, 10, 10, 0);
    poke_state(32, 11);
    poke_state(64, 12); /* HEAD is beyond doubt */
    poke_state(2 * HALF - SECTOR, INT32_MAX);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 120);
    journal.next_off = HALF; /* full: the other half's numbers are above all that was read */
    assert_int_equal(append(7), 0);
    assert_int_equal(open_journal(), 1);
    assert_int_equal(number, 0);
    assert_int_equal(append(8), 0);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 8);
    assert_in_range(journal.seq, 1, 300);
}

/* Two cells that one read sees and another does not: what they hold may yet appear. */
static void test_records_that_come_and_go_make_the_tail_unproven(void **state)
{
    (void)state;
    poke_head(0, 10, 10, 0);
    for (uint32_t i = 1; i < 5; i++) {
        poke_state(32 * i, 10 + i);
    }
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 140);
    assert_false(journal.unproven);
    faulty_wrap(&area);
    faulty.reads.from = 96;
    faulty.reads.to = 160;
    faulty_reads(2, 4); /* found while HEADs are looked for, lost while records are taken */
    assert_int_equal(open_journal(), 0);
    assert_int_equal(faulty.reads.bad, 0);
    assert_int_equal(number, 120);
    assert_false(journal.repeat_head);
    assert_true(journal.unproven);
}

/* Two generations, in force the second: 33 records were written. */
static void fill_two_halves(void)
{
    assert_int_equal(open_journal(), 1);
    for (uint32_t n = 1; n <= 26; n++) {
        assert_int_equal(append(n), 0);
    }
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 26);
    assert_int_equal(journal.half_off, HALF);
    faulty_wrap(&area);
}

static void test_a_read_that_goes_wrong_once_changes_nothing(void **state)
{
    (void)state;
    fill_two_halves();
    for (unsigned silent = 0; silent < 2; silent++) {
        faulty.silent = silent != 0;
        uint32_t n = 0;
        do {
            faulty_reads(n++, 1);
            assert_int_equal(open_journal(), 0);
            assert_int_equal(number, 26);
        } while (faulty.reads.bad == 0);
        assert_true(n > 2 * HALF / OTTER_RECORD_SIZE);
    }
}

/* From the n-th read on, for ever: the end of the truth may be missing then. */
static void test_a_journal_that_stops_reading_is_never_taken_by_half(void **state)
{
    (void)state;
    fill_two_halves();
    for (unsigned silent = 0; silent < 2; silent++) {
        faulty.silent = silent != 0;
        bool whole = false;
        for (uint32_t n = 0; !whole; n++) {
            faulty_reads(n, FAULTY_ALL);
            int err = open_journal();
            whole = faulty.reads.good != 0;
            if (err == OTTER_OK) {
                assert_int_equal(number, 26);
            } else { /* lies look like random bytes */
                assert_int_equal(silent != 0 && err == 1 ? OTTER_ERR_IO : err, OTTER_ERR_IO);
                assert_false(journal.unproven); /* or a boot would write */
                assert_int_equal(number, 0);
            }
        }
    }
}

static void test_a_half_that_does_not_read_is_not_an_empty_one(void **state)
{
    (void)state;
    fill_two_halves();
    for (uint32_t half = 0; half < 2 * HALF; half += HALF) {
        faulty.reads.from = half;
        faulty.reads.to = half + HALF;
        faulty_reads(0, FAULTY_ALL);
        assert_int_equal(open_journal(), OTTER_ERR_IO);
        assert_int_equal(number, 0);
    }
    faulty_reads(FAULTY_ALL, 0);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 26);
}

/* Leftovers in the other half, with numbers of their own: the numbers of a new half are above them. */
static void test_what_an_older_generation_left_is_not_taken(void **state)
{
    (void)state;
    poke_head(0, 10, 10, 0);
    poke_state(32, 11);
    poke_state(HALF + 64, 15);
    poke_state(HALF + 5 * SECTOR, 1000);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 110);
    for (uint32_t n = 1; n <= 40; n++) {
        assert_int_equal(append(n), 0);
        assert_true(journal.half_off == 0 || journal.seq > 1000);
        assert_int_equal(open_journal(), 0);
        assert_int_equal(number, n);
    }
}

static void test_a_cell_that_cannot_be_read_back_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(open_journal(), 1);
    assert_int_equal(append(1), 0);
    faulty_wrap(&area);
    journal.area = area;
    uint32_t off = journal.next_off;
    faulty_reads(0, 1);
    assert_int_equal(append(2), 0);
    assert_int_equal(faulty.reads.bad, 0);
    assert_int_equal(journal.next_off, off + 2 * OTTER_RECORD_SIZE);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 2);
}

/* HEAD's repetition has no room left, and the last sector is the one its successor lies in: then
 * the journal moves, and nothing is lost. */
static void test_a_small_half_in_doubt_and_full_moves(void **state)
{
    (void)state;
    sim_board_close(&board);
    struct sim_geometry small = part;
    small.sector_size = small.page_size = 64; /* two cells: six sectors are the least */
    assert_int_equal(sim_board_create(&board, &small, 1, 1, NULL), 0);
    area = (struct otter_area){&board.devices[0].flash, 0, 12 * 64};
    poke_head(4 * 64, 10, 10, 0);
    poke_state(5 * 64, 11);
    assert_int_equal(open_journal(), 0);
    assert_true(journal.repeat_head);
    assert_int_equal(append(7), 0);
    assert_int_equal(journal.half_off, 6 * 64);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 7);
}

static void test_sectors_smaller_than_a_record_cannot_hold_a_journal(void **state)
{
    (void)state;
    struct otter_flash flash = board.devices[0].flash;
    flash.sector_size = 16;
    area.flash = &flash;
    assert_int_equal(open_journal(), OTTER_ERR_ARG);
}

#define ODD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* A fault may write one with a right CRC: it must not end every boot of a device whose journal is there. */
static void test_a_head_of_another_map_counts_only_where_there_is_none_of_ours(void **state)
{
    (void)state;
    struct otter_record strange = {.seq = 20, .type = OTTER_RECORD_HEAD};
    store_le32(strange.body, 20);
    poke_head(0, 10, 10, 0);
    poke_state(32, 11);
    poke(64, strange);
    poke_state(96, 21);
    poke(HALF, strange);
    poke_state(HALF + 32, 22);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 210);
    assert_int_equal(append(7), 0);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 7);
    poke(0, strange);
    assert_int_equal(open_journal(), OTTER_ERR_REFUSED);
}

/* One record alone says that this half is in force, and it may not last: HEAD takes the last sector once more,
 * and the other half, which speaks if that record goes, stays as it is. */
static void test_a_half_in_doubt_and_full_erases_nothing_of_the_other(void **state)
{
    (void)state;
    uint8_t before[HALF], after[HALF];
    poke_head(0, 5, 5, 0);
    poke_state(SECTOR, 6);
    poke_head(HALF, 20, 20, 0);
    poke_state(HALF + SECTOR, 21);
    for (uint32_t sector = 2; sector < 6; sector++) {
        poke_head(HALF + sector * SECTOR, 20 + sector, 20, 0);
    }
    assert_int_equal(open_journal(), 0);
    assert_true(journal.repeat_head);
    sim_flash_peek(sim_flash_of(&area), 0, before, sizeof before);
    assert_int_equal(append(7), 0);
    sim_flash_peek(sim_flash_of(&area), 0, after, sizeof after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(open_journal(), 0);
    assert_int_equal(number, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ODD(test_only_known_kinds_of_record_are_records),
        ODD(test_the_newest_head_counts_wherever_it_lies),
        ODD(test_of_two_records_the_later_place_counts),
        ODD(test_a_half_is_in_force_only_with_a_record_behind_its_head),
        ODD(test_a_half_is_in_force_only_with_all_its_live_records),
        ODD(test_a_head_that_vouches_for_too_many_records_is_not_believed),
        ODD(test_numbers_end_before_they_wrap),
        ODD(test_records_that_come_and_go_make_the_tail_unproven),
        ODD(test_a_read_that_goes_wrong_once_changes_nothing),
        ODD(test_a_journal_that_stops_reading_is_never_taken_by_half),
        ODD(test_a_half_that_does_not_read_is_not_an_empty_one),
        ODD(test_what_an_older_generation_left_is_not_taken),
        ODD(test_a_cell_that_cannot_be_read_back_is_passed_over),
        ODD(test_a_small_half_in_doubt_and_full_moves),
        ODD(test_a_half_in_doubt_and_full_erases_nothing_of_the_other),
        ODD(test_sectors_smaller_than_a_record_cannot_hold_a_journal),
        ODD(test_a_head_of_another_map_counts_only_where_there_is_none_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
