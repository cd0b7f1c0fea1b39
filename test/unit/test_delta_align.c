/* SPDX-License-Identifier: Apache-2.0 */
/* test_delta_align.c - copies of an old file in a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slot/bytes.h"
#include "tool/delta_align.h"

static const struct delta_align_options plain = {.thumb = false, .address = 0};
static const struct delta_align_options thumb = {.thumb = true, .address = 0x08000000};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static struct tool_bytes random_bytes(size_t len, uint32_t seed)
{
    struct tool_bytes bytes = {malloc(len + 1), len};
    assert_non_null(bytes.data);
    for (size_t i = 0; i < len; i++) {
        bytes.data[i] = (uint8_t)next_random(&seed);
    }
    return bytes;
}

/* Aligns, checks what always holds, and returns the new bytes that are in no copy. */
static size_t align(const struct tool_bytes *old_file, const struct tool_bytes *new_file,
                    const struct delta_align_options *options, struct delta_copies *ret_copies)
{
    assert_int_equal(delta_align(old_file, new_file, options, ret_copies), 0);
    size_t end = 0;
    size_t literal = new_file->len;
    for (size_t i = 0; i < ret_copies->count; i++) {
        const struct delta_copy *copy = &ret_copies->list[i];
        assert_true(copy->len > 0);
        assert_true(copy->new_off >= end);
        end = (size_t)copy->new_off + copy->len;
        assert_true(end <= new_file->len);
        assert_true((size_t)copy->old_off + copy->len <= old_file->len);
        literal -= copy->len;
    }
    return literal;
}

static size_t literal_bytes(const struct tool_bytes *old_file, const struct tool_bytes *new_file,
                            const struct delta_align_options *options)
{
    struct delta_copies copies;
    size_t literal = align(old_file, new_file, options, &copies);
    delta_copies_free(&copies);
    return literal;
}

static void test_equal_files_are_one_copy(void **state)
{
    (void)state;
    static const size_t sizes[] = {20, 1000, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct tool_bytes file = random_bytes(sizes[i], 7);
        struct delta_copies copies;
        assert_int_equal(align(&file, &file, &thumb, &copies), 0);
        assert_int_equal(copies.count, 1);
        assert_int_equal(copies.list[0].old_off, 0);
        delta_copies_free(&copies);
        tool_bytes_free(&file);
    }
}

