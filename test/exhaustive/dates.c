/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dates.c - every day from 1970 to 9999, counted one by one, as HTTP writes it; every second of a day; and every
 * date of which one character is another: its time, or none.
 */
#include <string.h>

#include "agent/date.h"
#include "exhaustive.h"

static char text[64];
static uint64_t cases;

static void check(int64_t expected)
{
    int64_t said = otter_date_read(text);
    cases++;
    REQUIRE(said == expected);
}

static void write_date(int year, int month, int day, int second)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    (void)snprintf(text, sizeof text, "Sun, %02d %.3s %04d %02d:%02d:%02d GMT", day, months + 3 * month, year, second / 3600,
                   second / 60 % 60, second % 60);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month] + (month == 1 && leap ? 1 : 0);
}

/* One character changed: still a date only where it is a digit for a digit or one of the day's name. */
static void every_character(void)
{
    char good[sizeof text];
    write_date(2024, 1, 29, 45296);
    memcpy(good, text, sizeof good);
    for (size_t at = 0; at < strlen(good); at++) {
        for (unsigned value = 1; value < 256; value++) {
            memcpy(text, good, sizeof text);
            text[at] = (char)value;
            bool digit = good[at] >= '0' && good[at] <= '9';
            bool same = text[at] == good[at];
            int64_t said = otter_date_read(text);
            cases++;
            REQUIRE(said == -1 || at < 3 || same || (digit && value >= '0' && value <= '9'));
            REQUIRE(said >= -1 && (!same || said == 1709210096));
        }
    }
}

void exhaustive_run(bool deep)
{
    int64_t days = 0;
    for (int year = 1970; year <= 9999; year++) {
        for (int month = 0; month < 12; month++) {
            for (int day = 1; day <= days_in(year, month); day++, days++) {
                int second = deep ? 86399 : (int)(days % 86400);
                write_date(year, month, day, second);
                check(days * 86400 + second);
            }
        }
    }
    for (int second = 0; second < 86400; second++) {
        write_date(2000, 1, 29, second);
        check(951782400 + (int64_t)second);
    }
    every_character();
    exhaustive_part("dates", cases, 2900000);
}

void exhaustive_describe(FILE *to)
{
    (void)fprintf(to, " '%s'", text);
}

void exhaustive_replay(int count, char **words)
{
    (void)count;
    (void)printf("%lld\n", (long long)otter_date_read(words[0]));
}
