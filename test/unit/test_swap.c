/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_swap.c - the plan and the steps of a swap: geometries, cost, cuts.
 *
 * Cost is counted from reset to jump, journal included, against the floor: each used
 * sector of each slot erased once, each used byte programmed once.
 */
#include "test/unit/device.h"

#include "boot/swap.h"

static void init_layout(struct otter_layout *layout, struct otter_flash flash[3])
{
    *layout = (struct otter_layout){.primary = {&flash[0], 0, 0}, .secondary = {&flash[1], 0, 0},
                                    .scratch = {&flash[2], 0, 0}};
}

static void test_the_plan_of_psoc62_2m(void **state)
{
    (void)state;
    struct otter_flash flash[3] = {{.sector_size = 512}, {.sector_size = 0x40000},
                                   {.sector_size = 0x40000}};
    struct otter_layout layout;
    struct otter_plan plan;
    init_layout(&layout, flash);
    layout.primary.base = 0x28000;
    layout.primary.size = layout.secondary.size = 0x1c0000;
    layout.secondary.base = 0x200;
    layout.scratch.size = 0x80000;
    assert_int_equal(otter_plan_make(&layout, 0x1bfe00, 0x1bfe00, &plan), 0);
    assert_int_equal(plan.end, 0x1bfe00);
    assert_int_equal(plan.unit, 0x80000);
    assert_int_equal(plan.count, 4);
    assert_int_equal(plan.split, 0x13fe00);
    assert_int_equal(otter_plan_make(&layout, 0x1bfe01, 0x1000, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&layout, 0x1000, 0x1bfe01, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&layout, 0x1000, 0, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&layout, 0x60000, 0x70000, &plan), 0);
    assert_int_equal(plan.end, 0x7fe00);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.split, UINT32_MAX);
    assert_int_equal(otter_plan_make(&layout, 0, 0x1c0000, &plan), 0); /* nothing is kept */
    assert_int_equal(plan.end, 0x1c0000);
    assert_int_equal(otter_plan_done(&plan, 0x1c0000, 1), 0x80000);
    assert_int_equal(otter_plan_done(&plan, 0x1c0000, 4), 0x1c0000);
    assert_int_equal(otter_plan_done(&plan, 0x100000, 1), 0);
    layout.scratch.size = 0x3ffff;
    assert_int_equal(otter_plan_make(&layout, 0x1bfe00, 0x1bfe00, &plan), OTTER_ERR_NOSPACE);
    layout.secondary.base = 0x201; /* sectors never line up */
    assert_int_equal(otter_plan_make(&layout, 0x1000, 0x1000, &plan), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_plan_make(&layout, 0, 0x1000, &plan), 0);
}

/* Any geometry: install, confirm; install, let it fail, and be back. */
static void test_images_move_unharmed_on_random_geometries(void **state)
{
    (void)state;
    static const uint32_t sectors[] = {256, 512, 768, 1024, 4096};
    static const uint32_t progs[] = {1, 4, 8, 32, 128, 256};
    uint64_t random = 42;
    unsigned swaps = 0;
    for (unsigned i = 0; i < 400; i++) {
        uint32_t ps = sectors[sim_random(&random) % 5];
        uint32_t ss = sectors[sim_random(&random) % 5];
        uint32_t slot = 0x8000 + (uint32_t)(sim_random(&random) % 32) * 256;
        struct sim_map map = {
            .name = "random",
            .parts = {{.name = "a", .size = ps * 300, .sector_size = ps, .page_size = 256,
                       .erased = (i & 1) ? 0xff : 0, .row_write = (i & 2) != 0},
                      {.name = "b", .size = ss * 300, .sector_size = ss, .page_size = 256,
                       .erased = (i & 4) ? 0xff : 0, .block_size = (i & 8) ? 3 * ss : 0},
                      {.name = "c", .size = 0x8000, .sector_size = 256, .prog_size = 16,
                       .page_size = 256, .erased = 0xff}},
            .parts_count = 3,
            .primary = {0, (i & 16) ? 512 : 0, slot},
            .secondary = {1, (i & 32) ? 256 : 0, slot},
            .scratch = {2, 0, 0x1000 * (uint32_t)(sim_random(&random) % 4)},
            .journal = {2, 0x4000, 0x4000},
            .mode = (i % 5) == 0 ? OTTER_MODE_OVERWRITE : OTTER_MODE_SWAP,
            .unit_max = (i & 64) ? 0x2000 : 0,
        };
        map.parts[0].prog_size = progs[sim_random(&random) % 6];
        map.parts[1].prog_size = progs[sim_random(&random) % 6];
        if (map.parts[0].sector_size * 300 < slot + 512 || map.parts[1].sector_size * 300 < slot + 512 ||
            map.primary.base % map.parts[0].prog_size || map.secondary.base % map.parts[1].prog_size) {
            continue;
        }
        struct file v1 = file_make(0x1000 + (uint32_t)(sim_random(&random) % (slot - 0x1000)), 1, 0);
        struct file v2 = file_make(0x1000 + (uint32_t)(sim_random(&random) % (slot - 0x1000)), 2, 0);
        struct file v3 = file_make(0x1000 + (uint32_t)(sim_random(&random) % (slot - 0x1000)), 3, 0);
        device_create(&map);
        device.config.buf_size = 512 + 64 * (size_t)(sim_random(&random) % 64);
        device_factory(&v1);
        device_install(&v2, false);
        assert_int_equal(device_boot(), 0);
        if (device_runs(&v2)) {
            swaps += device.choice.on_trial;
            assert_int_equal(device_confirm(), 0);
            device_install(&v3, false);
            assert_int_equal(device_boot(), 0);
            if (device.choice.on_trial) {
                device.config.reset_by_watchdog = true;
                assert_true(device_runs(&v3));
                assert_int_equal(device_boot(), 0);
                assert_true(device_runs(&v2));
            }
        } else {
            assert_true(device_runs(&v1));
            assert_int_equal(device.choice.reason, OTTER_REASON_NOSPACE);
        }
        device_close();
        free(v1.bytes);
        free(v2.bytes);
        free(v3.bytes);
    }
    assert_true(swaps > 60);
}

