/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - text put together in a buffer, and numbers read from one. */
#include "agent/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char buf[64];

static struct otter_text empty(size_t size)
{
    memset(buf, '#', sizeof buf);
    return (struct otter_text){.buf = buf, .size = size};
}

static void holds(const struct otter_text *text, const char *expected)
{
    assert_int_equal(text->len, strlen(expected));
    assert_memory_equal(buf, expected, text->len);
    for (size_t i = text->len; i < sizeof buf; i++) {
        assert_int_equal(buf[i], '#');
    }
}

static void test_what_does_not_fit_is_left_out_and_said_for_good(void **state)
{
    (void)state;
    struct otter_text text = empty(5);
    otter_text_add(&text, "abc");
    otter_text_add(&text, "de");
    assert_false(text.full);
    otter_text_add(&text, "f");
    assert_true(text.full);
    otter_text_add(&text, "");
    holds(&text, "abcde");
    text = empty(5);
    otter_text_add(&text, "abcdef");
    assert_true(text.full);
    otter_text_add(&text, "a"); /* would fit, but something is missing before it */
    holds(&text, "");
}

static void test_numbers_and_versions(void **state)
{
    (void)state;
    struct otter_text text = empty(sizeof buf);
    otter_text_add_u32(&text, 0);
    otter_text_add(&text, " ");
    otter_text_add_u32(&text, UINT32_MAX);
    otter_text_add(&text, " ");
    otter_text_add_version(&text, &(struct otter_version){1, 20, 300, 0});
    otter_text_add(&text, " ");
    otter_text_add_version(&text, &(struct otter_version){255, 0, 65535, 7});
    holds(&text, "0 4294967295 1.20.300 255.0.65535+7");
}

static void test_strings_are_escaped_for_json(void **state)
{
    (void)state;
    struct otter_text text = empty(sizeof buf);
    otter_text_add_json(&text, "a\"b\\c\n\x1f/\xc3\xa4");
    holds(&text, "\"a\\\"b\\\\c\\u000a\\u001f/\xc3\xa4\"");
    for (size_t size = 0; size < 8; size++) { /* never half an escape */
        text = empty(size);
        otter_text_add_json(&text, "\t");
        assert_true(text.full);
        holds(&text, size == 0 ? "" : size < 7 ? "\"" : "\"\\u0009");
    }
}

static void test_texts_are_the_same_in_any_case(void **state)
{
    (void)state;
    assert_true(otter_text_same("Content-Length", "cONTENT-lENGTH"));
    assert_false(otter_text_same("a", "ab"));
    assert_false(otter_text_same("ab", "a"));
    assert_false(otter_text_same("@", "`")); /* one bit apart, as A and a are */
    assert_false(otter_text_same("[", "{"));
    assert_true(otter_text_same_len("abcd", 2, "AB"));
    assert_false(otter_text_same_len("abcd", 3, "AB"));
    assert_true(otter_text_same("", ""));
}

static bool read_u32(const char *str, uint32_t max, uint32_t *value, size_t *used)
{
    const char *at = str;
    *value = 77;
    bool read = otter_text_read_u32(&at, str + strlen(str), max, value);
    *used = (size_t)(at - str);
    return read;
}

static void test_numbers_are_read_up_to_their_limit(void **state)
{
    (void)state;
    static const struct {
        const char *str;
        uint32_t max, value;
        size_t used;
        bool read;
    } cases[] = {
        {"0", 9, 0, 1, true},
        {"007x", 9, 7, 3, true},
        {"4294967295", UINT32_MAX, UINT32_MAX, 10, true},
        {"4294967296", UINT32_MAX, UINT32_MAX, 10, false},
        {"99999999999999999999", UINT32_MAX, UINT32_MAX, 20, false},
        {"599", 599, 599, 3, true},
        {"600", 599, 599, 3, false},
        {"60000", 599, 599, 5, false},
        {"3", 2, 2, 1, false},  /* the first digit is too large */
        {"31", 2, 2, 2, false}, /* and stays so */
        {"", 9, 77, 0, false},
        {"-1", 9, 77, 0, false},
        {" 1", 9, 77, 0, false},
        {":", 9, 77, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t value;
        size_t used;
        assert_int_equal(read_u32(cases[i].str, cases[i].max, &value, &used), cases[i].read);
        assert_int_equal(value, cases[i].value);
        assert_int_equal(used, cases[i].used);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_not_fit_is_left_out_and_said_for_good),
        cmocka_unit_test(test_numbers_and_versions),
        cmocka_unit_test(test_strings_are_escaped_for_json),
        cmocka_unit_test(test_texts_are_the_same_in_any_case),
        cmocka_unit_test(test_numbers_are_read_up_to_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
