/* SPDX-License-Identifier: Apache-2.0 */
/* test_fleet.c - how a fleet decides and counts, without devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "agent/wait.h"
#include "sim/sim.h"
#include "tool/fleet_chance.h"
#include "tool/fleet_tally.h"

static void test_decisions_depend_on_seed_device_and_question_only(void **state)
{
    (void)state;
    assert_int_equal(fleet_ask(1, 2, FLEET_ASK_FAIL, 3), fleet_ask(1, 2, FLEET_ASK_FAIL, 3));
    assert_true(fleet_ask(1, 2, FLEET_ASK_FAIL, 3) != fleet_ask(2, 2, FLEET_ASK_FAIL, 3));
    assert_true(fleet_ask(1, 2, FLEET_ASK_FAIL, 3) != fleet_ask(1, 3, FLEET_ASK_FAIL, 3));
    assert_true(fleet_ask(1, 2, FLEET_ASK_FAIL, 3) != fleet_ask(1, 2, FLEET_ASK_HOW, 3));
    assert_true(fleet_ask(1, 2, FLEET_ASK_FAIL, 3) != fleet_ask(1, 2, FLEET_ASK_FAIL, 4));
}

static void test_parts_are_spread_evenly(void **state)
{
    unsigned tenths[10] = {0};
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        double part = fleet_part(7, i, FLEET_ASK_START, 0);
        assert_true(part >= 0 && part < 1);
        tenths[(int)(part * 10)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(tenths[i], 880, 1120); /* four standard deviations */
    }
}

static void test_percentages(void **state)
{
    static const char *const bad[] = {"", "x", "101", "-1%", "5%%", "5 %", "nan"};
    double part;
    (void)state;
    assert_true(fleet_percent("0.5%", &part) && part == 0.005);
    assert_true(fleet_percent("100", &part) && part == 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(fleet_percent(bad[i], &part));
    }
}

static void test_names_without_a_share_divide_the_rest(void **state)
{
    struct fleet_choices choices;
    (void)state;
    assert_true(fleet_choices_parse("a:50%,b,c", true, &choices));
    assert_string_equal(fleet_choose(&choices, 0.0), "a");
    assert_string_equal(fleet_choose(&choices, 0.51), "b");
    assert_string_equal(fleet_choose(&choices, 0.76), "c");
    fleet_choices_free(&choices);
}

static void test_what_shares_leave_is_nobodys(void **state)
{
    struct fleet_choices choices;
    (void)state;
    assert_true(fleet_choices_parse("beta:5%,internal:1%", false, &choices));
    assert_string_equal(fleet_choose(&choices, 0.049), "beta");
    assert_string_equal(fleet_choose(&choices, 0.059), "internal");
    assert_null(fleet_choose(&choices, 0.061));
    fleet_choices_free(&choices);
}

static void test_lists_that_make_no_sense(void **state)
{
    struct fleet_choices choices;
    (void)state;
    assert_false(fleet_choices_parse("", true, &choices));
    assert_false(fleet_choices_parse("a:60%,b:60%", true, &choices));
    assert_false(fleet_choices_parse("a:60%", true, &choices));
    assert_false(fleet_choices_parse("a", false, &choices));
    assert_false(fleet_choices_parse(":5%", false, &choices));
    assert_false(fleet_choices_parse("a:x", false, &choices));
    assert_false(fleet_choices_parse("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", true, &choices));
}

static void test_quantiles(void **state)
{
    static struct fleet_tally tally;
    (void)state;
    fleet_tally_begin(&tally, 1000);
    assert_true(fleet_tally_quantile(&tally, 0.5) == 0);
    for (int i = 100; i > 0; i--) {
        fleet_tally_took(&tally, i);
    }
    fleet_tally_end(&tally, 1000);
    assert_true(fleet_tally_quantile(&tally, 0.5) == 50);
    assert_true(fleet_tally_quantile(&tally, 0.99) == 99);
    assert_true(fleet_tally_quantile(&tally, 1) == 100);
    fleet_tally_free(&tally);
}

/* Six seconds between polls: bins of 100 ms; two intervals to settle. */
static void test_the_peak_is_looked_for_once_the_fleet_has_settled(void **state)
{
    static struct fleet_tally tally;
    double mean;
    uint32_t peak;
    (void)state;
    fleet_tally_begin(&tally, 6000);
    for (uint64_t ms = 0; ms < 24000; ms += 10) {
        fleet_tally_poll(&tally, ms);
    }
    for (int i = 0; i < 500; i++) {
        fleet_tally_poll(&tally, 3000); /* everybody at once, at the start */
    }
    for (int i = 0; i < 5; i++) {
        fleet_tally_poll(&tally, 20000);
    }
    fleet_tally_end(&tally, 24000);
    assert_true(fleet_tally_steady(&tally, &mean, &peak));
    assert_int_equal(peak, 15);
    assert_true(mean > 10.0 && mean < 10.1);
    fleet_tally_free(&tally);
}

