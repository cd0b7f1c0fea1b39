/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent_faults.c - the agent where flash fails, where a server is terse, and with as few
 * hooks and settings as it can live with. */
#include "one_rig.h"
#include "faulty.h"
#include "slot/trailer.h"

static const struct otter_version next_version = {1, 1, 0, 0};

static void run_to_phase(enum otter_agent_phase phase)
{
    for (unsigned steps = 0; otter_agent_phase(&rig->agent) != phase; steps++) {
        assert_true(steps < 100000);
        rig->now_ms += rig_step(rig);
    }
}

/* As the bootloader leaves it: 1.1.0 runs on trial. The trial is on flash too. */
static void start_trial(void)
{
    rig_put_primary(rig, next_version);
    rig_offer(rig, next_version, 2000);
    rig->state.phase = OTTER_PHASE_TRIAL;
    rig->state.attempts = 1;
    rig->state.requested.version = next_version;
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), 0);
}

/* Offer an image with its SHA256 in the job: all stages of the verification. */
static void offer_with_digest(void)
{
    uint8_t hash[32];
    char hex[65];
    struct otter_sha256 sha;
    rig_offer(rig, next_version, 40000);
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, rig->image, rig->image_len);
    otter_sha256_finish(&sha, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        snprintf(hex + 2 * i, 3, "%02X", hash[i]); /* capitals are hex, too */
    }
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"SHA256\":\"%s\"}", hex);
}

/* Every read of the verification fails once: each time the image is fetched anew, and then taken. */
static void test_a_read_that_fails_in_the_verification_is_tried_again(void **test)
{
    (void)test;
    bool ended = false;
    for (uint32_t good = 0; !ended; good++) {
        assert_true(good < 100);
        teardown(NULL);
        setup(NULL);
        offer_with_digest();
        run_to_phase(OTTER_AGENT_VERIFY);
        faulty_wrap(&rig->layout.secondary);
        faulty_reads(good, 1);
        enum otter_outcome outcome = rig_outcome(rig);
        ended = faulty.reads.bad == 1;
        faulty_reads(0, 0);
        assert_int_equal(outcome, ended ? OTTER_OUTCOME_INSTALLING : OTTER_OUTCOME_FLASH);
        if (!ended) {
            assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
            assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
        }
        rig_assert_installed(rig);
    }
}

/* The journal dies while the image is verified: it is not installed, and said to be flash's fault. */
static void test_a_journal_that_fails_in_the_verification_installs_nothing(void **test)
{
    (void)test;
    unsigned failed = 0;
    for (uint32_t good = 0; good < 6; good++) {
        teardown(NULL);
        setup(NULL);
        faulty_wrap(&rig->layout.journal);
        rig_start(rig);
        rig_offer(rig, next_version, 40000);
        run_to_phase(OTTER_AGENT_VERIFY);
        faulty_changes(good, FAULTY_ALL);
        enum otter_outcome outcome = rig_outcome(rig);
        if (outcome == OTTER_OUTCOME_FLASH) {
            failed++;
            assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
            faulty_changes(0, 0);
            outcome = rig_outcome(rig);
        }
        assert_int_equal(outcome, OTTER_OUTCOME_INSTALLING);
    }
    assert_true(failed >= 2); /* forgetting the progress, and the request */
}

/* In trailer mode the end of the slot is the trailer's: an image that reaches into it has no place. */
static void test_an_image_in_the_trailers_place_is_too_large(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    map.journal.size = 0;
    map.image_size_max = 0;
    teardown(NULL);
    rig = rig_create(&map);
    rig_offer(rig, next_version, map.secondary.size - 20);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_TOO_LARGE);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

/* The bootloader could not record that a request is refused: the agent, which cannot either, does not
 * reset the board for ever because of it. */
