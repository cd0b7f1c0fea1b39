/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - one JSON object (RFC 8259), read strictly in one pass.
 *
 * Stricter than the grammar: no key twice in an object (in any case of letters), no NUL in a
 * string, surrogates in pairs only, valid UTF-8 in its shortest form, nothing but white space
 * behind the end. A text with NUL in it is refused first, so that reading NUL is the end.
 */
#include <stdbool.h>
#include <string.h>

#include "agent/json.h"
#include "agent/text.h"
#include "otter/result.h"

enum state {
    OPENED,      /* an item, or the end of the container */
    BEHIND_ITEM, /* a comma, or the end */
    BEHIND_COMMA /* an item */
};

struct reader {
    char *text, *at;
    const char *end;
    uint32_t *keys; /* offsets of the keys of all open objects */
    uint32_t keys_count, keys_max;
    uint32_t open[OTTER_JSON_DEPTH_MAX]; /* containers: twice its first key's index; 1: an array */
    uint32_t depth;
    enum state state;
    struct otter_json_member member;
    const char *root_key; /* the newest */
    int (*take)(void *ctx, const struct otter_json_member *member);
    void *ctx;
};

static unsigned get(struct reader *reader)
{
    return reader->at < reader->end ? (uint8_t)*reader->at++ : 0;
}

/* Move over a character if it is this one. */
static bool accept(struct reader *reader, char c)
{
    bool same = reader->at < reader->end && *reader->at == c;
    reader->at += same;
    return same;
}

/* The next character that is no white space. */
static unsigned get_mark(struct reader *reader)
{
    unsigned c;
    do {
        c = get(reader);
    } while (c == ' ' || c == '\n' || c == '\r' || c == '\t');
    return c;
}

static bool skip_digits(struct reader *reader)
{
    const char *from = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        reader->at++;
    }
    return reader->at != from;
}

static bool skip_number(struct reader *reader)
{
    (void)accept(reader, '-');
    if (!accept(reader, '0') && !skip_digits(reader)) {
        return false;
    }
    if (accept(reader, '.') && !skip_digits(reader)) {
        return false;
    }
    if (accept(reader, 'e') || accept(reader, 'E')) {
        (void)(accept(reader, '+') || accept(reader, '-'));
        return skip_digits(reader);
    }
    return true;
}

/* The character whose UTF-8 begins with `first`; 0: it is none. */
static uint32_t get_utf8(struct reader *reader, unsigned first)
{
    unsigned count = 0; /* of bytes behind the first one */
    while (count < 4 && (first << count & 0x40u) != 0) {
        count++;
    }
    uint32_t code = count != 0 ? first & (0x3fu >> count) : 0;
    for (; count > 0; count--) {
        unsigned next = get(reader);
        if ((next & 0xc0u) != 0x80) {
            return 0;
        }
        code = code << 6 | (next & 0x3fu);
    }
    return code;
}

/* Four digits; 0 where they are none. */
static uint32_t get_hex4(struct reader *reader)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        unsigned digit = otter_text_hex((char)get(reader));
        if (digit > 15) {
            return 0;
        }
        code = code << 4 | digit;
    }
    return code;
}

/* The character behind "\"; 0: none. The first half of a pair must be followed by the second. */
static uint32_t get_escape(struct reader *reader)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    unsigned c = get(reader);
    if (c != 'u') {
        const char *at = memchr(from, (int)c, sizeof from - 1);
        return at != NULL ? (uint8_t)to[at - from] : 0;
    }
    uint32_t code = get_hex4(reader);
    if (code >> 10 != 0xd800 >> 10) {
        return code;
    }
    bool escaped = accept(reader, '\\') && accept(reader, 'u');
    uint32_t low = escaped ? get_hex4(reader) : 0;
    return low >> 10 == 0xdc00 >> 10 ? 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff)) : 0;
}

/* Bytes written, one to four. */
static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(0xf00u >> size | code);
    return size;
}

/* The character of a string that begins with `first`, which is not its end; 0: none. */
static uint32_t get_character(struct reader *reader, unsigned first)
{
    uint32_t code = first;
    if (first == '\\') {
        code = get_escape(reader);
    } else if (first < ' ') {
        return 0;
    } else if (first >= 0x80) {
        code = get_utf8(reader, first);
    }
    return code > 0x10ffff || code >> 11 == 0xd800 >> 11 ? 0 : code;
}

/* The rest of a string, unescaped where it lies (it only gets shorter) and ended with NUL;
 * NULL: it is none. */
static char *get_string(struct reader *reader)
{
    char *string = reader->at;
    for (char *out = string;;) {
        const char *from = reader->at;
        const char *at = out;
        unsigned first = get(reader);
        if (first == '"') {
            *out = '\0';
            return string;
        }
        uint32_t code = get_character(reader, first);
        if (code == 0) {
            return NULL;
        }
        out += put_utf8(out, code);
        if (first != '\\' && out - at != reader->at - from) {
            return NULL; /* not its shortest form */
        }
    }
}

