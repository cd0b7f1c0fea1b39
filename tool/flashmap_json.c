/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_json.c - the JSON under a flash map: strict, with the key's path in every message.
 *
 * Text from the file is quoted in messages only after flashmap_quote made it short and printable:
 * a map may come from anywhere, and a message is one line on a terminal.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/flashmap_parts.h"

struct flashmap_quoted flashmap_quote(const char *text)
{
    struct flashmap_quoted quoted = {{0}};
    size_t len = 0;
    while (text[len] && len + 4 < sizeof quoted.text) {
        quoted.text[len] = isprint((unsigned char)text[len]) ? text[len] : '?';
        len++;
    }
    if (text[len]) {
        memcpy(quoted.text + len, "...", 3);
    }
    return quoted;
}

void flashmap_path(char *path, size_t size, const char *parent, const char *key)
{
    (void)snprintf(path, size, "%s%s%s", parent, *parent ? "." : "", key);
}

json_t *flashmap_json(const char *text, size_t len, struct flashmap_report *report)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        flashmap_error(report, "not JSON: line %d, column %d: %s", error.line, error.column,
                       flashmap_quote(error.text).text);
        return NULL;
    }
    if (!json_is_object(root)) {
        flashmap_error(report, "the file must hold a JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool listed(const char *key, const char *const *known)
{
    for (; *known; known++) {
        if (strcmp(key, *known) == 0) {
            return true;
        }
    }
    return false;
}

void flashmap_known_keys(const json_t *object, const char *path, const char *const *known,
                         struct flashmap_report *report)
{
    char list[256] = "";
    size_t len = 0;
    for (const char *const *name = known; *name && len < sizeof list; name++) {
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", name == known ? "" : ", ",
                                *name);
    }
    for (void *iter = json_object_iter((json_t *)(uintptr_t)object); iter;
         iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
        const char *key = json_object_iter_key(iter);
        if (!listed(key, known)) {
            flashmap_error(report, "unknown key '%s'%s%s; known here: %s", flashmap_quote(key).text,
                           *path ? " in " : "", path, list);
        }
    }
}

json_t *flashmap_object(json_t *object, const char *path, const char *key, bool required,
                        struct flashmap_report *report)
{
    char full[FLASHMAP_KEY_SIZE];
    flashmap_path(full, sizeof full, path, key);
    json_t *value = json_object_get(object, key);
    if (!value && required) {
        flashmap_error(report, "%s is missing", full);
    } else if (value && !json_is_object(value)) {
        flashmap_error(report, "%s must be an object", full);
        value = NULL;
    }
    return value;
}

/* The PSoC dialect wraps every leaf: {"description": "...", "value": "..."}. */
static json_t *unwrap(json_t *leaf, const char *path, struct flashmap_report *report)
{
    static const char *const known[] = {"description", "value", NULL};
    if (!json_is_object(leaf)) {
        flashmap_error(report, "%s must be an object with \"description\" and \"value\"", path);
        return NULL;
    }
    flashmap_known_keys(leaf, path, known, report);
    json_t *description = json_object_get(leaf, "description");
    if (description && !json_is_string(description)) {
        flashmap_error(report, "%s.description must be a string", path);
    }
    json_t *value = json_object_get(leaf, "value");
    if (!value) {
        flashmap_error(report, "%s.value is missing", path);
    }
    return value;
}

const char *flashmap_string(json_t *object, const char *path, const char *key, bool leaves,
                            struct flashmap_report *report)
{
    char full[FLASHMAP_KEY_SIZE];
    flashmap_path(full, sizeof full, path, key);
    json_t *value = json_object_get(object, key);
    if (!value) {
        return NULL;
    }
    if (leaves) {
        value = unwrap(value, full, report);
    }
    if (value && !json_is_string(value)) {
        flashmap_error(report, "%s%s must be a string", full, leaves ? ".value" : "");
        return NULL;
    }
    return value ? json_string_value(value) : NULL;
}

/* 0x and one to many hex digits, nothing else; no sign, no space. */
static bool is_hex(const char *text)
{
    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X') || !text[2]) {
        return false;
    }
    return text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == 0;
}

bool flashmap_number(json_t *object, const char *path, const char *key, bool leaves, bool required,
                     uint32_t *ret_value, struct flashmap_report *report)
{
    char full[FLASHMAP_KEY_SIZE];
    flashmap_path(full, sizeof full, path, key);
    if (!json_object_get(object, key)) {
        if (required) {
            flashmap_error(report, "%s is missing", full);
        }
        return false;
    }
    const char *text = flashmap_string(object, path, key, leaves, report);
    if (!text) {
        return false;
    }
    if (!is_hex(text)) {
        flashmap_error(report, "%s: '%s' is not a hex number such as \"0x10000\"", full,
                       flashmap_quote(text).text);
        return false;
    }
    const char *digits = text + 2 + strspn(text + 2, "0");
    if (strlen(digits) > 8) {
        flashmap_error(report, "%s: %s does not fit 32 bits", full, flashmap_quote(text).text);
        return false;
    }
    *ret_value = (uint32_t)strtoul(text + 2, NULL, 16);
    return true;
}
