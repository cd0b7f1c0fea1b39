/* SPDX-License-Identifier: Apache-2.0 */
/* test_app_config.c - settings of the factory: all of them, none of them, and wrong ones. */
#include "app_board.h"

#include "app/ota-https/config.h"

/* As long as a key in DER. */
#define P256_SIZED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

static char complaints[4096];
static unsigned complaints_count;

static void complain(const char *name, const char *value, const char *wanted)
{
    complaints_count++;
    assert_true((value == NULL) || wanted != NULL);
    strcat(complaints, name);
    strcat(complaints, "=");
    strncat(complaints, value ? value : "(missing)", 300);
    strcat(complaints, ";");
}

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    complaints[0] = 0;
    complaints_count = 0;
    return 0;
}

static void set_least(void)
{
    fake_set("board", "APP_X");
    fake_set("host", "192.0.2.2");
    fake_set("ca", "-----BEGIN CERTIFICATE-----");
}

static void test_the_least_that_is_needed(void **state)
{
    (void)state;
    struct config config;
    set_least();
    assert_true(config_read(&config, complain));
    assert_string_equal(complaints, "");
    assert_string_equal(config.agent.host, "192.0.2.2");
    assert_int_equal(config.agent.port, 0);
    assert_false(config.agent.use_plain || config.agent.permanent || config.agent.no_report || config.no_clock);
    assert_null(config.agent.job_path);
    assert_null(config.agent.product);
    assert_null(config.tls);
    assert_null(config.sick);
    assert_int_equal(config.agent.hosts_allowed_count, 0);
    assert_int_equal(config.agent.initial_ms, CONFIG_INITIAL_MS);
    assert_int_equal(config.agent.poll_ms, CONFIG_POLL_MS);
    assert_int_equal(config.health_ms, 0);
    assert_int_equal(config.trial_ms, CONFIG_TRIAL_MS);
    assert_int_equal(config.ca.len, strlen("-----BEGIN CERTIFICATE-----"));
    assert_null(config.cert.data);
}

static void test_all_settings_arrive(void **state)
{
    (void)state;
    struct config config;
    static const char *const all[][2] = {
        {"board", "APP_X"}, {"host", "updates.example"}, {"port", "8443"}, {"plain", "1"}, {"product", "Lamp 2"},
        {"manufacturer", "We"}, {"manufacturer-id", "0x17"}, {"serial", "00-1"}, {"device-id", "lamp-1"},
        {"job-path", "/a/b?c=d"}, {"image-path", "/i"}, {"allow-host", "one.example"}, {"allow-host", "two.example"},
        {"ca", "CA"}, {"cert", "CERT"}, {"cert-key", "KEY!"}, {"tls", "1.3"}, {"initial-ms", "0"}, {"poll-ms", "3"},
        {"retry-ms", "4"}, {"retry-max-ms", "5"}, {"stall-ms", "6"}, {"range", "7"}, {"health-ms", "8"},
        {"trial-ms", "2147483647"}, {"permanent", "1"}, {"no-report", "1"}, {"no-clock", "1"}, {"sick", "1.2.0"},
        {"ring", "beta"}, {"token", "t0k-en_"}, {"hardware-revision", "9"}, {"job-key", P256_SIZED}, {"job-key", P256_SIZED},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        fake_set(all[i][0], all[i][1]);
    }
    assert_true(config_read(&config, complain));
    const struct otter_agent_config *agent = &config.agent;
    assert_string_equal(agent->board, "APP_X");
    assert_string_equal(agent->host, "updates.example");
    assert_int_equal(agent->port, 8443);
    assert_true(agent->use_plain && agent->permanent && agent->no_report && config.no_clock);
    assert_string_equal(agent->product, "Lamp 2");
    assert_string_equal(agent->manufacturer, "We");
    assert_string_equal(agent->manufacturer_id, "0x17");
    assert_string_equal(agent->serial, "00-1");
    assert_string_equal(agent->device_id, "lamp-1");
    assert_string_equal(agent->job_path, "/a/b?c=d");
    assert_string_equal(agent->image_path, "/i");
    assert_int_equal(agent->hosts_allowed_count, 2);
    assert_string_equal(agent->hosts_allowed[0], "one.example");
    assert_string_equal(agent->hosts_allowed[1], "two.example");
    assert_string_equal(config.ca.data, "CA");
    assert_string_equal(config.cert.data, "CERT");
    assert_int_equal(config.cert_key.len, 4);
    assert_string_equal(config.tls, "1.3");
    assert_int_equal(agent->initial_ms, 1); /* at once; 0 would be the agent's default */
    assert_int_equal(agent->poll_ms, 3);
    assert_int_equal(agent->retry_ms, 4);
    assert_int_equal(agent->retry_max_ms, 5);
    assert_int_equal(agent->stall_ms, 6);
    assert_int_equal(agent->range_size, 7);
    assert_int_equal(config.health_ms, 8);
    assert_int_equal(config.trial_ms, 2147483647);
    assert_string_equal(config.sick, "1.2.0");
    assert_string_equal(agent->ring, "beta");
    assert_string_equal(agent->device_token, "t0k-en_");
    assert_int_equal(agent->hardware_revision, 9);
    assert_int_equal(agent->job_keys_count, 2);
    assert_int_equal(agent->job_keys[1].pubkey_len, 91);
    assert_int_equal(agent->job_keys[1].type, OTTER_SIG_ECDSA_P256);
}

