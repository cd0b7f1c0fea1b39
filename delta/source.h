/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - four bytes of the base, or of the result made so far. */
#ifndef OTTER_DELTA_SOURCE_H
#define OTTER_DELTA_SOURCE_H

#include "otter/delta.h"
#include "otter/result.h"

static inline uint32_t load32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline void store32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
    bytes[2] = (uint8_t)(value >> 16);
    bytes[3] = (uint8_t)(value >> 24);
}

/* The four bytes at delta->source; zeros beyond the end. What fails is in delta->error. */
void source_read(struct otter_delta *delta, uint8_t ret_bytes[4]);

#endif