/* `"key" :`, of which the quote was read. */
static int get_key(struct reader *reader)
{
    const char *key = get_string(reader);
    if (key == NULL || get_mark(reader) != ':') {
        return OTTER_ERR_CORRUPT;
    }
    for (uint32_t i = reader->open[reader->depth - 1] / 2; i < reader->keys_count; i++) {
        if (otter_text_same(reader->text + reader->keys[i], key)) {
            return OTTER_ERR_CORRUPT;
        }
    }
    if (reader->keys_count == reader->keys_max) {
        return OTTER_ERR_NOSPACE;
    }
    reader->keys[reader->keys_count++] = (uint32_t)(key - reader->text);
    reader->member.key = key;
    return 0;
}

/* true, false or null, which begins with c; false: none of them. */
static bool skip_word(struct reader *reader, unsigned c)
{
    const char *word = c == 't' ? "true" : c == 'f' ? "false" : "null";
    while (*word != '\0' && accept(reader, *word)) {
        word++;
    }
    return *word == '\0';
}

static bool open_container(struct reader *reader, bool array)
{
    if (reader->depth == OTTER_JSON_DEPTH_MAX) {
        return false;
    }
    if (reader->depth == 1) {
        reader->root_key = reader->member.key;
    }
    reader->open[reader->depth++] = 2 * reader->keys_count + array;
    reader->state = OPENED;
    return true;
}

/* The value that begins with c; a container is opened only. */
static bool get_value(struct reader *reader, unsigned c)
{
    struct otter_json_member *member = &reader->member;
    member->value = "";
    if (c == '"') {
        member->kind = OTTER_JSON_STRING;
        member->value = get_string(reader);
        return member->value != NULL;
    }
    member->kind = c == '{' ? OTTER_JSON_OBJECT : c == '[' ? OTTER_JSON_ARRAY : OTTER_JSON_OTHER;
    if (member->kind != OTTER_JSON_OTHER) {
        return true;
    }
    reader->at -= c != '\0';
    if (c >= 'a') {
        return skip_word(reader, c);
    }
    member->kind = OTTER_JSON_NUMBER;
    member->value = reader->at;
    return skip_number(reader);
}

static int hand_out(struct reader *reader)
{
    char *end = reader->at; /* what is behind a number ends it for a while */
    char behind = *end;
    reader->member.parent = reader->depth == 1 ? NULL : reader->root_key;
    *end = '\0';
    int err = reader->take(reader->ctx, &reader->member);
    *end = behind;
    return err;
}

/* In the root, in a member of it, or in an item of one. */
static bool is_near(const struct reader *reader)
{
    return reader->depth <= 2 || (reader->depth == 3 && reader->open[1] % 2 != 0 &&
                                  reader->open[2] % 2 == 0);
}

/* A value, which begins with c. */
static int get_item(struct reader *reader, unsigned c)
{
    reader->state = BEHIND_ITEM;
    if (!get_value(reader, c) || reader->at == reader->end) { /* the root is still open */
        return OTTER_ERR_CORRUPT;
    }
    int err = is_near(reader) ? hand_out(reader) : 0;
    bool nested = c == '{' || c == '[';
    return err == 0 && nested && !open_container(reader, c == '[') ? OTTER_ERR_CORRUPT : err;
}

/* A mark between items, or an item, `key: value` or a value, which begins with c. */
static int get_next(struct reader *reader, unsigned c)
{
    uint32_t container = reader->open[reader->depth - 1];
    if (c == (container % 2 != 0 ? ']' : '}') && reader->state != BEHIND_COMMA) {
        reader->keys_count = container / 2;
        reader->depth--;
        reader->state = BEHIND_ITEM;
        return 0;
    }
    if (reader->state == BEHIND_ITEM) {
        reader->state = BEHIND_COMMA;
        return c == ',' ? 0 : OTTER_ERR_CORRUPT;
    }
    reader->member.item = container % 2 != 0;
    if (reader->member.item) {
        reader->member.key = "";
        return get_item(reader, c);
    }
    int err = c == '"' ? get_key(reader) : OTTER_ERR_CORRUPT;
    return err < 0 ? err : get_item(reader, get_mark(reader));
}

int otter_json_read(char *text, size_t len, void *work, size_t work_size,
                    int (*take)(void *ctx, const struct otter_json_member *member), void *ctx)
{
    struct reader reader = {
        .text = text, .at = text, .end = text + len, .keys = work, .take = take, .ctx = ctx};
    reader.keys_max = (uint32_t)(work_size / sizeof reader.keys[0]);
    if (memchr(text, '\0', len) != NULL || get_mark(&reader) != '{' ||
        !open_container(&reader, false)) {
        return OTTER_ERR_CORRUPT;
    }
    while (reader.depth > 0) {
        int err = get_next(&reader, get_mark(&reader));
        if (err < 0) {
            return err;
        }
    }
    return get_mark(&reader) == '\0' ? 0 : OTTER_ERR_CORRUPT;
}
