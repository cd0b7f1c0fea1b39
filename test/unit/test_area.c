/* SPDX-License-Identifier: Apache-2.0 */
/* test_area.c - areas, erase steps, whole-sector writes, views. */
#include "otter/flash.h"
#include "otter/result.h"
#include "sim/sim.h"
#include "test/unit/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sim_geometry nor = {
    .name = "nor", .size = 0x10000, .sector_size = 0x1000, .prog_size = 16, .page_size = 256,
    .erased = 0xff,
};
static struct sim_geometry rows = {
    .name = "rows", .size = 0x4000, .sector_size = 512, .block_size = 4096, .prog_size = 512,
    .page_size = 512, .erased = 0x00, .row_write = true,
};
static struct sim_board board;

static int setup(void **state)
{
    (void)state;
    const struct sim_geometry parts[] = {nor, rows};
    return sim_board_create(&board, parts, 2, 1, NULL);
}

static int teardown(void **state)
{
    (void)state;
    sim_board_close(&board);
    return 0;
}

static void test_bytes_outside_the_area_are_refused(void **state)
{
    (void)state;
    struct otter_area area = {&board.devices[0].flash, 0x1000, 0x2000};
    uint8_t buf[32] = {0};
    assert_int_equal(otter_area_read(&area, 0x1ff0, buf, 16), 0);
    assert_int_equal(otter_area_read(&area, 0x1ff0, buf, 17), OTTER_ERR_ARG);
    assert_int_equal(otter_area_read(&area, 0x2001, buf, 0), OTTER_ERR_ARG);
    assert_int_equal(otter_area_read(&area, UINT32_MAX, buf, 2), OTTER_ERR_ARG);
    assert_int_equal(otter_area_prog(&area, 0x1ff0, buf, 32), OTTER_ERR_ARG);
    assert_int_equal(otter_area_write(&area, 0x1000, buf, 0x2000), OTTER_ERR_ARG);
    assert_int_equal(otter_area_erase(&area, 0x2000, 0x1000), OTTER_ERR_ARG);
    assert_int_equal(otter_area_erase(&area, 0, 0), OTTER_ERR_ARG);
    assert_int_equal(otter_area_erase(&area, 0, 0x2000), OTTER_ERR_ARG); /* two sectors */
}

static void test_steps_of_an_area_inside_sectors(void **state)
{
    (void)state;
    struct otter_area area = {&board.devices[0].flash, 0x1200, 0x2000};
    uint32_t size;
    assert_int_equal(otter_area_step(&area, 0, 0x2000, &size), 0);
    assert_int_equal(size, 0xe00); /* the first sector, from the area's begin */
    assert_int_equal(otter_area_step(&area, 0xe00, 0x2000, &size), 0xe00);
    assert_int_equal(size, 0x1000);
    assert_int_equal(otter_area_step(&area, 0xf00, 0x2000, &size), 0xe00);
    assert_int_equal(otter_area_step(&area, 0x1e00, 0x2000, &size), 0x1e00);
    assert_int_equal(size, 0x200); /* the last one, to the area's end */
    assert_int_equal(otter_area_erase(&area, 0x1e00, 0x200), 0);
    assert_int_equal(board.devices[0].wear[3], 1);
    assert_int_equal(otter_area_erase(&area, 0, 0xe00), 0);
    assert_int_equal(board.devices[0].wear[1], 1);
}

static void test_blocks_are_taken_where_a_whole_one_fits(void **state)
{
    (void)state;
    struct otter_area area = {&board.devices[1].flash, 0xe00, 0x3000};
    uint32_t size;
    assert_int_equal(otter_area_step(&area, 0, 0x3000, &size), 0);
    assert_int_equal(size, 512);
    assert_int_equal(otter_area_step(&area, 0x200, 0x3000, &size), 0x200);
    assert_int_equal(size, 4096);
    assert_int_equal(otter_area_erase(&area, 0x200, size), 0);
    assert_int_equal(board.devices[1].count.blocks, 1);
    assert_int_equal(otter_area_step(&area, 0x200, 0x11ff, &size), 0x200);
    assert_int_equal(size, 512); /* the block would go past the end */
    assert_int_equal(otter_area_step(&area, 0x200, 0, &size), 0x200);
    assert_int_equal(size, 512);
}

