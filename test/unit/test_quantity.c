/* SPDX-License-Identifier: Apache-2.0 */
/* test_quantity.c - shares, durations and times as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tool/quantity.h"

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int permille;
        const char *shown;
    } good[] = {{"0%", 0, "0%"}, {"1%", 10, "1%"}, {"2.5%", 25, "2.5%"}, {"0.1%", 1, "0.1%"}, {"100%", 1000, "100%"},
                {"100.0%", 1000, "100%"}, {"99.9%", 999, "99.9%"}, {"25‰", 25, "2.5%"}, {"1000‰", 1000, "100%"}};
    static const char *const wrong[] = {"", "%", "10", "-1%", "101%", "100.1%", "1001‰", "2.55%", "2.%", ".5%", "2,5%", "10 %",
                                        " 10%", "10%x", "01%", "1e1%", "10%%", "99999999999%", "ten%"};
    char text[TOOL_PERMILLE_SIZE];
    int permille = -1;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(tool_permille_parse(good[i].text, &permille));
        assert_int_equal(permille, good[i].permille);
        assert_string_equal(tool_permille_text(permille, text), good[i].shown);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (tool_permille_parse(wrong[i], &permille)) {
            fail_msg("'%s' is taken as a share", wrong[i]);
        }
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        const char *shown;
    } good[] = {{"0s", 0, "0s"}, {"45s", 45, "45s"}, {"90m", 5400, "90m"}, {"1h", 3600, "1h"}, {"36h", 129600, "36h"},
                {"30d", 2592000, "30d"}, {"8w", 4838400, "56d"}, {"1d", 86400, "1d"}, {"4294967295s", 4294967295, "49710d"}};
    static const char *const wrong[] = {"", "d", "30", "30 d", "-1d", "1.5d", "1d12h", "1D", "01d", "4294967296s", "49711d",
                                        "99999999999999999999s", "1y", "+1d", "1d "};
    char text[TOOL_DURATION_SIZE];
    int64_t seconds = -1;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(tool_duration_parse(good[i].text, &seconds));
        assert_int_equal(seconds, good[i].seconds);
        assert_string_equal(tool_duration_text(seconds, text), good[i].shown);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (tool_duration_parse(wrong[i], &seconds)) {
            fail_msg("'%s' is taken as a duration", wrong[i]);
        }
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time;
        const char *shown;
    } good[] = {{"2026-12-01T08:00Z", 1796112000, "2026-12-01T08:00:00Z"},
                {"2026-12-01T08:00:59Z", 1796112059, "2026-12-01T08:00:59Z"},
                {"2028-02-29T00:00Z", 1835395200, "2028-02-29T00:00:00Z"},
                {"2106-02-07T06:28:15Z", 4294967295, "2106-02-07T06:28:15Z"},
                {"+2h", 1007200, "1970-01-12T15:46:40Z"}};
    static const char *const wrong[] = {"", "now", "2026-12-01", "2026-12-01T08:00", "2026-12-01 08:00Z", "2026-13-01T08:00Z",
                                        "2026-02-29T00:00Z", "2026-12-01T24:00Z", "2026-12-01T08:60Z", "2026-12-01T8:00Z",
                                        "2106-02-07T06:28:16Z", "1969-12-31T23:59Z", "+2", "+", "2h", "1796112000",
                                        "2026-12-01T08:00:00X", "2026-12-01T08:00Z ", "+4294967295s", "2026-12-01T08:00:00.5Z"};
    char text[TOOL_TIME_SIZE];
    int64_t time = -1;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(tool_time_parse(good[i].text, 1000000, &time));
        assert_int_equal(time, good[i].time);
        assert_string_equal(tool_time_text(time, text), good[i].shown);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (tool_time_parse(wrong[i], 1000000, &time)) {
            fail_msg("'%s' is taken as a time", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares), cmocka_unit_test(test_durations),
                                       cmocka_unit_test(test_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
