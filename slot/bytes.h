/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - little-endian numbers in byte arrays. Nothing is ever cast onto flash bytes.
 */
#ifndef OTTER_SLOT_BYTES_H
#define OTTER_SLOT_BYTES_H

#include <stdint.h>

static inline uint32_t load_le16(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8;
}

static inline uint32_t load_le32(const uint8_t *from)
{
    return load_le16(from) | load_le16(from + 2) << 16;
}

static inline void store_le16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static inline void store_le32(uint8_t *to, uint32_t value)
{
    store_le16(to, value);
    store_le16(to + 2, value >> 16);
}

#endif