static void test_a_request_that_cannot_be_taken_up_is_no_reason_to_reset_for_ever(void **test)
{
    (void)test;
    for (int trailers = 0; trailers < 2; trailers++) {
        struct sim_map map = rig_map();
        map.journal.size = trailers ? 0 : map.journal.size;
        map.mode = trailers ? OTTER_MODE_OVERWRITE : map.mode;
        teardown(NULL);
        rig = rig_create(&map);
        rig_offer(rig, next_version, 5000);
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
        faulty_wrap(trailers ? &rig->layout.secondary : &rig->layout.journal);
        rig_start(rig);
        assert_int_equal(rig->state.phase, OTTER_PHASE_REQUESTED);
        faulty_changes(0, FAULTY_ALL);
        rig->resets = 0;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_FLASH); /* it asks its server, and says what is wrong */
        assert_int_equal(rig->resets, 0);
        faulty_changes(0, 0); /* and flash takes it again */
        if (trailers) {
            rig_start(rig);
        }
        run_to_phase(OTTER_AGENT_REBOOT);
    }
}

/* This session asked for it: nothing is torn. */
static void test_a_stop_before_the_reset_takes_no_request_back(void **test)
{
    (void)test;
    for (int trailers = 0; trailers < 2; trailers++) {
        struct sim_map map = rig_map();
        map.journal.size = trailers ? 0 : map.journal.size;
        teardown(NULL);
        rig = rig_create(&map);
        rig->busy = true;
        rig_offer(rig, next_version, 5000);
        run_to_phase(OTTER_AGENT_REBOOT);
        otter_agent_stop(&rig->agent);
        otter_agent_start(&rig->agent);
        run_to_phase(OTTER_AGENT_REBOOT);
        rig_start(rig); /* the bootloader reads the same */
        rig_assert_installed(rig);
    }
}

static void test_a_confirmation_that_fails_is_tried_again(void **test)
{
    (void)test;
    faulty_wrap(&rig->layout.journal);
    rig_start(rig);
    start_trial();
    faulty_changes(0, FAULTY_ALL);
    assert_true(rig_run(rig, OTTER_EVENT_RETRY, OTTER_OUTCOME_FLASH, 10000));
    assert_true(otter_state_on_trial(&rig->state));
    assert_int_equal(rig_count(rig, OTTER_EVENT_OUTCOME), 0);
    uint32_t wait = otter_agent_step(&rig->agent, rig->now_ms);
    assert_in_range(wait, 1, 2000); /* not at once: flash that fails is not hammered */
    faulty_changes(0, 0);
    assert_true(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 10000));
    assert_false(otter_state_on_trial(&rig->state));
}

static void test_a_trial_asks_for_as_little_as_it_can(void **test)
{
    (void)test;
    rig->config.image_path = "/image.bin"; /* direct flow: the first bytes of the image will do */
    rig->config.initial_ms = 0;
    start_trial();
    assert_true(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 30000));
    assert_non_null(strstr(rig->last_image_request, "\r\nRange: bytes=0-31\r\n"));
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_CONFIRMED, 30000));
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->reports, 1);
}

static size_t answer_at_length(struct rig *at, const char *request, char *reply)
{
    (void)request;
    if (at->answer_state == 2) {
        return 0;
    }
    size_t len = at->answer_state == 0 ? rig_text(reply, "HTTP/1.1 200 OK\r\n\r\n")
                                       : rig_text(reply, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    memset(reply + len, 'x', 100000);
    return len + 100000;
}

/* A long answer proves as much as a short one, and is not read to its end. */
static void test_a_trial_does_not_read_what_it_does_not_need(void **test)
{
    (void)test;
    for (int how = 0; how < 2; how++) {
        teardown(NULL);
        setup(NULL);
        start_trial();
        rig->answer = answer_at_length;
        rig->answer_state = how;
        assert_true(rig_run(rig, OTTER_EVENT_PHASE, OTTER_OUTCOME_NONE, 1000));
        while (!rig->agent.reached) {
            rig->now_ms += rig_step(rig);
        }
        assert_true(rig->tls.delivered < 20000);
        rig->answer_state = 2;
        assert_true(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_CONFIRMED, 30000));
    }
}

