/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim.c - the simulated flash: its rules, its cuts, its file, its snapshots.
 */
#include "otter/flash.h"
#include "otter/result.h"
#include "sim/maps.h"
#include "sim/sim.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct sim_geometry small_nor = {
    .name = "nor", .size = 0x10000, .sector_size = 0x1000, .prog_size = 16, .page_size = 256,
    .erased = 0xff, .erase_us = 100, .page_us = 10, .unit_us = 1,
};
static const struct sim_geometry small_rows = {
    .name = "rows", .size = 0x4000, .sector_size = 512, .block_size = 4096, .prog_size = 512,
    .page_size = 512, .erased = 0x00, .row_write = true,
    .erase_us = 11, .block_us = 11, .page_us = 5, .write_us = 16,
};

struct bench {
    struct sim_board board;
    struct sim_flash *nor, *rows;
    jmp_buf out;
    unsigned violations;
};

static void on_lost(void *ctx)
{
    struct bench *bench = ctx;
    longjmp(bench->out, 1);
}

static void on_violated(void *ctx, const char *what)
{
    struct bench *bench = ctx;
    (void)what;
    bench->violations++;
}

static int setup(void **state)
{
    struct bench *bench = test_calloc(1, sizeof *bench);
    const struct sim_geometry parts[] = {small_nor, small_rows};
    assert_int_equal(sim_board_create(&bench->board, parts, 2, 1, NULL), 0);
    bench->nor = &bench->board.devices[0];
    bench->rows = &bench->board.devices[1];
    bench->board.power.lost = on_lost;
    bench->board.power.violated = on_violated;
    bench->board.power.ctx = bench;
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    sim_board_close(&bench->board);
    test_free(bench);
    return 0;
}

static int prog(struct sim_flash *sim, uint32_t off, const void *buf, size_t len)
{
    return sim->flash.prog(sim->flash.ctx, off, buf, len);
}

static int erase(struct sim_flash *sim, uint32_t off, uint32_t size)
{
    return sim->flash.erase(sim->flash.ctx, off, size);
}

static bool filled(struct sim_flash *sim, uint32_t off, uint32_t len, uint8_t value)
{
    for (uint32_t i = 0; i < len; i++) {
        uint8_t byte;
        assert_int_equal(sim->flash.read(sim->flash.ctx, off + i, &byte, 1), 0);
        if (byte != value) {
            return false;
        }
    }
    return true;
}

static void test_a_fresh_device_reads_its_erased_value(void **state)
{
    struct bench *bench = *state;
    assert_true(filled(bench->nor, 0, bench->nor->flash.size, 0xff));
    assert_true(filled(bench->rows, 0, bench->rows->flash.size, 0x00));
}

static void test_program_needs_a_fresh_erase(void **state)
{
    struct bench *bench = *state;
    uint8_t ones[16];
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(prog(bench->nor, 32, ones, 16), 0);
    assert_int_equal(prog(bench->nor, 32, ones, 16), OTTER_ERR_ARG);
    assert_int_equal(bench->violations, 1);
    assert_non_null(strstr(bench->board.power.violation, "nor, offset 0x20"));
    assert_int_equal(erase(bench->nor, 0, 0x1000), 0);
    assert_int_equal(prog(bench->nor, 32, ones, 16), 0);
    assert_int_equal(bench->violations, 1);
}

