/* SPDX-License-Identifier: Apache-2.0 */
/* test_clocks.c - an agent whose millisecond counter wraps and whose wall clock is wrong. */
#include "one_rig.h"
#include "slot/journal.h"

static void test_an_update_runs_across_the_wrap_at_any_place(void **test)
{
    (void)test;
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 50000);
    for (uint32_t before = 0; before < 0x400; before += 0x40) {
        struct sim_map map = rig_map();
        struct rig *fresh = rig_create(&map);
        rig_offer(fresh, (struct otter_version){1, 1, 0, 0}, 50000);
        fresh->config.initial_ms = 1;
        fresh->tls.recv_max = 500;
        fresh->now_ms = 0u - before;
        bool done = false;
        for (unsigned steps = 0; steps < 100000 && !done; steps++) {
            (void)rig_step(fresh);
            fresh->now_ms++; /* every step takes time here */
            done = fresh->state.phase == OTTER_PHASE_REQUESTED;
        }
        assert_true(done);
        rig_assert_installed(fresh);
        rig_destroy(fresh);
    }
}

static void test_silence_across_the_wrap_is_given_up_in_time(void **test)
{
    (void)test;
    rig->config.stall_ms = 5000;
    rig->config.initial_ms = 1;
    rig->now_ms = 0xffffff00u;
    rig->tls.silent = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    uint32_t passed = rig->now_ms - 0xffffff00u;
    assert_true(passed >= 5000 && passed < 5100);
    rig->tls.silent = false;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
}

/* However much came before it: what the header calls stall_ms is the time without a byte. */
static void test_silence_behind_a_fast_beginning_is_given_up_in_time(void **test)
{
    (void)test;
    rig->config.stall_ms = 5000;
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 50000);
    while (rig->tls.delivered < 20000) {
        rig->now_ms += rig_step(rig);
    }
    rig->tls.reply_len = rig->tls.reply_off; /* no more of it */
    uint32_t then = rig->now_ms;
    assert_true(rig_run(rig, OTTER_EVENT_RETRY, OTTER_OUTCOME_UNREACHABLE, 60000));
    assert_in_range(rig->now_ms - then, 5000, 5100);
}

static void test_a_trial_across_the_wrap_is_confirmed(void **test)
{
    (void)test;
    struct otter_image running;
    struct otter_view view = otter_view_of(&rig->layout.primary);
    assert_int_equal(otter_image_parse(&view, &running), 0);
    assert_int_equal(otter_state_request_swap(&rig->state, &running, false), 0);
    rig->state.phase = OTTER_PHASE_TRIAL;
    rig->state.attempts = 1;
    assert_int_equal(otter_state_write(&rig->state), 0);
    rig->now_ms = 0xffffff00u;
    rig->sick = true;
    rig_start(rig);
    for (int i = 0; i < 100; i++) {
        rig->now_ms += rig_step(rig);
    }
    assert_true(otter_state_on_trial(&rig->state) && rig->now_ms < 0x80000000u);
    rig->sick = false;
    assert_true(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 5000));
    assert_false(otter_state_on_trial(&rig->state));
}

static void test_a_step_that_comes_late_does_no_harm(void **test)
{
    (void)test;
    for (uint32_t late = 1; late != 0; late = late << 1) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
        rig->now_ms += late; /* the application was busy */
    }
    rig->now_ms += 0xffffffffu; /* a counter that goes back by one */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
}

/* A job that expires, by the wall clock alone. */
static enum otter_outcome outcome_at(int64_t unix_now)
{
    rig->unix_now = unix_now;
    rig->agent.job_validator[0] = '\0';
    otter_agent_check_now(&rig->agent);
    return rig_outcome(rig);
}

static void test_expiry_follows_a_wall_clock_that_jumps(void **test)
{
    (void)test;
    rig_outcome(rig);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/image.bin\",\"Expires\":2000000000}");
    assert_int_equal(outcome_at(0), OTTER_OUTCOME_CURRENT); /* unknown: it does not count */
    assert_int_equal(outcome_at(2000000001), OTTER_OUTCOME_EXPIRED);
    assert_int_equal(outcome_at(1000000000), OTTER_OUTCOME_CURRENT); /* back */
    assert_int_equal(outcome_at(253402300800), OTTER_OUTCOME_EXPIRED); /* year 10000 */
    assert_int_equal(outcome_at(INT64_MAX), OTTER_OUTCOME_EXPIRED);
    assert_int_equal(outcome_at(-1), OTTER_OUTCOME_CURRENT);
    assert_int_equal(outcome_at(INT64_MIN), OTTER_OUTCOME_CURRENT);
    assert_int_equal(outcome_at(0), OTTER_OUTCOME_CURRENT);
}

/* What a clock that was wrong for a while said of a document does not outlast it. */
static void test_a_clock_that_was_wrong_costs_no_job(void **test)
{
    (void)test;
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/image.bin\",\"Expires\":2000000000}");
    snprintf(rig->job_etag, sizeof rig->job_etag, "\"job\"");
    rig->unix_now = 2000000001;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_EXPIRED);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_EXPIRED);
    rig->unix_now = 1000000000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->agent.http.head.status, 304);
}

/* However long a wait is asked for, it is over when it is over, also for an application that steps now and then. */
static void test_the_longest_wait_is_noticed_by_a_step_that_comes_late(void **test)
{
    (void)test;
    static const uint32_t late[] = {0, 1, 1000, 3600000};
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\",\"PollSeconds\":4294967295}");
    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        otter_agent_check_now(&rig->agent);
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
        uint32_t wait_ms = 0;
        while (wait_ms == 0) {
            wait_ms = rig_step(rig);
        }
        assert_in_range(wait_ms, 48u * 86400000, 49u * 86400000);
        rig->now_ms += wait_ms + late[i];
        unsigned requests = rig->tls.requests;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
        assert_int_equal(rig->tls.requests, requests + 1);
        assert_true(rig->now_ms < UINT32_MAX);
    }
}

static size_t busy_until(struct rig *the_rig, const char *request, char *reply)
{
    (void)request;
    the_rig->answer = NULL;
    return rig_text(reply, "HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"
                           "Content-Length: 0\r\n\r\n");
}

static void test_a_retry_date_beside_a_wrong_clock_is_bounded(void **test)
{
    static const int64_t clocks[] = {1, 2000000000, -1, INT64_MIN, INT64_MAX, 253402300799};
    (void)test;
    rig_outcome(rig);
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        rig->agent.fails = 0;
        rig->answer = busy_until;
        assert_int_equal(outcome_at(clocks[i]), OTTER_OUTCOME_SERVER);
        uint32_t then = rig->now_ms;
        rig_outcome(rig);
        assert_true(rig->now_ms - then >= 1000 && rig->now_ms - then <= 60000 + 60000 / 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_update_runs_across_the_wrap_at_any_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_across_the_wrap_is_given_up_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_behind_a_fast_beginning_is_given_up_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_trial_across_the_wrap_is_confirmed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_step_that_comes_late_does_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry_follows_a_wall_clock_that_jumps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_wrong_costs_no_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_longest_wait_is_noticed_by_a_step_that_comes_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_retry_date_beside_a_wrong_clock_is_bounded, setup, teardown),
    };
    (void)rig_geometry;
    (void)rig_count;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
