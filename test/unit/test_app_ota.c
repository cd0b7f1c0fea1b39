/* SPDX-License-Identifier: Apache-2.0 */
/* test_app_ota.c - the OTA task on a board of its own: what starts, what does not, and how a
 * trial ends. The real bootloader puts images on trial; the server is the agent's rig. */
#include "app_board.h"
#include "agent_rig.h"
#include "faulty.h"

#include "app/ota-https/ota_task.h"
#include "app/ota-https/transports.h"
#include "app/ota-https/version.h"
#include "otter/boot.h"

const char app_version[] = "1.1.0";
const uint32_t app_led_ms = 100;
const bool app_hangs = false;

static struct rig *rig;
static struct ota_task ota;
static int transports_err;

int transports_open(struct config *config)
{
    config->agent.tls = &rig->tls.transport;
    config->agent.plain = &rig->plain.transport;
    return transports_err;
}

const char *transports_cause(bool plain, enum otter_outcome outcome)
{
    (void)plain;
    return outcome == OTTER_OUTCOME_UNREACHABLE ? "no answer" : NULL;
}

bool transports_time(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    (void)ret_unix;
    return false;
}

uint32_t transports_arena_peak(void)
{
    return 31000;
}

static int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    memset(&fake, 0, sizeof fake);
    transports_err = 0;
    rig = rig_create(&map);
    fake.layout = &rig->layout;
    fake.keys = rig_keys;
    fake.keys_count = 1;
    fake.address = "192.0.2.15";
    fake_set("board", "B");
    fake_set("host", "server.example");
    fake_set("ca", "CA");
    fake_set("initial-ms", "0");
    fake_set("poll-ms", "10000");
    fake_set("retry-ms", "1000");
    fake_set("trial-ms", "30000");
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    rig_destroy(rig);
    return 0;
}

static void bootloader(void)
{
    static uint32_t buf[2048];
    const struct otter_boot_config config = {
        .layout = &rig->layout, .keys = rig_keys, .keys_count = 1, .buf = buf, .buf_size = sizeof buf};
    struct otter_boot_choice choice;
    assert_int_equal(otter_boot(&config, &choice), 0);
}

/* 1.1.0 was installed, and starts for the first time. */
static void put_on_trial(void)
{
    static const struct otter_version next = {1, 1, 0, 0};
    uint8_t *bytes = rig_make_image(next, 2000);
    const struct otter_area *secondary = &rig->layout.secondary;
    sim_flash_poke(sim_flash_of(secondary), secondary->base, bytes, 2000);
    free(bytes);
    struct otter_state state;
    struct otter_image image;
    struct otter_view view = otter_view_of(secondary);
    assert_int_equal(otter_state_open(&state, &rig->layout), 0);
    assert_int_equal(otter_image_parse(&view, &image), 0);
    assert_int_equal(otter_state_request_swap(&state, &image, false), 0);
    bootloader();
    assert_int_equal(otter_state_open(&state, &rig->layout), 0);
    assert_true(otter_state_on_trial(&state));
    rig_offer(rig, next, 2000);
}

/* As main.c does it. True: the application reset itself before the time was over. */
static bool run(uint32_t ms)
{
    uint32_t end_ms = fake.now_ms + ms;
    if (setjmp(fake.reset) != 0) {
        return true;
    }
    while (fake.now_ms < end_ms) {
        uint32_t wait_ms = ota_task_step(&ota);
        fake_pass(wait_ms < 250 ? wait_ms : 250);
    }
    return false;
}

static void start(void)
{
    led_task_start(app_led_ms);
    ota_task_start(&ota);
}

static bool on_trial(void)
{
    struct otter_state state;
    assert_int_equal(otter_state_open(&state, &rig->layout), 0);
    return otter_state_on_trial(&state);
}

static void test_the_first_check_is_told_and_measured_once(void **test)
{
    (void)test;
    start();
    assert_false(run(60000));
    assert_true(fake_said("network is up: 192.0.2.15"));
    assert_true(fake_said("asked the server: 1.0.0 is up to date"));
    assert_true(fake_count("is up to date") > 3);
    assert_int_equal(fake_count("memory: "), 1);
    assert_true(fake_said("memory: stack 4000 of 16384 bytes, static RAM 150000, TLS arena 31000 at most"));
    assert_int_equal(fake_count("the LED toggled "), 1);
    assert_int_equal(fake_count("cannot start"), 0);
}