struct cost {
    uint64_t erases, bytes, us;
};

/* One image written once into a slot. */
static struct cost floor_of(const struct otter_area *slot, uint32_t size)
{
    const struct sim_geometry *part = &sim_flash_of(slot)->geometry;
    struct cost cost = {0};
    cost.erases = (slot->base + size + part->sector_size - 1) / part->sector_size -
                  slot->base / part->sector_size;
    cost.bytes = (size + part->prog_size - 1) / part->prog_size * part->prog_size;
    if (part->row_write) {
        cost.us = cost.erases * part->write_us;
    } else {
        cost.us = cost.erases * part->erase_us +
                  (cost.bytes + part->page_size - 1) / part->page_size * part->page_us +
                  cost.bytes / part->prog_size * part->unit_us;
    }
    return cost;
}

static struct cost cost_now(void)
{
    struct cost cost = {.us = device.board.power.time_us};
    for (unsigned i = 0; i < device.board.devices_count; i++) {
        const struct sim_count *count = &device.board.devices[i].count;
        cost.erases += count->erases + count->blocks + count->writes;
        cost.bytes += count->prog_bytes;
    }
    return cost;
}

/* The journal counts in time and bytes; its erases are of other, smaller sectors. */
static void compare(const char *map, unsigned percent, const char *what, struct cost before,
                    struct cost least, double limit)
{
    struct cost now = cost_now();
    double time = (double)(now.us - before.us) / (double)least.us;
    double bytes = (double)(now.bytes - before.bytes) / (double)least.bytes;
    print_message("%-30s %3u %% %-9s time %.3f bytes %.3f erases %llu / %llu, %.2f s / %.2f s\n", map,
                  percent, what, time, bytes, (unsigned long long)(now.erases - before.erases),
                  (unsigned long long)least.erases, (double)(now.us - before.us) / 1e6,
                  (double)least.us / 1e6);
    if (time > limit) {
        fail_msg("%s, %u %%: %s takes %.4f of the floor", map, percent, what, time);
    }
}

static void test_cost_is_the_floor_on_all_maps(void **state)
{
    (void)state;
    static const unsigned percents[] = {25, 90, 100};
    for (unsigned m = 0; m < SIM_MAPS_COUNT; m++) {
        for (unsigned p = 0; p < 3; p++) {
            struct sim_map map;
            assert_true(sim_map_find(sim_map_name(m), &map));
            uint32_t size = (uint32_t)((uint64_t)map.image_size_max * percents[p] / 100);
            struct file v1 = file_make(size, 1, 0);
            struct file v2 = file_make(size, 2, 0);
            bool swap = map.mode == OTTER_MODE_SWAP;
            device_create(&map);
            device_factory(&v1);
            assert_int_equal(device_boot(), 0);
            device_install(&v2, false);
            struct cost least = floor_of(&device.layout.primary, size);
            if (swap) {
                struct cost other = floor_of(&device.layout.secondary, size);
                least.erases += other.erases;
                least.bytes += other.bytes;
                least.us += other.us;
            }
            struct cost before = cost_now();
            assert_int_equal(device_boot(), 0);
            assert_true(device_runs(&v2));
            bool far = strncmp(map.name, "xmc", 3) == 0 && percents[p] == 100 && swap;
            compare(map.name, percents[p], swap ? "swap" : "overwrite", before, least,
                    far ? 1.205 : 1.02);
            if (swap) {
                device.config.reset_by_watchdog = true;
                before = cost_now();
                assert_int_equal(device_boot(), 0);
                assert_true(device_runs(&v1));
                compare(map.name, percents[p], "revert", before, least, 1.02);
            }
            device_close();
            free(v1.bytes);
            free(v2.bytes);
        }
    }
}