static void test_alignment_and_bounds_are_rules(void **state)
{
    struct bench *bench = *state;
    uint8_t buf[1024] = {0};
    const struct otter_flash *nor = &bench->nor->flash;
    const struct otter_flash *rows = &bench->rows->flash;
    assert_int_equal(prog(bench->nor, 8, buf, 16), OTTER_ERR_ARG);
    assert_int_equal(prog(bench->nor, 16, buf, 8), OTTER_ERR_ARG);
    assert_int_equal(prog(bench->nor, 0xfff0, buf, 32), OTTER_ERR_ARG);
    assert_int_equal(erase(bench->nor, 0x800, 0x1000), OTTER_ERR_ARG);
    assert_int_equal(erase(bench->nor, 0, 0x2000), OTTER_ERR_ARG);
    assert_int_equal(erase(bench->nor, 0x10000, 0x1000), OTTER_ERR_ARG);
    assert_int_equal(erase(bench->rows, 512, 4096), OTTER_ERR_ARG);
    assert_int_equal(rows->write(rows->ctx, 256, buf, 512), OTTER_ERR_ARG);
    assert_int_equal(nor->read(nor->ctx, 0xffff, buf, 2), OTTER_ERR_ARG);
    assert_int_equal(nor->read(nor->ctx, UINT32_MAX, buf, 2), OTTER_ERR_ARG);
    assert_null(nor->write);
    assert_int_equal(bench->violations, 10);
    assert_int_equal(bench->board.power.ops, 0);
}

