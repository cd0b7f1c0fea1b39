/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journal.c - the journal under cuts at every operation.
 *
 * The reader here is a counter: each STATE record carries a number in its body. Whatever
 * is cut, the number read back is the last one acknowledged or the one under way.
 */
#include "otter/result.h"
#include "sim/sim.h"
#include "slot/bytes.h"
#include "slot/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct counter {
    uint32_t number;
    uint32_t rejects[OTTER_REJECTS_MAX]; /* never lost once written */
    uint32_t rejects_count;
};

static void take(void *ctx, const struct otter_record *record)
{
    struct counter *counter = ctx;
    if (record == NULL) {
        memset(counter, 0, sizeof *counter);
    } else if (record->type == OTTER_RECORD_STATE) {
        counter->number = load_le32(record->body);
    } else if (record->type == OTTER_RECORD_REJECT) {
        uint32_t value = load_le32(record->body);
        for (uint32_t i = 0; i < counter->rejects_count; i++) {
            if (counter->rejects[i] == value) {
                return;
            }
        }
        assert_true(counter->rejects_count < OTTER_REJECTS_MAX);
        counter->rejects[counter->rejects_count++] = value;
    }
}

static bool give(void *ctx, uint32_t index, struct otter_record *ret_record)
{
    const struct counter *counter = ctx;
    memset(ret_record, 0, sizeof *ret_record);
    ret_record->type = index < OTTER_REJECTS_MAX ? OTTER_RECORD_REJECT : OTTER_RECORD_STATE;
    store_le32(ret_record->body,
               index < OTTER_REJECTS_MAX ? counter->rejects[index] : counter->number);
    return index < counter->rejects_count || index == OTTER_REJECTS_MAX;
}

static const uint8_t map_hash[OTTER_MAP_HASH_SIZE] = "journaltest";

static const struct sim_geometry geometries[] = {
    {.name = "rows", .size = 512 * 24, .sector_size = 512, .prog_size = 512, .page_size = 512,
     .erased = 0x00, .row_write = true},
    {.name = "rows-erase", .size = 512 * 24, .sector_size = 512, .prog_size = 512,
     .page_size = 512, .erased = 0x00},
    {.name = "work", .size = 128 * 12, .sector_size = 128, .prog_size = 4, .page_size = 128,
     .erased = 0xff},
    {.name = "nor", .size = 1024 * 13, .sector_size = 1024, .prog_size = 8, .page_size = 256,
     .erased = 0xff},
};

struct bench {
    struct sim_board board;
    struct otter_area area;
    jmp_buf out;
    struct counter counter;
    struct otter_journal journal;
};
static struct bench bench;

static void on_lost(void *ctx)
{
    (void)ctx;
    longjmp(bench.out, 1);
}

static void create(const struct sim_geometry *geometry, uint64_t seed)
{
    assert_int_equal(sim_board_create(&bench.board, geometry, 1, seed, NULL), 0);
    bench.board.power.lost = on_lost;
    bench.area = (struct otter_area){&bench.board.devices[0].flash, 0, geometry->size};
}

static void fill_random(void)
{
    uint64_t random = 7;
    for (uint32_t off = 0; off < bench.area.size; off += 8) {
        uint64_t value = sim_random(&random);
        sim_flash_poke(&bench.board.devices[0], off, &value, sizeof value);
    }
}

static struct otter_journal_reader reader_of(struct counter *counter)
{
    return (struct otter_journal_reader){.ctx = counter, .take = take, .give = give};
}

static int append_number(uint32_t number)
{
    struct otter_journal_reader reader = reader_of(&bench.counter);
    struct otter_record record = {.type = OTTER_RECORD_STATE};
    store_le32(record.body, number);
    int err = otter_journal_append(&bench.journal, &record, &reader);
    if (err == OTTER_OK) {
        bench.counter.number = number;
    }
    return err;
}

static int append_reject(uint32_t value)
{
    struct otter_journal_reader reader = reader_of(&bench.counter);
    struct otter_record record = {.type = OTTER_RECORD_REJECT};
    store_le32(record.body, value);
    int err = otter_journal_append(&bench.journal, &record, &reader);
    take(&bench.counter, &record);
    return err;
}

static int open_journal(void)
{
    struct otter_journal_reader reader = reader_of(&bench.counter);
    return otter_journal_open(&bench.journal, &bench.area, map_hash, &reader);
}

static void start(void)
{
    sim_board_power_on(&bench.board);
    int err = open_journal();
    if (err > 0) {
        assert_int_equal(append_number(0), 0);
    } else {
        assert_int_equal(err, 0);
    }
}

