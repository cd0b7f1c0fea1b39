/* SPDX-License-Identifier: Apache-2.0 */
/* json_beside.c - the device's JSON reader beside jansson. */
#include "json_beside.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/json.h"
#include "otter/result.h"

struct beside {
    const json_t *root; /* NULL: a number that jansson has no type for */
    size_t members;
    size_t items; /* of the array that is read */
    const char *why;
};

static const char *compare_value(const struct otter_json_member *member, const json_t *value)
{
    if (json_is_string(value) != (member->kind == OTTER_JSON_STRING) ||
        json_is_number(value) != (member->kind == OTTER_JSON_NUMBER) ||
        json_is_object(value) != (member->kind == OTTER_JSON_OBJECT) ||
        json_is_array(value) != (member->kind == OTTER_JSON_ARRAY)) {
        return "a member is of another kind";
    }
    if (json_is_string(value) && strcmp(json_string_value(value), member->value) != 0) {
        return "a string is another one";
    }
    if (json_is_integer(value) && json_integer_value(value) != strtoll(member->value, NULL, 10)) {
        return "a number is another one";
    }
    return NULL;
}

static int compare(void *ctx, const struct otter_json_member *member)
{
    struct beside *beside = ctx;
    beside->members++;
    if (beside->root == NULL || beside->why != NULL) {
        return 0;
    }
    const json_t *parent = member->parent != NULL ? json_object_get(beside->root, member->parent) : beside->root;
    if (member->parent == NULL) {
        beside->items = 0;
    } else if (member->item) {
        beside->items++;
    } else if (json_is_array(parent)) {
        parent = json_array_get(parent, beside->items - 1);
    }
    const json_t *value = member->item ? json_array_get(parent, beside->items - 1) : json_object_get(parent, member->key);
    beside->why = value == NULL ? "a member is not there" : compare_value(member, value);
    return 0;
}

static bool has_key_twice(json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        size_t same = 0;
        const char *other;
        json_t *other_value;
        json_object_foreach (object, other, other_value) {
            same += strcasecmp(key, other) == 0;
        }
        if (same > 1) {
            return true;
        }
    }
    return false;
}

/* Within what is taken beyond the grammar: depth, and no keys that differ in case only. */
static bool is_narrow(json_t *value, int depth)
{
    const char *key;
    json_t *item;
    size_t i;
    bool container = json_is_object(value) || json_is_array(value);
    bool narrow = !container || depth < OTTER_JSON_DEPTH_MAX;
    if (!narrow || (json_is_object(value) && has_key_twice(value))) {
        return false;
    }
    json_object_foreach (value, key, item) {
        narrow = narrow && is_narrow(item, depth + 1);
    }
    json_array_foreach (value, i, item) {
        narrow = narrow && is_narrow(item, depth + 1);
    }
    return narrow;
}

static size_t members_of(json_t *root)
{
    size_t count = json_object_size(root);
    const char *key;
    json_t *value;
    json_t *item;
    size_t i;
    json_object_foreach (root, key, value) {
        count += json_object_size(value) + json_array_size(value);
        json_array_foreach (value, i, item) {
            count += json_object_size(item);
        }
    }
    return count;
}

/* The device's reader, on a copy of exactly this size. */
static int read_copy(const uint8_t *data, size_t size, struct beside *beside)
{
    static uint32_t work[65536];
    char *text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    int err = otter_json_read(text, size, work, sizeof work, compare, beside);
    free(text);
    return err;
}

/* NULL: refused; *ret_unfit: for a number that does not fit jansson's types. */
static json_t *read_there(const uint8_t *data, size_t size, bool *ret_unfit)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &error);
    *ret_unfit = root == NULL && json_error_code(&error) == json_error_numeric_overflow;
    return root;
}

bool json_unfit(const uint8_t *data, size_t size)
{
    bool unfit;
    json_decref(read_there(data, size, &unfit));
    return unfit;
}

/* Numbers that do not fit jansson's types are as written here. It passes over NUL between tokens;
 * that is no JSON. */
const char *json_beside(const uint8_t *data, size_t size)
{
    bool unfit;
    json_t *root = read_there(data, size, &unfit);
    struct beside beside = {.root = json_is_object(root) ? root : NULL};
    int err = read_copy(data, size, &beside);
    const char *why = NULL;
    if (err == 0 && !json_is_object(root) && !unfit) {
        why = "taken here, refused there";
    } else if (err == 0 && beside.why != NULL) {
        why = beside.why;
    } else if (err == 0 && !unfit && beside.members != members_of(root)) {
        why = "not all members were handed out";
    } else if (err != 0 && json_is_object(root) && memchr(data, 0, size) == NULL && is_narrow(root, 0)) {
        why = "refused here, taken there";
    }
    json_decref(root);
    return why;
}
