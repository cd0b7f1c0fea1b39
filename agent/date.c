/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date.c - HTTP dates, in the one form that servers send today.
 */
#include <stdbool.h>
#include <string.h>

#include "agent/date.h"

/* `count` digits; -1: something else is there. */
static int read_digits(const char *str, int count)
{
    int value = 0;
    for (; count > 0; count--, str++) {
        if (*str < '0' || *str > '9') {
            return -1;
        }
        value = value * 10 + (*str - '0');
    }
    return value;
}

static int read_month(const char *str)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 0; month < 12; month++) {
        if (memcmp(names + 3 * month, str, 3) == 0) {
            return month;
        }
    }
    return -1;
}

/* Days since 1970-01-01; month from 0. Years begin in March, so that the leap day is last. */
static int64_t days_of(int year, int month, int day)
{
    if (month < 2) {
        year--;
        month += 12;
    }
    int leaps = year / 4 - year / 100 + year / 400;
    int in_year = (153 * (month - 2) + 2) / 5 + day - 1;
    return 365 * (int64_t)year + leaps + in_year - 719468;
}

static bool has_form(const char *str)
{
    static const char form[] = "aaa, 00 aaa 0000 00:00:00 GMT";
    if (strlen(str) != sizeof form - 1) {
        return false;
    }
    for (size_t i = 3; i < sizeof form - 1; i++) {
        if (form[i] != 'a' && form[i] != '0' && form[i] != str[i]) {
            return false;
        }
    }
    return true;
}

int64_t otter_date_read(const char *str)
{
    if (!has_form(str)) {
        return -1;
    }
    static const int most[] = {31, 11, 9999, 23, 59, 60};
    int fields[] = {read_digits(str + 5, 2),  read_month(str + 8),
                    read_digits(str + 12, 4), read_digits(str + 17, 2),
                    read_digits(str + 20, 2), read_digits(str + 23, 2)};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i] < 0 || fields[i] > most[i]) {
            return -1;
        }
    }
    if (fields[0] == 0 || fields[2] < 1970) {
        return -1;
    }
    int64_t days = days_of(fields[2], fields[1], fields[0]);
    return days * 86400 + fields[3] * 3600 + fields[4] * 60 + fields[5];
}
