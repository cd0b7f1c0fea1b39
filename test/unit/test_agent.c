/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent.c - whole checks: polls, policy, failures, the direct flow. */
#include "one_rig.h"
#include "slot/trailer.h"

static const struct otter_version next_version = {1, 1, 0, 0};

static void test_same_version_is_current(void **test)
{
    (void)test;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->tls.requests, 1);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->reports, 0);
}

static void test_newer_version_is_installed(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200001);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_int_equal(rig->tls.opens, 1); /* one connection for all of it */
    assert_int_equal(rig->image_requests, 1);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_INSTALLING, 5000));
    assert_int_equal(rig->tls.opens, 1);
    rig_step(rig);
    rig_step(rig);
    assert_int_equal(rig->resets, 1);
    assert_string_equal(rig_report(rig),
                        "\"device\":\"device-1\",\"board\":\"B\",\"from\":\"1.0.0\",\"to\":\"1.1.0\","
                        "\"result\":\"installing\",\"reason\":\"none\",\"attempts\":0,\"bytes\":200001,"
                        "\"seconds\":0,\"via\":\"image\",\"sequence\":0}");
}

static void test_polls_keep_their_distance(void **test)
{
    (void)test;
    rig->config.poll_ms = 20000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->now_ms, 100);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
        assert_int_equal(rig->now_ms, 100 + 20000 * i);
    }
    assert_int_equal(rig->tls.opens, 1); /* kept over short waits */
    rig->config.poll_ms = 0;             /* a day */
    rig_outcome(rig);
    rig_step(rig);
    rig_step(rig);
    assert_false(rig->tls.open);
    uint32_t then = rig->now_ms;
    rig_outcome(rig);
    assert_int_equal(rig->now_ms - then, 86400000);
    rig->config.poll_ms = 1; /* below the bound */
    rig_outcome(rig);
    then = rig->now_ms;
    rig_outcome(rig);
    assert_int_equal(rig->now_ms - then, 5000);
}

static void test_a_clock_that_wraps_does_not_matter(void **test)
{
    (void)test;
    rig->now_ms = UINT32_MAX - 25000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    for (int i = 0; i < 5; i++) {
        uint32_t then = rig->now_ms;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
        assert_int_equal(rig->now_ms - then, 10000);
    }
    assert_true(rig->now_ms < 30000);
}

static void test_a_jobs_poll_seconds_win(void **test)
{
    (void)test;
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\",\"PollSeconds\":60}");
    rig_outcome(rig);
    uint32_t then = rig->now_ms;
    rig_outcome(rig);
    assert_int_equal(rig->now_ms - then, 60000);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\",\"PollSeconds\":1}");
    rig_outcome(rig);
    then = rig->now_ms;
    rig_outcome(rig);
    assert_int_equal(rig->now_ms - then, 5000);
}

static void test_an_unchanged_job_costs_a_304(void **test)
{
    (void)test;
    static const struct {
        const char *job;
        enum otter_outcome outcome;
    } cases[] = {{"{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\"}", OTTER_OUTCOME_CURRENT},
                 {"{\"Board\":\"B\",\"Version\":\"0.9.0\",\"File\":\"/f\"}", OTTER_OUTCOME_OLDER},
                 {"{\"Board\":\"C\",\"Version\":\"1.1.0\",\"File\":\"/f\"}", OTTER_OUTCOME_NOT_FOR_US},
                 {"{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/f\",\"Server\":\"x\"}", OTTER_OUTCOME_FORBIDDEN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(rig->job, sizeof rig->job, "%s", cases[i].job);
        snprintf(rig->job_etag, sizeof rig->job_etag, "W/\"job-%zu\"", i);
        assert_int_equal(rig_outcome(rig), cases[i].outcome);
        size_t delivered = rig->tls.delivered;
        unsigned sent = rig->tls.sent;
        assert_int_equal(rig_outcome(rig), cases[i].outcome);
        assert_true(rig->tls.delivered - delivered < 40);
        assert_true(rig->tls.sent - sent < 130);
    }
    /* and one that is to be followed is never conditional: the download may need it again */
    rig_offer(rig, next_version, 5000);
    snprintf(rig->job_etag, sizeof rig->job_etag, "\"job-x\"");
    rig->not_now = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_DEFERRED);
    rig->not_now = false;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
}