static void test_an_empty_or_random_journal_initialises_itself(void **state)
{
    (void)state;
    for (unsigned g = 0; g < sizeof geometries / sizeof geometries[0]; g++) {
        for (unsigned noise = 0; noise < 2; noise++) {
            create(&geometries[g], 1);
            if (noise) {
                fill_random();
            }
            assert_int_equal(open_journal(), 1);
            assert_int_equal(append_number(5), 0);
            assert_int_equal(open_journal(), 0);
            assert_int_equal(bench.counter.number, 5);
            sim_board_close(&bench.board);
        }
    }
}

static void test_records_survive_many_compactions(void **state)
{
    (void)state;
    for (unsigned g = 0; g < sizeof geometries / sizeof geometries[0]; g++) {
        create(&geometries[g], 1);
        start();
        for (uint32_t i = 1; i < 400; i++) {
            if (i % 3 == 0) {
                start();
                assert_int_equal(bench.counter.number, i - 1);
            }
            if (i % 17 == 0) {
                otter_journal_make_room(&bench.journal);
            }
            assert_int_equal(append_number(i), 0);
            if (i == 10 || i == 20 || i == 30 || i == 40) {
                assert_int_equal(append_reject(i), 0);
            }
        }
        start();
        assert_int_equal(bench.counter.number, 399);
        assert_int_equal(bench.counter.rejects_count, 4);
        sim_board_close(&bench.board);
    }
}

static void test_wear_is_spread_over_all_sectors(void **state)
{
    (void)state;
    create(&geometries[0], 1);
    start();
    for (uint32_t i = 1; i <= 1200; i++) {
        assert_int_equal(append_number(i), 0);
    }
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (uint32_t s = 0; s < 24; s++) {
        uint32_t wear = bench.board.devices[0].wear[s];
        least = wear < least ? wear : least;
        most = wear > most ? wear : most;
    }
    assert_in_range(least, 1200 / 24, most);
    assert_in_range(most, least, 2 * least + 2);
    sim_board_close(&bench.board);
}

static void test_another_map_is_refused(void **state)
{
    (void)state;
    struct otter_journal_reader reader = reader_of(&bench.counter);
    create(&geometries[0], 1);
    start();
    assert_int_equal(otter_journal_open(&bench.journal, &bench.area,
                                        (const uint8_t *)"another map", &reader),
                     OTTER_ERR_REFUSED);
    sim_board_close(&bench.board);
}

static void test_an_area_too_small_or_off_sectors_is_refused(void **state)
{
    (void)state;
    create(&geometries[3], 1);
    bench.area.size = 11 * 1024; /* five sectors a half */
    assert_int_equal(open_journal(), OTTER_ERR_ARG);
    bench.area.size = 12 * 1024;
    bench.area.base = 512;
    assert_int_equal(open_journal(), OTTER_ERR_ARG);
    sim_board_close(&bench.board);
    create(&geometries[0], 1);
    bench.area.size = 512 * 23; /* eleven cells a half */
    assert_int_equal(open_journal(), OTTER_ERR_ARG);
    sim_board_close(&bench.board);
}

static void test_worn_cells_are_passed_over(void **state)
{
    (void)state;
    for (unsigned g = 0; g < sizeof geometries / sizeof geometries[0]; g++) {
        for (unsigned silent = 0; silent < 2; silent++) {
            create(&geometries[g], 1);
            start();
            uint32_t sector = geometries[g].sector_size;
            sim_flash_break(&bench.board.devices[0], 2 * sector, silent);
            sim_flash_break(&bench.board.devices[0], bench.journal.half_size + 3 * sector, silent);
            for (uint32_t i = 1; i < 60; i++) {
                if (i % 5 == 0) {
                    start();
                }
                assert_int_equal(append_number(i), 0);
            }
            sim_board_close(&bench.board);
        }
    }
}

/* One life: appends until the power goes. Returns with what was acknowledged. */
struct life {
    uint32_t done, under_way;
    uint32_t rejects_done;
};
static struct life life;

static void live(uint32_t appends)
{
    start();
    for (uint32_t i = 0; i < appends; i++) {
        if (i % 7 == 3 && life.rejects_done < OTTER_REJECTS_MAX) {
            assert_int_equal(append_reject(1000 + life.rejects_done), 0);
            life.rejects_done++;
        }
        if (i % 11 == 10) {
            otter_journal_make_room(&bench.journal);
        }
        life.under_way = life.done + 1;
        assert_int_equal(append_number(life.under_way), 0);
        life.done = life.under_way;
    }
}

