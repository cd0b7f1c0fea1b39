/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - the lines of words.def as constants BOOT_HELLO, APP_STARTED, ..., and how to say one.
 *
 * No printf: a text's %s are replaced by values, and there are texts of numbers to be values.
 */
#ifndef OTTER_BOARD_WORDS_H
#define OTTER_BOARD_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "otter/image.h"

#define BOOT_WORD(id, event, keys, text) static const char BOOT_##id[] __attribute__((unused)) = text;
#define APP_WORD(id, event, keys, text) static const char APP_##id[] __attribute__((unused)) = text;
#include "board/words.def"
#undef BOOT_WORD
#undef APP_WORD

#define WORDS_BOOT "boot  "
#define WORDS_APP "app   "

/* A line to the UART: the prefix, then the text, each %s replaced by the next of the values
 * (as many as the text has; NULL where it has none). */
void words_say(const char *prefix, const char *text, const char *const *values);

/* The digits of a number, written backwards from `end` (at most 10); returns the first of them.
 * Nothing is put at `end` itself. base: 10 or 16. */
char *words_digits(char *end, uint32_t value, uint32_t base);

/* Text of a number, in the buffer: "4294967295"; "0xBEEF". Returns it. */
struct words_number {
    char text[11];
};
const char *words_decimal(struct words_number *number, uint32_t value);
const char *words_hex(struct words_number *number, uint32_t value);

/* Text of a version, likewise: "1.2.3", or "1.2.3+4" with a build number. */
struct words_version {
    char text[25];
};
const char *words_version(struct words_version *version, const struct otter_version *value);

/* An address as the lines name it: as words_hex; 0 is "an unknown address". */
const char *words_addr(struct words_number *number, uint32_t addr);

/* The number that a text of decimal digits says; NULL or no digits: 0. */
uint32_t words_value(const char *text);

#endif
