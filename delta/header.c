/* SPDX-License-Identifier: Apache-2.0 */
/* header.c - the head of a patch. */
#include "delta/filter.h"
#include "delta/source.h"

#include <string.h>

enum { MAGIC = 0xd7, VERSION = 1 };

static uint32_t load24(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

int otter_delta_read_header(const void *bytes, size_t len, struct otter_delta_header *ret_header)
{
    const uint8_t *raw = bytes;
    if (len < OTTER_DELTA_HEADER_SIZE || raw[0] != MAGIC) {
        return OTTER_ERR_CORRUPT;
    }
    struct otter_delta_header header = {
        .version = (uint8_t)(raw[1] >> 4),
        .filter = (uint8_t)(raw[1] & 15u),
        .base_size = load24(raw + 2),
        .size = load24(raw + 5),
        .patch_size = load24(raw + 8),
        .address = load32(raw + 11),
    };
    memcpy(header.base, raw + 15, OTTER_DELTA_HASH_SIZE);
    memcpy(header.result, raw + 31, OTTER_DELTA_HASH_SIZE);
    if (header.version != VERSION || otter_delta_filter_find(header.filter) == NULL) {
        return OTTER_ERR_REFUSED;
    }
    if (header.patch_size < OTTER_DELTA_HEADER_SIZE) {
        return OTTER_ERR_CORRUPT;
    }
    *ret_header = header;
    return 0;
}