static void test_an_insertion_costs_two_copies(void **state)
{
    (void)state;
    struct tool_bytes old_file = random_bytes(10000, 1);
    struct tool_bytes new_file = random_bytes(10100, 2);
    memcpy(new_file.data, old_file.data, 4000);
    memcpy(new_file.data + 4100, old_file.data + 4000, 6000);
    new_file.data[2000] ^= 1; /* one byte that differs does not end a copy */
    struct delta_copies copies;
    assert_int_equal(align(&old_file, &new_file, &plain, &copies), 100);
    assert_int_equal(copies.count, 2);
    assert_int_equal(copies.list[0].len, 4000);
    assert_int_equal(copies.list[1].old_off, 4000);
    assert_int_equal(copies.list[1].new_off, 4100);
    delta_copies_free(&copies);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

static void test_blocks_that_changed_places_are_found(void **state)
{
    (void)state;
    struct tool_bytes old_file = random_bytes(8000, 3);
    struct tool_bytes new_file = random_bytes(8000, 3);
    memcpy(new_file.data, old_file.data + 5000, 3000);
    memcpy(new_file.data + 3000, old_file.data, 5000);
    struct delta_copies copies;
    assert_int_equal(align(&old_file, &new_file, &plain, &copies), 0);
    assert_int_equal(copies.count, 2);
    assert_int_equal(copies.list[0].old_off, 5000);
    delta_copies_free(&copies);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

static void test_files_without_anything_in_common_are_all_literal(void **state)
{
    (void)state;
    struct tool_bytes old_file = random_bytes(30000, 11);
    struct tool_bytes new_file = random_bytes(20000, 12);
    struct tool_bytes none = {old_file.data, 0};
    struct tool_bytes one = {old_file.data, 1};
    assert_int_equal(literal_bytes(&old_file, &new_file, &plain), 20000);
    assert_int_equal(literal_bytes(&none, &new_file, &thumb), 20000);
    assert_int_equal(literal_bytes(&new_file, &none, &thumb), 0);
    assert_int_equal(literal_bytes(&none, &none, &thumb), 0);
    assert_true(literal_bytes(&one, &one, &thumb) <= 1);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

static void test_random_edits_keep_the_promises(void **state)
{
    (void)state;
    uint32_t seed = 99;
    for (int round = 0; round < 60; round++) {
        struct tool_bytes old_file = random_bytes(1 + next_random(&seed) % 3000, seed);
        struct tool_bytes new_file = random_bytes(1 + next_random(&seed) % 3000, seed ^ 5);
        for (int edit = 0; edit < 12; edit++) {
            size_t from = next_random(&seed) % old_file.len;
            size_t to = next_random(&seed) % new_file.len;
            size_t room = new_file.len - to < old_file.len - from ? new_file.len - to : old_file.len - from;
            memcpy(new_file.data + to, old_file.data + from, next_random(&seed) % (room + 1));
        }
        (void)literal_bytes(&old_file, &new_file, round % 2 == 0 ? &plain : &thumb);
        tool_bytes_free(&old_file);
        tool_bytes_free(&new_file);
    }
}

/* Fibonacci words: the most repetitive texts. */
static void fill_fibonacci(struct tool_bytes *file)
{
    size_t before = 1;
    size_t len = 2;
    memcpy(file->data, "ab", 2);
    while (len < file->len) {
        size_t more = before < file->len - len ? before : file->len - len;
        memcpy(file->data + len, file->data, more);
        before = len;
        len += more;
    }
}

static void fill(struct tool_bytes *file, int what, uint32_t seed)
{
    for (size_t i = 0; i < file->len; i++) {
        uint32_t random = next_random(&seed);
        file->data[i] = (uint8_t)(what == 0   ? 0
                                  : what == 1 ? (i + seed % 2) % 1000 % 251
                                  : what == 2 ? 'a' + random % 2
                                              : random);
    }
    if (what == 3) {
        fill_fibonacci(file);
    }
}

/* Whatever is in the files: bytes compared stay within a fixed number for each byte. */
static void test_no_input_takes_more_than_linear_work(void **state)
{
    (void)state;
    enum { SIZE = 100000, KINDS = 5 };
    for (int first = 0; first < KINDS; first++) {
        for (int second = 0; second < KINDS; second++) {
            struct tool_bytes old_file = random_bytes(SIZE, 1);
            struct tool_bytes new_file = random_bytes(SIZE, 2);
            fill(&old_file, first, 1);
            fill(&new_file, second, 2);
            struct delta_copies copies;
            (void)align(&old_file, &new_file, &thumb, &copies);
            assert_true(copies.work <= (uint64_t)SIZE * 200);
            delta_copies_free(&copies);
            tool_bytes_free(&old_file);
            tool_bytes_free(&new_file);
        }
    }
}

static void test_zeros_are_a_copy_of_zeros(void **state)
{
    (void)state;
    struct tool_bytes file = {calloc(1, 70001), 70000};
    assert_non_null(file.data);
    struct delta_copies copies;
    assert_int_equal(align(&file, &file, &thumb, &copies), 0);
    assert_int_equal(copies.count, 1);
    delta_copies_free(&copies);
    tool_bytes_free(&file);
}

static void test_the_same_input_gives_the_same_copies(void **state)
{
    (void)state;
    struct tool_bytes old_file = random_bytes(20000, 1);
    struct tool_bytes new_file = random_bytes(20000, 2);
    fill(&old_file, 2, 1);
    fill(&new_file, 2, 2);
    struct delta_copies one;
    struct delta_copies two;
    (void)align(&old_file, &new_file, &thumb, &one);
    (void)align(&old_file, &new_file, &thumb, &two);
    assert_int_equal(one.count, two.count);
    assert_memory_equal(one.list, two.list, one.count * sizeof one.list[0]);
    delta_copies_free(&one);
    delta_copies_free(&two);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

/* BL at `off` to `target`. */
static void put_call(struct tool_bytes *file, uint32_t off, uint32_t target)
{
    uint32_t distance = target - (off + 4);
    store_le16(file->data + off, 0xf000 | (distance >> 12 & 0x7ff));
    store_le16(file->data + off + 2, 0xf800 | (distance >> 1 & 0x7ff));
}

/* Code in which every second instruction is a call; in its middle something is put in: every call that
 * crosses it changes, and still there are just two copies. */
static void test_calls_that_changed_do_not_end_a_copy(void **state)
{
    (void)state;
    enum { HALF = 8000, GROWN = 100 };
    struct tool_bytes old_file = random_bytes(2 * HALF, 1);
    struct tool_bytes new_file = random_bytes(2 * HALF + GROWN, 2);
    uint32_t seed = 3;
    for (uint32_t off = 0; off < 2 * HALF; off += 8) {
        uint32_t at = off + (off >= HALF ? GROWN : 0);
        uint32_t target = next_random(&seed) % (2 * HALF) & ~1u;
        uint32_t moved = target + (target >= HALF ? GROWN : 0);
        put_call(&old_file, off, target);
        put_call(&new_file, at, moved);
        store_le16(old_file.data + off + 4, 0x2000 | next_random(&seed) % 0x800);
        store_le16(old_file.data + off + 6, 0x2000 | next_random(&seed) % 0x800);
        memcpy(new_file.data + at + 4, old_file.data + off + 4, 4);
    }
    for (uint32_t off = HALF; off < HALF + GROWN; off++) {
        new_file.data[off] = 0x46;
    }
    struct delta_copies copies;
    assert_int_equal(align(&old_file, &new_file, &thumb, &copies), GROWN);
    assert_int_equal(copies.count, 2);
    assert_int_equal(copies.list[1].old_off, HALF);
    delta_copies_free(&copies);
    assert_true(literal_bytes(&old_file, &new_file, &plain) > GROWN); /* without knowing calls */
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_files_are_one_copy),
        cmocka_unit_test(test_an_insertion_costs_two_copies),
        cmocka_unit_test(test_blocks_that_changed_places_are_found),
        cmocka_unit_test(test_files_without_anything_in_common_are_all_literal),
        cmocka_unit_test(test_random_edits_keep_the_promises),
        cmocka_unit_test(test_no_input_takes_more_than_linear_work),
        cmocka_unit_test(test_zeros_are_a_copy_of_zeros),
        cmocka_unit_test(test_the_same_input_gives_the_same_copies),
        cmocka_unit_test(test_calls_that_changed_do_not_end_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