static void test_failures_back_off_and_recover(void **test)
{
    (void)test;
    rig->tls.open_err = OTTER_ERR_IO;
    uint32_t expected[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    for (size_t i = 0; i < 8; i++) {
        uint32_t then = rig->now_ms;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
        assert_int_equal(rig->now_ms - then, expected[i]);
    }
    rig->tls.open_err = OTTER_ERR_AUTH;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNTRUSTED);
    rig->tls.open_err = 0;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    rig->tls.silent = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    uint32_t then = rig->now_ms;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    assert_in_range(rig->now_ms - then, 31000, 31100); /* the first wait again, and the stall time */
}

static char retry_after[64];

static size_t retry_answer(struct rig *the_rig, const char *request, char *reply)
{
    (void)request;
    the_rig->answer = NULL;
    return rig_text(reply, "HTTP/1.1 503 X\r\n%sContent-Length: 0\r\n\r\n", retry_after);
}

static uint32_t wait_after(const char *header)
{
    snprintf(retry_after, sizeof retry_after, "%s", header);
    rig->answer = retry_answer;
    rig->agent.fails = 0;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
    uint32_t then = rig->now_ms;
    rig_outcome(rig);
    return rig->now_ms - then;
}

static void test_retry_after_is_honoured_within_bounds(void **test)
{
    (void)test;
    rig->config.poll_ms = 100000;
    assert_int_equal(wait_after(""), 1000);
    assert_int_equal(wait_after("Retry-After: 7\r\n"), 7000);
    assert_int_equal(wait_after("Retry-After: 0\r\n"), 1000);
    assert_int_equal(wait_after("Retry-After: soon\r\n"), 1000);
    assert_int_equal(wait_after("Retry-After: -5\r\n"), 1000);
    assert_int_equal(wait_after("Retry-After: 4294967295\r\n"), 100000); /* not for years */
    assert_int_equal(wait_after("Retry-After: 99999999999\r\n"), 1000);
    const char *date = "Retry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\n";
    assert_int_equal(wait_after(date), 1000); /* compared with nothing */
    rig->unix_now = 784111777;
    assert_int_equal(wait_after(date), 10000);
    rig->unix_now = 784111788;
    assert_int_equal(wait_after(date), 1000); /* past */
}

static size_t dated_answer(struct rig *the_rig, const char *request, char *reply)
{
    (void)request;
    the_rig->answer = NULL;
    return rig_text(reply, "HTTP/1.1 429 X\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                           "Retry-After: Sun, 06 Nov 1994 08:49:57 GMT\r\nContent-Length: 0\r\n\r\n");
}

static void test_a_retry_date_is_read_on_the_servers_clock(void **test)
{
    (void)test;
    rig->unix_now = 1;
    rig->answer = dated_answer;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
    uint32_t then = rig->now_ms;
    rig_outcome(rig);
    assert_int_equal(rig->now_ms - then, 20000);
}

static void test_a_job_that_is_too_long_is_refused(void **test)
{
    (void)test;
    rig->config.job_size_max = 100;
    for (int over = 0; over < 2; over++) {
        memset(rig->job, ' ', sizeof rig->job);
        const char *text = "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\"}";
        memcpy(rig->job, text, strlen(text));
        rig->job[100 + over] = '\0';
        assert_int_equal(rig_outcome(rig), over ? OTTER_OUTCOME_BAD_JOB : OTTER_OUTCOME_CURRENT);
    }
    assert_int_equal(rig->agent.err, OTTER_ERR_NOSPACE);
}

static size_t endless_job(struct rig *the_rig, const char *request, char *reply)
{
    (void)request;
    size_t at = rig_text(reply, "HTTP/1.1 200 OK\r\n%s\r\n",
                         the_rig->answer_state ? "Transfer-Encoding: chunked\r\n" : "");
    static uint8_t spaces[60000];
    memset(spaces, ' ', sizeof spaces);
    if (the_rig->answer_state) {
        return rig_chunk(reply, at, spaces, sizeof spaces);
    }
    memcpy(reply + at, spaces, sizeof spaces);
    return at + sizeof spaces;
}

static void test_a_job_without_an_announced_length_has_the_same_limit(void **test)
{
    (void)test;
    rig->answer = endless_job;
    for (rig->answer_state = 0; rig->answer_state < 2; rig->answer_state++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_JOB);
        assert_int_equal(rig->agent.err, OTTER_ERR_NOSPACE);
        assert_true(rig->tls.reply_off < 30000);
    }
}

