/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_address.h - is a file Thumb-2 firmware, and where is it linked to run?
 *
 * Nothing in a raw image says so. But functions begin with PUSH {..., lr}, and firmware is full of words
 * that are addresses of functions: at the right address most of them point at such beginnings,
 * at a wrong one hardly any. Calls, which are relative, tell whether it is Thumb code at all.
 */
#ifndef OTTER_DELTA_ADDRESS_H
#define OTTER_DELTA_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "tool/tool.h"

/* Most calls (BL) that stay inside the file lead to the beginning of a function, and there are
 * enough of them to tell. */
bool delta_is_thumb(const struct tool_bytes *file);

/* How many distinct words of the file point at the beginning of a function or of a text in it, if its first
 * byte lies at `address`. */
uint32_t delta_address_score(const struct tool_bytes *file, uint32_t address);

/* The address of the file's first byte, a multiple of 256, that most words agree with. False: none
 * stands out (few pointers, not Thumb code, position-independent). */
bool delta_guess_address(const struct tool_bytes *file, uint32_t *ret_address);

/* False: the words of the file agree with another address far more than with this one, which
 * then is in *ret_better. True also when nothing can be said. */
bool delta_address_fits(const struct tool_bytes *file, uint32_t address, uint32_t *ret_better);

#endif