static void test_equal_sectors_of_the_primary_are_skipped(void **state)
{
    (void)state;
    struct sim_map map;
    assert_true(sim_map_find("psoc62_2m_ext_swap_single", &map));
    struct file v1 = file_make(0x40000, 1, 0);
    struct file v2 = file_make(0x40000, 2, 0);
    memcpy(v1.bytes + 0x1000, v2.bytes + 0x1000, 0x30000);
    struct otter_sha256 sha; /* sign again */
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, v1.bytes, v1.size - 112);
    otter_sha256_finish(&sha, v1.hash);
    memcpy(v1.bytes + v1.size - 112 + 8, v1.hash, 32);
    memcpy(v1.bytes + v1.size - 32, v1.hash, 32);
    device_create(&map);
    device_factory(&v1);
    assert_int_equal(device_boot(), 0);
    device_install(&v2, false);
    uint64_t before = device.board.devices[0].count.writes;
    assert_int_equal(device_boot(), 0);
    assert_true(device_runs(&v2));
    assert_int_equal(device.board.devices[0].count.writes - before, 0x10000 / 512 + 1); /* the begin of the swap; TRIAL behind it is programmed */
    device_close();
    free(v1.bytes);
    free(v2.bytes);
}

/* docs/spec/30-journal.md, "Wear". */
static void test_a_journal_sector_is_erased_at_most_once_an_update(void **state)
{
    (void)state;
    for (unsigned m = 0; m < SIM_MAPS_COUNT; m++) {
        struct sim_map map;
        assert_true(sim_map_find(sim_map_name(m), &map));
        uint32_t size = map.mode == OTTER_MODE_SWAP ? map.image_size_max : 0x10000;
        struct file a = file_make(size, 1, 0);
        unsigned most = 0;
        device_create(&map);
        device_factory(&a);
        assert_int_equal(device_boot(), 0);
        const struct sim_flash *flash = sim_flash_of(&device.layout.journal);
        uint32_t first = device.layout.journal.base / flash->geometry.sector_size;
        uint32_t count = device.layout.journal.size / flash->geometry.sector_size;
        memset(flash->wear, 0, (first + count) * sizeof *flash->wear);
        enum { UPDATES = 6 };
        for (unsigned i = 0; i < UPDATES; i++) {
            struct file b = file_make(size, (uint8_t)(2 + i), 0);
            device_install(&b, false);
            assert_int_equal(device_boot(), 0);
            assert_true(device_runs(&b));
            assert_int_equal(device_confirm(), 0);
            free(b.bytes);
        }
        for (uint32_t i = first; i < first + count; i++) {
            most = flash->wear[i] > most ? flash->wear[i] : most;
        }
        print_message("%-30s %u erases in %u updates\n", map.name, most, UPDATES);
        assert_in_range(most, 1, UPDATES);
        device_close();
        free(a.bytes);
    }
}

/* A scenario that may be cut anywhere: confirmed v2, then v3 that hangs. */
static struct file v[4];
static unsigned stage;

static void run_scenario(void)
{
    struct otter_state state;
    for (;;) {
        assert_int_equal(device_boot(), 0);
        assert_int_equal(otter_state_open(&state, &device.layout), 0);
        assert_true(state.phase == OTTER_PHASE_IDLE || state.phase == OTTER_PHASE_TRIAL ||
                    state.phase == OTTER_PHASE_REQUESTED); /* a request that surfaced late */
        if (device.choice.on_trial) {
            assert_true(device_runs(stage == 1 ? &v[2] : &v[3]));
            if (stage == 1) {
                assert_int_equal(device_confirm(), 0);
                stage = 2;
            }
        } else if (otter_state_rejects_hash(&state, v[3].hash)) {
            assert_true(device_runs(&v[2]));
            assert_int_equal(stage, 3);
            if (state.phase == OTTER_PHASE_IDLE) {
                assert_int_equal(device.choice.reason, OTTER_REASON_NOT_CONFIRMED);
                return;
            }
        } else if (state.phase == OTTER_PHASE_IDLE && device_runs(&v[1])) {
            assert_in_range(stage, 0, 1);
            stage = 1;
            device_install(&v[2], false);
        } else if (state.phase == OTTER_PHASE_IDLE) {
            assert_true(device_runs(&v[2]));
            stage = 3;
            device_install(&v[3], false);
        }
    }
}