static void test_policy_says_when(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 5000);
    rig->not_now = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_DEFERRED);
    assert_int_equal(rig->image_requests, 0);
    rig->not_now = false;
    rig->busy = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    for (int i = 0; i < 50; i++) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(rig->resets, 0);
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_REBOOT);
    rig->busy = false;
    rig_step(rig);
    assert_int_equal(rig->resets, 1);
}

static void test_check_now_polls_at_once(void **test)
{
    (void)test;
    rig_outcome(rig);
    rig_step(rig);
    uint32_t then = rig->now_ms;
    otter_agent_check_now(&rig->agent);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->now_ms, then);
}

static void test_stop_keeps_progress_and_start_goes_on(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    while (rig->tls.delivered < 120000) {
        rig->now_ms += rig_step(rig);
    }
    otter_agent_stop(&rig->agent);
    assert_false(rig->tls.open);
    assert_int_equal(rig_step(rig), UINT32_MAX);
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_STOPPED);
    otter_agent_start(&rig->agent);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_true(rig->agent.fetch.bytes < 200000 + sizeof rig->io / 2);
}

static void test_the_direct_flow_follows_the_same_rules(void **test)
{
    (void)test;
    rig->config.image_path = "/image.bin";
    static const struct {
        struct otter_version version;
        enum otter_outcome outcome;
    } cases[] = {{{1, 0, 0, 0}, OTTER_OUTCOME_CURRENT}, {{0, 9, 0, 0}, OTTER_OUTCOME_OLDER},
                 {{1, 3, 0, 0}, OTTER_OUTCOME_REJECTED}};
    rig->state.rejects[0].version = (struct otter_version){1, 3, 0, 0};
    rig->state.rejects_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_offer(rig, cases[i].version, 100000);
        size_t delivered = rig->tls.delivered;
        assert_int_equal(rig_outcome(rig), cases[i].outcome);
        assert_true(rig->tls.delivered - delivered < 300); /* the header was enough */
        delivered = rig->tls.delivered;
        assert_int_equal(rig_outcome(rig), cases[i].outcome);
        assert_true(rig->tls.delivered - delivered < 80); /* 304 */
    }
    rig_offer(rig, next_version, 100000);
    rig->not_now = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_DEFERRED);
    rig->not_now = false;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_int_equal(rig->agent.fetch.bytes, 100000);
}

static void test_the_direct_flow_without_ranges_works_too(void **test)
{
    (void)test;
    rig->config.image_path = "/image.bin";
    rig->no_ranges = true;
    rig_offer(rig, next_version, 100000);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_int_equal(rig->image_requests, 1);
}

static void test_the_direct_flow_resumes_after_a_reset(void **test)
{
    (void)test;
    rig->config.image_path = "/image.bin";
    rig_offer(rig, next_version, 200000);
    while (rig->tls.delivered < 150000) {
        rig->now_ms += rig_step(rig);
    }
    rig_start(rig);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_true(rig->agent.fetch.bytes < 200000 - 50000);
}

static void test_a_redirected_image_is_fetched_on_the_other_port(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Port\":\"8443\"}");
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    assert_int_equal(rig->tls.opens, 2);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_INSTALLING, 1000));
    assert_int_equal(rig->tls.port, 443); /* reports go home */
}

static void test_plain_http_works_where_it_is_configured(void **test)
{
    (void)test;
    rig->config.use_plain = true;
    rig_start(rig);
    rig_offer(rig, next_version, 50000);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    assert_int_equal(rig->plain.port, 8080);
    assert_int_equal(rig->tls.opens, 0);
}

static void test_an_idle_connection_that_was_closed_is_no_failure(void **test)
{
    (void)test;
    rig->tls.refuse_reuse = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    }
    assert_int_equal(rig->tls.opens, 5);
}

/* Silence is not the connection's age: it costs one stall time, and no second request. */
static void test_a_server_that_falls_silent_is_asked_once(void **test)
{
    (void)test;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    rig->tls.silent = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    assert_int_equal(rig->tls.opens, 1);
    assert_int_equal(rig->tls.requests, 2);
}

/* No journal: MCUboot's trailers, as under upstream MCUboot. Progress lives in RAM only. */
static void test_an_update_over_trailers_works_too(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    map.journal = (struct sim_place){0};
    map.parts[0].prog_size = 8;
    for (int cut = 0; cut < 2; cut++) {
        rig_destroy(rig);
        rig = rig_create(&map);
        rig_offer(rig, next_version, 200001);
        rig->tls.cut_at = cut ? 120000 : 0;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
        rig_assert_installed(rig);
        assert_int_equal(rig->agent.fetch.bytes, 200001);
        struct otter_state seen; /* by the bootloader */
        assert_int_equal(otter_state_open(&seen, &rig->layout), 0);
        assert_int_equal(seen.phase, OTTER_PHASE_REQUESTED);
    }
}

