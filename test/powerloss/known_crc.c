/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known_crc.c - the journal's CRC by tables, in place of slot/crc.c: half of the time of a campaign
 * went there. The linker puts it in (--wrap); the real one is asked once, for each value of a byte.
 */
#include "slot/bytes.h"
#include "slot/journal.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t __real_otter_crc32(const uint8_t *raw, uint32_t len); /* names of the linker's */
uint32_t __wrap_otter_crc32(const uint8_t *raw, uint32_t len);

static uint32_t table[4][256]; /* [n]: with n bytes of zero behind it */

static uint32_t by_table(const uint8_t *raw, uint32_t len)
{
    uint32_t crc = UINT32_MAX;
    uint32_t i = 0;
    for (; i + 4 <= len; i += 4) {
        crc ^= load_le32(raw + i);
        crc = table[3][crc & 0xffu] ^ table[2][crc >> 8 & 0xffu] ^ table[1][crc >> 16 & 0xffu] ^
              table[0][crc >> 24];
    }
    for (; i < len; i++) {
        crc = crc >> 8 ^ table[0][(crc ^ raw[i]) & 0xffu];
    }
    return ~crc;
}

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        table[0][i] = i;
        for (unsigned bit = 0; bit < 8; bit++) {
            table[0][i] = table[0][i] >> 1 ^ (0xedb88320u & (0u - (table[0][i] & 1u)));
        }
    }
    for (unsigned n = 1; n < 4; n++) {
        for (uint32_t i = 0; i < 256; i++) {
            table[n][i] = table[n - 1][i] >> 8 ^ table[0][table[n - 1][i] & 0xffu];
        }
    }
    for (unsigned i = 0; i < 256; i++) {
        uint8_t raw[7] = {(uint8_t)i, 0x5a, (uint8_t)~i, 1, (uint8_t)i, 0, (uint8_t)(i * 3)};
        if (by_table(raw, sizeof raw) != __real_otter_crc32(raw, sizeof raw)) {
            fprintf(stderr, "known_crc: not the same as slot/crc.c\n");
            abort();
        }
    }
}

uint32_t __wrap_otter_crc32(const uint8_t *raw, uint32_t len)
{
    if (table[0][1] == 0) {
        make_table();
    }
    return by_table(raw, len);
}
