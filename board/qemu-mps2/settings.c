/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - what was provisioned at the factory: names and values in read-only memory.
 *
 * "OTTRSET1", u32 bytes of the entries, u32 CRC-32 of the entries; entries: u16 length of the
 * name, u16 length of the value, name, NUL, value, NUL, zeros up to a multiple of four bytes.
 * Little-endian, as this processor is. Memory with anything else in it holds no settings at all.
 */
#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct head {
    uint32_t magic[2];
    uint32_t size, crc; /* of the entries that follow */
};
struct entry {
    uint16_t name_len, value_len;
    char name[];
};
#define OTP ((const struct head *)OTP_ADDR)
enum { MAGIC_0 = 0x5254544F, MAGIC_1 = 0x31544553, NULS = 2 };

static uint32_t entries_size; /* 0: there are none */

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

void settings_start(void)
{
    const struct head *head = OTP;
    if (head->magic[0] == MAGIC_0 && head->magic[1] == MAGIC_1 && head->size <= OTP_SIZE - sizeof *head &&
        crc32((const uint8_t *)(head + 1), head->size) == head->crc) {
        entries_size = head->size;
    }
}

const char *board_setting(const char *name, size_t index, size_t *ret_len)
{
    const uint8_t *at = (const uint8_t *)(OTP + 1);
    const uint8_t *end = at + entries_size;
    while ((size_t)(end - at) >= sizeof(struct entry)) {
        const struct entry *entry = (const struct entry *)(const void *)at;
        const char *value = entry->name + entry->name_len + 1;
        uint32_t size = (sizeof *entry + entry->name_len + entry->value_len + NULS + 3u) & ~3u;
        if (size > (size_t)(end - at) || value[-1] != '\0' || value[entry->value_len] != '\0') {
            return NULL;
        }
        if (strcmp(entry->name, name) == 0 && index-- == 0) {
            if (ret_len != NULL) {
                *ret_len = entry->value_len;
            }
            return value;
        }
        at += size;
    }
    return NULL;
}