/* The least that is needed: no hook, nobody to tell, every setting its default. */
static void test_an_agent_without_hooks_updates_too(void **test)
{
    (void)test;
    memset(&rig->config.hooks, 0, sizeof rig->config.hooks);
    rig->config.initial_ms = rig->config.poll_ms = rig->config.retry_ms = rig->config.retry_max_ms = 0;
    rig_offer(rig, next_version, 5000);
    rig_start(rig);
    while (otter_agent_outcome(&rig->agent) == OTTER_OUTCOME_NONE) {
        rig->now_ms += rig_step(rig);
    }
    assert_in_range(rig->now_ms, 10000, 11000); /* initial_ms */
    rig_assert_installed(rig);
    run_to_phase(OTTER_AGENT_REBOOT);
    assert_int_equal(rig->resets, 0); /* the application watches for REBOOT */
    assert_true(rig_step(rig) > 0);
    rig->config.image_path = NULL;
    start_trial();
    while (otter_state_on_trial(&rig->state)) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_CONFIRMED);
}

static size_t answer_scripted(struct rig *the_rig, const char *request, char *reply)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n\r\n{\"Board\":\"B\",\"Ver", /* and then the connection ends */
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        ("HTTP/1.1 200 OK\r\nContent-Length: 58\r\n\r\n"
         "{\"Board\":\"B\",\"Version\":\"9.0.0\",\"File\":\"/f\",\"Expires\":1000}"),
        "HTTP/1.1 503 X\r\nRetry-After: Sun, 06 Nov 1994 08:49:57 GMT\r\nContent-Length: 0\r\n\r\n"};
    assert_non_null(strstr(request, "GET /jobs/mine.json "));
    return rig_text(reply, "%s", answers[the_rig->answer_state]);
}

static void test_odd_answers_to_the_poll(void **test)
{
    (void)test;
    static const enum otter_outcome outcomes[] = {OTTER_OUTCOME_UNREACHABLE, OTTER_OUTCOME_SERVER,
                                                  OTTER_OUTCOME_EXPIRED, OTTER_OUTCOME_SERVER};
    for (int i = 0; i < 4; i++) {
        teardown(NULL);
        setup(NULL);
        rig->config.job_path = "/jobs/mine.json";
        rig->config.job_size_max = UINT16_MAX; /* more than there is room for */
        rig->unix_now = 1001;
        rig->config.hooks.now = i == 3 ? NULL : rig->config.hooks.now;
        rig->answer = answer_scripted;
        rig->answer_state = i;
        rig->tls.close_after = i == 0;
        assert_int_equal(rig_outcome(rig), outcomes[i]);
        assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
        uint32_t then = rig->now_ms;
        assert_int_equal(rig_outcome(rig), outcomes[i]);
        assert_int_equal(rig->now_ms - then, outcomes[i] == OTTER_OUTCOME_EXPIRED ? 10000 : 1000);
    }
}

static void test_a_job_cannot_send_a_device_to_sleep_for_ever(void **test)
{
    (void)test;
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.0.0\",\"File\":\"/f\",\"PollSeconds\":4294968}");
    rig->config.poll_max_ms = 3600000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    uint32_t then = rig->now_ms;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->now_ms - then, 3600000); /* not 704 ms, as 32 bits would have it */
}

/* In the direct flow a download would put its own report in place of this one. */
static void test_a_revert_is_reported_before_the_next_download(void **test)
{
    (void)test;
    rig->config.image_path = "/image.bin";
    rig->config.report_path = "/api/reports";
    rig->state.reason = OTTER_REASON_WATCHDOG;
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), 0);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 20000));
    assert_memory_equal(rig->tls.request, "POST /api/reports HTTP/1.1\r\n", 28);
    assert_int_equal(rig->image_requests, 0);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_int_equal(rig->image_requests, 1);
    assert_int_equal(rig->state.reason, OTTER_REASON_NONE);
}

