/* SPDX-License-Identifier: Apache-2.0 */
/* delta_rig.h - made-up firmware, and a decoder fed in pieces. */
#ifndef OTTER_TEST_DELTA_RIG_H
#define OTTER_TEST_DELTA_RIG_H

#include "otter/delta.h"
#include "otter/result.h"
#include "slot/bytes.h"
#include "tool/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t rig_seed = 1;

static inline uint32_t rig_random(void)
{
    rig_seed = rig_seed * 1664525u + 1013904223u;
    return rig_seed >> 8;
}

static inline struct tool_bytes rig_bytes(size_t len)
{
    struct tool_bytes bytes = {.data = calloc(1, len + 1), .len = len};
    assert_non_null(bytes.data);
    return bytes;
}

static inline struct tool_bytes rig_noise(size_t len)
{
    struct tool_bytes bytes = rig_bytes(len);
    for (size_t i = 0; i < len; i++) {
        bytes.data[i] = (uint8_t)rig_random();
    }
    return bytes;
}

/* Thumb code of functions that call each other and end in pools of pointers. `gap` bytes are put in at
 * `gap_at`, and everything that refers across them is as a linker would have it. */
static inline uint32_t rig_moved(uint32_t off, uint32_t gap_at, uint32_t gap)
{
    return off >= gap_at ? off + gap : off;
}

static inline struct tool_bytes rig_firmware(size_t len, uint32_t address, uint32_t gap_at, uint32_t gap)
{
    struct tool_bytes bytes = rig_bytes(len + gap);
    rig_seed = 77;
    for (uint32_t off = 0; off + 4 <= len; off += 4) {
        uint32_t what = rig_random();
        uint32_t to = (rig_random() % (uint32_t)len) & ~63u;
        uint32_t at = rig_moved(off, gap_at, gap);
        uint32_t target = rig_moved(to, gap_at, gap);
        if (what % 8u == 0u) {
            uint32_t word = address + target + 1u;
            store_le16(bytes.data + at, word);
            store_le16(bytes.data + at + 2, word >> 16);
        } else if (what % 8u == 1u) {
            uint32_t away = target - at - 4u;
            store_le16(bytes.data + at, 0xf000u | (away >> 24 & 1u) << 10 | (away >> 12 & 0x3ffu));
            store_le16(bytes.data + at + 2, 0xf800u | (away >> 1 & 0x7ffu));
        } else {
            store_le16(bytes.data + at, 0x1800u | (what >> 4 & 0x1ffu));
            store_le16(bytes.data + at + 2, 0x6800u | (what >> 12 & 0x3ffu));
        }
    }
    return bytes;
}

struct rig_files {
    const struct tool_bytes *old_file;
    const struct tool_bytes *made;
    size_t made_len;
    int fail_after; /* reads until one fails; <0: never */
};

static inline int rig_read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct rig_files *files = ctx;
    assert_true(off <= files->old_file->len && len <= files->old_file->len - off);
    memcpy(buf, files->old_file->data + off, len);
    return files->fail_after >= 0 && files->fail_after-- == 0 ? -1 : 0;
}

static inline int rig_read_new(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct rig_files *files = ctx;
    assert_true(off <= files->made_len && len <= files->made_len - off);
    memcpy(buf, files->made->data + off, len);
    return files->fail_after >= 0 && files->fail_after-- == 0 ? -1 : 0;
}

/* Decode with input in pieces of `in_piece` and output in pieces of `out_piece`, into `made` (as long as the
 * result may be). What otter_delta_run returned last. */
static inline int rig_decode(const struct tool_bytes *old_file, const struct tool_bytes *patch, size_t in_piece, size_t out_piece,
                             struct tool_bytes *made, int fail_after)
{
    struct rig_files files = {.old_file = old_file, .made = made, .fail_after = fail_after};
    const struct otter_delta_io io = {.ctx = &files, .read_old = rig_read_old, .read_new = rig_read_new};
    struct otter_delta delta;
    size_t off = 0;
    int err = 0;
    uint8_t out[4096];
    otter_delta_begin(&delta, &io, (uint32_t)made->len);
    for (bool moved = true; moved && err == 0;) {
        size_t used;
        size_t got;
        size_t in_len = patch->len - off < in_piece ? patch->len - off : in_piece;
        err = otter_delta_run(&delta, patch->data + off, in_len, &used, out, out_piece, &got);
        assert_true(used <= in_len && got <= out_piece && got <= made->len - files.made_len);
        memcpy(made->data + files.made_len, out, got);
        files.made_len += got;
        off += used;
        moved = used + got > 0;
    }
    return err;
}

static inline void rig_round_trip(const struct tool_bytes *old_file, const struct tool_bytes *new_file, uint32_t address,
                                  enum delta_filter filter, struct tool_bytes *ret_patch)
{
    struct delta_options options = {.has_address = true, .address = address, .filter = filter};
    struct delta_stats stats;
    assert_int_equal(delta_make(old_file, new_file, &options, ret_patch, &stats), 0);
    struct tool_bytes made = rig_bytes(new_file->len);
    assert_int_equal(rig_decode(old_file, ret_patch, 7, 5, &made, -1), 1);
    assert_memory_equal(made.data, new_file->data, new_file->len);
    tool_bytes_free(&made);
}

#endif
