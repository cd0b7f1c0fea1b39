/* SPDX-License-Identifier: Apache-2.0 */
/* test_emulate_flash.c - new flash files: every byte at its place, for all maps that a board has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/emulate_flash.h"

/* Written down here by hand, from the parts' documents: what the file must hold. */
struct expected {
    const char *map, *board;
    uint32_t primary_off; /* of the image */
    struct {
        uint32_t from, to;
        uint8_t value;
    } ranges[3]; /* all else is 0 */
};

static const struct expected all[] = {
    {"psoc62_2m_ext_swap_single", "qemu-psoc62", 0x28000, {{0x400000, 0xC00000, 0xff}}},
    {"psoc62_2m_ext_overwrite_single", "qemu-psoc62", 0x18000, {{0x400000, 0xC00000, 0xff}}},
    {"psoc62_512k_xip_swap_single", "qemu-psoc62", 0x400000, {{0x400000, 0xC00000, 0xff}}},
    {"xmc7200_int_swap_single", "qemu-xmc7200", 0x80000, {{0, 0x830000, 0xff}, {0xC00000, 0xC40000, 0xff}}},
    {"xmc7200_int_overwrite_single", "qemu-xmc7200", 0x80000, {{0, 0x830000, 0xff}, {0xC00000, 0xC40000, 0xff}}},
};
enum { ALL = sizeof all / sizeof all[0] };

static const struct board_kind *place(const char *name, struct flashmap *map)
{
    static const struct flashmap_options plain = {.kit = NULL};
    assert_int_equal(flashmap_open(name, &plain, map), 0);
    const struct board_kind *board = board_of_map(map);
    assert_non_null(board);
    assert_int_equal(board_place(board, map), 0);
    return board;
}

static uint8_t erased_at(const struct expected *expected, uint32_t off)
{
    for (size_t i = 0; i < sizeof expected->ranges / sizeof expected->ranges[0]; i++) {
        if (off >= expected->ranges[i].from && off < expected->ranges[i].to) {
            return expected->ranges[i].value;
        }
    }
    return 0;
}

static void test_every_byte_of_a_new_flash(void **state)
{
    uint8_t image_bytes[5000];
    struct tool_bytes image = {image_bytes, sizeof image_bytes};
    (void)state;
    memset(image_bytes, 0x5a, sizeof image_bytes);
    for (size_t i = 0; i < ALL; i++) {
        struct flashmap map;
        struct tool_bytes flash = {NULL, 0};
        const struct board_kind *board = place(all[i].map, &map);
        assert_string_equal(board->name, all[i].board);
        assert_int_equal(emulate_flash_make(board, &map, &image, &flash), 0);
        assert_int_equal(flash.len, 16u << 20);
        for (uint32_t off = 0; off < flash.len; off++) {
            bool inside = off >= all[i].primary_off && off < all[i].primary_off + sizeof image_bytes;
            uint8_t wanted = inside ? 0x5a : erased_at(&all[i], off);
            if (flash.data[off] != wanted) {
                fail_msg("%s: 0x%x holds 0x%02x, not 0x%02x", all[i].map, (unsigned)off, flash.data[off], wanted);
            }
        }
        tool_bytes_free(&flash);
    }
}

static void test_a_file_is_made_once_kept_and_locked(void **state)
{
    char folder[] = "/tmp/otter-test-XXXXXX";
    char path[64];
    uint8_t byte = 0x77;
    struct stat st;
    struct flashmap map;
    struct emulate_flash first, second;
    struct tool_bytes image = {&byte, 1};
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/flash.bin", folder);
    const struct board_kind *board = place("psoc62_2m_ext_swap_single", &map);
    assert_false(emulate_flash_exists(path));
    assert_int_equal(emulate_flash_open(path, board, &map, &image, &first), 0);
    assert_true(first.made);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 16u << 20);
    assert_true(st.st_blocks * 512 < (9 << 20)); /* zeros are holes */
    assert_int_equal(pwrite(first.fd, "kept", 4, 0x500000), 4);
    assert_int_equal(emulate_flash_open(path, board, &map, &image, &second), TOOL_REFUSED); /* in use */
    emulate_flash_close(&first);
    byte = 0x11;
    char text[5] = "";
    assert_int_equal(emulate_flash_open(path, board, &map, &image, &second), 0);
    assert_false(second.made);
    assert_int_equal(pread(second.fd, text, 4, 0x500000), 4);
    assert_string_equal(text, "kept");
    assert_int_equal(pread(second.fd, text, 1, 0x28000), 1);
    assert_int_equal(text[0], 0x77);
    emulate_flash_close(&second);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(emulate_flash_open(path, board, &map, &image, &second), TOOL_REFUSED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_a_new_flash),
        cmocka_unit_test(test_a_file_is_made_once_kept_and_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
