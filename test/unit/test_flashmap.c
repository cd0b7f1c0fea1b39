/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_flashmap.c - good flash maps: the five built-in ones, their variants, what follows.
 *
 * Mistakes and their messages are in test_flashmap_bad.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/maps.h"
#include "tool/flashmap_kits.h"
#include "tool/flashmap_parts.h"
#include "tool/flashmap_view.h"

/* A built-in map with pieces replaced: from, to, from, to, NULL. Must load. */
static struct flashmap load_edited(const char *base, const struct flashmap_options *options,
                                   const char *const *edit, struct flashmap_report *report)
{
    struct flashmap map;
    char *text = strdup(flashmap_builtin_find(base)->text);
    assert_non_null(text);
    for (; edit && edit[0]; edit += 2) {
        char *at = strstr(text, edit[0]);
        char *edited = NULL;
        assert_non_null(at);
        *at = 0;
        assert_true(asprintf(&edited, "%s%s%s", text, edit[1], at + strlen(edit[0])) > 0);
        free(text);
        text = edited;
    }
    if (flashmap_parse(base, text, strlen(text), options, &map, report) != 0) {
        fail_msg("%s: %s", base, report->errors.line[0]);
    }
    free(text);
    return map;
}

static struct flashmap load(const char *base, const char *const *edit)
{
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap map = load_edited(base, NULL, edit, &report);
    flashmap_report_free(&report);
    return map;
}

#define EDIT(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char SWAP_2M[] = "psoc62_2m_ext_swap_single";
static const char OVERWRITE_2M[] = "psoc62_2m_ext_overwrite_single";
static const char XIP_512K[] = "psoc62_512k_xip_swap_single";
static const char SWAP_XMC[] = "xmc7200_int_swap_single";
static const char OVERWRITE_XMC[] = "xmc7200_int_overwrite_single";

/* What the replaced system's own generator makes of the five maps: START is relative to
 * 0x10000000, or to 0x18000000 for external flash; {0, 0} where it has no such macro. */
struct macros {
    const char *name;
    uint32_t boot[2], primary[2], secondary[2], status[2], scratch[2];
    bool overwrite, external, xip;
    const char *core;
};
static const struct macros replaced[] = {
    {OVERWRITE_2M,
     {0, 0x18000},
     {0x18000, 0x1C0000},
     {0x200, 0x1C0000},
     {0, 0},
     {0, 0},
     true,
     true,
     false,
     "CM4"},
    {SWAP_2M,
     {0, 0x28000},
     {0x28000, 0x1C0000},
     {0x200, 0x1C0000},
     {0x1E8000, 0x6C00},
     {0x440000, 0x80000},
     false,
     true,
     false,
     "CM4"},
    {XIP_512K,
     {0, 0x18000},
     {0x0, 0x140200},
     {0x180000, 0x140200},
     {0x18000, 0x3C00},
     {0x440000, 0x80000},
     false,
     true,
     true,
     "CM4"},
    {OVERWRITE_XMC,
     {0, 0x20000},
     {0x80000, 0x200000},
     {0x3F8000, 0x200000},
     {0, 0},
     {0, 0},
     true,
     false,
     false,
     "CM7"},
    {SWAP_XMC,
     {0, 0x20000},
     {0x80000, 0x200000},
     {0x3F8000, 0x200000},
     {0x4030000, 0x2800},
     {0x4000000, 0x8000},
     false,
     false,
     false,
     "CM7"},
};

static void same_macros(const struct flashmap *map, enum flashmap_role role, uint8_t app,
                        const uint32_t expected[2])
{
    const struct flashmap_area *area = flashmap_find(map, role, app);
    if (expected[1] == 0) {
        assert_null(area);
        return;
    }
    bool external = map->devices[area->device].external;
    assert_int_equal(area->addr - (external ? 0x18000000u : 0x10000000u), expected[0]);
    assert_int_equal(area->size, expected[1]);
}

