/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_line.c - a UART line held against every word, and its values taken out. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tool/emulate_line.h"

#define FRONT 6u /* "boot  ", "app   " */
#define DIGITS_MAX 18u

struct word {
    const char *from, *event;
    const char *keys; /* blanks between; "key=value" is said by the line itself */
    const char *text; /* %s: the next key's value */
};

static const struct word words[] = {
#define BOOT_WORD(id, event, keys, text) {"boot", event, keys, text},
#define APP_WORD(id, event, keys, text) {"app", event, keys, text},
#include "board/words.def"
#undef BOOT_WORD
#undef APP_WORD
};
enum { WORDS = sizeof words / sizeof words[0] };

struct span {
    const char *at;
    size_t len;
};

/* True when `line` is `text` with something in place of each %s: the shortest that fits. */
static bool fits(const char *text, const char *line, struct span *values, size_t count)
{
    while (*text && strncmp(text, "%s", 2) != 0) {
        if (*text++ != *line++) {
            return false;
        }
    }
    if (*text == 0) {
        return *line == 0;
    }
    for (size_t len = 0; count > 0; len++) {
        if (fits(text + 2, line + len, values + 1, count - 1)) {
            values->at = line;
            values->len = len;
            return true;
        }
        if (line[len] == 0) {
            return false;
        }
    }
    return false;
}

static json_t *value_of(const char *at, size_t len)
{
    size_t digits = 0;
    while (digits < len && isdigit((unsigned char)at[digits])) {
        digits++;
    }
    bool number = digits == len && len > 0 && len <= DIGITS_MAX;
    return number ? json_integer(strtoll(at, NULL, 10)) : json_stringn(at, len);
}

/* The keys of a word, each with what it says itself or with the next of the values. */
static void add_values(json_t *event, const struct word *word, const struct span *values)
{
    for (const char *at = word->keys; *at; at += *at == ' ') {
        size_t len = strcspn(at, " ");
        const char *equals = memchr(at, '=', len);
        size_t key_len = equals ? (size_t)(equals - at) : len;
        json_t *value = equals ? json_stringn(equals + 1, len - key_len - 1) : value_of(values->at, values->len);
        values += equals ? 0 : 1;
        char *key = strndup(at, key_len);
        if (!key || json_object_set_new(event, key, value) != 0) {
            (void)json_object_set_new(event, "event", json_string("uart"));
        }
        free(key);
        at += len;
    }
}

static const char *from_of(const char *line)
{
    return strncmp(line, "boot  ", FRONT) == 0 ? "boot" : strncmp(line, "app   ", FRONT) == 0 ? "app" : "board";
}

json_t *emulate_line_event(const char *line)
{
    char plain[EMULATE_LINE_SIZE];
    size_t len = 0;
    for (; line[len] && len < sizeof plain - 1; len++) {
        plain[len] = line[len] >= ' ' && line[len] <= '~' ? line[len] : '?';
    }
    plain[len] = 0;
    const char *from = from_of(plain);
    const char *text = plain + (strcmp(from, "board") == 0 ? 0 : FRONT);
    for (size_t i = 0; i < WORDS; i++) {
        struct span values[EMULATE_VALUES_MAX] = {{NULL, 0}};
        if (strcmp(words[i].from, from) == 0 && fits(words[i].text, text, values, EMULATE_VALUES_MAX)) {
            json_t *event = json_pack("{s:s, s:s}", "from", from, "event", words[i].event);
            add_values(event, &words[i], values);
            (void)json_object_set_new(event, "line", json_string(text));
            return event;
        }
    }
    return json_pack("{s:s, s:s, s:s}", "from", from, "event", "uart", "line", text);
}

static bool says(const char *keys, const char *key, const char *name, size_t len)
{
    size_t key_len = strlen(key);
    for (const char *at = keys; *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strncmp(at, key, key_len) == 0 && strcspn(at + key_len, " ") == len &&
            strncmp(at + key_len, name, len) == 0) {
            return true;
        }
    }
    return false;
}

bool emulate_line_knows(const char *name, size_t len)
{
    for (size_t i = 0; i < WORDS; i++) {
        bool named = strlen(words[i].event) == len && strncmp(words[i].event, name, len) == 0;
        bool app = strcmp(words[i].from, "app") == 0;
        if (named || (app && (says(words[i].keys, "phase=", name, len) || says(words[i].keys, "outcome=", name, len)))) {
            return true;
        }
    }
    return false;
}

static bool member_is(const json_t *event, const char *key, const char *name)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value && strcmp(value, name) == 0;
}

bool emulate_line_is(const json_t *event, const char *name)
{
    return member_is(event, "event", name) ||
           (member_is(event, "from", "app") &&
            (member_is(event, "phase", name) || member_is(event, "outcome", name)));
}
