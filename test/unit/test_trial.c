/* SPDX-License-Identifier: Apache-2.0 */
/* test_trial.c - after the reset: the trial, its end, and what the server hears of it. */
#include "one_rig.h"

static const struct otter_version next_version = {1, 1, 0, 0};

/* As the bootloader leaves it when it starts a new image: 1.1.0 runs, 1.0.0 is displaced. */
static void put_on_trial(void)
{
    uint8_t *old = rig_make_image((struct otter_version){1, 0, 0, 0}, 2000);
    const struct otter_area *secondary = &rig->layout.secondary;
    sim_flash_poke(sim_flash_of(secondary), secondary->base + 0x8000, old, 2000);
    free(old);
    rig_put_primary(rig, next_version);
    rig->state.phase = OTTER_PHASE_TRIAL;
    rig->state.attempts = 1;
    rig->state.unit_size = 0x8000;
    rig->state.old_size = rig->state.new_size = 2000;
    rig->state.requested.version = next_version;
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), 0);
}

static void put_reverted(enum otter_reason reason)
{
    rig->state.reason = reason;
    rig->state.requested.version = next_version;
    rig->state.rejects[0].version = next_version;
    rig->state.rejects_count = 1;
    rig->state.attempts = 3;
}

static void test_a_trial_is_confirmed_once_healthy_and_connected(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 2000);
    put_on_trial();
    rig->tls.open_err = OTTER_ERR_IO;
    assert_true(rig_run(rig, OTTER_EVENT_RETRY, OTTER_OUTCOME_UNREACHABLE, 10000));
    assert_true(otter_state_on_trial(&rig->state));
    rig->tls.open_err = 0;
    rig->sick = true;
    assert_false(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 60000));
    assert_true(otter_state_on_trial(&rig->state));
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_TRIAL);
    rig->sick = false;
    assert_true(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 2000));
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_CONFIRMED, 1000));
    assert_string_equal(rig_report(rig),
                        "\"device\":\"device-1\",\"board\":\"B\",\"from\":\"1.0.0\",\"to\":\"1.1.0\","
                        "\"result\":\"confirmed\",\"reason\":\"none\",\"attempts\":1,\"bytes\":0,\"seconds\":0,\"via\":\"\",\"sequence\":0}");
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->reports, 1);
    assert_int_equal(rig->tls.opens, 1); /* one connection: trial, job, report, poll */
}

static void test_a_trial_is_not_confirmed_by_an_answer_that_gives_no_job(void **test)
{
    (void)test;
    put_on_trial();
    rig->config.job_path = "/missing.json";
    assert_true(rig_run(rig, OTTER_EVENT_RETRY, OTTER_OUTCOME_SERVER, 10000));
    assert_false(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 300000));
    assert_true(otter_state_on_trial(&rig->state));
}

static void test_a_revert_is_reported_then_acknowledged(void **test)
{
    (void)test;
    put_reverted(OTTER_REASON_WATCHDOG);
    rig_offer(rig, next_version, 5000); /* the server still offers it */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_REVERTED);
    assert_int_equal(rig->events[0].reason, OTTER_REASON_WATCHDOG);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_REJECTED);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 1000));
    assert_string_equal(rig_report(rig),
                        "\"device\":\"device-1\",\"board\":\"B\",\"from\":\"1.0.0\",\"to\":\"1.1.0\","
                        "\"result\":\"reverted\",\"reason\":\"watchdog\",\"attempts\":3,\"bytes\":0,\"seconds\":0,\"via\":\"\",\"sequence\":0}");
    rig_step(rig);
    assert_int_equal(rig->state.reason, OTTER_REASON_NONE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_REJECTED);
    }
    assert_int_equal(rig->reports, 1);
    assert_int_equal(rig->image_requests, 0);
}

static void test_a_report_survives_refusals_and_polls_go_on(void **test)
{
    (void)test;
    put_reverted(OTTER_REASON_HEALTH);
    rig->report_status = 500;
    rig->config.poll_ms = 300000;
    rig_outcome(rig);
    unsigned before = rig->tls.requests;
    rig_outcome(rig);
    while (rig->reports < 3) {
        rig->now_ms += rig_step(rig);
    }
    assert_true(rig->now_ms < 300000); /* tried again between the polls */
    assert_int_equal(rig->state.reason, OTTER_REASON_HEALTH);
    rig->report_status = 204;
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 300000));
    rig_step(rig);
    assert_int_equal(rig->state.reason, OTTER_REASON_NONE);
    assert_true(rig->tls.requests - before < 8);
}

static void test_a_report_is_not_tried_for_ever(void **test)
{
    (void)test;
    put_reverted(OTTER_REASON_HEALTH);
    rig->report_status = 500;
    rig->config.poll_ms = 3000000;
    for (int i = 0; i < 12; i++) {
        rig_outcome(rig);
    }
    assert_int_equal(rig->reports, 10);
    assert_int_equal(rig->state.reason, OTTER_REASON_HEALTH); /* told again after the next start */
}

static void test_a_server_that_takes_no_reports_is_left_in_peace(void **test)
{
    (void)test;
    static const int statuses[] = {404, 405, 501, 200, 202};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        teardown(NULL);
        setup(NULL);
        put_reverted(OTTER_REASON_HEALTH);
        rig->report_status = statuses[i];
        assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 20000));
        rig_step(rig);
        assert_int_equal(rig->state.reason, OTTER_REASON_NONE);
        rig_outcome(rig);
        assert_int_equal(rig->reports, 1);
    }
}

static void test_no_report_where_none_is_wanted(void **test)
{
    (void)test;
    rig->config.no_report = true;
    rig_offer(rig, next_version, 5000);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_step(rig);
    assert_int_equal(rig->resets, 1);
    teardown(NULL);
    setup(NULL);
    put_reverted(OTTER_REASON_HEALTH);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\",\"Report\":\"\"}");
    rig_outcome(rig);
    rig_outcome(rig);
    rig_outcome(rig);
    assert_int_equal(rig->reports, 0);
    assert_int_equal(rig->state.reason, OTTER_REASON_NONE);
}

static void test_a_report_goes_where_the_job_says(void **test)
{
    (void)test;
    put_reverted(OTTER_REASON_HEALTH);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\",\"Report\":\"/api/r?x=1\"}");
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 20000));
    assert_memory_equal(rig->tls.request, "POST /api/r?x=1 HTTP/1.1\r\n", 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_trial_is_confirmed_once_healthy_and_connected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_trial_is_not_confirmed_by_an_answer_that_gives_no_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_revert_is_reported_then_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_report_survives_refusals_and_polls_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_report_is_not_tried_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_that_takes_no_reports_is_left_in_peace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_report_where_none_is_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_report_goes_where_the_job_says, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