static void test_impossible_configurations_are_refused(void **test)
{
    (void)test;
    struct otter_agent_config good = rig->config;
    static char path[OTTER_PATH_SIZE + 2] = "/";
    memset(path + 1, 'p', OTTER_PATH_SIZE);
    for (int i = 0; i < 11; i++) {
        rig->config = good;
        rig->config.host = i == 0 ? NULL : i == 1 ? "a\r\nb" : good.host;
        rig->config.tls = i == 2 ? NULL : good.tls;
        rig->config.io = i == 3 ? NULL : good.io;
        rig->config.io_size = i == 4 ? 2048 + 15 : good.io_size;
        rig->config.keys_count = i == 5 ? 0 : 1;
        rig->config.job_path = i == 6 ? "x" : NULL;
        rig->config.image_path = i == 7 ? "/a b" : NULL;
        rig->config.report_path = i == 8 ? path : NULL;
        rig->config.user_agent = i == 9 ? "x\ny" : NULL;
        rig->config.device_token = i == 10 ? "t\r\nHost: x" : NULL;
        assert_int_equal(otter_agent_init(&rig->agent, &rig->config), OTTER_ERR_ARG);
    }
    rig->config = good;
    rig->config.io_size = 2048 + 16;
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), 0);
    sim_flash_poke(sim_flash_of(&rig->layout.primary), 0, "junk", 4);
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), OTTER_ERR_CORRUPT);
}

static void test_a_requested_swap_waits_for_the_reset(void **test)
{
    (void)test;
    rig->state.phase = OTTER_PHASE_REQUESTED;
    for (int i = 0; i < 3; i++) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_REBOOT);
    assert_true(rig->resets > 0);
    assert_int_equal(rig->tls.opens, 0);
}

static unsigned taken_back;

static int take_back(struct otter_state *state)
{
    taken_back += state->phase == OTTER_PHASE_IDLE;
    return OTTER_OK;
}

/* Over MCUboot a request that it did not see is taken back: written again, it could come and go for ever. */
static void test_a_trailer_that_surfaced_late_is_taken_back(void **test)
{
    (void)test;
    static const struct otter_trailers trailers = {.write = take_back};
    taken_back = 0;
    rig->state.phase = OTTER_PHASE_REQUESTED;
    rig->layout.journal.size = 0;
    rig->layout.trailers = &trailers;
    for (int i = 0; i < 3; i++) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(taken_back, 1);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
    assert_true(rig->resets > 0);
}

static void test_a_swap_that_surfaced_late_waits_for_the_reset(void **test)
{
    (void)test;
    rig->state.phase = OTTER_PHASE_SWAP;
    for (int i = 0; i < 3; i++) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_REBOOT);
    assert_true(rig->resets > 0);
    assert_int_equal(rig->tls.opens, 0);
}

static void test_every_name_is_a_word(void **test)
{
    (void)test;
    for (int i = 0; i < OTTER_OUTCOME_COUNT; i++) {
        assert_string_not_equal(otter_outcome_str((enum otter_outcome)i), "?");
    }
    for (int i = 0; i <= OTTER_AGENT_REPORT; i++) {
        assert_string_not_equal(otter_agent_phase_str((enum otter_agent_phase)i), "?");
    }
    assert_string_equal(otter_outcome_str((enum otter_outcome)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_version_is_current, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_version_is_installed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_polls_keep_their_distance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_wraps_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_jobs_poll_seconds_win, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unchanged_job_costs_a_304, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_back_off_and_recover, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retry_after_is_honoured_within_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_retry_date_is_read_on_the_servers_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_job_that_is_too_long_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_job_without_an_announced_length_has_the_same_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policy_says_when, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check_now_polls_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_keeps_progress_and_start_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_direct_flow_follows_the_same_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_direct_flow_without_ranges_works_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_direct_flow_resumes_after_a_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_redirected_image_is_fetched_on_the_other_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plain_http_works_where_it_is_configured, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_idle_connection_that_was_closed_is_no_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_that_falls_silent_is_asked_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_update_over_trailers_works_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_impossible_configurations_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_requested_swap_waits_for_the_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_swap_that_surfaced_late_waits_for_the_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_trailer_that_surfaced_late_is_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_name_is_a_word, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
