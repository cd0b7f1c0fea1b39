/* SPDX-License-Identifier: Apache-2.0 */
/* test_delta_hostile.c - patches that are none, end early, go on, or lie: errors, and never a byte too many. */
#include "test/unit/delta_rig.h"

#define ADDRESS 0x08020000u

static struct tool_bytes old_file;
static struct tool_bytes new_file;
static struct tool_bytes patch;
static struct tool_bytes made;

static int set_up(void **state)
{
    (void)state;
    old_file = rig_firmware(2000, ADDRESS, 1000, 0);
    new_file = rig_firmware(2000, ADDRESS, 1000, 20);
    for (size_t i = 0; i < 200; i++) {
        new_file.data[300 + i] = (uint8_t)rig_random();
    }
    memcpy(new_file.data + 1500, new_file.data + 400, 100);
    rig_round_trip(&old_file, &new_file, ADDRESS, DELTA_FILTER_THUMB, &patch);
    made = rig_bytes(new_file.len);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
    tool_bytes_free(&patch);
    tool_bytes_free(&made);
    return 0;
}

static int decode(void)
{
    return rig_decode(&old_file, &patch, 64, 64, &made, -1);
}

/* What comes of the patch with one byte of its head changed. */
static int with(size_t at, uint8_t value)
{
    uint8_t before = patch.data[at];
    patch.data[at] = value;
    int err = decode();
    patch.data[at] = before;
    return err;
}

static void test_a_head_that_is_none_is_corrupt(void **state)
{
    (void)state;
    struct otter_delta_header header;
    assert_int_equal(with(0, 0xd6), OTTER_ERR_CORRUPT);
    assert_int_equal(otter_delta_read_header(patch.data, OTTER_DELTA_HEADER_SIZE - 1u, &header), OTTER_ERR_CORRUPT);
    assert_int_equal(otter_delta_read_header(patch.data, OTTER_DELTA_HEADER_SIZE, &header), 0);
    assert_int_equal(header.size, new_file.len);
    assert_int_equal(header.base_size, old_file.len);
    assert_int_equal(header.patch_size, patch.len);
    assert_int_equal(header.address, ADDRESS);
}

static void test_other_versions_and_filters_are_refused(void **state)
{
    (void)state;
    assert_int_equal(with(1, 0x21), OTTER_ERR_REFUSED);
    assert_int_equal(with(1, 0x01), OTTER_ERR_REFUSED);
    assert_int_equal(with(1, 0x12), OTTER_ERR_REFUSED);
    assert_int_equal(with(1, 0x1f), OTTER_ERR_REFUSED);
}

static void test_a_result_larger_than_its_room_is_refused_before_a_byte_is_made(void **state)
{
    (void)state;
    struct tool_bytes small = {.data = made.data, .len = made.len - 1};
    assert_int_equal(rig_decode(&old_file, &patch, 64, 64, &small, -1), OTTER_ERR_NOSPACE);
    assert_int_equal(with(7, 0xff), OTTER_ERR_NOSPACE);
}

static void test_a_patch_that_ends_early_gives_no_whole_result(void **state)
{
    (void)state;
    size_t whole = patch.len;
    for (patch.len = 0; patch.len < whole; patch.len++) {
        assert_int_equal(decode(), 0); /* waits for the rest */
    }
    for (size_t len = OTTER_DELTA_HEADER_SIZE; len < whole; len += 7) { /* it says that it is shorter */
        patch.len = len;
        patch.data[8] = (uint8_t)len;
        patch.data[9] = (uint8_t)(len >> 8);
        assert_int_equal(decode(), OTTER_ERR_CORRUPT);
    }
    patch.data[8] = (uint8_t)whole;
    patch.data[9] = (uint8_t)(whole >> 8);
    patch.len = whole;
    assert_int_equal(with(8, 46) | with(9, 0), OTTER_ERR_CORRUPT);
}

static void test_bytes_behind_a_patch_are_corrupt(void **state)
{
    (void)state;
    patch.len++; /* the NUL behind it */
    assert_int_equal(rig_decode(&old_file, &patch, patch.len, 64, &made, -1), OTTER_ERR_CORRUPT);
    patch.len--;
    assert_int_equal(decode(), 1);
}