static void test_the_five_maps_mean_what_they_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        struct flashmap map = load(replaced[i].name, NULL);
        same_macros(&map, FLASHMAP_BOOTLOADER, 0, replaced[i].boot);
        same_macros(&map, FLASHMAP_PRIMARY, 1, replaced[i].primary);
        same_macros(&map, FLASHMAP_SECONDARY, 1, replaced[i].secondary);
        same_macros(&map, FLASHMAP_STATUS, 0, replaced[i].status);
        same_macros(&map, FLASHMAP_SCRATCH, 0, replaced[i].scratch);
        assert_int_equal(map.mode == OTTER_MODE_OVERWRITE, replaced[i].overwrite);
        assert_int_equal(map.devices[1].external, replaced[i].external);
        assert_int_equal(map.xip, replaced[i].xip);
        assert_string_equal(map.core, replaced[i].core);
        assert_int_equal(map.apps_count, 1);
        assert_string_equal(map.name, replaced[i].name);
    }
}

static void test_numbers_of_the_swap(void **state)
{
    static const struct {
        const char *name;
        uint32_t image, first, step, unit, units, records;
    } expected[] = {{SWAP_2M, 0x1BFE00, 0x3FE00, 0x40000, 0x80000, 4, 9},
                    {XIP_512K, 0x140000, 0, 0x40000, 0x80000, 3, 7},
                    {SWAP_XMC, 0x200000, 0, 0x8000, 0x8000, 64, 129}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct flashmap map = load(expected[i].name, NULL);
        assert_int_equal(map.geometry[0].image_size_max, expected[i].image);
        assert_int_equal(map.geometry[0].boundary_first, expected[i].first);
        assert_int_equal(map.geometry[0].boundary_step, expected[i].step);
        assert_int_equal(map.geometry[0].unit_size, expected[i].unit);
        assert_int_equal(map.geometry[0].units, expected[i].units);
        assert_int_equal(map.geometry[0].records, expected[i].records);
    }
}

/* A hole that is not a whole number of boundary steps is used up to the last whole one. */
static void test_the_unit_ends_on_a_boundary(void **state)
{
    (void)state;
    struct flashmap map = load(SWAP_XMC, EDIT("\"0x8000\"", "\"0x14000\""));
    assert_int_equal(map.geometry[0].hole_size, 0x14000);
    assert_int_equal(map.geometry[0].unit_size, 0x10000);
    assert_int_equal(map.geometry[0].units, 32);
}

/* The seconds that the swap prototype measured on the simulator for full-size images. */
static void test_modelled_times(void **state)
{
    static const struct {
        const char *name;
        double install, revert;
    } expected[] = {{SWAP_2M, 62.35, 57.4}, {XIP_512K, 7.07, 3.6}, {SWAP_XMC, 9.88, 4.2}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct flashmap map = load(expected[i].name, NULL);
        double install = flashmap_install_time(&map).slow_s;
        double revert = flashmap_revert_time(&map).slow_s;
        assert_true(install > 0.99 * expected[i].install && install < 1.01 * expected[i].install);
        assert_true(revert > 0.98 * expected[i].revert && revert < 1.02 * expected[i].revert);
    }
}

static void test_where_the_journal_goes(void **state)
{
    static const struct {
        const char *name;
        uint32_t addr, size, cell, half;
        bool assigned;
    } expected[] = {{SWAP_2M, 0x101E8000, 0x6C00, 512, 0x3600, false},
                    {OVERWRITE_2M, 0x101E8000, 0x6C00, 512, 0x3600, true},
                    {XIP_512K, 0x10018000, 0x3C00, 512, 0x1E00, false},
                    {SWAP_XMC, 0x14030000, 0x2800, 32, 0x1400, false},
                    {OVERWRITE_XMC, 0x14030000, 0x2800, 32, 0x1400, true}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct flashmap map = load(expected[i].name, NULL);
        const struct flashmap_area *journal = flashmap_journal(&map);
        assert_non_null(journal);
        assert_int_equal(journal->addr, expected[i].addr);
        assert_int_equal(journal->size, expected[i].size);
        assert_int_equal(map.cell_size, expected[i].cell);
        assert_int_equal(map.half_size, expected[i].half);
        assert_int_equal(journal->assigned, expected[i].assigned);
    }
}

