/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.h - two versions of a program that has a little of all that the walk treats by itself. */
#ifndef OTTER_TEST_DELTA_KINDS_H
#define OTTER_TEST_DELTA_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where it runs: of every other seed at 0. */
uint32_t kinds_address(uint64_t seed);
/* The first or the second version; free(). */
uint8_t *kinds_link(uint64_t seed, bool second, size_t *ret_size);

#endif