static void test_write_fills_whole_sectors_on_any_device(void **state)
{
    (void)state;
    static uint8_t data[0x1000];
    static uint8_t back[0x1000];
    memset(data, 0x5a, sizeof data);
    for (unsigned i = 0; i < 2; i++) {
        struct otter_area area = {&board.devices[i].flash, 0x1000, 0x2000};
        for (unsigned again = 0; again < 2; again++) {
            assert_int_equal(otter_area_write(&area, 0, data, sizeof data), 0);
        }
        assert_int_equal(otter_area_read(&area, 0, back, sizeof back), 0);
        assert_memory_equal(back, data, sizeof data);
        assert_int_equal(otter_area_write(&area, 16, data, 0x1000), OTTER_ERR_ARG);
        assert_int_equal(otter_area_write(&area, 0, data, 16), OTTER_ERR_ARG);
    }
    assert_int_equal(board.devices[0].count.erases, 2);
    assert_int_equal(board.devices[1].count.writes, 16);
    assert_int_equal(board.devices[1].count.erases, 0);
}

static void test_a_view_reads_across_its_split(void **state)
{
    (void)state;
    uint8_t data[64];
    uint8_t back[64];
    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
    }
    sim_flash_poke(&board.devices[0], 0x2000 - 16, data, 16);
    sim_flash_poke(&board.devices[1], 0x200, data + 16, 48);
    struct otter_view view = {
        .low = {&board.devices[0].flash, 0x1000, 0x1000},
        .high = {&board.devices[1].flash, 0x200, 48},
        .split = 0x1000,
    };
    assert_int_equal(otter_view_size(&view), 0x1000 + 48);
    assert_int_equal(otter_view_read(&view, 0xff0, back, 64), 0);
    assert_memory_equal(back, data, 64);
    assert_int_equal(otter_view_read(&view, 0xff0, back, 16), 0);
    assert_int_equal(otter_view_read(&view, 0x1000, back, 48), 0);
    assert_memory_equal(back, data + 16, 48);
    assert_int_equal(otter_view_read(&view, 0x1000, back, 49), OTTER_ERR_ARG);
    struct otter_view plain = otter_view_of(&view.low);
    assert_int_equal(otter_view_size(&plain), 0x1000);
    assert_int_equal(otter_view_read(&plain, 0xff0, back, 17), OTTER_ERR_ARG);
}

static void test_nothing_to_write_is_no_operation(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct otter_area area = {&board.devices[i].flash, 0x1000, 0x2000};
        uint8_t byte = 0;
        assert_int_equal(otter_area_write(&area, 0x2000, &byte, 0), 0);
        assert_int_equal(otter_area_prog(&area, 0x2000, &byte, 0), 0);
        assert_int_equal(otter_area_read(&area, 0x2000, &byte, 0), 0);
    }
    assert_int_equal(board.power.ops, 0);
}

static void test_a_view_that_cannot_be_read_says_so_on_both_sides(void **state)
{
    (void)state;
    uint8_t back[32];
    struct otter_view view = {
        .low = {&board.devices[0].flash, 0x1000, 0x1000},
        .high = {&board.devices[1].flash, 0x200, 64},
        .split = 0x1000,
    };
    faulty_wrap(&view.low);
    faulty_reads(1, 1);
    assert_int_equal(otter_view_read(&view, 0xff0, back, sizeof back), 0);
    uint64_t reads = board.devices[1].count.reads;
    assert_int_equal(otter_view_read(&view, 0xff0, back, sizeof back), OTTER_ERR_IO);
    assert_int_equal(board.devices[1].count.reads, reads);
    view.low.flash = faulty.real;
    faulty_wrap(&view.high);
    faulty_reads(0, 1);
    assert_int_equal(otter_view_read(&view, 0xff0, back, sizeof back), OTTER_ERR_IO);
    assert_int_equal(otter_view_read(&view, 0xff0, back, sizeof back), 0);
}

static void test_a_views_size_does_not_wrap(void **state)
{
    (void)state;
    struct otter_view view = {.high = {.size = 16}, .split = UINT32_MAX - 16};
    assert_int_equal(otter_view_size(&view), UINT32_MAX);
    view.high.size = 17;
    assert_int_equal(otter_view_size(&view), UINT32_MAX);
    view.high.size = 15;
    assert_int_equal(otter_view_size(&view), UINT32_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_outside_the_area_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_steps_of_an_area_inside_sectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocks_are_taken_where_a_whole_one_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_fills_whole_sectors_on_any_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_to_write_is_no_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_view_reads_across_its_split, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_view_that_cannot_be_read_says_so_on_both_sides, setup, teardown),
        cmocka_unit_test(test_a_views_size_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
