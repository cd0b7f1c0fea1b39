/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - words of the Thumb programs that tests make: low byte first. */
#ifndef OTTER_TEST_DELTA_STORE_H
#define OTTER_TEST_DELTA_STORE_H

#include <stdint.h>

static inline void test_store16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void test_store32(uint8_t *at, uint32_t value)
{
    test_store16(at, value);
    test_store16(at + 2, value >> 16);
}

#endif
