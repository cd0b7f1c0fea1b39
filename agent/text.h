/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - text put together in a caller's buffer, and read from one.
 *
 * What does not fit sets `full` once and for all, so callers check at the end only.
 */
#ifndef OTTER_AGENT_TEXT_H
#define OTTER_AGENT_TEXT_H

#include "otter/image.h"

struct otter_text {
    char *buf;
    size_t size, len;
    bool full;
};

void otter_text_add(struct otter_text *text, const char *str);
void otter_text_add_u32(struct otter_text *text, uint32_t value);
void otter_text_add_hex(struct otter_text *text, uint8_t byte); /* two digits */
void otter_text_add_version(struct otter_text *text, const struct otter_version *version);
void otter_text_add_json(struct otter_text *text, const char *str); /* with its quotes */

/* ASCII letters compare equal in either case; nothing depends on a locale. */
bool otter_text_same(const char *a, const char *b);
bool otter_text_same_len(const char *a, size_t a_len, const char *b);

/* Is the word in this list, which commas and spaces divide? In either case of letters. */
bool otter_text_lists(const char *list, const char *word);

/* The value of a hexadecimal digit in either case; more than 15: it is none. */
unsigned otter_text_hex(char c);

/* Decimal digits only, from *at up to end; *at moves behind them. False: no digit (*ret is
 * not touched), or more than `max` (then *ret is max). */
bool otter_text_read_u32(const char **at, const char *end, uint32_t max, uint32_t *ret);

#endif
