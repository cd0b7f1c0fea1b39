/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_conditions.c - may the client have all, a part, or is what it has still right?
 *
 * One range is served; a request for several gets the whole file, which RFC 9110 allows.
 * If-Range counts only on a strong validator that is equal, else the range is ignored.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tool/serve.h"

/* A list of entity tags, or "*". Weak: W/ is looked over. */
static bool lists(const char *list, const char *etag, bool weak)
{
    size_t len = strlen(etag);
    while (*list) {
        list += strspn(list, " \t,");
        if (*list == '*') {
            return true;
        }
        bool is_weak = strncmp(list, "W/", 2) == 0;
        list += is_weak ? 2 : 0;
        if ((weak || !is_weak) && strncmp(list, etag, len) == 0) {
            return true;
        }
        if (*list == '"') {
            list++;
            list += strcspn(list, "\"");
            list += *list ? 1 : 0;
        } else {
            list += strcspn(list, ",");
        }
    }
    return false;
}

static bool take_number(const char **text, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    for (; isdigit((unsigned char)**text); (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

/* 200: no range that we know; 206; 416. */
static int judge_range(const char *range, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t first = 0;
    uint64_t last = 0;
    if (strncasecmp(range, "bytes=", 6) != 0) {
        return 200;
    }
    range += 6;
    range += strspn(range, " \t");
    bool has_first = take_number(&range, &first);
    if (*range++ != '-') {
        return 200;
    }
    bool has_last = take_number(&range, &last);
    range += strspn(range, " \t");
    if (*range != '\0' || (!has_first && !has_last) || (has_first && has_last && last < first)) {
        return 200;
    }
    if (!has_first) { /* the last n bytes */
        if (last == 0 || size == 0) {
            return 416;
        }
        first = last < size ? size - last : 0;
        has_last = false;
    }
    if (first >= size) {
        return 416;
    }
    *ret_first = first;
    *ret_last = has_last && last < size ? last : size - 1;
    return 206;
}

int serve_judge(const struct serve_conditions *conditions, const struct serve_file *file, bool is_get,
                uint64_t *ret_first, uint64_t *ret_last)
{
    if (conditions->if_match && !lists(conditions->if_match, file->etag, false)) {
        return 412;
    }
    if (conditions->if_none_match) {
        if (lists(conditions->if_none_match, file->etag, true)) {
            return 304;
        }
    } else if (conditions->if_modified_since && strcmp(conditions->if_modified_since, file->date) == 0) {
        return 304;
    }
    if (!is_get || !conditions->range) {
        return 200;
    }
    if (conditions->if_range && strcmp(conditions->if_range, file->etag) != 0 &&
        strcmp(conditions->if_range, file->date) != 0) {
        return 200;
    }
    return judge_range(conditions->range, file->size, ret_first, ret_last);
}
