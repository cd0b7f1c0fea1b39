/* SPDX-License-Identifier: Apache-2.0 */
/* test_waits.c - how long an agent with a random source waits between polls, and after failures. */
#include "one_rig.h"

static uint32_t random_value;

static uint32_t random_hook(void *ctx)
{
    (void)ctx;
    return random_value;
}

static uint32_t next_wait(void)
{
    uint32_t then = rig->now_ms;
    rig_outcome(rig);
    return rig->now_ms - then;
}

/* Devices that start together: the first wait is anything from a sixteenth on, later ones are not. */
static void test_the_first_wait_spreads_a_fleet(void **test)
{
    (void)test;
    static const uint32_t draws[] = {0, 35000, 75000};
    rig->config.hooks.random = random_hook;
    rig->config.poll_ms = 80000;
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++) {
        random_value = draws[i];
        rig_start(rig);
        rig_outcome(rig);
        assert_int_equal(next_wait(), 5000 + draws[i]);
        assert_in_range(next_wait(), 70000, 80000);
        otter_agent_stop(&rig->agent);
        otter_agent_start(&rig->agent); /* not a start of the device */
        rig_outcome(rig);
        assert_in_range(next_wait(), 70000, 80000);
    }
}

/* A server that was away: those that it missed come back together, and are spread anew. */
static void test_the_first_wait_after_a_failure_spreads_a_fleet(void **test)
{
    (void)test;
    rig->config.hooks.random = random_hook;
    rig->config.poll_ms = 80000;
    random_value = 0;
    rig_outcome(rig);
    assert_int_equal(next_wait(), 5000);
    assert_int_equal(next_wait(), 70000);
    rig->tls.open_err = OTTER_ERR_IO;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    rig->tls.open_err = 0;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(next_wait(), 5000);
    assert_int_equal(next_wait(), 70000);
}

static void test_jitter_stays_within_its_bounds(void **test)
{
    (void)test;
    rig->config.hooks.random = random_hook;
    rig->config.poll_ms = 80000;
    static const uint32_t draws[] = {0, 1, 5000, 10000, UINT32_MAX};
    random_value = 0;
    rig_outcome(rig);
    assert_int_equal(next_wait(), 5000); /* the first is spread from a sixteenth on */
    uint32_t last = 0;
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++) {
        random_value = draws[i];
        rig_outcome(rig);
        uint32_t then = rig->now_ms;
        rig_outcome(rig);
        uint32_t wait = rig->now_ms - then;
        assert_in_range(wait, 70000, 80000);
        assert_true(i == 0 || wait != last || draws[i] > 10000);
        last = wait;
    }
    random_value = 0;
    rig->tls.open_err = OTTER_ERR_IO;
    rig_outcome(rig);
    uint32_t then = rig->now_ms;
    rig_outcome(rig);
    assert_int_equal(rig->now_ms - then, 500); /* the lower half of 1000 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_wait_spreads_a_fleet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_wait_after_a_failure_spreads_a_fleet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jitter_stays_within_its_bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
