/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - how bytes, numbers and versions are read from the command line and shown. */
#ifndef OTTER_TOOL_PRINT_H
#define OTTER_TOOL_PRINT_H

#include <stdio.h>

#include "otter/image.h"

void tool_print_hex(FILE *out, const uint8_t *bytes, size_t len);
/* Lower-case hex, NUL-terminated; ret_text takes 2 * len + 1 bytes. Returns ret_text. */
char *tool_hex(const uint8_t *bytes, size_t len, char *ret_text);

/* "1.2.3+4"; the build is left out when it is 0. */
#define TOOL_VERSION_SIZE 32
const char *tool_version_text(const struct otter_version *version, char ret_text[TOOL_VERSION_SIZE]);
/* MAJOR[.MINOR[.REVISION[+BUILD]]], no leading zeros, each in range of the image header. */
bool tool_version_parse(const char *text, struct otter_version *ret_version);

/* Decimal or 0x...; whole text, at most `max`. */
bool tool_number(const char *text, uint64_t max, uint64_t *ret_number);
/* Pairs of hex digits; ret_bytes takes strlen(text) / 2. */
bool tool_unhex(const char *text, uint8_t *ret_bytes, size_t *ret_len);

#endif
