/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - one JSON object, read strictly: jsmn's tokens, and what jsmn does not check.
 */
#include <string.h>

#define JSMN_STATIC
#define JSMN_STRICT
#include <jsmn.h>

#include "agent/json.h"
#include "agent/text.h"
#include "otter/result.h"

enum expect {
    EXPECT_VALUE,
    EXPECT_FIRST_VALUE, /* or ']' */
    EXPECT_KEY,
    EXPECT_FIRST_KEY, /* or '}' */
    EXPECT_COLON,
    EXPECT_COMMA, /* or the end of the container */
    EXPECT_END
};

/* A walk over the text with the tokens in hand: is each where the grammar wants one, and
 * is there nothing else between them? */
struct walk {
    const char *text;
    size_t len, pos;
    jsmntok_t *tokens;
    int count, next;
    int containers[OTTER_JSON_DEPTH_MAX];
    int depth;
    enum expect expect;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Move *at over digits; false when there is none. */
static bool skip_digits(const char *text, size_t *at, size_t end)
{
    size_t from = *at;
    while (*at < end && is_digit(text[*at])) {
        ++*at;
    }
    return *at != from;
}

/* "-" and digits without a leading zero. */
static bool skip_integer(const char *text, size_t *at, size_t end)
{
    *at += text[*at] == '-';
    bool zero = *at < end && text[*at] == '0';
    size_t from = *at;
    return skip_digits(text, at, end) && !(zero && *at - from > 1);
}

/* RFC 8259 number in text[at, end). */
static bool is_number(const char *text, size_t at, size_t end)
{
    bool good = skip_integer(text, &at, end);
    if (good && at < end && text[at] == '.') {
        at++;
        good = skip_digits(text, &at, end);
    }
    if (good && at < end && (text[at] | 0x20) == 'e') {
        at++;
        at += at < end && (text[at] == '+' || text[at] == '-');
        good = skip_digits(text, &at, end);
    }
    return good && at == end;
}

static bool is_primitive(const char *text, size_t at, size_t end)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (end - at == strlen(words[i]) && memcmp(text + at, words[i], end - at) == 0) {
            return true;
        }
    }
    return is_number(text, at, end);
}

static void after_value(struct walk *walk)
{
    walk->expect = walk->depth > 0 ? EXPECT_COMMA : EXPECT_END;
}

static bool open_container(struct walk *walk, int index)
{
    if (walk->depth == OTTER_JSON_DEPTH_MAX) {
        return false;
    }
    walk->containers[walk->depth++] = index;
    walk->expect = walk->tokens[index].type == JSMN_OBJECT ? EXPECT_FIRST_KEY : EXPECT_FIRST_VALUE;
    walk->pos++;
    return true;
}

/* The next token begins at pos. A key's `size` becomes its object's number, any other 0. */
static bool take_token(struct walk *walk)
{
    int index = walk->next++;
    jsmntok_t *token = &walk->tokens[index];
    token->size = 0;
    if (walk->expect == EXPECT_KEY || walk->expect == EXPECT_FIRST_KEY) {
        if (token->type != JSMN_STRING) {
            return false;
        }
        token->size = walk->containers[walk->depth - 1] + 1;
        walk->pos = (size_t)token->end + 1;
        walk->expect = EXPECT_COLON;
        return true;
    }
    if (walk->expect != EXPECT_VALUE && walk->expect != EXPECT_FIRST_VALUE) {
        return false;
    }
    if (token->type == JSMN_OBJECT || token->type == JSMN_ARRAY) {
        return open_container(walk, index);
    }
    bool string = token->type == JSMN_STRING;
    walk->pos = (size_t)token->end + (string ? 1 : 0);
    after_value(walk);
    return string || is_primitive(walk->text, (size_t)token->start, (size_t)token->end);
}

static bool take_close(struct walk *walk)
{
    enum expect empty = EXPECT_FIRST_VALUE;
    if (walk->text[walk->pos] == '}') {
        empty = EXPECT_FIRST_KEY;
    }
    if (walk->expect != EXPECT_COMMA && walk->expect != empty) {
        return false;
    }
    const jsmntok_t *token = &walk->tokens[walk->containers[--walk->depth]];
    walk->pos++;
    after_value(walk);
    return (size_t)token->end == walk->pos; /* jsmn paired the brackets */
}