static void test_an_update_ends_in_a_restart(void **test)
{
    (void)test;
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 3000);
    start();
    assert_true(run(60000));
    assert_true(fake_said("1.1.0 is genuine: asks the bootloader to install it"));
    assert_int_equal(fake_count("memory: "), 1);
    assert_non_null(strstr(fake.uart, "at most\r\napp   restarts to install it\r\n"));
    bootloader();
    assert_true(on_trial());
}

static void test_a_trial_is_confirmed_after_health_and_contact(void **test)
{
    (void)test;
    put_on_trial();
    fake_set("health-ms", "5000");
    start();
    assert_false(run(4900));
    assert_true(rig->tls.requests > 0);
    assert_true(on_trial());
    assert_false(run(3000));
    assert_true(fake_said("1.1.0 is healthy and reached the server: confirmed"));
    assert_false(on_trial());
    assert_false(run(60000)); /* and trial-ms mean nothing any more */
}

static void test_a_trial_without_a_server_restarts_in_time(void **test)
{
    (void)test;
    put_on_trial();
    rig->tls.open_err = OTTER_ERR_IO;
    start();
    assert_false(run(29000));
    assert_true(run(2000));
    assert_true(fake_said("not confirmed in time: restarts itself"));
    assert_true(fake_count("unreachable (no answer): tries again in ") > 2);
    assert_true(on_trial()); /* the bootloader counts */
}

static void test_a_sick_image_is_given_up(void **test)
{
    (void)test;
    put_on_trial();
    fake_set("sick", "1.1.0");
    fake_set("health-ms", "2000");
    start();
    assert_false(run(1900));
    assert_true(run(500));
    assert_true(fake_said("the health check fails: gives this image up"));
    assert_true(fake_said("restarts, to be taken back"));
    bootloader();
    struct otter_state state;
    assert_int_equal(otter_state_open(&state, &rig->layout), 0);
    assert_int_equal(state.reason, OTTER_REASON_HEALTH);
    assert_false(otter_state_on_trial(&state));
    assert_true(otter_state_rejects_version(&state, &(struct otter_version){1, 1, 0, 0}));
}

static void test_sick_names_one_version_only(void **test)
{
    (void)test;
    put_on_trial();
    fake_set("sick", "1.2.0");
    start();
    assert_false(run(10000));
    assert_false(on_trial());
}

static void test_an_image_whose_led_stands_still_is_given_up(void **test)
{
    (void)test;
    put_on_trial();
    fake_set("health-ms", "20000");
    start();
    assert_false(run(1000));
    fake.timer_broken = true;
    assert_true(run(10000));
    assert_true(fake_said("the health check fails: gives this image up"));
}

static void test_sickness_does_not_end_a_confirmed_image(void **test)
{
    (void)test;
    fake_set("sick", "1.1.0"); /* what this program calls itself; its image is confirmed */
    start();
    assert_false(run(100000));
    assert_int_equal(fake_count("health check fails"), 0);
}

static void test_no_network_is_waited_for_and_then_reported(void **test)
{
    (void)test;
    fake.address = NULL;
    rig->tls.open_err = OTTER_ERR_IO;
    start();
    assert_false(run(9000));
    assert_int_equal(rig->tls.ops, 0);
    assert_false(run(100000));
    assert_int_equal(fake_count("no network after 10000 ms: goes on trying"), 1);
    assert_true(fake_count("cannot reach the server: no answer") > 2);
    assert_true(fake_count("tries again in") > 2);
    fake.address = "192.0.2.15";
    rig->tls.open_err = 0;
    assert_false(run(100000));
    assert_int_equal(fake_count("network is up: "), 1);
    assert_true(fake_said("asked the server: 1.0.0 is up to date"));
}

/* What cannot start is said; nothing is contacted, the LED goes on. */
static void check_not_started(const char *line, int times)
{
    start();
    assert_false(run(100000));
    if (!fake_said(line)) {
        fail_msg("not said: %s\n%s", line, fake.uart);
    }
    assert_int_equal(fake_count("cannot start"), times);
    assert_int_equal(rig->tls.ops + rig->plain.ops, 0);
    assert_int_equal(led_task_times().toggles, 1000);
}