static void test_without_a_hook_a_violation_aborts(void **state)
{
    struct bench *bench = *state;
    uint8_t buf[16] = {0};
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fclose(stderr);
        bench->board.power.violated = NULL;
        signal(SIGABRT, SIG_DFL);
        (void)prog(bench->nor, 1, buf, 16);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_operations_bytes_wear_and_time_are_counted(void **state)
{
    struct bench *bench = *state;
    uint8_t buf[1024];
    memset(buf, 0x5a, sizeof buf);
    assert_int_equal(erase(bench->nor, 0x1000, 0x1000), 0);
    assert_int_equal(prog(bench->nor, 0x10f0, buf, 16 + 256 + 16), 0);
    assert_int_equal(bench->nor->count.erases, 1);
    assert_int_equal(bench->nor->count.pages, 3);
    assert_int_equal(bench->nor->count.prog_bytes, 288);
    assert_int_equal(bench->nor->count.busy_us, 100 + 3 * 10 + 18);
    assert_int_equal(bench->nor->wear[0], 0);
    assert_int_equal(bench->nor->wear[1], 1);
    assert_int_equal(bench->rows->flash.write(bench->rows, 1024, buf, 1024), 0);
    assert_int_equal(erase(bench->rows, 4096, 4096), 0);
    assert_int_equal(bench->rows->count.writes, 2);
    assert_int_equal(bench->rows->count.blocks, 1);
    assert_int_equal(bench->rows->count.erased_bytes, 2 * 512 + 4096);
    assert_int_equal(bench->nor->count.erased_bytes, 0x1000);
    assert_int_equal(bench->rows->wear[2], 1);
    assert_int_equal(bench->rows->wear[15], 1);
    assert_int_equal(bench->rows->count.busy_us, 2 * 16 + 11);
    assert_int_equal(bench->board.power.ops, 4 + 3);
    assert_int_equal(bench->board.power.time_us, 148 + 43);
}

/* Erase [0, 0x1000) of the NOR that holds 0x00, cut with `outcome`. */
static void cut_an_erase(struct bench *bench, enum sim_outcome outcome)
{
    static const uint8_t zeros[0x1000];
    sim_flash_poke(bench->nor, 0, zeros, sizeof zeros);
    sim_power_cut_after(&bench->board.power, 1, outcome);
    if (setjmp(bench->out) == 0) {
        (void)erase(bench->nor, 0, 0x1000);
        fail_msg("power was not cut");
    }
    bench->board.power.cut_at = 0;
}

static void cut_a_program(struct bench *bench, enum sim_outcome outcome)
{
    static const uint8_t zeros[256];
    assert_int_equal(erase(bench->nor, 0x1000, 0x1000), 0);
    sim_power_cut_after(&bench->board.power, 1, outcome);
    if (setjmp(bench->out) == 0) {
        (void)prog(bench->nor, 0x1000, zeros, sizeof zeros);
        fail_msg("power was not cut");
    }
    bench->board.power.cut_at = 0;
}

static void test_clean_cuts_leave_the_old_or_the_new(void **state)
{
    struct bench *bench = *state;
    cut_an_erase(bench, SIM_NOT_DONE);
    assert_true(filled(bench->nor, 0, 0x1000, 0x00));
    assert_false(sim_flash_marginal(bench->nor, 0, 0x1000, NULL));
    cut_an_erase(bench, SIM_DONE);
    assert_true(filled(bench->nor, 0, 0x1000, 0xff));
    cut_a_program(bench, SIM_NOT_DONE);
    assert_true(filled(bench->nor, 0x1000, 256, 0xff));
    cut_a_program(bench, SIM_DONE);
    assert_true(filled(bench->nor, 0x1000, 256, 0x00));
    assert_false(sim_flash_marginal(bench->nor, 0, 0x10000, NULL));
}

static void test_torn_cuts_are_marginal_until_erased(void **state)
{
    struct bench *bench = *state;
    uint8_t buf[16] = {0};
    for (unsigned outcome = SIM_FIRST_HALF; outcome < SIM_OUTCOMES; outcome++) {
        uint32_t at = 0;
        bench->violations = 0;
        cut_a_program(bench, (enum sim_outcome)outcome);
        assert_true(sim_flash_marginal(bench->nor, 0x1100, 0x10, NULL) ==
                    (outcome == SIM_NEIGHBOURS));
        assert_true(sim_flash_marginal(bench->nor, 0x1000, 0x100, &at));
        assert_int_equal(at, 0x1000);
        assert_int_equal(prog(bench->nor, 0x1000, buf, 16), OTTER_ERR_ARG);
        assert_int_equal(bench->violations, 1);
        assert_int_equal(erase(bench->nor, 0x1000, 0x1000), 0);
        assert_int_equal(prog(bench->nor, 0x1000, buf, 16), 0);
        if (outcome == SIM_NEIGHBOURS) {
            assert_true(sim_flash_marginal(bench->nor, 0xff0, 16, NULL));
        }
        cut_an_erase(bench, (enum sim_outcome)outcome);
        assert_true(sim_flash_marginal(bench->nor, 0xff0, 1, NULL));
        assert_int_equal(prog(bench->nor, 0, buf, 16), OTTER_ERR_ARG);
        assert_int_equal(erase(bench->nor, 0, 0x1000), 0);
        assert_false(sim_flash_marginal(bench->nor, 0, 0x1000, NULL));
    }
}

static void test_each_torn_model_reads_as_it_says(void **state)
{
    struct bench *bench = *state;
    uint8_t one[256], two[256];
    const struct otter_flash *nor = &bench->nor->flash;
    cut_an_erase(bench, SIM_FIRST_HALF);
    assert_true(filled(bench->nor, 0, 0x800, 0xff) && filled(bench->nor, 0x800, 0x800, 0x00));
    cut_an_erase(bench, SIM_SECOND_HALF);
    assert_true(filled(bench->nor, 0, 0x800, 0x00) && filled(bench->nor, 0x800, 0x800, 0xff));
    cut_an_erase(bench, SIM_WEAK);
    assert_true(filled(bench->nor, 0, 0x1000, 0xff));
    cut_an_erase(bench, SIM_ECC);
    assert_int_equal(nor->read(nor->ctx, 0xfff, one, 1), OTTER_ERR_IO);
    assert_int_equal(nor->read(nor->ctx, 0x1000, one, 1), 0);
    cut_a_program(bench, SIM_UNSTABLE);
    unsigned differing = 0;
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(nor->read(nor->ctx, 0x1000, one, 256), 0);
        assert_int_equal(nor->read(nor->ctx, 0x1000, two, 256), 0);
        differing += memcmp(one, two, 256) != 0;
    }
    assert_true(differing > 10);
    cut_a_program(bench, SIM_BARELY);
    assert_false(filled(bench->nor, 0x1000, 256, 0xff));
    cut_a_program(bench, SIM_NEARLY);
    assert_false(filled(bench->nor, 0x1000, 256, 0x00));
}

