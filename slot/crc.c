/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc.c - CRC-32 (IEEE 802.3, reflected), bit by bit: 28 bytes are not worth a table.
 */
#include "slot/journal.h"

uint32_t otter_crc32(const uint8_t *raw, uint32_t len)
{
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < len; i++) {
        crc ^= raw[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}
