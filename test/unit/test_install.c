/* SPDX-License-Identifier: Apache-2.0 */
/* test_install.c - image bytes on their way into the secondary: where they may begin and end,
 * and flash that fails under them. Whole downloads: test_download.c. */
#include "agent/install.h"
#include "otter/result.h"
#include "sim/sim.h"
#include "test/unit/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SECTOR = 0x1000, SLOT = 0x8000, STAGE = 0x1800 };
static struct sim_board board;
static struct otter_area slot;
static struct otter_install install;
static uint8_t stage[STAGE];
static uint8_t image[SLOT + 16];

static int begin(bool row_write, uint32_t base)
{
    const struct sim_geometry part = {.name = "part", .size = 0x10000, .sector_size = SECTOR, .prog_size = 16,
                                      .page_size = 256, .erased = 0xff, .row_write = row_write};
    int err = sim_board_create(&board, &part, 1, 1, NULL);
    slot = (struct otter_area){&board.devices[0].flash, base, SLOT};
    faulty_wrap(&slot);
    install = (struct otter_install){.slot = &slot, .stage = stage, .stage_size = STAGE, .limit = SLOT, .end = SLOT};
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)(i * 7 + i / 256);
    }
    return err != 0 ? err : otter_install_begin(&install, 0);
}

static int setup(void **state)
{
    (void)state;
    return begin(false, 0);
}

static int setup_rows(void **state)
{
    (void)state;
    return begin(true, 0);
}

static int teardown(void **state)
{
    (void)state;
    sim_board_close(&board);
    return 0;
}

/* All flash operations that can be done now: the last result. */
static int drain(void)
{
    int done;
    do {
        done = otter_install_step(&install);
    } while (done > 0);
    return done;
}

/* Bring the image from the install's position up to `end`, then close. */
static int bring(uint32_t end)
{
    int err = 0;
    while (err == 0 && otter_install_position(&install) < end) {
        uint32_t at = otter_install_position(&install);
        size_t taken = otter_install_take(&install, image + at, end - at);
        assert_true(taken > 0);
        err = drain();
    }
    otter_install_close(&install);
    return err == 0 ? drain() : err;
}

static void holds(uint32_t size)
{
    static uint8_t back[SLOT];
    assert_int_equal(otter_area_read(&slot, 0, back, size), 0);
    assert_memory_equal(back, image, size);
}

static void test_the_limit_is_the_smaller_of_slot_and_image(void **state)
{
    (void)state;
    struct otter_layout layout = {.secondary = slot};
    assert_int_equal(otter_install_limit(&layout), SLOT);
    layout.image_size_max = SLOT + 1;
    assert_int_equal(otter_install_limit(&layout), SLOT);
    layout.image_size_max = SLOT - 1;
    assert_int_equal(otter_install_limit(&layout), SLOT - 1);
}

static void test_a_beginning_inside_a_sector_or_behind_the_end_is_refused(void **state)
{
    (void)state;
    install.end = 3 * SECTOR;
    assert_int_equal(otter_install_begin(&install, SECTOR), 0);
    assert_int_equal(otter_install_position(&install), SECTOR);
    assert_int_equal(otter_install_begin(&install, SECTOR + 16), OTTER_ERR_ARG);
    assert_int_equal(otter_install_begin(&install, 3 * SECTOR), OTTER_ERR_ARG);
    assert_int_equal(otter_install_begin(&install, UINT32_MAX), OTTER_ERR_ARG);
}

static void test_while_a_stage_is_flushed_and_behind_the_end_no_byte_is_taken(void **state)
{
    (void)state;
    assert_int_equal(otter_install_take(&install, image, SLOT), STAGE);
    assert_int_equal(otter_install_take(&install, image, 1), 0);
    assert_int_equal(otter_install_position(&install), STAGE);
    assert_int_equal(drain(), 0);
    assert_int_equal(otter_install_take(&install, image + STAGE, 1), 1);
    otter_install_close(&install);
    assert_int_equal(otter_install_take(&install, image + STAGE + 1, 1), 0);
    assert_int_equal(drain(), 0);
    holds(STAGE + 1);
}