/* The place by habit is taken: the first gap. No gap that large: the smallest that will do. */
static void test_the_journal_moves_into_the_first_gap(void **state)
{
    (void)state;
    struct flashmap map =
        load(OVERWRITE_2M, EDIT("0x10018000", "0x1001C000", "0x001C0000", "0x001D0000"));
    assert_int_equal(flashmap_journal(&map)->addr, 0x101EC000);
    assert_int_equal(flashmap_journal(&map)->size, 0x6C00);
    map = load(OVERWRITE_2M, EDIT("0x10018000", "0x1001B000", "0x001C0000", "0x001E5000"));
    assert_int_equal(flashmap_journal(&map)->addr, 0x10018000);
    assert_int_equal(flashmap_journal(&map)->size, 0x3000);
}

static void test_the_assigned_place_can_be_written_down(void **state)
{
    (void)state;
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap assigned = load_edited(OVERWRITE_XMC, NULL, NULL, &report);
    assert_int_equal(report.notes.count, 1);
    assert_non_null(strstr(report.notes.line[0],
                           "\"state\": {\"address\": \"0x14030000\", \"size\": \"0x2800\"}"));
    flashmap_report_free(&report);
    struct flashmap written =
        load_edited(OVERWRITE_XMC, NULL,
                    EDIT("\"application_1\"",
                         "\"state\": {\"address\": \"0x14030000\", \"size\": \"0x2800\"},\n"
                         "  \"application_1\""),
                    &report);
    assert_int_equal(report.notes.count, 0);
    flashmap_report_free(&report);
    assert_memory_equal(assigned.hash, written.hash, sizeof written.hash);
}

static void test_state_trailer_gives_up_the_journal(void **state)
{
    (void)state;
    struct flashmap map =
        load(OVERWRITE_XMC, EDIT("\"application_1\"", "\"state\": \"trailer\", \"application_1\""));
    struct otter_layout layout;
    static const struct otter_flash flash;
    const struct otter_flash *devices[] = {&flash, &flash, &flash, &flash};
    flashmap_layout(&map, devices, &layout);
    assert_null(flashmap_journal(&map));
    assert_int_equal(layout.journal.size, 0);
    assert_ptr_equal(layout.trailers, &otter_trailers);
    assert_int_equal(layout.image_size_max, 0x1F0000); /* less the sectors of trailer and marks */
}

/* Texts that mean the same have the same hash; a difference that matters changes it. */
static void test_the_hash_is_of_the_meaning(void **state)
{
    (void)state;
    struct flashmap map = load(SWAP_2M, NULL);
    struct flashmap same[] = {
        load(SWAP_2M, EDIT("\"description\": \"scratch: bytes, whole erase sectors\",", "")),
        load(SWAP_2M, EDIT("0x101E8000", "0x101e8000", "0x00006C00", "0x0000000006c00")),
        load(SWAP_2M, EDIT("\"external_flash\"", "\"upgrade\": \"swap\", \"platform\": "
                                                 "\"PSOC_062_2M\", \"external_flash\"")),
        load(SWAP_2M, EDIT("\"model\": \"S25HS256T\"",
                           "\"flash-size\": \"0x2000000\", \"erase-size\": \"0x40000\"")),
    };
    struct flashmap other[] = {
        load(SWAP_2M, EDIT("0x18440000", "0x18480000")),
        load(SWAP_2M, EDIT("S25HS256T", "S25HS512T")),
        load(SWAP_2M, EDIT("\"external_flash\"", "\"upgrade\": \"overwrite\", \"external_flash\"")),
        load(SWAP_2M, EDIT("0x00028000", "0x00027000")),
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_memory_equal(map.hash, same[i].hash, sizeof map.hash);
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_memory_not_equal(map.hash, other[i].hash, sizeof map.hash);
    }
}