static void test_what_reads_by_boot_turns_at_power_on(void **state)
{
    struct bench *bench = *state;
    uint8_t zeros[256] = {0}, ones[256], got[256];
    const struct otter_flash *nor = &bench->nor->flash;
    memset(ones, 0xff, sizeof ones);
    cut_a_program(bench, SIM_BY_BOOT);
    for (unsigned boot = 0; boot < 4; boot++) {
        sim_board_power_on(&bench->board);
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(nor->read(nor->ctx, 0x1000, got, 256), 0);
            assert_memory_equal(got, boot % 2 == 0 ? zeros : ones, 256);
        }
    }
}

static void test_the_same_seed_tears_the_same_way(void **state)
{
    struct bench *bench = *state;
    uint8_t first[256], again[256];
    bench->board.power.random = 7;
    cut_a_program(bench, SIM_RANDOM);
    sim_flash_peek(bench->nor, 0x1000, first, 256);
    bench->board.power.random = 7;
    cut_a_program(bench, SIM_RANDOM);
    sim_flash_peek(bench->nor, 0x1000, again, 256);
    assert_memory_equal(first, again, 256);
    bench->board.power.random = 8;
    cut_a_program(bench, SIM_RANDOM);
    sim_flash_peek(bench->nor, 0x1000, again, 256);
    assert_memory_not_equal(first, again, 256);
}

static void test_a_cut_row_write_is_one_operation(void **state)
{
    struct bench *bench = *state;
    uint8_t old[512], new[512], got[512];
    memset(old, 0x33, sizeof old);
    memset(new, 0xcc, sizeof new);
    sim_flash_poke(bench->rows, 512, old, 512);
    sim_power_cut_after(&bench->board.power, 1, SIM_FIRST_HALF);
    if (setjmp(bench->out) == 0) {
        (void)bench->rows->flash.write(bench->rows, 512, new, 512);
    }
    sim_flash_peek(bench->rows, 512, got, 512);
    assert_memory_equal(got, new, 256);
    assert_memory_equal(got + 256, old + 256, 256);
}

static void test_a_worn_sector_fails_loud_or_silent(void **state)
{
    struct bench *bench = *state;
    uint8_t buf[16] = {0}, got[16];
    sim_flash_break(bench->nor, 0x2000, false);
    sim_flash_break(bench->nor, 0x3000, true);
    assert_int_equal(erase(bench->nor, 0x2000, 0x1000), OTTER_ERR_IO);
    assert_int_equal(prog(bench->nor, 0x2000, buf, 16), OTTER_ERR_IO);
    assert_int_equal(erase(bench->nor, 0x3000, 0x1000), 0);
    assert_int_equal(prog(bench->nor, 0x3000, buf, 16), 0);
    sim_flash_peek(bench->nor, 0x3000, got, 16);
    assert_memory_not_equal(buf, got, 16);
}

static void test_snapshots_restore_bytes_units_and_marginal_cells(void **state)
{
    struct bench *bench = *state;
    uint8_t buf[256] = {0};
    assert_int_equal(prog(bench->nor, 0, buf, 16), 0);
    struct sim_snapshot *early = sim_snapshot_save(&bench->board);
    cut_a_program(bench, SIM_UNSTABLE);
    assert_int_equal(bench->rows->flash.write(bench->rows, 0, (uint8_t[512]){1}, 512), 0);
    struct sim_snapshot *late = sim_snapshot_save(&bench->board);
    assert_int_equal(erase(bench->nor, 0, 0x1000), 0);
    sim_snapshot_restore(&bench->board, early);
    assert_true(filled(bench->nor, 0, 16, 0x00) && filled(bench->nor, 0x1000, 256, 0xff));
    assert_true(filled(bench->rows, 0, 512, 0x00));
    assert_int_equal(prog(bench->nor, 0, buf, 16), OTTER_ERR_ARG);
    assert_int_equal(prog(bench->nor, 0x1000, buf, 16), 0);
    sim_snapshot_restore(&bench->board, late);
    assert_true(sim_flash_marginal(bench->nor, 0x1000, 256, NULL));
    assert_false(filled(bench->rows, 0, 512, 0x00));
    assert_int_equal(erase(bench->nor, 0x1000, 0x1000), 0);
    sim_snapshot_restore(&bench->board, late);
    assert_true(sim_flash_marginal(bench->nor, 0x1000, 256, NULL));
    sim_snapshot_free(early);
    sim_snapshot_free(late);
}