static void test_bytes_arrive_whatever_their_number(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 15, 16, 17, SECTOR - 1, SECTOR, SECTOR + 1, STAGE, STAGE + 1, SLOT - 1, SLOT};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        install.end = sizes[i];
        assert_int_equal(otter_install_begin(&install, 0), 0);
        assert_int_equal(bring(sizes[i]), 0);
        holds(sizes[i]);
        assert_int_equal(otter_install_step(&install), 0); /* and nothing is left to do */
    }
}

static void test_no_byte_behind_the_slot_is_written(void **state)
{
    (void)state;
    uint8_t before[16] = "the neighbours'";
    uint8_t after[16];
    sim_flash_poke(&board.devices[0], SLOT, before, sizeof before);
    assert_int_equal(bring(SLOT + 1), OTTER_ERR_NOSPACE);
    holds(SLOT);
    sim_flash_peek(&board.devices[0], SLOT, after, sizeof after);
    assert_memory_equal(after, before, sizeof before);
}

/* The last sector of a slot that ends inside one: less than a whole sector is left there. */
static void test_a_slot_may_begin_and_end_inside_sectors(void **state)
{
    (void)state;
    sim_board_close(&board);
    assert_int_equal(begin(false, 0x420), 0);
    assert_int_equal(bring(SLOT), 0);
    holds(SLOT);
}

static void test_flash_that_fails_is_said_and_what_lies_below_stays(void **state)
{
    (void)state;
    for (uint32_t good = 0; good < 12; good++) {
        assert_int_equal(otter_install_begin(&install, 0), 0);
        faulty_changes(good, 1);
        assert_int_equal(bring(4 * SECTOR), OTTER_ERR_IO);
        holds(install.off);
    }
    assert_int_equal(otter_install_begin(&install, 0), 0);
    assert_int_equal(bring(4 * SECTOR), 0);
    holds(4 * SECTOR);
}

/* Only begin() can bring it there: then nothing may be erased. */
static void test_a_step_never_erases_what_lies_below(void **state)
{
    (void)state;
    install.off = install.erased_end = 16;
    assert_int_equal(otter_install_take(&install, image, STAGE), STAGE);
    uint64_t ops = board.power.ops;
    assert_int_equal(otter_install_step(&install), OTTER_ERR_ARG);
    assert_int_equal(board.power.ops, ops);
}

static void test_rows_are_written_whole_and_the_rest_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(otter_install_take(&install, image, STAGE), STAGE);
    assert_int_equal(drain(), 0);
    assert_int_equal(board.devices[0].count.writes, 1); /* a row and a half were there */
    assert_int_equal(install.off, SECTOR);
    assert_int_equal(bring(STAGE + 1), 0);
    assert_int_equal(board.devices[0].count.writes, 2);
    assert_int_equal(board.devices[0].count.erases, 0);
    holds(STAGE + 1);
}

static void test_a_row_write_that_fails_is_said(void **state)
{
    (void)state;
    faulty_changes(1, 1);
    assert_int_equal(bring(4 * SECTOR), OTTER_ERR_IO);
    assert_int_equal(install.off, SECTOR);
    holds(SECTOR);
}

static void test_rows_that_do_not_fit_the_stage_are_erased_and_programmed(void **state)
{
    (void)state;
    install.stage_size = SECTOR / 2;
    assert_int_equal(bring(2 * SECTOR), 0);
    assert_int_equal(board.devices[0].count.writes, 0);
    assert_int_equal(board.devices[0].count.erases, 2);
    holds(2 * SECTOR);
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define ROWS(test) cmocka_unit_test_setup_teardown(test, setup_rows, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(test_the_limit_is_the_smaller_of_slot_and_image),
        PLAIN(test_a_beginning_inside_a_sector_or_behind_the_end_is_refused),
        PLAIN(test_while_a_stage_is_flushed_and_behind_the_end_no_byte_is_taken),
        PLAIN(test_bytes_arrive_whatever_their_number),
        PLAIN(test_no_byte_behind_the_slot_is_written),
        PLAIN(test_a_slot_may_begin_and_end_inside_sectors),
        PLAIN(test_flash_that_fails_is_said_and_what_lies_below_stays),
        PLAIN(test_a_step_never_erases_what_lies_below),
        ROWS(test_rows_are_written_whole_and_the_rest_at_the_end),
        ROWS(test_a_row_write_that_fails_is_said),
        ROWS(test_rows_that_do_not_fit_the_stage_are_erased_and_programmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
