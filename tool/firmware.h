/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firmware.h - program files: .bin, .hex (Intel HEX) and .elf, told apart by name.
 */
#ifndef OTTER_TOOL_FIRMWARE_H
#define OTTER_TOOL_FIRMWARE_H

#include "tool/tool.h"

#define TOOL_FIRMWARE_SIZE_MAX (64u * 1024 * 1024)

struct tool_firmware {
    struct tool_bytes bytes;
    uint64_t address; /* of the first byte, when has_address (.hex, .elf) */
    bool has_address;
};

enum tool_firmware_kind { TOOL_BIN, TOOL_HEX, TOOL_ELF };
enum tool_firmware_kind tool_firmware_kind(const char *path); /* by its name */

/* Read it; holes between parts are filled with 0xff, as imgtool does. 0, or TOOL_REFUSED after
 * saying why. Release bytes with tool_bytes_free. */
int tool_firmware_read(const char *path, struct tool_firmware *ret_firmware);

/* Parsers of whole files in memory; `path` is for messages. */
int tool_hex_parse(const char *path, const struct tool_bytes *file, struct tool_firmware *ret);
int tool_elf_parse(const char *path, const struct tool_bytes *file, struct tool_firmware *ret);

/* Intel HEX of `count` parts in rising order, byte for byte as imgtool writes it. */
struct tool_part {
    uint64_t address;
    const uint8_t *data;
    size_t len;
};
int tool_hex_write(const char *path, const struct tool_part *parts, size_t count);

/* Parts collected at addresses, then joined; shared by the two parsers. */
struct tool_join {
    struct tool_bytes bytes;
    size_t capacity;    /* of bytes.data; the unused part is 0xff */
    uint64_t low, high; /* addresses covered so far */
};
int tool_join_add(const char *path, struct tool_join *join, const struct tool_part *part);

#endif
