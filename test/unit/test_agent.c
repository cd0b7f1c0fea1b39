/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent.c - whole checks: what the server offers, and what becomes of it. */
#include "agent_rig.h"

static struct rig *rig;

static int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    rig = rig_create(&map);
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    rig_destroy(rig);
    return 0;
}

static void test_same_version_is_current(void **test)
{
    (void)test;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->tls.requests, 1);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_CURRENT);
}

static void test_newer_version_is_installed(void **test)
{
    (void)test;
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 200001);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_int_equal(rig->tls.opens, 1); /* one connection for all of it */
    assert_int_equal(rig->image_requests, 1);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_INSTALLING, 5000));
    assert_int_equal(rig->tls.opens, 1);
    for (int i = 0; i < 5 && rig->resets == 0; i++) {
        rig_step(rig);
    }
    assert_int_equal(rig->resets, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_version_is_current, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_version_is_installed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
