/* SPDX-License-Identifier: Apache-2.0 */
/* test_print.c - numbers, versions and hex from the command line and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tool/print.h"

static void test_versions_as_imgtool_takes_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct otter_version version;
    } good[] = {{"0", {0, 0, 0, 0}},
                {"1", {1, 0, 0, 0}},
                {"1.2", {1, 2, 0, 0}},
                {"1.2.3", {1, 2, 3, 0}},
                {"1.2.3+4", {1, 2, 3, 4}},
                {"255.255.65535+4294967295", {255, 255, 65535, 4294967295}}};
    static const char *const wrong[] = {"", ".", "1.", "1..2", "1.2.3.4", "1.2+3", "1.2.3+", "1.2.3+4.5", "01.2.3",
                                        "1.02", "256", "1.256", "1.2.65536", "1.2.3+4294967296", " 1.2.3", "1.2.3 ",
                                        "-1.2.3", "+1", "1.2.3-rc1", "a", "0x1", "99999999999999999999.0.0"};
    struct otter_version version;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(tool_version_parse(good[i].text, &version));
        assert_int_equal(otter_version_compare(&version, &good[i].version), 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (tool_version_parse(wrong[i], &version)) {
            fail_msg("'%s' is taken as a version", wrong[i]);
        }
    }
    char text[TOOL_VERSION_SIZE];
    assert_string_equal(tool_version_text(&good[3].version, text), "1.2.3");
    assert_string_equal(tool_version_text(&good[5].version, text), "255.255.65535+4294967295");
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t number;
    assert_true(tool_number("0", 10, &number) && number == 0);
    assert_true(tool_number("010", 10, &number) && number == 10);
    assert_true(tool_number("0x1F", 31, &number) && number == 31);
    assert_true(tool_number("18446744073709551615", UINT64_MAX, &number) && number == UINT64_MAX);
    static const char *const wrong[] = {"", " 1", "1 ", "-1", "+1", "0x", "0xg", "1k", "11", "0xb", "18446744073709551616",
                                        "a", "1.0"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (tool_number(wrong[i], 10, &number)) {
            fail_msg("'%s' is taken as a number up to 10", wrong[i]);
        }
    }
}

static void test_hex_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[4];
    size_t len = 9;
    char text[9];
    assert_true(tool_unhex("00aAfF", bytes, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "\x00\xaa\xff", 3);
    assert_string_equal(tool_hex(bytes, 3, text), "00aaff");
    assert_true(tool_unhex("", bytes, &len) && len == 0);
    assert_false(tool_unhex("0", bytes, &len));
    assert_false(tool_unhex("0g", bytes, &len));
    assert_false(tool_unhex("g0", bytes, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_as_imgtool_takes_them),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_hex_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