/* However often it is read, and whatever is unstable: this number. */
static void check_reads(uint32_t number, unsigned times)
{
    for (unsigned again = 0; again < times; again++) {
        start();
        assert_int_equal(bench.counter.number, number);
    }
}

/* A reader that sees a record must make it last, as the protocol above does: here by
 * writing the number it read once more. From then on it must not read differently. */
static void check_stable(void)
{
    start();
    uint32_t seen = bench.counter.number;
    assert_in_range(seen, life.done, life.under_way);
    assert_in_range(bench.counter.rejects_count, life.rejects_done, life.rejects_done + 1);
    if (bench.counter.rejects_count > life.rejects_done) {
        assert_int_equal(append_reject(bench.counter.rejects[life.rejects_done]), 0);
        life.rejects_done++;
    }
    assert_int_equal(append_number(seen), 0);
    check_reads(seen, 4);
    life.done = life.under_way = seen;
    /* One that was cut, was not seen, and so not written again, may surface: nobody counted on its absence. */
    assert_in_range(bench.counter.rejects_count, life.rejects_done, life.rejects_done + 1);
}

/* Append a number in a session whose first record's program is cut and left unstable. */
static void append_unstable(uint32_t number, uint32_t operation)
{
    sim_power_cut_after(&bench.board.power, operation, SIM_UNSTABLE);
    if (setjmp(bench.out) == 0) {
        (void)append_number(number);
        fail();
    }
    bench.board.power.cut_at = 0;
}

/* A journal with two records of this number. */
static void begin_with(unsigned seed, uint32_t number)
{
    create(&geometries[0], seed);
    start();
    assert_int_equal(append_number(number), 0);
    assert_int_equal(append_number(number), 0);
}

/* Sessions that each see the record before, and leave one unstable behind it; one that sees none of them writes 9.
 * From then on nothing but 9 may be read. */
static void test_a_chain_of_unstable_records_is_cut_off(void **state)
{
    (void)state;
    for (volatile unsigned length = 2; length <= 3; length++) {
        volatile unsigned chains = 0;
        for (volatile unsigned seed = 1; seed < 900; seed++) {
            begin_with(seed, 0);
            start();
            volatile unsigned seen = 0;
            for (; seen < length && bench.counter.number == seen; seen++) {
                append_unstable(seen + 1, seen < 2 ? 3 : 1); /* two erases ahead, then the row; compaction */
                start();
            }
            if (seen == length && bench.counter.number == 0) {
                chains = chains + 1;
                assert_int_equal(append_number(9), 0);
                check_reads(9, 20);
            }
            sim_board_close(&bench.board);
        }
        assert_true(chains > 5);
    }
}

/* One number is unstable, another one is written over it and is unstable as well; who reads the first and
 * appends behind it must be believed when the second one is read. */
static void test_what_lies_behind_an_unstable_record_counts(void **state)
{
    (void)state;
    volatile unsigned both = 0;
    for (volatile unsigned seed = 1; seed < 900; seed++) {
        begin_with(seed, 1);
        for (volatile unsigned n = 0; n < 3; n++) {
            start();
            if (bench.counter.number == 1) {
                append_unstable(2 + n, 3);
            }
        }
        start();
        if (bench.counter.number == 2) {
            both = both + 1;
            assert_int_equal(append_number(9), 0);
            check_reads(9, 20);
        }
        sim_board_close(&bench.board);
    }
    assert_true(both > 5);
}

/* What a failure prints, and what re-runs it. */
static struct {
    unsigned geometry, cut, outcome;
} trial;

static void run_trial(const struct sim_snapshot *fresh)
{
    sim_snapshot_restore(&bench.board, fresh);
    memset(&life, 0, sizeof life);
    sim_power_cut_after(&bench.board.power, trial.cut, (enum sim_outcome)trial.outcome);
    if (setjmp(bench.out) == 0) {
        live(40);
    }
    /* The recovery is cut too, early, by another model. */
    sim_power_cut_after(&bench.board.power, 1 + trial.cut % 7,
                        (enum sim_outcome)((trial.outcome + trial.cut) % SIM_OUTCOMES_USUAL));
    if (setjmp(bench.out) == 0) {
        check_stable();
        live(2);
    }
    bench.board.power.cut_at = 0;
    check_stable();
}

