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
        cmocka_unit_test(test_deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
