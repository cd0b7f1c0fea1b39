/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_beside.h - the device's JSON reader beside jansson: what is JSON for one is for the other, with
 * the same members and values. Where the device is stricter (depth, keys that differ in case only,
 * NUL), that is known.
 */
#ifndef OTTER_TEST_JSON_BESIDE_H
#define OTTER_TEST_JSON_BESIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: they agree; else a constant that says what they do not agree on. */
const char *json_beside(const uint8_t *data, size_t size);

/* Does it hold a number that jansson's types do not? (Unknown members may: the device passes over them.) */
bool json_unfit(const uint8_t *data, size_t size);

#endif
