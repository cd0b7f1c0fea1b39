/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - text put together in a caller's buffer, and read from one.
 */
#include <string.h>

#include "agent/text.h"

static void add(struct otter_text *text, const char *bytes, size_t len)
{
    if (text->full || len > text->size - text->len) {
        text->full = true;
        return;
    }
    memcpy(text->buf + text->len, bytes, len);
    text->len += len;
}

void otter_text_add(struct otter_text *text, const char *str)
{
    add(text, str, strlen(str));
}

void otter_text_add_u32(struct otter_text *text, uint32_t value)
{
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    add(text, digits + at, sizeof digits - at);
}

void otter_text_add_version(struct otter_text *text, const struct otter_version *version)
{
    otter_text_add_u32(text, version->major);
    add(text, ".", 1);
    otter_text_add_u32(text, version->minor);
    add(text, ".", 1);
    otter_text_add_u32(text, version->revision);
    if (version->build != 0) {
        add(text, "+", 1);
        otter_text_add_u32(text, version->build);
    }
}

static void put_hex(char *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    out[0] = digits[byte >> 4];
    out[1] = digits[byte & 15];
}

void otter_text_add_hex(struct otter_text *text, uint8_t byte)
{
    char hex[2];
    put_hex(hex, byte);
    add(text, hex, sizeof hex);
}

void otter_text_add_json(struct otter_text *text, const char *str)
{
    add(text, "\"", 1);
    for (; *str != '\0'; str++) {
        unsigned char c = (unsigned char)*str;
        if (c == '"' || c == '\\') {
            add(text, "\\", 1);
        }
        if (c < 0x20) {
            char escape[6] = {'\\', 'u', '0', '0'};
            put_hex(escape + 4, c);
            add(text, escape, sizeof escape);
        } else {
            add(text, str, 1);
        }
    }
    add(text, "\"", 1);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool otter_text_same_len(const char *a, size_t a_len, const char *b)
{
    for (; a_len > 0 && *b != '\0'; a_len--, a++, b++) {
        if (lower(*a) != lower(*b)) {
            return false;
        }
    }
    return a_len == 0 && *b == '\0';
}

bool otter_text_same(const char *a, const char *b)
{
    return otter_text_same_len(a, strlen(a), b);
}

bool otter_text_lists(const char *list, const char *word)
{
    static const char between[] = ", \t";
    size_t len = 0;
    do {
        list += len;
        list += strspn(list, between);
        len = strcspn(list, between);
    } while (len != 0 && !otter_text_same_len(list, len, word));
    return len != 0;
}

unsigned otter_text_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)c - '0';
    }
    unsigned letter = ((unsigned char)c | 0x20u) - 'a';
    return letter < 6 ? letter + 10 : UINT8_MAX;
}

bool otter_text_read_u32(const char **at, const char *end, uint32_t max, uint32_t *ret)
{
    const char *start = *at;
    uint32_t value = 0;
    bool fits = true;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        uint32_t digit = (uint32_t)(**at - '0');
        if (!fits || digit > max || value > (max - digit) / 10) {
            fits = false;
            value = max;
        } else {
            value = value * 10 + digit;
        }
    }
    if (*at == start) {
        return false;
    }
    *ret = value;
    return fits;
}