static void test_a_cut_at_any_operation_loses_nothing(void **state)
{
    (void)state;
    for (trial.geometry = 0; trial.geometry < sizeof geometries / sizeof geometries[0];
         trial.geometry++) {
        create(&geometries[trial.geometry], 1);
        start();
        struct sim_snapshot *fresh = sim_snapshot_save(&bench.board);
        memset(&life, 0, sizeof life);
        uint64_t ops = bench.board.power.ops;
        live(40);
        ops = bench.board.power.ops - ops;
        for (trial.cut = 1; trial.cut <= ops; trial.cut++) {
            for (trial.outcome = 0; trial.outcome < SIM_OUTCOMES_USUAL; trial.outcome++) {
                run_trial(fresh);
            }
        }
        sim_snapshot_free(fresh);
        sim_board_close(&bench.board);
    }
}

static int print_trial(void **state)
{
    (void)state;
    if (trial.geometry < sizeof geometries / sizeof geometries[0]) {
        fprintf(stderr, "trial %u:%u:%u\n", trial.geometry, trial.cut, trial.outcome);
    }
    return 0;
}

/* The worked examples of docs/spec/30-journal.md. */
static void read_example(const char *title, uint8_t raw[OTTER_RECORD_SIZE])
{
    FILE *file = fopen(OTTER_SOURCE_DIR "/docs/spec/30-journal.md", "r");
    char line[512];
    bool inside = false;
    unsigned count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        unsigned at;
        unsigned b[8];
        inside = line[0] == '#' ? strstr(line, title) != NULL : inside;
        if (inside && sscanf(line, "    %x: %x %x %x %x %x %x %x %x", &at, &b[0], &b[1], &b[2], &b[3],
                             &b[4], &b[5], &b[6], &b[7]) == 9) {
            for (unsigned i = 0; i < 8 && count < OTTER_RECORD_SIZE; i++) {
                raw[count++] = (uint8_t)b[i];
            }
        }
    }
    fclose(file);
    assert_int_equal(count, OTTER_RECORD_SIZE);
}

static void test_the_examples_of_the_specification(void **state)
{
    (void)state;
    uint8_t raw[OTTER_RECORD_SIZE];
    struct otter_record record;
    read_example("A state record", raw);
    assert_true(otter_record_decode(raw, &record));
    assert_int_equal(record.seq, 19);
    assert_int_equal(record.type, OTTER_RECORD_STATE);
    assert_int_equal(record.flags, OTTER_RECORD_FOLLOWS);
    assert_int_equal(record.phase, OTTER_PHASE_TRIAL);
    assert_int_equal(record.verdict, 1);
    assert_int_equal(load_le16(record.body), 4);
    assert_int_equal(load_le16(record.body + 2), 4);
    assert_int_equal(load_le32(record.body + 4), 0x1bfe00);
    assert_int_equal(load_le32(record.body + 8), 0x1bfe00);
    assert_int_equal(load_le32(record.body + 12), 0x80000);
    read_example("A head record", raw);
    assert_true(otter_record_decode(raw, &record));
    assert_int_equal(record.type, OTTER_RECORD_HEAD);
    assert_int_equal(load_le32(record.body), 1);
    assert_int_equal(load_le32(record.body + 4), 1);
    assert_int_equal(record.body[8], 0xa0);
}

static void test_records_encode_as_specified(void **state)
{
    (void)state;
    struct otter_record record = {.seq = 0x01020304, .type = OTTER_RECORD_STATE,
                                  .flags = OTTER_RECORD_FOLLOWS, .phase = 3, .verdict = 0x21};
    struct otter_record back;
    uint8_t raw[OTTER_RECORD_SIZE];
    otter_record_encode(&record, raw);
    assert_true(otter_record_decode(raw, &back));
    assert_memory_equal(&back, &record, sizeof back);
    assert_int_equal(raw[0], 4);
    for (unsigned bit = 0; bit < 8 * sizeof raw; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(otter_record_decode(raw, &back));
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memset(raw, 0, sizeof raw);
    assert_false(otter_record_decode(raw, &back));
    memset(raw, 0xff, sizeof raw);
    assert_false(otter_record_decode(raw, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_specification),
        cmocka_unit_test(test_records_encode_as_specified),
        cmocka_unit_test(test_an_empty_or_random_journal_initialises_itself),
        cmocka_unit_test(test_records_survive_many_compactions),
        cmocka_unit_test(test_wear_is_spread_over_all_sectors),
        cmocka_unit_test(test_another_map_is_refused),
        cmocka_unit_test(test_an_area_too_small_or_off_sectors_is_refused),
        cmocka_unit_test(test_worn_cells_are_passed_over),
        cmocka_unit_test(test_a_chain_of_unstable_records_is_cut_off),
        cmocka_unit_test(test_what_lies_behind_an_unstable_record_counts),
        cmocka_unit_test_teardown(test_a_cut_at_any_operation_loses_nothing, print_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
