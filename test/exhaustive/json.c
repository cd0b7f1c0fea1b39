/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - every short string over the marks, numbers, escapes and bytes that mean something in a job
 * document, beside jansson (test/fuzz/json_beside.h).
 */
#include <string.h>

#include "exhaustive.h"
#include "test/fuzz/json_beside.h"

enum { WORDS = 20, TEXT_MAX = 256 };

static const struct context {
    const char *name, *prefix, *suffix;
    const char *words[WORDS];
    unsigned quick, deep;
} contexts[] = {
    {"structure", "", "", {"{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "null", " "}, 5, 6},
    {"members of the root", "{", "}", {"{", "}", "[", "]", ",", "\"a\":", "\"b\":", "\"A\":", "1", "\"x\"", "\n", "{\"b\":1}"}, 5, 6},
    {"members of a member", "{\"m\":{", "}}", {"{", "}", ",", "\"a\":", "\"b\":", "\"\\u0041\":", "1", "\"m\":"}, 5, 7},
    {"items of a member", "{\"m\":[", "]}", {"{", "}", "[", "]", ",", "\"a\":", "\"A\":", "1", "\"m\"", "{\"b\":1}"}, 5, 7},
    {"depth", "{\"a\":[[[", "", {"[", "]", "{", "}", ",", "\"k\":", "1"}, 6, 8},
    {"numbers", "{\"n\":", "}", {"0", "1", "9", "-", "+", ".", "e", "E", " "}, 5, 7},
    {"words", "{\"w\":", "}", {"true", "false", "null", "tru", "e", "nul", "l", "T", " ", "]"}, 4, 5},
    {"escapes", "{\"s\":\"", "\"}",
     {"\\", "\"", "/", "u", "u0041", "u00", "ud83d", "uDE00", "udbff", "uDFFF", "ue000", "u0000", "u007f", "n", "x", "\x1f"}, 4, 5},
    {"bytes of characters", "{\"s\":\"", "\"}",
     {"\x7f", "\x80", "\x8f", "\x90", "\x9f", "\xa0", "\xbf", "\xc0", "\xc1", "\xc2", "\xdf", "\xe0", "\xed", "\xef", "\xf0", "\xf4", "\xf5",
      "\xf7", "\xf8", "\xff"}, 4, 5},
    {"keys", "{\"", "\":1}", {"a", "A", "\":1,\"", "\xc3\xa9", "\xc3\x89", "\\u00e9", "\\", "\\u004", "1"}, 5, 6},
};

static uint8_t text[TEXT_MAX];
static size_t text_len;
static uint64_t cases;

static void check(void)
{
    const char *disagree = json_beside(text, text_len);
    cases++;
    if (disagree != NULL) {
        (void)fprintf(stderr, "%s\n", disagree);
    }
    REQUIRE(disagree == NULL);
}

static void append(const char *word)
{
    size_t len = strlen(word);
    memcpy(text + text_len, word, len);
    text_len += len;
}

static void try_context(const struct context *context, bool deep)
{
    unsigned count = 0;
    while (count < WORDS && context->words[count] != NULL) {
        count++;
    }
    uint64_t strings = 1;
    for (unsigned len = 0; len <= (deep ? context->deep : context->quick); len++, strings *= count) {
        for (uint64_t string = 0; string < strings; string++) {
            uint64_t rest = string;
            text_len = 0;
            append(context->prefix);
            for (unsigned i = 0; i < len; i++, rest /= count) {
                append(context->words[rest % count]);
            }
            append(context->suffix);
            check();
        }
    }
    exhaustive_part(context->name, cases, 1000);
    cases = 0;
}

/* Every three bytes (quick: every two) in a string; also cut off behind them. */
static void every_byte(bool deep)
{
    unsigned all = deep ? 1u << 24 : 1u << 16;
    for (unsigned which = 0; which < all; which++) {
        text_len = 0;
        append("{\"s\":\"");
        text[text_len++] = (uint8_t)which;
        text[text_len++] = (uint8_t)(which >> 8);
        if (deep) {
            text[text_len++] = (uint8_t)(which >> 16);
        }
        check();
        append("\"}");
        check();
    }
    exhaustive_part("every two or three bytes", cases, 100000);
    cases = 0;
}

void exhaustive_run(bool deep)
{
    for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
        try_context(&contexts[i], deep);
    }
    every_byte(deep);
}

void exhaustive_describe(FILE *to)
{
    (void)fprintf(to, " ");
    exhaustive_hex(to, text, text_len);
}

void exhaustive_replay(int count, char **words)
{
    (void)count;
    text_len = exhaustive_bytes(words[0], text, sizeof text);
    check();
}