static struct {
    unsigned map, cut, outcome;
} trial;

static void run_cut(const struct sim_snapshot *fresh)
{
    sim_snapshot_restore(&device.board, fresh);
    stage = 0;
    sim_power_cut_after(&device.board.power, trial.cut, (enum sim_outcome)trial.outcome);
    volatile unsigned lives = 0;
    if (setjmp(device.out) != 0) {
        device.board.power.cut_at = 0;
        if (lives++ == 0) { /* the recovery is cut as well, early */
            sim_power_cut_after(&device.board.power, 1 + trial.cut % 11,
                                (enum sim_outcome)((trial.outcome + trial.cut / 11) % SIM_OUTCOMES_USUAL));
        }
    }
    run_scenario();
    device.board.power.cut_at = 0;
}

static void test_cuts_at_every_operation_end_well(void **state)
{
    (void)state;
    static const struct sim_map maps[] = {
        {.name = "rows and nor", /* the 2M map in small: the secondary begins inside a sector */
         .parts = {{.name = "rows", .size = 512 * 96, .sector_size = 512, .prog_size = 512,
                    .page_size = 512, .erased = 0x00, .row_write = true},
                   {.name = "nor", .size = 0x10000, .sector_size = 0x1000, .prog_size = 256,
                    .page_size = 256, .erased = 0xff}},
         .parts_count = 2,
         .primary = {0, 0, 0x6000}, .secondary = {1, 0x200, 0x6000}, .scratch = {1, 0x8000, 0x2000},
         .journal = {0, 0x6000, 512 * 26}, .mode = OTTER_MODE_SWAP},
        {.name = "words", /* the XMC map in small: many units, scratch and journal elsewhere */
         .parts = {{.name = "code", .size = 0x8000, .sector_size = 0x800, .prog_size = 32,
                    .page_size = 256, .erased = 0xff},
                   {.name = "work", .size = 0x2000, .sector_size = 128, .prog_size = 4,
                    .page_size = 128, .erased = 0xff}},
         .parts_count = 2,
         .primary = {0, 0, 0x4000}, .secondary = {0, 0x4000, 0x4000}, .scratch = {1, 0x1000, 0x800},
         .journal = {1, 0, 128 * 16}, .mode = OTTER_MODE_SWAP},
    };
    static const uint32_t sizes[2][3] = {{0x5d00, 0x3333, 0x5d80}, {0x4000, 0x4000, 0x3a01}};
    for (trial.map = 0; trial.map < 2; trial.map++) {
        for (unsigned i = 0; i < 3; i++) {
            v[i + 1] = file_make(sizes[trial.map][i], (uint8_t)(i + 1), 0);
        }
        device_create(&maps[trial.map]);
        device_factory(&v[1]);
        assert_int_equal(device_boot(), 0);
        struct sim_snapshot *fresh = sim_snapshot_save(&device.board);
        stage = 0;
        uint64_t ops = device.board.power.ops;
        run_scenario();
        ops = device.board.power.ops - ops;
        for (trial.cut = 1; trial.cut <= ops; trial.cut++) {
            trial.outcome = trial.cut % SIM_OUTCOMES_USUAL; /* test/powerloss has them all */
            run_cut(fresh);
        }
        sim_snapshot_free(fresh);
        device_close();
        for (unsigned i = 1; i <= 3; i++) {
            free(v[i].bytes);
        }
    }
}

static int print_trial(void **state)
{
    (void)state;
    if (trial.map < 2) {
        print_error("trial %u:%u:%u\n", trial.map, trial.cut, trial.outcome);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_plan_of_psoc62_2m),
        cmocka_unit_test(test_images_move_unharmed_on_random_geometries),
        cmocka_unit_test(test_cost_is_the_floor_on_all_maps),
        cmocka_unit_test(test_equal_sectors_of_the_primary_are_skipped),
        cmocka_unit_test(test_a_journal_sector_is_erased_at_most_once_an_update),
        cmocka_unit_test_teardown(test_cuts_at_every_operation_end_well, print_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
