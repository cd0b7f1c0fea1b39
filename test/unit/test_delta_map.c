/* SPDX-License-Identifier: Apache-2.0 */
/* test_delta_map.c - the entries of the map are those that save most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tool/delta_map.h"

enum { SIZE = 4000, TABLE = 400, ADDRESS = 0x08000000 };

static const struct delta_align_options thumb = {.thumb = true, .address = ADDRESS};

static struct tool_bytes blank(size_t len)
{
    struct tool_bytes file = {calloc(1, len + 1), len};
    assert_non_null(file.data);
    return file;
}

static void put_pointer(struct tool_bytes *file, uint32_t off, uint32_t target)
{
    uint32_t word = ADDRESS + target;
    for (unsigned i = 0; i < 4; i++) {
        file->data[off + i] = (uint8_t)(word >> (8 * i));
    }
}

/* What the decoder makes of old_off: the entry at or before it that is nearest. */
static uint32_t translate(const struct delta_copies *map, uint32_t old_off)
{
    uint32_t nearest = 0;
    uint32_t result = old_off;
    for (size_t i = 0; i < map->count; i++) {
        const struct delta_copy *entry = &map->list[i];
        if (entry->old_off <= old_off && entry->old_off >= nearest) {
            nearest = entry->old_off;
            result = entry->new_off + (old_off - entry->old_off);
        }
    }
    return result;
}

/* A table of pointers to every fourth byte behind it. A short piece at 2000 has moved to 3000 in
 * the new file; nothing else has. */
struct moved {
    struct tool_bytes old_file;
    struct tool_bytes new_file;
    struct delta_copy list[4];
    struct delta_copies copies;
};

static void make_moved(struct moved *moved)
{
    moved->old_file = blank(SIZE);
    moved->new_file = blank(SIZE);
    for (uint32_t i = 0; i < TABLE; i++) {
        uint32_t target = 4 * TABLE + 4 * i;
        bool is_moved = target >= 2000 && target < 2040;
        put_pointer(&moved->old_file, 4 * i, target);
        put_pointer(&moved->new_file, 4 * i, is_moved ? target + 1000 : target);
    }
    moved->list[0] = (struct delta_copy){0, 0, 2000};
    moved->list[1] = (struct delta_copy){2040, 2040, 960};
    moved->list[2] = (struct delta_copy){2000, 3000, 40};
    moved->list[3] = (struct delta_copy){3040, 3040, 960};
    moved->copies = (struct delta_copies){moved->list, 4, 0};
}

static void free_moved(struct moved *moved)
{
    tool_bytes_free(&moved->old_file);
    tool_bytes_free(&moved->new_file);
}

static void choose(const struct moved *moved, size_t most, struct delta_copies *ret_map)
{
    struct delta_map_input input = {&moved->old_file, &moved->new_file, &thumb, &moved->copies, most, 20, 24};
    assert_int_equal(delta_map_choose(&input, ret_map), 0);
    assert_true(ret_map->count <= most);
    for (size_t i = 0; i < ret_map->count; i++) {
        assert_true(ret_map->list[i].old_off < SIZE && ret_map->list[i].new_off < SIZE);
        assert_true(i == 0 || ret_map->list[i].new_off > ret_map->list[i - 1].new_off);
    }
}

static void test_behind_a_piece_that_moved_all_is_as_before(void **state)
{
    (void)state;
    struct moved moved;
    struct delta_copies map;
    make_moved(&moved);
    choose(&moved, 255, &map);
    assert_int_equal(translate(&map, 1999), 1999);
    assert_int_equal(translate(&map, 2000), 3000);
    assert_int_equal(translate(&map, 2036), 3036);
    assert_int_equal(translate(&map, 2040), 2040);
    assert_int_equal(translate(&map, 3100), 3100);
    delta_copies_free(&map);
    free_moved(&moved);
}

static void test_with_little_room_the_map_does_no_harm(void **state)
{
    (void)state;
    struct moved moved;
    make_moved(&moved);
    for (size_t most = 0; most < 3; most++) {
        struct delta_copies map;
        choose(&moved, most, &map);
        uint32_t wrong = 0;
        for (uint32_t off = 4 * TABLE; off < 8 * TABLE; off += 4) {
            wrong += translate(&map, off) != off + (off >= 2000 && off < 2040 ? 1000 : 0);
        }
        assert_true(wrong <= 10);
        delta_copies_free(&map);
    }
    free_moved(&moved);
}

static void test_without_copies_there_is_no_map(void **state)
{
    (void)state;
    struct moved moved;
    struct delta_copies map;
    make_moved(&moved);
    moved.copies.count = 0;
    choose(&moved, 255, &map);
    assert_int_equal(map.count, 0);
    delta_copies_free(&map);
    free_moved(&moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_a_piece_that_moved_all_is_as_before),
        cmocka_unit_test(test_with_little_room_the_map_does_no_harm),
        cmocka_unit_test(test_without_copies_there_is_no_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
