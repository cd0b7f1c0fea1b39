/* SPDX-License-Identifier: Apache-2.0 */
/* header.c - the head of a patch. */
#include "delta/filter.h"
#include "delta/source.h"

enum { MAGIC = 0xd7, VERSION = 1 };

int otter_delta_read_header(const void *bytes, size_t len, struct otter_delta_header *ret_header)
{
    const uint8_t *raw = bytes;
    if (len < OTTER_DELTA_HEADER_SIZE || raw[0] != MAGIC) {
        return OTTER_ERR_CORRUPT;
    }
    ret_header->version = VERSION;
    ret_header->filter = raw[1] & 15u;
    ret_header->base_size = load32(raw + 2) & 0xffffffu;
    ret_header->size = load32(raw + 5) & 0xffffffu;
    ret_header->patch_size = load32(raw + 8) & 0xffffffu;
    ret_header->address = load32(raw + 11);
    for (unsigned i = 0; i < OTTER_DELTA_HASH_SIZE; i++) {
        ret_header->base[i] = raw[15u + i];
        ret_header->result[i] = raw[31u + i];
    }
    if (ret_header->patch_size < OTTER_DELTA_HEADER_SIZE) {
        return OTTER_ERR_CORRUPT;
    }
    bool known = raw[1] >> 4 == VERSION && otter_delta_filter_find(raw[1] & 15u) != NULL;
    return known ? 0 : OTTER_ERR_REFUSED;
}
