/* SPDX-License-Identifier: Apache-2.0 */
/* test_delta.c - patches give the new file back, whatever changed and however they are cut. */
#include "test/unit/delta_rig.h"

#define ADDRESS 0x08020000u

static void test_firmware_with_a_function_put_in(void **state)
{
    (void)state;
    struct tool_bytes old_file = rig_firmware(40000, ADDRESS, 20000, 0);
    struct tool_bytes new_file = rig_firmware(40000, ADDRESS, 20000, 64);
    struct tool_bytes patch;
    rig_round_trip(&old_file, &new_file, ADDRESS, DELTA_FILTER_THUMB, &patch);
    assert_true(patch.len < 200); /* some 2,500 references have changed */
    tool_bytes_free(&patch);
    rig_round_trip(&new_file, &old_file, ADDRESS, DELTA_FILTER_THUMB, &patch);
    assert_true(patch.len < 160);
    tool_bytes_free(&patch);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

static void test_files_of_every_small_size(void **state)
{
    (void)state;
    for (size_t old_len = 0; old_len < 9; old_len++) {
        for (size_t new_len = 0; new_len < 9; new_len++) {
            struct tool_bytes old_file = rig_noise(old_len);
            struct tool_bytes new_file = rig_noise(new_len);
            struct tool_bytes patch;
            rig_round_trip(&old_file, &new_file, 0, DELTA_FILTER_THUMB, &patch);
            tool_bytes_free(&patch);
            tool_bytes_free(&old_file);
            tool_bytes_free(&new_file);
        }
    }
}

static void test_random_edits(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed < 40; seed++) {
        struct tool_bytes old_file = rig_firmware(3000 + seed, ADDRESS, 0, 0);
        struct tool_bytes new_file = rig_firmware(3000 + seed, ADDRESS, 0, 0);
        rig_seed = seed;
        for (unsigned i = 0; i < seed; i++) {
            uint32_t at = rig_random() % (uint32_t)new_file.len;
            uint32_t from = rig_random() % (uint32_t)new_file.len;
            uint32_t len = rig_random() % (uint32_t)(new_file.len - (at > from ? at : from));
            memmove(new_file.data + at, new_file.data + from, len / (1u + seed % 7u));
            new_file.data[rig_random() % new_file.len] ^= (uint8_t)rig_random();
        }
        struct tool_bytes patch;
        rig_round_trip(&old_file, &new_file, ADDRESS, seed % 2u == 0u ? DELTA_FILTER_THUMB : DELTA_FILTER_NONE, &patch);
        tool_bytes_free(&patch);
        tool_bytes_free(&old_file);
        tool_bytes_free(&new_file);
    }
}

static void test_pieces_of_every_size_give_the_same(void **state)
{
    (void)state;
    struct tool_bytes old_file = rig_firmware(2000, ADDRESS, 1000, 0);
    struct tool_bytes new_file = rig_firmware(2000, ADDRESS, 1000, 20);
    for (size_t i = 0; i < 300; i++) {
        new_file.data[300 + i] = (uint8_t)rig_random();
    }
    memcpy(new_file.data + 1500, new_file.data + 400, 100);
    struct tool_bytes patch;
    rig_round_trip(&old_file, &new_file, ADDRESS, DELTA_FILTER_THUMB, &patch);
    struct tool_bytes made = rig_bytes(new_file.len);
    for (size_t in_piece = 1; in_piece < 130; in_piece += in_piece < 8 ? 1 : 11) {
        for (size_t out_piece = 1; out_piece < 70; out_piece += out_piece < 8 ? 1 : 13) {
            memset(made.data, 0, made.len);
            assert_int_equal(rig_decode(&old_file, &patch, in_piece, out_piece, &made, -1), 1);
            assert_memory_equal(made.data, new_file.data, new_file.len);
        }
    }
    tool_bytes_free(&made);
    tool_bytes_free(&patch);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firmware_with_a_function_put_in),
        cmocka_unit_test(test_files_of_every_small_size),
        cmocka_unit_test(test_random_edits),
        cmocka_unit_test(test_pieces_of_every_size_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
