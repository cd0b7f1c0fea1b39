/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date.c - HTTP dates, in the one form that servers send today.
 */
#include <stdbool.h>
#include <string.h>

#include "agent/date.h"

enum { MONTHS = 12 };

/* From 0; MONTHS: none. */
static uint32_t read_month(const char *str)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint32_t month = 0;
    while (month < MONTHS && memcmp(names + 3 * month, str, 3) != 0) {
        month++;
    }
    return month;
}

/* Days since 1970-01-01; month from 0. Years begin in March, so that the leap day is last. */
static uint32_t days_of(uint32_t year, uint32_t month, uint32_t day)
{
    if (month < 2) {
        year--;
        month += 12;
    }
    uint32_t leaps = year / 4 - year / 100 + year / 400;
    return 365 * year + leaps + (153 * (month - 2) + 2) / 5 + day - 1 - 719468;
}

enum { DAY, YEAR, HOUR, MINUTE, SECOND, FIELDS };

/* The numbers of a date; false: it has another form. */
static bool read_fields(const char *str, uint32_t fields[FIELDS])
{
    static const char form[] = "aaa, 00 aaa 0000 00:00:00 GMT";
    for (const char *at = form; at < form + sizeof form; at++, str++) {
        if (*at == '0') {
            if (*str < '0' || *str > '9') {
                return false;
            }
            *fields = *fields * 10 + (uint32_t)(*str - '0');
            fields += at[1] != '0';
        } else if (*str != *at && (*at != 'a' || *str == '\0')) {
            return false;
        }
    }
    return true;
}

int64_t otter_date_read(const char *str)
{
    static const uint16_t least[FIELDS] = {[DAY] = 1, [YEAR] = 1970};
    static const uint16_t most[FIELDS] = {31, 9999, 23, 59, 60};
    uint32_t fields[FIELDS] = {0};
    if (!read_fields(str, fields)) {
        return -1;
    }
    uint32_t month = read_month(str + 8);
    for (size_t i = 0; i < FIELDS; i++) {
        if (month >= MONTHS || fields[i] < least[i] || fields[i] > most[i]) {
            return -1;
        }
    }
    uint32_t seconds = fields[HOUR] * 3600 + fields[MINUTE] * 60 + fields[SECOND];
    return (int64_t)days_of(fields[YEAR], month, fields[DAY]) * 86400 + seconds;
}