static void test_a_report_is_not_tried_where_the_document_was_not_reached(void **test)
{
    (void)test;
    rig->state.reason = OTTER_REASON_WATCHDOG;
    rig->tls.open_err = OTTER_ERR_IO;
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), 0);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_REVERTED);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_IDLE);
    rig->tls.open_err = 0;
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 20000));
}

static void test_a_bad_image_is_reported_once(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 5000);
    rig->image[3000] ^= 1;
    for (int poll = 0; poll < 6; poll++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    }
    run_to_phase(OTTER_AGENT_IDLE);
    assert_int_equal(rig->reports, 1);
    rig_offer(rig, (struct otter_version){1, 2, 0, 0}, 5000);
    rig->image[3000] ^= 1;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    run_to_phase(OTTER_AGENT_IDLE);
    assert_int_equal(rig->reports, 2);
}

/* MCUboot has no place for what was asked for; the report names it all the same. */
static void test_a_revert_by_mcuboot_is_reported_with_what_was_reverted(void **test)
{
    (void)test;
    static const uint8_t info = 4, set = 1;
    struct sim_map map = rig_map();
    map.journal.size = 0;
    teardown(NULL);
    rig = rig_create(&map);
    struct sim_flash *flash = sim_flash_of(&rig->layout.primary);
    rig_offer(rig, next_version, 5000);
    assert_int_equal(otter_trailer_request(&rig->layout, true, 5000), 0); /* magic, image_ok */
    uint32_t end = rig->layout.primary.base + rig->layout.primary.size;
    uint8_t magic[16];
    sim_flash_peek(flash, rig->layout.secondary.base + rig->layout.secondary.size - 16, magic, 16);
    sim_flash_poke(flash, end - 16, magic, 16);
    sim_flash_poke(flash, end - 32, &set, 1); /* image_ok, copy_done, swap_info: reverted */
    sim_flash_poke(flash, end - 48, &set, 1);
    sim_flash_poke(flash, end - 64, &info, 1);
    assert_int_equal(otter_trailer_clear(&rig->layout.secondary), 0);
    sim_flash_poke(flash, rig->layout.secondary.base, rig->image, 5000);
    rig_start(rig);
    assert_int_equal(rig->state.reason, OTTER_REASON_NOT_CONFIRMED);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 20000));
    assert_non_null(strstr(rig->report, "\"to\":\"1.1.0\",\"result\":\"reverted\",\"reason\":\"not-confirmed\""));
    assert_null(strstr(rig->report, "\"id\":\"0000000000000000\""));
}

/* It is on trial still: what the application gave up is reverted at the next boot, not now. */
static void test_a_trial_given_up_is_no_revert_yet(void **test)
{
    (void)test;
    start_trial();
    rig->state.reason = OTTER_REASON_HEALTH;
    rig->sick = true;
    assert_false(rig_run(rig, OTTER_EVENT_OUTCOME, OTTER_OUTCOME_REVERTED, 20000));
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_TRIAL);
    assert_int_equal(rig->reports, 0);
}

static void test_a_report_that_does_not_fit_is_left_out(void **test)
{
    (void)test;
    static char name[sizeof rig->io];
    memset(name, 'd', sizeof name - 1);
    rig->config.device_id = name;
    rig_offer(rig, next_version, 5000);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    run_to_phase(OTTER_AGENT_REBOOT);
    assert_int_equal(rig->reports, 0);
    assert_true(otter_agent_step(&rig->agent, rig->now_ms) > 0);
}

static void test_start_without_stop_changes_nothing(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 40000);
    run_to_phase(OTTER_AGENT_DOWNLOAD);
    otter_agent_start(&rig->agent);
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_DOWNLOAD);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    assert_int_equal(rig->image_requests, 1);
}