static void test_the_mode_can_be_said(void **state)
{
    (void)state;
    struct flashmap_options overwrite = {.mode = "overwrite"};
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap map = load_edited(
        SWAP_2M, &overwrite,
        EDIT("\"external_flash\"", "\"upgrade\": \"swap\", \"external_flash\""), &report);
    assert_int_equal(map.mode, OTTER_MODE_OVERWRITE); /* --mode before the map's key */
    assert_int_equal(map.scratch, -1);
    assert_int_equal(flashmap_journal(&map)->role, FLASHMAP_STATUS);
    flashmap_report_free(&report);
    map =
        load(OVERWRITE_XMC, EDIT("\"application_1\"", "\"upgrade\": \"swap\", \"application_1\""));
    assert_int_equal(map.mode, OTTER_MODE_SWAP);
}

/* Without scratch a swap needs room in the secondary: one unit less of image. */
static void test_a_swap_without_scratch_limits_the_image(void **state)
{
    (void)state;
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap map =
        load_edited(OVERWRITE_XMC, NULL,
                    EDIT("\"application_1\"", "\"upgrade\": \"swap\", \"application_1\""), &report);
    assert_int_equal(map.geometry[0].image_size_max, 0x1F8000);
    assert_int_equal(map.geometry[0].unit_size, 0x8000);
    assert_int_equal(report.notes.count, 3);
    assert_non_null(strstr(report.notes.line[2], "0x105F8000, size 0x80000, free in code_large "
                                                 "flash, would allow images of 0x200000"));
    assert_non_null(strstr(report.notes.line[1], "limited to 0x1F8000 in place of 0x200000"));
    flashmap_report_free(&report);
}

/* Scratch in work flash is slow; the note's own advice, taken, leaves nothing to advise. */
static void test_advice_about_the_scratch_area(void **state)
{
    (void)state;
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    (void)load_edited(SWAP_2M, NULL, NULL, &report);
    (void)load_edited(XIP_512K, NULL, NULL, &report);
    assert_int_equal(report.notes.count, 0);
    (void)load_edited(SWAP_XMC, NULL, NULL, &report);
    assert_int_equal(report.notes.count, 1);
    assert_non_null(strstr(report.notes.line[0], "scratch area at 0x105F8000, size 0x80000"));
    flashmap_report_free(&report);
    (void)load_edited(SWAP_XMC, NULL, EDIT("0x14000000", "0x105F8000", "\"0x8000\"", "\"0x80000\""),
                      &report);
    assert_int_equal(report.notes.count, 0);
    flashmap_report_free(&report);
}

static void test_the_platform_follows_from_the_map_or_is_said(void **state)
{
    (void)state;
    assert_string_equal(load(SWAP_2M, NULL).platform, "PSOC_062_2M");
    assert_string_equal(load(OVERWRITE_2M, NULL).platform, "PSOC_062_2M");
    assert_string_equal(load(XIP_512K, NULL).platform, "PSOC_062_512K");
    assert_string_equal(load(SWAP_XMC, NULL).platform, "XMC7200");
    struct flashmap_options kit = {.kit = "CY8CPROTO-062S2-43439"};
    struct flashmap_options both = {.kit = "CY8CPROTO-062S3-4343W", .platform = "PSOC_062_1M"};
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap map = load_edited(XIP_512K, &kit, NULL, &report);
    assert_string_equal(map.platform, "PSOC_062_2M");
    assert_int_equal(map.devices[0].size, 0x200000);
    map = load_edited(XIP_512K, &both, NULL, &report);
    assert_string_equal(map.platform, "PSOC_062_1M");
    flashmap_report_free(&report);
}

