/* SPDX-License-Identifier: Apache-2.0 */
/* firmware.c - program files of any kind as one run of bytes at an address. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tool/firmware.h"

enum tool_firmware_kind tool_firmware_kind(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && (strcasecmp(dot, ".hex") == 0 || strcasecmp(dot, ".ihex") == 0)) {
        return TOOL_HEX;
    }
    if (dot && (strcasecmp(dot, ".elf") == 0 || strcasecmp(dot, ".axf") == 0)) {
        return TOOL_ELF;
    }
    return TOOL_BIN;
}

/* Makes room for [low, high); old bytes keep their addresses, new ones are 0xff. */
static int cover(const char *path, struct tool_join *join, uint64_t low, uint64_t high)
{
    if (join->bytes.len != 0) {
        low = low < join->low ? low : join->low;
        high = high > join->high ? high : join->high;
    } else {
        join->low = low;
    }
    if (high - low > TOOL_FIRMWARE_SIZE_MAX) {
        return tool_refuse("'%s' spans 0x%llx..0x%llx, more than 64 MiB: leave out the part that is "
                           "not firmware (objcopy -R)", path, (unsigned long long)low,
                           (unsigned long long)high);
    }
    size_t len = (size_t)(high - low);
    if (low != join->low || len > join->capacity) {
        size_t capacity = len + len / 2; /* grow by half: records come by the ten thousand */
        uint8_t *data = malloc(capacity + 1);
        if (!data) {
            return tool_refuse("'%s': out of memory", path);
        }
        memset(data, 0xff, capacity + 1);
        if (join->bytes.len != 0) {
            memcpy(data + (join->low - low), join->bytes.data, join->bytes.len);
        }
        free(join->bytes.data);
        join->bytes.data = data;
        join->capacity = capacity;
    }
    join->bytes.len = len;
    join->low = low;
    join->high = high;
    return 0;
}

int tool_join_add(const char *path, struct tool_join *join, const struct tool_part *part)
{
    if (part->len == 0) {
        return 0;
    }
    int rc = cover(path, join, part->address, part->address + part->len);
    if (rc == 0) {
        memcpy(join->bytes.data + (part->address - join->low), part->data, part->len);
    }
    return rc;
}

int tool_firmware_read(const char *path, struct tool_firmware *ret_firmware)
{
    struct tool_bytes file;
    struct tool_firmware firmware = {.has_address = false};
    int rc = tool_read_file(path, 4ul * TOOL_FIRMWARE_SIZE_MAX, &file);
    if (rc != 0) {
        return rc;
    }
    switch (tool_firmware_kind(path)) {
    case TOOL_HEX:
        rc = tool_hex_parse(path, &file, &firmware);
        break;
    case TOOL_ELF:
        rc = tool_elf_parse(path, &file, &firmware);
        break;
    case TOOL_BIN:
        if (file.len > TOOL_FIRMWARE_SIZE_MAX) {
            rc = tool_refuse("'%s' is larger than 64 MiB", path);
            break;
        }
        *ret_firmware = (struct tool_firmware){.bytes = file};
        return 0;
    }
    tool_bytes_free(&file);
    if (rc == 0) {
        *ret_firmware = firmware;
    }
    return rc;
}
