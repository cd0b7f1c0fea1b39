/* SPDX-License-Identifier: Apache-2.0 */
/* test_delta_address.c - Thumb code is recognised, and where it is linked to run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slot/bytes.h"
#include "tool/delta_address.h"

enum { FUNCTIONS = 40, FUNCTION_SIZE = 52, TABLE = 0x40, CODE = 0x200, FIRMWARE_SIZE = 0x1000 };

/* Functions of one shape, each of which calls the next one, and a table of their addresses. */
static struct tool_bytes firmware(uint32_t address)
{
    struct tool_bytes file = {calloc(1, FIRMWARE_SIZE + 1), FIRMWARE_SIZE};
    assert_non_null(file.data);
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        uint32_t off = CODE + i * FUNCTION_SIZE;
        uint32_t call = off + 2 + i % 20 * 2;
        uint32_t next = CODE + (i + 1) % FUNCTIONS * FUNCTION_SIZE;
        uint32_t distance = next - (call + 4);
        memset(file.data + off, 0xbf, FUNCTION_SIZE);
        store_le16(file.data + off, 0xb510);
        store_le16(file.data + call, 0xf000 | (distance >> 12 & 0x7ff));
        store_le16(file.data + call + 2, 0xf800 | (distance >> 1 & 0x7ff));
        store_le32(file.data + TABLE + i * 4, address + off + 1);
    }
    return file;
}

static void test_the_address_is_found(void **state)
{
    (void)state;
    static const uint32_t addresses[] = {0, 0x100, 0x8000, 0x08020000, 0x10000400, 0x18000000, 0x60000000};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct tool_bytes file = firmware(addresses[i]);
        uint32_t address = 0xdead;
        assert_true(delta_is_thumb(&file));
        assert_true(delta_guess_address(&file, &address));
        assert_int_equal(address, addresses[i]);
        assert_int_equal(delta_address_score(&file, addresses[i]), FUNCTIONS);
        assert_true(delta_address_score(&file, addresses[i] + 4) < FUNCTIONS / 2);
        tool_bytes_free(&file);
    }
}

static void test_a_wrong_address_is_told_with_a_better_one(void **state)
{
    (void)state;
    struct tool_bytes file = firmware(0x08008000);
    uint32_t better = 0xdead;
    assert_true(delta_address_fits(&file, 0x08008000, &better));
    assert_int_equal(better, 0xdead);
    assert_false(delta_address_fits(&file, 0x08000000, &better));
    assert_int_equal(better, 0x08008000);
    tool_bytes_free(&file);
}

static void test_without_pointers_no_address_is_guessed(void **state)
{
    (void)state;
    struct tool_bytes file = firmware(0x08008000);
    uint32_t address = 0xdead;
    memset(file.data + TABLE, 0, FUNCTIONS * 4);
    assert_true(delta_is_thumb(&file));
    assert_false(delta_guess_address(&file, &address));
    assert_true(delta_address_fits(&file, 0x1234, &address)); /* nothing can be said */
    assert_int_equal(address, 0xdead);
    tool_bytes_free(&file);
}

static void test_other_files_are_no_thumb_code(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 1000, 300000};
    uint32_t seed = 5;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct tool_bytes file = {calloc(1, sizes[i] + 1), sizes[i]};
        assert_non_null(file.data);
        uint32_t address = 0xdead;
        assert_false(delta_is_thumb(&file)); /* all zero */
        assert_false(delta_guess_address(&file, &address));
        for (size_t at = 0; at < file.len; at++) {
            seed = seed * 1664525u + 1013904223u;
            file.data[at] = (uint8_t)(seed >> 24);
        }
        assert_false(delta_is_thumb(&file));
        assert_false(delta_guess_address(&file, &address));
        assert_int_equal(address, 0xdead);
        assert_true(delta_address_score(&file, 0x08000000) < 12);
        tool_bytes_free(&file);
    }
}

/* Calls, then nothing but words that are odd and function beginnings: votes are limited. */
static void test_many_votes_are_bounded(void **state)
{
    (void)state;
    struct tool_bytes file = {malloc(1 << 20), 1 << 20};
    assert_non_null(file.data);
    for (uint32_t off = 0; off < 64; off += 4) {
        uint32_t distance = 64 - (off + 4);
        store_le16(file.data + off, 0xf000 | (distance >> 12 & 0x7ff));
        store_le16(file.data + off + 2, 0xf800 | (distance >> 1 & 0x7ff));
    }
    for (uint32_t off = 64; off < file.len; off += 4) {
        store_le16(file.data + off, 0xb501);
        store_le16(file.data + off + 2, off >> 2 & 0xff7f);
    }
    uint32_t address = 0;
    assert_true(delta_is_thumb(&file));
    (void)delta_guess_address(&file, &address);
    (void)delta_address_score(&file, address);
    tool_bytes_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_address_is_found),
        cmocka_unit_test(test_a_wrong_address_is_told_with_a_better_one),
        cmocka_unit_test(test_without_pointers_no_address_is_guessed),
        cmocka_unit_test(test_other_files_are_no_thumb_code),
        cmocka_unit_test(test_many_votes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