/* Without its key, a device would take plain jobs. */
static void test_a_job_key_that_is_none_stops_updates(void **state)
{
    (void)state;
    struct config config;
    fake_set("board", "B");
    fake_set("host", "h");
    fake_set("plain", "1");
    fake_set("job-key", P256_SIZED);
    fake_set("job-key", "short");
    assert_false(config_read(&config, complain));
    assert_string_equal(complaints, "job-key=(binary);");
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    struct config config;
    assert_false(config_read(&config, complain));
    assert_string_equal(complaints, "board=(missing);host=(missing);ca=(missing);");
    setup(NULL);
    fake_set("board", "B");
    fake_set("host", "h");
    fake_set("plain", "1"); /* then no CA is needed */
    assert_true(config_read(&config, complain));
    fake_set("cert", "C");
    assert_false(config_read(&config, complain));
    assert_string_equal(complaints, "cert-key=(missing);");
    setup(NULL);
    set_least();
    fake_set("cert-key", "K");
    assert_false(config_read(&config, complain));
    assert_string_equal(complaints, "cert=(missing);");
}

/* One wrong setting: refused, named once with its value, and the trial still has its times. */
static void test_a_wrong_setting_is_named_and_nothing_is_guessed(void **state)
{
    (void)state;
    static char long_text[129];
    static char long_path[1026];
    memset(long_text, 'x', sizeof long_text - 1);
    memset(long_path, '/', sizeof long_path - 1);
    const char *const wrong[][2] = {
        {"port", "0"}, {"port", "65536"}, {"port", ""}, {"port", "443x"}, {"port", "-1"}, {"port", " 443"},
        {"plain", "yes"}, {"plain", ""}, {"plain", "10"}, {"permanent", "2"}, {"no-report", "no"}, {"no-clock", "true"},
        {"poll-ms", "0"}, {"poll-ms", "2147483648"}, {"poll-ms", "4294967296"}, {"poll-ms", "99999999999999999999"},
        {"poll-ms", "1e3"}, {"poll-ms", "0x10"}, {"poll-ms", "1 "}, {"retry-ms", "0"}, {"retry-max-ms", "-5"},
        {"stall-ms", "soon"}, {"range", ""}, {"initial-ms", "1.5"}, {"health-ms", "-"}, {"trial-ms", "0"},
        {"trial-ms", "never"}, {"job-path", "ota.json"}, {"job-path", ""}, {"job-path", "/a b"}, {"job-path", "/a#b"},
        {"image-path", "/a\r\nHost: evil"}, {"image-path", long_path}, {"allow-host", ""}, {"allow-host", "a b"},
        {"tls", "1.1"}, {"tls", ""}, {"tls", "1.2 1.3"}, {"product", ""}, {"serial", "a\nb"}, {"serial", "\x80"},
        {"device-id", long_text}, {"sick", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct config config;
        setup(NULL);
        set_least();
        fake_set(wrong[i][0], wrong[i][1]);
        if (config_read(&config, complain) || complaints_count != 1 ||
            strncmp(complaints, wrong[i][0], strlen(wrong[i][0])) != 0) {
            fail_msg("%s='%s': %u complaints: %s", wrong[i][0], wrong[i][1], complaints_count, complaints);
        }
        assert_int_equal(config.trial_ms, CONFIG_TRIAL_MS);
        assert_int_equal(config.health_ms, 0);
    }
}

static void test_a_wrong_host_or_board_is_named(void **state)
{
    (void)state;
    static const char *const hosts[] = {"", "a b", "host\r\nX: y", "\xc3\xa9"};
    struct config config;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        setup(NULL);
        fake_set("board", "B");
        fake_set("ca", "C");
        fake_set("host", hosts[i]);
        assert_false(config_read(&config, complain));
        assert_int_equal(complaints_count, 1);
    }
    setup(NULL);
    fake_set("board", "");
    fake_set("ca", "C");
    fake_set("host", "h");
    assert_false(config_read(&config, complain));
    assert_string_equal(complaints, "board=;");
}

static void test_a_fifth_allowed_host_is_too_many(void **state)
{
    (void)state;
    struct config config;
    set_least();
    for (int i = 0; i < 4; i++) {
        fake_set("allow-host", "h.example");
    }
    assert_true(config_read(&config, complain));
    assert_int_equal(config.agent.hosts_allowed_count, 4);
    fake_set("allow-host", "fifth.example");
    fake_set("allow-host", "sixth.example");
    assert_false(config_read(&config, complain));
    assert_string_equal(complaints, "allow-host=fifth.example;");
    assert_int_equal(config.agent.hosts_allowed_count, 4);
}

static void test_every_wrong_setting_is_named(void **state)
{
    (void)state;
    struct config config;
    fake_set("plain", "x");
    fake_set("port", "x");
    fake_set("tls", "x");
    assert_false(config_read(&config, complain));
    assert_int_equal(complaints_count, 6); /* these, and board, host and ca are missing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_least_that_is_needed, setup),
        cmocka_unit_test_setup(test_all_settings_arrive, setup),
        cmocka_unit_test_setup(test_a_job_key_that_is_none_stops_updates, setup),
        cmocka_unit_test_setup(test_what_is_missing_is_named, setup),
        cmocka_unit_test_setup(test_a_wrong_setting_is_named_and_nothing_is_guessed, setup),
        cmocka_unit_test_setup(test_a_wrong_host_or_board_is_named, setup),
        cmocka_unit_test_setup(test_a_fifth_allowed_host_is_too_many, setup),
        cmocka_unit_test_setup(test_every_wrong_setting_is_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