static bool take_mark(struct walk *walk)
{
    char c = walk->text[walk->pos];
    if (c == '}' || c == ']') {
        return take_close(walk);
    }
    walk->pos++;
    if (c == ':' && walk->expect == EXPECT_COLON) {
        walk->expect = EXPECT_VALUE;
        return true;
    }
    if (c == ',' && walk->expect == EXPECT_COMMA) {
        const jsmntok_t *token = &walk->tokens[walk->containers[walk->depth - 1]];
        walk->expect = token->type == JSMN_OBJECT ? EXPECT_KEY : EXPECT_VALUE;
        return true;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_strict(struct walk *walk)
{
    while (walk->pos < walk->len) {
        if (is_space(walk->text[walk->pos])) {
            walk->pos++;
            continue;
        }
        size_t begin = SIZE_MAX;
        if (walk->next < walk->count) {
            const jsmntok_t *token = &walk->tokens[walk->next];
            begin = (size_t)token->start - (token->type == JSMN_STRING ? 1 : 0);
        }
        bool good = walk->pos == begin ? take_token(walk) : take_mark(walk);
        if (!good) {
            return false;
        }
    }
    return walk->expect == EXPECT_END && walk->next == walk->count;
}

static bool is_scalar(uint32_t code, uint32_t least)
{
    return code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* By its first byte; 0: cannot be one. */
static size_t utf8_announced(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc0 || first >= 0xf8) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Bytes of the UTF-8 sequence at str; 0: not one. */
static size_t utf8_size(const uint8_t *str, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = utf8_announced(str[0]);
    if (size <= 1 || size > left) {
        return size <= left ? size : 0;
    }
    uint32_t code = str[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((str[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (str[i] & 0x3fu);
    }
    return is_scalar(code, least[size]) ? size : 0;
}

static size_t utf8_write(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (uint8_t)((0xf00u >> size & 0xf0u) | code);
    return size;
}

/* Four digits, which jsmn has checked as far as the string goes. */
static bool read_hex4(const uint8_t *in, size_t left, uint32_t *ret)
{
    uint32_t value = 0;
    if (left < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        uint8_t c = in[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    *ret = value;
    return true;
}

/* The second half of a surrogate pair, with its backslash. */
static bool read_low_half(const uint8_t *in, size_t left, uint32_t *ret)
{
    return left >= 6 && in[0] == '\\' && in[1] == 'u' && read_hex4(in + 2, 4, ret) &&
           *ret >= 0xdc00 && *ret <= 0xdfff;
}

/* \uXXXX, or two of them as a surrogate pair; `in` is behind the 'u'. Bytes read; 0: not
 * a character (or NUL, which would end the value early). */
static size_t read_unicode(const uint8_t *in, size_t left, uint32_t *ret)
{
    uint32_t code;
    uint32_t low;
    if (!read_hex4(in, left, &code)) {
        return 0;
    }
    if (code < 0xd800 || code > 0xdbff) {
        *ret = code;
        return is_scalar(code, 1) ? 4 : 0;
    }
    if (!read_low_half(in + 4, left - 4, &low)) {
        return 0;
    }
    *ret = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
    return 10;
}

/* The escape at in[0] == '\\'. Bytes read, 0: wrong; *out moves behind what was written. */
static size_t take_escape(const uint8_t *in, size_t left, uint8_t **out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (left < 2) {
        return 0;
    }
    if (in[1] == 'u') {
        uint32_t code = 0;
        size_t size = read_unicode(in + 2, left - 2, &code);
        if (size > 0) {
            *out += utf8_write(*out, code);
        }
        return size > 0 ? size + 2 : 0;
    }
    const char *at = strchr(from, in[1]);
    if (at == NULL || *at == '\0') {
        return 0;
    }
    *(*out)++ = (uint8_t)to[at - from];
    return 2;
}

/* Unescape the string where it lies (it only gets shorter) and end it with NUL. */
static bool unescape(char *text, jsmntok_t *token)
{
    uint8_t *out = (uint8_t *)text + token->start;
    const uint8_t *in = out;
    const uint8_t *end = (const uint8_t *)text + token->end;
    while (in < end) {
        size_t left = (size_t)(end - in);
        size_t size;
        if (*in == '\\') {
            size = take_escape(in, left, &out);
        } else {
            size = *in < 0x20 ? 0 : utf8_size(in, left);
            memmove(out, in, size);
            out += size;
        }
        if (size == 0) {
            return false;
        }
        in += size;
    }
    *out = '\0';
    return true;
}

static bool settle_strings(char *text, jsmntok_t *tokens, int count)
{
    for (int i = 0; i < count; i++) {
        if (tokens[i].type == JSMN_STRING && !unescape(text, &tokens[i])) {
            return false;
        }
        if (tokens[i].type != JSMN_STRING || tokens[i].size == 0) {
            continue;
        }
        for (int other = 0; other < i; other++) { /* keys of the same object */
            if (tokens[other].size == tokens[i].size &&
                otter_text_same(text + tokens[other].start, text + tokens[i].start)) {
                return false;
            }
        }
    }
    return true;
}

/* What a key's value is, ended with NUL. */
static struct otter_json_member member_of(char *text, const jsmntok_t *key)
{
    const jsmntok_t *value = key + 1;
    struct otter_json_member member = {
        .key = text + key->start, .value = "", .kind = OTTER_JSON_OTHER};
    char first = text[value->start];
    if (value->type == JSMN_STRING) {
        member.kind = OTTER_JSON_STRING;
        member.value = text + value->start;
    } else if (value->type == JSMN_PRIMITIVE && (first == '-' || is_digit(first))) {
        member.kind = OTTER_JSON_NUMBER;
        member.value = text + value->start;
        text[value->end] = '\0';
    }
    return member;
}

int otter_json_read(char *text, size_t len, void *work, size_t work_size,
                    int (*take)(void *ctx, const struct otter_json_member *member), void *ctx)
{
    jsmn_parser parser;
    jsmntok_t *tokens = work;
    jsmn_init(&parser);
    int count = jsmn_parse(&parser, text, len, tokens, (unsigned)(work_size / sizeof *tokens));
    if (count < 1) {
        return count == JSMN_ERROR_NOMEM ? OTTER_ERR_NOSPACE : OTTER_ERR_CORRUPT;
    }
    struct walk walk = {.text = text, .len = len, .tokens = tokens, .count = count};
    if (tokens[0].type != JSMN_OBJECT || !is_strict(&walk) ||
        !settle_strings(text, tokens, count)) {
        return OTTER_ERR_CORRUPT;
    }
    for (int i = 1; i < count; i++) {
        if (tokens[i].size != 1) { /* not a key of the root */
            continue;
        }
        struct otter_json_member member = member_of(text, &tokens[i]);
        int err = take(ctx, &member);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}