/* Provisioned wrong: once is enough. */
static void check_nothing_starts(const char *line)
{
    check_not_started(line, 1);
}

/* Tried again every minute, and when it works, all that comes behind it. */
static void check_starts_later(const char *line, void (*mend)(void))
{
    check_not_started(line, 2);
    mend();
    assert_false(run(15000));
    assert_int_equal(rig->tls.ops + rig->plain.ops, 0);
    assert_false(run(10000));
    assert_true(fake_said("asked the server: 1.0.0 is up to date"));
    assert_int_equal(fake_count("cannot start"), 2);
}

static void entropy_comes(void)
{
    fake.no_entropy = false;
}

static void network_comes(void)
{
    fake.network_err = OTTER_OK;
}

static void journal_answers(void)
{
    faulty_reads(0, 0);
}

static void test_without_entropy_nothing_is_contacted(void **test)
{
    (void)test;
    fake.no_entropy = true;
    check_starts_later("cannot start updates: this board has no source of random numbers", entropy_comes);
}

static void test_a_journal_that_cannot_be_read_is_tried_again(void **test)
{
    (void)test;
    faulty_wrap(&rig->layout.journal);
    faulty_reads(0, UINT32_MAX);
    check_starts_later("cannot start the journal: input/output", journal_answers);
}

static void test_without_a_key_nothing_is_contacted(void **test)
{
    (void)test;
    fake.keys_count = 0;
    check_nothing_starts("cannot start updates: no key was provisioned");
}

static void test_a_wrong_setting_is_said(void **test)
{
    (void)test;
    fake_set("range", "-1");
    check_nothing_starts("cannot start updates: the setting range is '-1', not a number from 0 to 2147483647");
}

static void test_a_missing_setting_is_said(void **test)
{
    (void)test;
    fake.settings[2].name = "nothing"; /* was ca */
    check_nothing_starts("cannot start updates: the setting ca is missing");
}

static void test_wrong_certificates_are_said(void **test)
{
    (void)test;
    transports_err = OTTER_ERR_CORRUPT;
    check_nothing_starts("cannot start TLS: ca, cert or cert-key is not a certificate or its key");
}

static void test_a_broken_network_interface_is_said(void **test)
{
    (void)test;
    fake.network_err = OTTER_ERR_IO;
    check_starts_later("cannot start the network: input/output", network_comes);
}

static void test_a_journal_of_another_map_is_said(void **test)
{
    (void)test;
    struct otter_state state;
    assert_int_equal(otter_state_open(&state, &rig->layout), 0);
    assert_int_equal(otter_state_save_download(&state, &(struct otter_download){.off = 512}), 0);
    rig->layout.map_hash[0] ^= 1;
    check_nothing_starts("cannot start updates: the journal was written under another flash map");
}

static void test_a_trial_that_cannot_start_still_ends(void **test)
{
    (void)test;
    put_on_trial();
    fake_set("port", "none");
    start();
    assert_false(run(29000));
    assert_true(run(2000));
    assert_true(fake_said("not confirmed in time: restarts itself"));
    bootloader();
    assert_true(on_trial()); /* boot 2 of 3 */
}

int main(void)
{
#define APP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        APP_TEST(test_the_first_check_is_told_and_measured_once),
        APP_TEST(test_an_update_ends_in_a_restart),
        APP_TEST(test_a_trial_is_confirmed_after_health_and_contact),
        APP_TEST(test_a_trial_without_a_server_restarts_in_time),
        APP_TEST(test_a_sick_image_is_given_up),
        APP_TEST(test_sick_names_one_version_only),
        APP_TEST(test_an_image_whose_led_stands_still_is_given_up),
        APP_TEST(test_sickness_does_not_end_a_confirmed_image),
        APP_TEST(test_no_network_is_waited_for_and_then_reported),
        APP_TEST(test_without_entropy_nothing_is_contacted),
        APP_TEST(test_a_journal_that_cannot_be_read_is_tried_again),
        APP_TEST(test_without_a_key_nothing_is_contacted),
        APP_TEST(test_a_wrong_setting_is_said),
        APP_TEST(test_a_missing_setting_is_said),
        APP_TEST(test_wrong_certificates_are_said),
        APP_TEST(test_a_broken_network_interface_is_said),
        APP_TEST(test_a_journal_of_another_map_is_said),
        APP_TEST(test_a_trial_that_cannot_start_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
