/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - what was provisioned at the factory: names and values in read-only memory.
 *
 * "OTTRSET1", u32 length of the entries, u32 CRC-32 of the entries; entries: u16 length of the
 * name, u16 length of the value, name, NUL, value, NUL, zeros up to a multiple of four bytes.
 * Numbers are little-endian. Memory with anything else in it holds no settings at all.
 */
#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"

enum { HEAD_SIZE = 16, ENTRY_HEAD = 4, NULS = 2 };

static const uint8_t *const otp = (const uint8_t *)OTP_ADDR;

static uint32_t load_le16(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8;
}

static uint32_t load_le32(const uint8_t *from)
{
    return load_le16(from) | load_le16(from + 2) << 16;
}

static uint32_t crc32(const uint8_t *bytes, uint32_t len)
{
    uint32_t crc = UINT32_MAX;
    while (len-- > 0) {
        crc ^= *bytes++;
        for (unsigned i = 0; i < 8; i++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

/* Bytes of entries; 0: none, or they are damaged. They cannot change, so one check will do. */
static uint32_t entries_size(void)
{
    static bool known;
    static uint32_t size;
    if (!known) {
        uint32_t len = load_le32(otp + 8);
        bool good = memcmp(otp, "OTTRSET1", 8) == 0 && len <= OTP_SIZE - HEAD_SIZE &&
                    crc32(otp + HEAD_SIZE, len) == load_le32(otp + 12);
        size = good ? len : 0;
        known = true;
    }
    return size;
}

const char *board_setting(const char *name, size_t index, size_t *ret_len)
{
    const uint8_t *at = otp + HEAD_SIZE;
    uint32_t left = entries_size();
    size_t len = strlen(name);
    while (left >= ENTRY_HEAD) {
        uint32_t name_len = load_le16(at);
        uint32_t value_len = load_le16(at + 2);
        uint32_t size = (ENTRY_HEAD + name_len + value_len + NULS + 3u) & ~3u;
        const char *key = (const char *)at + ENTRY_HEAD;
        const char *value = key + name_len + 1;
        if (size > left || key[name_len] != '\0' || value[value_len] != '\0') {
            return NULL;
        }
        if (name_len == len && memcmp(key, name, len) == 0 && index-- == 0) {
            if (ret_len != NULL) {
                *ret_len = value_len;
            }
            return value;
        }
        at += size;
        left -= size;
    }
    return NULL;
}