static void test_every_kit_has_its_maps_and_board(void **state)
{
    (void)state;
    int count = 0;
    for (const struct flashmap_kit *kit = flashmap_kits; kit->target; kit++, count++) {
        char board[64];
        const char *maps[] = {kit->map, kit->other_map};
        struct flashmap_options options = {.kit = kit->target};
        for (int i = 0; i < 2 && maps[i]; i++) {
            struct flashmap map;
            assert_int_equal(flashmap_open(maps[i], &options, &map), 0);
            assert_string_equal(map.platform, kit->platform);
            assert_int_equal(map.mode, i == 0 ? OTTER_MODE_SWAP : OTTER_MODE_OVERWRITE);
        }
        flashmap_kit_board(kit, board, sizeof board);
        assert_ptr_equal(flashmap_kit_find(board), kit);
        assert_ptr_equal(flashmap_kit_find(kit->target), kit);
        assert_null(strchr(board, '-'));
    }
    assert_int_equal(count, 12);
    char board[64];
    flashmap_kit_board(flashmap_kit_find("APP_CY8CPROTO-062S2-43439"), board, sizeof board);
    assert_string_equal(board, "APP_CY8CPROTO_062S2_43439");
    assert_null(flashmap_kit_find("CY8CKIT-000"));
}

static void test_four_applications(void **state)
{
    (void)state;
    struct flashmap map =
        load(OVERWRITE_XMC,
             EDIT("\"application_1\"",
                  "\"application_2\": {\"slots\": {\"boot\": \"0x10020000\", \"upgrade\": "
                  "\"0x105F8000\", \"size\": \"0x18000\"}},\n"
                  "\"application_3\": {\"slots\": {\"boot\": \"0x10038000\", \"upgrade\": "
                  "\"0x10610000\", \"size\": \"0x18000\"}},\n"
                  "\"application_4\": {\"slots\": {\"boot\": \"0x10050000\", \"upgrade\": "
                  "\"0x10628000\", \"size\": \"0x18000\"}},\n \"application_1\""));
    assert_int_equal(map.apps_count, 4);
    assert_int_equal(map.areas_count, 1 + 8 + 1);
    assert_string_equal(flashmap_find(&map, FLASHMAP_SECONDARY, 4)->label, "secondary_4");
    assert_int_equal(map.geometry[3].image_size_max, 0x18000);
}

/* A platform file in both spellings of its key; a part with its banks elsewhere. */
static void test_a_platform_file_of_ones_own(void **state)
{
    static const char *const spellings[] = {"type", "mem_type"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[] = "/tmp/otter-platform-XXXXXX.json";
        int fd = mkstemps(path, 5);
        assert_true(fd >= 0);
        dprintf(fd,
                "{\"memory_regions\": [{\"address\": \"0x10000000\", \"size\": \"0x3F0000\","
                "\"erase_size\": \"0x8000\", \"erase_value\": \"0xFF\","
                "\"%s\": \"INTERNAL_FLASH_CODE_LARGE\"}]}",
                spellings[i]);
        close(fd);
        struct flashmap_options options = {.platform = path};
        struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
        struct flashmap map =
            load_edited(OVERWRITE_XMC, &options,
                        EDIT("0x200000", "0x100000", "0x103F8000", "0x10228000"), &report);
        assert_int_equal(map.devices_count, 1);
        assert_int_equal(map.devices[0].bank_size, 0x1F8000);
        assert_int_equal(flashmap_journal(&map)->addr, 0x10020000); /* no work flash: here */
        flashmap_report_free(&report);
        unlink(path);
    }
}

