/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends.h - device states that were lived through to a good end, so that equal ones need not be.
 *
 * Many cuts leave, one boot later, the same device: same bytes, same knowledge outside. The
 * code under test has no other input, so its life from there is the same life.
 */
#ifndef OTTER_TEST_ENDS_H
#define OTTER_TEST_ENDS_H

#include <stdbool.h>
#include <stdint.h>

struct ends;

struct ends *ends_new(void);
void ends_free(struct ends *ends);
void ends_clear(struct ends *ends);

/* Power on in state `key` came to rest after *ret_boots boots. False: not known. */
bool ends_find(const struct ends *ends, uint64_t key, unsigned *ret_boots);
void ends_add(struct ends *ends, uint64_t key, unsigned boots);

#endif