static void test_a_file_keeps_what_a_killed_process_wrote(void **state)
{
    struct bench *bench = *state;
    char dir[] = "/tmp/otter-sim-XXXXXX";
    char path[64];
    struct sim_board board;
    int status;
    (void)bench;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/flash.bin", dir);
    assert_int_equal(sim_board_create(&board, &small_nor, 1, 1, path), 0);
    sim_board_close(&board);
    assert_int_equal(sim_board_create(&board, &small_nor, 1, 1, path), OTTER_ERR_IO);
    pid_t pid = fork();
    if (pid == 0) {
        uint8_t buf[16] = "written through";
        if (sim_board_open(&board, path, 1) == 0 && prog(&board.devices[0], 64, buf, 16) == 0) {
            kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    char got[16];
    assert_int_equal(sim_board_open(&board, path, 1), 0);
    const struct otter_flash *flash = &board.devices[0].flash;
    assert_int_equal(flash->read(flash->ctx, 64, got, 16), 0);
    assert_string_equal(got, "written through");
    sim_board_close(&board);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(sim_board_open(&board, path, 1), OTTER_ERR_CORRUPT);
    unlink(path);
    assert_int_equal(sim_board_open(&board, path, 1), OTTER_ERR_IO);
    rmdir(dir);
}

static void test_the_five_maps_lie_inside_their_devices(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIM_MAPS_COUNT; i++) {
        struct sim_map map;
        struct sim_board board;
        struct otter_layout layout;
        assert_true(sim_map_find(sim_map_name(i), &map));
        assert_int_equal(sim_map_build(&map, &board, 1, NULL, &layout), 0);
        const struct otter_area *areas[] = {&layout.primary, &layout.secondary, &layout.scratch,
                                            &layout.journal};
        for (unsigned a = 0; a < 4; a++) {
            if (areas[a]->size != 0) {
                assert_true(areas[a]->base + areas[a]->size <= areas[a]->flash->size);
            }
        }
        assert_true((layout.scratch.size != 0) == (layout.mode == OTTER_MODE_SWAP));
        assert_true(layout.journal.size / 2 >= 4 * layout.journal.flash->sector_size);
        assert_int_equal(layout.journal.base % layout.journal.flash->sector_size, 0);
        sim_board_close(&board);
    }
    assert_null(sim_map_name(SIM_MAPS_COUNT));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_fresh_device_reads_its_erased_value),
        TEST(test_program_needs_a_fresh_erase),
        TEST(test_alignment_and_bounds_are_rules),
        TEST(test_without_a_hook_a_violation_aborts),
        TEST(test_operations_bytes_wear_and_time_are_counted),
        TEST(test_clean_cuts_leave_the_old_or_the_new),
        TEST(test_torn_cuts_are_marginal_until_erased),
        TEST(test_each_torn_model_reads_as_it_says),
        TEST(test_what_reads_by_boot_turns_at_power_on),
        TEST(test_the_same_seed_tears_the_same_way),
        TEST(test_a_cut_row_write_is_one_operation),
        TEST(test_a_worn_sector_fails_loud_or_silent),
        TEST(test_snapshots_restore_bytes_units_and_marginal_cells),
        TEST(test_a_file_keeps_what_a_killed_process_wrote),
        TEST(test_the_five_maps_lie_inside_their_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
