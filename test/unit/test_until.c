/* SPDX-License-Identifier: Apache-2.0 */
/* test_until.c - conditions that end a run of a device: parsed, and met by events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/until.h"

static bool watch(struct until_list *list, const char *text)
{
    json_t *event = json_loads(text, 0, NULL);
    assert_non_null(event);
    bool met = until_watch(list, event);
    json_decref(event);
    return met;
}

#define STARTED(version, trial) \
    "{\"from\":\"app\",\"event\":\"started\",\"version\":\"" version "\",\"on_trial\":" trial "}"
#define OUTCOME(name) "{\"from\":\"app\",\"event\":\"outcome\",\"outcome\":\"" name "\"}"
#define LINE(name) "{\"from\":\"app\",\"event\":\"outcome\",\"outcome\":\"" name "\",\"line\":\"words\"}"
#define PHASE(name) "{\"from\":\"app\",\"event\":\"phase\",\"phase\":\"" name "\"}"

static void test_confirmed_needs_that_version_off_trial(void **state)
{
    struct until_list list = {.count = 0};
    (void)state;
    assert_int_equal(until_add(&list, "confirmed=1.1.0"), 0);
    assert_false(watch(&list, STARTED("1.0.0", "false")));
    assert_false(watch(&list, OUTCOME("confirmed")));
    assert_false(watch(&list, STARTED("1.1.0", "true")));
    assert_false(watch(&list, OUTCOME("current")));
    assert_true(watch(&list, OUTCOME("confirmed")));
    list = (struct until_list){.count = 0};
    assert_int_equal(until_add(&list, "confirmed=1.1.0"), 0);
    assert_true(watch(&list, STARTED("1.1.0", "false")));
}

static void test_outcomes_are_counted(void **state)
{
    struct until_list list = {.count = 0};
    (void)state;
    assert_int_equal(until_add(&list, "outcome=current,count=2"), 0);
    assert_false(watch(&list, OUTCOME("current")));
    assert_false(watch(&list, OUTCOME("rejected")));
    assert_true(watch(&list, OUTCOME("current")));
    assert_true(watch(&list, OUTCOME("rejected")));
}

static void test_a_poll_is_a_job_that_came_to_an_outcome(void **state)
{
    struct until_list list = {.count = 0};
    (void)state;
    assert_int_equal(until_add(&list, "polls=2"), 0);
    assert_false(watch(&list, OUTCOME("confirmed")));
    assert_false(watch(&list, PHASE("job")));
    assert_false(watch(&list, OUTCOME("current")));
    assert_false(watch(&list, OUTCOME("current")));
    assert_false(watch(&list, PHASE("job")));
    assert_false(watch(&list, STARTED("1.0.0", "false")));
    assert_false(watch(&list, OUTCOME("current")));
    assert_false(watch(&list, PHASE("job")));
    assert_true(watch(&list, OUTCOME("unreachable")));
}

static void test_conditions_are_met_one_after_the_other(void **state)
{
    static const char reported[] = "{\"from\":\"app\",\"event\":\"reported\"}";
    struct until_list list = {.count = 0};
    (void)state;
    assert_int_equal(until_add(&list, "running=1.1.0"), 0);
    assert_int_equal(until_add(&list, "reported"), 0);
    assert_int_equal(until_add(&list, "rejected"), 0);
    assert_false(watch(&list, reported));
    assert_false(watch(&list, OUTCOME("rejected")));
    assert_false(watch(&list, STARTED("1.1.0", "true")));
    assert_false(watch(&list, OUTCOME("rejected")));
    assert_false(watch(&list, "{\"from\":\"boot\",\"event\":\"reported\"}"));
    assert_false(watch(&list, reported));
    assert_true(watch(&list, OUTCOME("rejected")));
}

static void test_no_condition_is_never_met(void **state)
{
    struct until_list list = {.count = 0};
    (void)state;
    assert_false(watch(&list, OUTCOME("current")));
}

static void test_wrong_conditions_are_usage_errors(void **state)
{
    static const char *const bad[] = {"",           "confirmed",         "confirmed=",         "confirmed=1.1", "outcome=odd",
                                      "outcome=",   "outcome=current,3", "outcome=current,count=0", "polls=0",   "polls=x",
                                      "polls=-1",   "reported=1",        "reportedly",         "running=",      "rejected,count=2",
                                      "confirmed=11111111111111111111111111111111111111"};
    struct until_list list = {.count = 0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(until_add(&list, bad[i]), 2);
    }
    assert_int_equal(list.count, 0);
}

static void test_a_board_says_only_how_a_poll_ended(void **state)
{
    struct until_list list = {.count = 0};
    (void)state;
    assert_int_equal(until_add(&list, "polls=2"), 0);
    assert_false(watch(&list, LINE("unreachable")));
    assert_false(watch(&list, LINE("confirmed")));
    assert_false(watch(&list, LINE("reverted")));
    assert_true(watch(&list, LINE("current")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_board_says_only_how_a_poll_ended),
        cmocka_unit_test(test_confirmed_needs_that_version_off_trial),
        cmocka_unit_test(test_outcomes_are_counted),
        cmocka_unit_test(test_a_poll_is_a_job_that_came_to_an_outcome),
        cmocka_unit_test(test_conditions_are_met_one_after_the_other),
        cmocka_unit_test(test_no_condition_is_never_met),
        cmocka_unit_test(test_wrong_conditions_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