static void test_each_missing_part_of_a_configuration_is_refused(void **test)
{
    (void)test;
    struct otter_agent agent;
    struct otter_agent_config config = rig->config;
    assert_int_equal(otter_agent_init(&agent, &config), 0);
    for (unsigned i = 0; i < 7; i++) {
        config = rig->config;
        config.state = i == 0 ? NULL : config.state;
        config.host = i == 1 ? NULL : config.host;
        config.io = i == 2 ? NULL : config.io;
        config.tls = i == 3 ? NULL : config.tls;
        config.use_plain = i == 4;
        config.plain = i == 4 ? NULL : config.plain;
        config.keys_count = i == 5 ? 0 : config.keys_count;
        config.user_agent = i == 6 ? "caf\xe9" : config.user_agent;
        assert_int_equal(otter_agent_init(&agent, &config), OTTER_ERR_ARG);
    }
}

static void test_a_push_that_cannot_forget_the_download_is_ended(void **test)
{
    (void)test;
    faulty_wrap(&rig->layout.journal);
    rig_start(rig);
    rig_step(rig);
    rig_offer(rig, next_version, 40000);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 0), 0);
    faulty_changes(0, FAULTY_ALL);
    assert_int_equal(otter_agent_push_write(&rig->agent, rig->image, rig->image_len), OTTER_ERR_IO);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_FLASH);
    assert_int_equal(rig->board.devices[0].wear[rig->layout.secondary.base / 0x8000], 0); /* nothing was touched */
}

static void test_a_push_whose_last_bytes_fail_is_ended(void **test)
{
    (void)test;
    faulty_wrap(&rig->layout.secondary);
    rig_step(rig);
    rig_offer(rig, next_version, 10001);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 10001), 0);
    assert_int_equal(otter_agent_push_write(&rig->agent, rig->image, rig->image_len), 0);
    faulty_changes(0, 1);
    assert_int_equal(otter_agent_push_finish(&rig->agent), OTTER_ERR_IO);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_FLASH);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

static void test_a_push_whose_header_is_too_large_says_so(void **test)
{
    (void)test;
    rig_step(rig);
    rig_offer(rig, next_version, 10000);
    put_le(rig->image + 12, rig->agent.install.limit + 1, 4);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 0), 0);
    assert_int_equal(otter_agent_push_write(&rig->agent, rig->image, rig->image_len), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_TOO_LARGE);
    put_le(rig->image + 12, rig->agent.install.limit - 40, 4);
    put_le(rig->image + 10, 100, 2); /* protected TLVs push it over */
    assert_int_equal(otter_agent_push_begin(&rig->agent, 0), 0);
    assert_int_equal(otter_agent_push_write(&rig->agent, rig->image, rig->image_len), OTTER_ERR_NOSPACE);
}

#define AGENT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AGENT(test_a_read_that_fails_in_the_verification_is_tried_again),
        AGENT(test_a_journal_that_fails_in_the_verification_installs_nothing),
        AGENT(test_an_image_in_the_trailers_place_is_too_large),
        AGENT(test_a_request_that_cannot_be_taken_up_is_no_reason_to_reset_for_ever),
        AGENT(test_a_stop_before_the_reset_takes_no_request_back),
        AGENT(test_a_confirmation_that_fails_is_tried_again),
        AGENT(test_a_trial_asks_for_as_little_as_it_can),
        AGENT(test_a_trial_does_not_read_what_it_does_not_need),
        AGENT(test_an_agent_without_hooks_updates_too),
        AGENT(test_odd_answers_to_the_poll),
        AGENT(test_a_job_cannot_send_a_device_to_sleep_for_ever),
        AGENT(test_a_revert_is_reported_before_the_next_download),
        AGENT(test_a_report_is_not_tried_where_the_document_was_not_reached),
        AGENT(test_a_bad_image_is_reported_once),
        AGENT(test_a_revert_by_mcuboot_is_reported_with_what_was_reverted),
        AGENT(test_a_trial_given_up_is_no_revert_yet),
        AGENT(test_a_report_that_does_not_fit_is_left_out),
        AGENT(test_start_without_stop_changes_nothing),
        AGENT(test_each_missing_part_of_a_configuration_is_refused),
        AGENT(test_a_push_that_cannot_forget_the_download_is_ended),
        AGENT(test_a_push_whose_last_bytes_fail_is_ended),
        AGENT(test_a_push_whose_header_is_too_large_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
