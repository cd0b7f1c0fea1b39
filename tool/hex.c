/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex.c - Intel HEX: data, end, segment and linear address records; checksums are checked.
 *
 * Written as the intelhex package does, which imgtool uses: 16 bytes a record counted from the
 * start of a part, none across a 64 KiB boundary.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/firmware.h"

enum record_type { DATA = 0, END = 1, SEGMENT = 2, SEGMENT_START = 3, LINEAR = 4, LINEAR_START = 5 };

struct reader {
    const char *path;
    unsigned line;
    uint64_t base; /* from the last address record */
    bool ended;
    struct tool_join join;
};

static int bad(const struct reader *reader, const char *what)
{
    return tool_refuse("'%s' line %u: %s; Intel HEX is expected", reader->path, reader->line, what);
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A line's bytes with its checksum; returns their number, or -1. */
static int take_bytes(const uint8_t *text, size_t len, uint8_t ret_bytes[262])
{
    if (len < 1 + 2 * 5 || len > 1 + 2 * 260 || len % 2 == 0 || text[0] != ':') {
        return -1;
    }
    int count = (int)(len - 1) / 2;
    for (int i = 0; i < count; i++) {
        int high = nibble(text[1 + 2 * i]);
        int low = nibble(text[2 + 2 * i]);
        if (high < 0 || low < 0) {
            return -1;
        }
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return count;
}

static int take_record(struct reader *reader, const uint8_t *bytes, int count)
{
    uint8_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    if (count != bytes[0] + 5) {
        return bad(reader, "the record's length is wrong");
    }
    if (sum != 0) {
        return bad(reader, "the checksum is wrong");
    }
    uint32_t offset = (uint32_t)bytes[1] << 8 | bytes[2];
    uint32_t value = (uint32_t)bytes[4] << 8 | (bytes[0] > 1 ? bytes[5] : 0);
    struct tool_part part = {reader->base + offset, bytes + 4, bytes[0]};
    switch (bytes[3]) {
    case DATA:
        return tool_join_add(reader->path, &reader->join, &part);
    case END:
        reader->ended = true;
        return 0;
    case SEGMENT:
    case LINEAR:
        if (bytes[0] != 2) {
            return bad(reader, "an address record needs two bytes");
        }
        reader->base = bytes[3] == LINEAR ? (uint64_t)value << 16 : (uint64_t)value << 4;
        return 0;
    case SEGMENT_START:
    case LINEAR_START:
        return 0; /* where a debugger starts: of no use here */
    default:
        return bad(reader, "the record's type is unknown");
    }
}

static int take_line(struct reader *reader, const uint8_t *text, size_t len)
{
    uint8_t bytes[262];
    while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == ' ')) {
        len--;
    }
    if (len == 0) {
        return 0;
    }
    if (reader->ended) {
        return bad(reader, "there is more after the end record");
    }
    int count = take_bytes(text, len, bytes);
    return count < 0 ? bad(reader, "this is not a record") : take_record(reader, bytes, count);
}

int tool_hex_parse(const char *path, const struct tool_bytes *file, struct tool_firmware *ret)
{
    struct reader reader = {.path = path};
    int rc = 0;
    const uint8_t *at = file->data;
    const uint8_t *end = at + file->len;
    while (rc == 0 && at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *stop = newline ? newline : end;
        reader.line++;
        rc = take_line(&reader, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (rc == 0 && !reader.ended) {
        rc = tool_refuse("'%s' has no end record: the file is cut short, or not Intel HEX", path);
    } else if (rc == 0 && reader.join.bytes.len == 0) {
        rc = tool_refuse("'%s' holds no data", path);
    }
    if (rc != 0) {
        tool_bytes_free(&reader.join.bytes);
        return rc;
    }
    ret->bytes = reader.join.bytes;
    ret->address = reader.join.low;
    ret->has_address = true;
    return 0;
}

static void put_record(FILE *out, uint32_t offset, uint8_t type, const uint8_t *data, size_t len)
{
    unsigned sum = (unsigned)len + (offset >> 8 & 0xff) + (offset & 0xff) + type;
    fprintf(out, ":%02X%04X%02X", (unsigned)len, (unsigned)offset & 0xffff, (unsigned)type);
    for (size_t i = 0; i < len; i++) {
        sum += data[i];
        fprintf(out, "%02X", data[i]);
    }
    fprintf(out, "%02X\n", -sum & 0xff);
}

static void put_part(FILE *out, const struct tool_part *part, bool with_base, uint64_t *base)
{
    for (size_t i = 0; i < part->len;) {
        uint64_t at = part->address + i;
        size_t len = part->len - i < 16 ? part->len - i : 16;
        size_t room = 0x10000 - (size_t)(at & 0xffff);
        if (with_base && at >> 16 != *base) {
            *base = at >> 16;
            const uint8_t high[2] = {(uint8_t)(*base >> 8), (uint8_t)*base};
            put_record(out, 0, LINEAR, high, sizeof high);
        }
        len = len < room ? len : room;
        put_record(out, (uint32_t)(at & 0xffff), DATA, part->data + i, len);
        i += len;
    }
}

int tool_hex_write(const char *path, const struct tool_part *parts, size_t count)
{
    uint64_t top = parts[count - 1].address + parts[count - 1].len;
    if (top > (uint64_t)1 << 32) {
        return tool_refuse("'%s': the image would end at 0x%llx, beyond the 4 GiB of Intel HEX", path,
                           (unsigned long long)top);
    }
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        return tool_refuse("'%s': out of memory", path);
    }
    uint64_t base = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        put_part(out, &parts[i], top > 0x10000, &base);
    }
    fputs(":00000001FF\n", out);
    int rc = fclose(out) == 0 ? tool_write_file(path, text, len, 0644)
                              : tool_refuse("'%s': out of memory", path);
    free(text);
    return rc;
}
