/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_flashmap_bad.c - flash maps with one thing wrong each, and the message that says so.
 *
 * The cases are in flashmap_mistakes.h. The first message must be exactly as written there,
 * and the count of messages right. Where the JSON parser speaks, the words are its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/swap.h"
#include "otter/result.h"
#include "test/unit/flashmap_mistakes.h"
#include "tool/flashmap_parts.h"

/* `text` with the first `from` replaced by `to`; frees `text`. */
static char *replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    size_t before = (size_t)(at - text);
    size_t size = strlen(text) + strlen(to) + 1;
    char *result = malloc(size);
    assert_non_null(result);
    memcpy(result, text, before);
    (void)snprintf(result + before, size - before, "%s%s", to, at + strlen(from));
    free(text);
    return result;
}

static char *text_of(const struct mistake *mistake)
{
    char *text = strdup(mistake->base ? flashmap_builtin_find(mistake->base)->text : mistake->text);
    assert_non_null(text);
    for (size_t i = 0; mistake->edit[i]; i += 2) {
        text = replace(text, mistake->edit[i], mistake->edit[i + 1]);
    }
    return text;
}

static bool says(const char *message, const char *expected)
{
    bool json = strncmp(expected, "not JSON", 8) == 0;
    return json ? strncmp(message, expected, strlen(expected)) == 0
                : strcmp(message, expected) == 0;
}

static void test_every_mistake_has_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flashmap map;
        struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
        char *text = text_of(&cases[i]);
        int rc = flashmap_parse(cases[i].name, text, strlen(text), NULL, &map, &report);
        const char *first = report.errors.count ? report.errors.line[0] : "no error";
        if (rc != 1 || report.errors.count != cases[i].errors || !says(first, cases[i].first)) {
            fail_msg("%s: exit %d, %u errors, first: %s", cases[i].name, rc, report.errors.count,
                     first);
        }
        for (uint32_t e = 0; e < report.errors.count; e++) {
            assert_null(strpbrk(report.errors.line[e], "\n\r\033"));
        }
        flashmap_report_free(&report);
        free(text);
    }
}

/* Cut anywhere, a map is refused with one message about JSON, and nothing is read past it. */
static void test_a_map_cut_short_is_refused(void **state)
{
    (void)state;
    for (const struct flashmap_builtin *builtin = flashmap_builtins; builtin->name; builtin++) {
        size_t whole = strlen(builtin->text) - 2; /* without the last brace */
        for (size_t len = 0; len <= whole; len++) {
            struct flashmap map;
            struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
            char *copy = malloc(len ? len : 1); /* exactly: a read behind it is found by asan */
            assert_non_null(copy);
            memcpy(copy, builtin->text, len);
            assert_int_equal(flashmap_parse("cut", copy, len, NULL, &map, &report), 1);
            assert_int_equal(report.errors.count, 1);
            assert_int_equal(strncmp(report.errors.line[0], "not JSON: ", 10), 0);
            flashmap_report_free(&report);
            free(copy);
        }
    }
}

/* A byte changed anywhere: refused or read, never a crash. Same seed, same bytes. */
static void test_a_damaged_map_does_no_harm(void **state)
{
    (void)state;
    uint32_t random = 1;
    const struct flashmap_builtin *builtin = flashmap_builtins;
    for (int round = 0; round < 20000; round++) {
        struct flashmap map;
        struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
        char *copy = malloc(builtin->len);
        assert_non_null(copy);
        memcpy(copy, builtin->text, builtin->len);
        for (int changes = 0; changes < 3; changes++) {
            random = random * 1664525u + 1013904223u;
            copy[(random >> 8) % builtin->len] = (char)(random >> 24);
        }
        int rc = flashmap_parse("damaged", copy, builtin->len, NULL, &map, &report);
        assert_int_equal(rc, report.errors.count > 0);
        flashmap_report_free(&report);
        free(copy);
        builtin = builtin[1].name ? builtin + 1 : flashmap_builtins;
    }
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

/* Some digits of some hex numbers in the text changed. */
static void change_digits(char *text, size_t len, uint32_t *random)
{
    static const char digits[] = "0000012468ABCDEF";
    size_t changes = 1 + next_random(random) % 3;
    while (changes > 0) {
        size_t at = next_random(random) % len;
        bool in_number =
            at > 8 && memchr(text + at - 8, 'x', 8) && strchr("0123456789ABCDEF", text[at]);
        if (in_number && text[at + 1] != 'x') {
            text[at] = digits[next_random(random) % 16];
            changes--;
        }
    }
}

/* The rules once more, from their words in the specification, byte by byte where that is
 * simple: what was accepted keeps them. */
static void keeps_the_rules(const struct flashmap *map)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        const struct flashmap_area *a = &map->areas[i];
        const struct flashmap_device *device = &map->devices[a->device];
        assert_true(a->size > 0 && a->addr >= device->addr);
        assert_true((uint64_t)a->addr + a->size <= (uint64_t)device->addr + device->size);
        for (uint32_t j = 0; j < map->areas_count; j++) {
            const struct flashmap_area *b = &map->areas[j];
            if (i != j && a->device == b->device && a->base <= b->base) {
                uint32_t last = (a->base + a->size - 1) / device->sector_size;
                assert_true(last < b->base / device->sector_size);
            }
        }
        if (a->role >= FLASHMAP_SCRATCH) {
            assert_int_equal(a->base % device->sector_size + a->size % device->sector_size, 0);
        }
    }
}