static void test_a_read_that_fails_is_an_error_each_time(void **state)
{
    (void)state;
    for (int reads = 0; reads < 40; reads++) {
        assert_int_equal(rig_decode(&old_file, &patch, 9, 3, &made, reads), OTTER_ERR_IO);
    }
}

static void test_changed_bytes_stay_within_bounds(void **state)
{
    (void)state;
    for (size_t at = 5; at < patch.len; at++) { /* base_size is for the caller to compare */
        for (unsigned bit = 0; bit < 8; bit++) {
            int err = with(at, (uint8_t)(patch.data[at] ^ 1u << bit)); /* the rig asserts every read and write */
            assert_true(err <= 1 && err >= OTTER_ERR_ARG);
        }
    }
}

static void test_noise_behind_a_good_head_ends(void **state)
{
    (void)state;
    struct tool_bytes noise = rig_noise(4000);
    for (uint32_t seed = 0; seed < 300; seed++) {
        memcpy(noise.data, patch.data, OTTER_DELTA_HEADER_SIZE);
        noise.data[8] = (uint8_t)noise.len;
        noise.data[9] = (uint8_t)(noise.len >> 8);
        for (size_t i = OTTER_DELTA_HEADER_SIZE; i < noise.len; i++) {
            noise.data[i] = seed < 256 && i < 80 ? (uint8_t)seed : (uint8_t)rig_random();
        }
        assert_true(rig_decode(&old_file, &noise, 50, 50, &made, -1) < 0);
    }
    tool_bytes_free(&noise);
}

static void test_another_base_gives_another_result_and_no_more(void **state)
{
    (void)state;
    struct tool_bytes other = rig_noise(old_file.len);
    struct tool_bytes right = old_file;
    old_file = other;
    int err = decode();
    old_file = right;
    assert_true(err < 0 || memcmp(made.data, new_file.data, made.len) != 0);
    tool_bytes_free(&other);
}

/* The format does not change unseen: one small patch, byte by byte. */
static void test_a_patch_is_what_it_always_was(void **state)
{
    (void)state;
    static const uint8_t known[] = {
        0xd7, 0x10, 0x22, 0x00, 0x00, 0x29, 0x00, 0x00, 0x3f, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0xf2, 0x1f, 0x99, 0x8d, 0x46, 0xf5, 0x12, 0x86, 0xff, 0xb4, 0x66, 0x6e, 0xa0,
        0x28, 0x5b, 0xf0, 0x2f, 0xdd, 0xcd, 0x59, 0xdb, 0xd7, 0xc6, 0x55, 0x20, 0x20, 0xd4,
        0xa3, 0xb7, 0x70, 0xc3, 0x39, 0xfc, 0xf9, 0x0a, 0xb9, 0x07, 0x0e, 0x1c, 0xd5, 0xa4,
        0xba, 0x55, 0xf1, 0x72, 0xf5, 0x23, 0x80};
    struct tool_bytes was = {.data = (uint8_t[]){"otters hold hands while they sleep"}, .len = 34};
    struct tool_bytes is = {.data = (uint8_t[]){"otters hold hands when they sleep, always"}, .len = 41};
    struct tool_bytes known_patch = {.data = (uint8_t *)(uintptr_t)known, .len = sizeof known};
    struct tool_bytes result = rig_bytes(is.len);
    assert_int_equal(rig_decode(&was, &known_patch, 1, 1, &result, -1), 1);
    assert_memory_equal(result.data, is.data, is.len);
    tool_bytes_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_that_is_none_is_corrupt),
        cmocka_unit_test(test_other_versions_and_filters_are_refused),
        cmocka_unit_test(test_a_result_larger_than_its_room_is_refused_before_a_byte_is_made),
        cmocka_unit_test(test_a_patch_that_ends_early_gives_no_whole_result),
        cmocka_unit_test(test_bytes_behind_a_patch_are_corrupt),
        cmocka_unit_test(test_a_read_that_fails_is_an_error_each_time),
        cmocka_unit_test(test_changed_bytes_stay_within_bounds),
        cmocka_unit_test(test_noise_behind_a_good_head_ends),
        cmocka_unit_test(test_another_base_gives_another_result_and_no_more),
        cmocka_unit_test(test_a_patch_is_what_it_always_was),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