static uint32_t next_random(void *ctx)
{
    return (uint32_t)(sim_random(ctx) >> 32);
}

/* They poll once a day, by the agent's own waits. So many that chance, which alone makes 1.2 of ten
 * thousand, hides nothing. first_wait: of a device, until its first poll. */
static void expect_even_polls(uint64_t random, uint32_t (*first_wait)(struct otter_agent *agent))
{
    enum { DEVICES = 40000, DAY_MS = 86400000, DAYS = 6 };
    static struct fleet_tally tally;
    double mean;
    uint32_t peak;
    struct otter_agent_config config = {.poll_ms = DAY_MS, .hooks = {.ctx = &random, .random = next_random}};
    fleet_tally_begin(&tally, DAY_MS);
    for (int device = 0; device < DEVICES; device++) {
        struct otter_agent agent = {.config = &config};
        uint64_t at_ms = first_wait(&agent);
        while (at_ms < (uint64_t)DAYS * DAY_MS) {
            fleet_tally_poll(&tally, at_ms);
            at_ms += otter_wait_poll(&agent);
            agent.polled = true;
        }
    }
    fleet_tally_end(&tally, (uint64_t)DAYS * DAY_MS);
    assert_true(fleet_tally_steady(&tally, &mean, &peak));
    assert_true(mean > 700 && mean < 722); /* 16/15 of 40,000 / 60 */
    assert_true(peak / mean <= 1.2);
    fleet_tally_free(&tally);
}

static uint32_t after_power_on(struct otter_agent *agent)
{
    (void)agent;
    return 10000;
}

static void test_a_fleet_that_was_switched_on_at_once_polls_evenly(void **state)
{
    (void)state;
    expect_even_polls(1, after_power_on);
}

/* All come back within the longest back-off, an hour. */
static uint32_t after_many_failures(struct otter_agent *agent)
{
    agent->polled = true;
    agent->fails = 20;
    return otter_wait_retry(agent);
}

static void test_a_fleet_that_missed_its_server_polls_evenly(void **state)
{
    (void)state;
    expect_even_polls(2, after_many_failures);
}

static void test_a_short_run_has_no_steady_part(void **state)
{
    static struct fleet_tally tally;
    double mean;
    uint32_t peak;
    (void)state;
    fleet_tally_begin(&tally, 6000);
    fleet_tally_poll(&tally, 17000);
    fleet_tally_end(&tally, 17000);
    assert_false(fleet_tally_steady(&tally, &mean, &peak));
    fleet_tally_free(&tally);
}

static void test_samples_thin_out(void **state)
{
    static struct fleet_tally tally;
    (void)state;
    fleet_tally_begin(&tally, 1000);
    for (uint64_t ms = 0; ms < 3600000; ms += 50) {
        fleet_tally_sample(&tally, ms);
    }
    fleet_tally_end(&tally, 3600000);
    assert_in_range(tally.samples_count, FLEET_SAMPLES_MAX / 2, FLEET_SAMPLES_MAX);
    for (uint32_t i = 1; i < tally.samples_count; i++) {
        assert_true(tally.samples[i].at_ms > tally.samples[i - 1].at_ms);
    }
    assert_int_equal(tally.samples[tally.samples_count - 1].at_ms, 3600000);
    fleet_tally_free(&tally);
}

static void test_versions_beyond_the_table_count_with_the_last(void **state)
{
    static struct fleet_tally tally;
    struct otter_version version = {.major = 1};
    (void)state;
    fleet_tally_begin(&tally, 1000);
    for (uint32_t i = 0; i < FLEET_VERSIONS_MAX; i++) {
        version.minor = (uint8_t)i;
        assert_int_equal(fleet_tally_version(&tally, &version), i);
        assert_int_equal(fleet_tally_version(&tally, &version), i);
    }
    version.minor = 99;
    assert_int_equal(fleet_tally_version(&tally, &version), FLEET_VERSIONS_MAX - 1);
    fleet_tally_free(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions_depend_on_seed_device_and_question_only),
        cmocka_unit_test(test_parts_are_spread_evenly),
        cmocka_unit_test(test_percentages),
        cmocka_unit_test(test_names_without_a_share_divide_the_rest),
        cmocka_unit_test(test_what_shares_leave_is_nobodys),
        cmocka_unit_test(test_lists_that_make_no_sense),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_the_peak_is_looked_for_once_the_fleet_has_settled),
        cmocka_unit_test(test_a_fleet_that_was_switched_on_at_once_polls_evenly),
        cmocka_unit_test(test_a_fleet_that_missed_its_server_polls_evenly),
        cmocka_unit_test(test_a_short_run_has_no_steady_part),
        cmocka_unit_test(test_samples_thin_out),
        cmocka_unit_test(test_versions_beyond_the_table_count_with_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