static void keeps_the_numbers(const struct flashmap *map)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    const struct flashmap_area *primary = &map->areas[geometry->primary];
    const struct flashmap_area *secondary = &map->areas[geometry->secondary];
    const struct flashmap_device *below = &map->devices[primary->device];
    uint32_t image = geometry->image_size_max;
    assert_true(image >= 0x1000 && image <= primary->size && image <= secondary->size);
    assert_int_equal(primary->addr % 0x400, 0);
    assert_true(!below->external || below->xip);
    assert_true(map->half_size >= 4 * map->devices[flashmap_journal(map)->device].sector_size);
    assert_true(map->half_size >= 12 * map->cell_size);
    assert_true(2 * map->half_size <= flashmap_journal(map)->size);
    if (map->mode == OTTER_MODE_SWAP) {
        uint32_t room = secondary->size - image;
        uint32_t scratch = map->scratch < 0 ? 0 : map->areas[map->scratch].size;
        assert_int_equal((primary->base + image) % below->sector_size, 0);
        assert_int_equal((secondary->base + image) % map->devices[secondary->device].sector_size,
                         0);
        assert_int_equal(geometry->unit_size % geometry->boundary_step, 0);
        assert_true(geometry->unit_size <= (room > scratch ? room : scratch));
        assert_true((uint64_t)geometry->units * geometry->unit_size >= image);
        assert_true((uint64_t)(geometry->units - 1) * geometry->unit_size < image);
    }
}

/* What the tool says of the largest image is what the bootloader will do with it. */
static void agrees_with_the_bootloader(const struct flashmap *map)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    struct otter_flash flash[FLASHMAP_DEVICES_MAX];
    const struct otter_flash *devices[FLASHMAP_DEVICES_MAX];
    struct otter_layout layout;
    struct otter_plan plan;
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        flash[i] = (struct otter_flash){.size = device->size,
                                        .sector_size = device->sector_size,
                                        .prog_size = device->prog_size,
                                        .erased = device->erased};
        devices[i] = &flash[i];
    }
    flashmap_layout(map, devices, &layout);
    uint32_t largest = geometry->image_size_max;
    assert_int_equal(otter_plan_make(&layout, largest, largest, &plan), 0);
    assert_int_equal(plan.unit, geometry->unit_size);
    assert_int_equal(plan.count, geometry->units);
    assert_int_equal(otter_plan_make(&layout, largest + 1, largest + 1, &plan), OTTER_ERR_NOSPACE);
}

static void test_what_is_accepted_keeps_the_rules(void **state)
{
    (void)state;
    uint32_t random = 7;
    uint32_t accepted = 0;
    const struct flashmap_builtin *builtin = flashmap_builtins;
    for (int round = 0; round < 30000; round++) {
        struct flashmap map;
        struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
        char *text = strdup(builtin->text);
        assert_non_null(text);
        change_digits(text, builtin->len - 2, &random);
        if (flashmap_parse("changed", text, strlen(text), NULL, &map, &report) == 0) {
            keeps_the_rules(&map);
            keeps_the_numbers(&map);
            if (map.mode == OTTER_MODE_SWAP) {
                agrees_with_the_bootloader(&map);
            }
            accepted++;
        }
        flashmap_report_free(&report);
        free(text);
        builtin = builtin[1].name ? builtin + 1 : flashmap_builtins;
    }
    assert_true(accepted > 3000 && accepted < 27000);
}

static void test_deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    struct flashmap map;
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    char *text = malloc(DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    assert_int_equal(flashmap_parse("deep", text, DEPTH, NULL, &map, &report), 1);
    assert_int_equal(report.errors.count, 1);
    flashmap_report_free(&report);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_mistake_has_its_message),
        cmocka_unit_test(test_a_map_cut_short_is_refused),
        cmocka_unit_test(test_a_damaged_map_does_no_harm),
        cmocka_unit_test(test_what_is_accepted_keeps_the_rules),
        cmocka_unit_test(test_deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
