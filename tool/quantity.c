/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.c - shares, durations and times, as people write them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tool/quantity.h"

/* Digits only, no leading zeros, at most nine of them; false: none, or too many. */
static bool take_digits(const char **at, int64_t *ret_number)
{
    const char *text = *at;
    int64_t number = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 10 || (text[0] == '0' && len > 1)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        number = number * 10 + (text[i] - '0');
    }
    *at = text + len;
    *ret_number = number;
    return true;
}

bool tool_permille_parse(const char *text, int *ret_permille)
{
    int64_t whole = 0;
    int64_t permille;
    if (!take_digits(&text, &whole) || whole > 1000) {
        return false;
    }
    if (strcmp(text, "‰") == 0) {
        permille = whole;
    } else {
        permille = whole * 10;
        if (text[0] == '.' && isdigit((unsigned char)text[1])) {
            permille += text[1] - '0';
            text += 2;
        }
        if (strcmp(text, "%") != 0) {
            return false;
        }
    }
    *ret_permille = (int)permille;
    return permille <= 1000;
}

const char *tool_permille_text(int permille, char ret_text[TOOL_PERMILLE_SIZE])
{
    unsigned all = (unsigned)permille % 10000u;
    if (all % 10 == 0) {
        snprintf(ret_text, TOOL_PERMILLE_SIZE, "%u%%", all / 10);
    } else {
        snprintf(ret_text, TOOL_PERMILLE_SIZE, "%u.%u%%", all / 10, all % 10);
    }
    return ret_text;
}

static const struct {
    char letter;
    int64_t seconds;
} units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
enum { UNITS = sizeof units / sizeof units[0] };

bool tool_duration_parse(const char *text, int64_t *ret_seconds)
{
    int64_t number = 0;
    if (!take_digits(&text, &number) || text[0] == 0 || text[1] != 0) {
        return false;
    }
    for (size_t i = 0; i < UNITS; i++) {
        if (text[0] == units[i].letter && number <= (int64_t)UINT32_MAX / units[i].seconds) {
            *ret_seconds = number * units[i].seconds;
            return true;
        }
    }
    return false;
}

const char *tool_duration_text(int64_t seconds, char ret_text[TOOL_DURATION_SIZE])
{
    size_t i = 1; /* people count days, not weeks */
    while (i + 1 < UNITS && seconds < 2 * units[i].seconds && seconds != units[i].seconds) {
        i++;
    }
    snprintf(ret_text, TOOL_DURATION_SIZE, "%lld%c", (long long)(seconds / units[i].seconds), units[i].letter);
    return ret_text;
}

bool tool_time_parse(const char *text, int64_t now, int64_t *ret_time)
{
    enum { SHORT_LEN = 17 }; /* 2026-12-01T08:00Z */
    int64_t after = 0;
    if (text[0] == '+') {
        *ret_time = now;
        bool good = tool_duration_parse(text + 1, &after) && now + after <= (int64_t)UINT32_MAX;
        *ret_time += after;
        return good;
    }
    struct tm tm = {.tm_isdst = 0};
    char whole[TOOL_TIME_SIZE];
    char again[TOOL_TIME_SIZE];
    size_t len = strlen(text);
    if (len != SHORT_LEN && len != SHORT_LEN + 3) {
        return false;
    }
    snprintf(whole, sizeof whole, "%.*s%s", (int)SHORT_LEN - 1, text, len == SHORT_LEN ? ":00Z" : text + SHORT_LEN - 1);
    const char *end = text[len - 1] == 'Z' ? strptime(whole, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
    int64_t time = end ? timegm(&tm) : 0;
    *ret_time = time;
    return time > 0 && time <= (int64_t)UINT32_MAX && strcmp(tool_time_text(time, again), whole) == 0;
}

const char *tool_time_text(int64_t time, char ret_text[TOOL_TIME_SIZE])
{
    time_t at = (time_t)time;
    struct tm tm;
    memset(ret_text, 0, TOOL_TIME_SIZE);
    if (!gmtime_r(&at, &tm) || strftime(ret_text, TOOL_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        strcpy(ret_text, "?");
    }
    return ret_text;
}