/* docs/spec/80-flashmap.md shows one canonical text and its hash. */
static void test_the_worked_example_of_the_specification(void **state)
{
    (void)state;
    char *doc = calloc(1, 1 << 16);
    FILE *file = fopen(OTTER_SOURCE_DIR "/docs/spec/80-flashmap.md", "r");
    assert_non_null(doc);
    assert_non_null(file);
    assert_true(fread(doc, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    struct flashmap map = load(SWAP_2M, NULL);
    char *text = flashmap_canonical(&map);
    char hex[2 * OTTER_HASH_SIZE + 1];
    for (size_t i = 0; i < OTTER_HASH_SIZE; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", map.hash[i]);
    }
    assert_non_null(strstr(doc, text));
    assert_non_null(strstr(doc, hex));
    free(text);
    free(doc);
}

/* Segments cover a device from end to end, without gap or overlap. */
static void test_segments_cover_the_device(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        struct flashmap map = load(replaced[i].name, NULL);
        for (uint32_t d = 0; d < map.devices_count; d++) {
            struct flashmap_segment segments[FLASHMAP_SEGMENTS_MAX];
            uint32_t count = flashmap_segments(&map, d, segments);
            uint32_t at = map.devices[d].addr;
            for (uint32_t s = 0; s < count; s++) {
                assert_int_equal(segments[s].addr, at);
                assert_int_not_equal(segments[s].size, 0);
                at += segments[s].size;
            }
            assert_int_equal(at, map.devices[d].addr + map.devices[d].size);
        }
    }
}

/* The JSON files and the simulator's table hold the same numbers. */
static void same_place(const struct flashmap *map, const struct otter_area *area, int index,
                       const struct sim_map *sim, const struct sim_place *place)
{
    assert_int_equal(area->size, place->size);
    if (place->size == 0) {
        assert_int_equal(index, -1);
        return;
    }
    const struct flashmap_device *device = &map->devices[map->areas[index].device];
    const struct sim_geometry *part = &sim->parts[place->device];
    assert_int_equal(area->base, place->base);
    assert_string_equal(device->timing, part->name);
    assert_int_equal(device->size, part->size);
    assert_int_equal(device->sector_size, part->sector_size);
    assert_int_equal(device->prog_size, part->prog_size);
    assert_int_equal(device->erased, part->erased);
    assert_int_equal(device->row_write, part->row_write);
}

static void test_maps_agree_with_the_simulator(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIM_MAPS_COUNT; i++) {
        struct sim_map sim;
        struct flashmap map;
        struct otter_layout layout;
        static const struct otter_flash flash[FLASHMAP_DEVICES_MAX];
        const struct otter_flash *devices[FLASHMAP_DEVICES_MAX];
        for (uint32_t d = 0; d < FLASHMAP_DEVICES_MAX; d++) {
            devices[d] = &flash[d];
        }
        assert_true(sim_map_find(sim_map_name(i), &sim));
        assert_int_equal(flashmap_open(sim.name, NULL, &map), 0);
        flashmap_layout(&map, devices, &layout);
        assert_int_equal(layout.mode, sim.mode);
        assert_int_equal(layout.image_size_max, sim.image_size_max);
        assert_int_equal(layout.primary_addr, sim.primary_addr);
        same_place(&map, &layout.primary, (int)map.geometry[0].primary, &sim, &sim.primary);
        same_place(&map, &layout.secondary, (int)map.geometry[0].secondary, &sim, &sim.secondary);
        same_place(&map, &layout.scratch, map.scratch, &sim, &sim.scratch);
        same_place(&map, &layout.journal, map.journal, &sim, &sim.journal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_five_maps_mean_what_they_meant),
        cmocka_unit_test(test_maps_agree_with_the_simulator),
        cmocka_unit_test(test_numbers_of_the_swap),
        cmocka_unit_test(test_the_unit_ends_on_a_boundary),
        cmocka_unit_test(test_modelled_times),
        cmocka_unit_test(test_where_the_journal_goes),
        cmocka_unit_test(test_the_journal_moves_into_the_first_gap),
        cmocka_unit_test(test_the_assigned_place_can_be_written_down),
        cmocka_unit_test(test_state_trailer_gives_up_the_journal),
        cmocka_unit_test(test_the_hash_is_of_the_meaning),
        cmocka_unit_test(test_the_mode_can_be_said),
        cmocka_unit_test(test_a_swap_without_scratch_limits_the_image),
        cmocka_unit_test(test_advice_about_the_scratch_area),
        cmocka_unit_test(test_the_platform_follows_from_the_map_or_is_said),
        cmocka_unit_test(test_every_kit_has_its_maps_and_board),
        cmocka_unit_test(test_four_applications),
        cmocka_unit_test(test_a_platform_file_of_ones_own),
        cmocka_unit_test(test_segments_cover_the_device),
        cmocka_unit_test(test_the_worked_example_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
