/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - how bytes, numbers and versions are read from the command line and shown. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool/print.h"

void tool_print_hex(FILE *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        fprintf(out, "%02x", bytes[i]);
    }
}

char *tool_hex(const uint8_t *bytes, size_t len, char *ret_text)
{
    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    ret_text[2 * len] = 0;
    return ret_text;
}

const char *tool_version_text(const struct otter_version *version, char ret_text[TOOL_VERSION_SIZE])
{
    int len = snprintf(ret_text, TOOL_VERSION_SIZE, "%u.%u.%u", version->major, version->minor,
                       version->revision);
    if (version->build != 0) {
        (void)snprintf(ret_text + len, TOOL_VERSION_SIZE - (size_t)len, "+%lu",
                       (unsigned long)version->build);
    }
    return ret_text;
}

/* One part of a version at *at, which it moves; no sign, no leading zero. */
static bool take_part(const char **at, unsigned long max, unsigned long *ret_part)
{
    const char *text = *at;
    if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && isdigit((unsigned char)text[1]))) {
        return false;
    }
    char *end;
    errno = 0;
    *ret_part = strtoul(text, &end, 10);
    *at = end;
    return errno == 0 && *ret_part <= max;
}

bool tool_version_parse(const char *text, struct otter_version *ret_version)
{
    static const unsigned long max[4] = {UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX};
    unsigned long part[4] = {0, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        if (!take_part(&text, max[i], &part[i])) {
            return false;
        }
        if (*text == 0) {
            ret_version->major = (uint8_t)part[0];
            ret_version->minor = (uint8_t)part[1];
            ret_version->revision = (uint16_t)part[2];
            ret_version->build = (uint32_t)part[3];
            return true;
        }
        if (*text++ != "..+"[i]) {
            return false;
        }
    }
    return false;
}

bool tool_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (!isxdigit((unsigned char)text[is_hex ? 2 : 0])) {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, is_hex ? 16 : 10);
    if (errno != 0 || *end != 0 || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool tool_unhex(const char *text, uint8_t *ret_bytes, size_t *ret_len)
{
    size_t len = 0;
    for (; *text; text += 2) {
        int high = digit(text[0]);
        int low = high < 0 ? -1 : digit(text[1]);
        if (low < 0) {
            return false;
        }
        ret_bytes[len++] = (uint8_t)(high << 4 | low);
    }
    *ret_len = len;
    return true;
}
