/* SPDX-License-Identifier: Apache-2.0 */
/* test_rollout.c - when it is a device's turn, and what it does before. */
#include "agent/rollout.h"
#include "agent_rig.h"

static struct otter_agent_config config;

static uint32_t turn(const char *device, struct otter_rollout rollout)
{
    config.device_id = device;
    return otter_rollout_turn(&config, &rollout);
}

/* ---- the turn ---- */

static void test_a_place_follows_from_salt_and_name(void **test)
{
    (void)test;
    config = (struct otter_agent_config){0};
    uint32_t place = 0;
    struct otter_sha256 sha;
    uint8_t hash[32];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, "sdevice-1", 9);
    otter_sha256_finish(&sha, hash);
    for (int i = 0; i < 4; i++) {
        place = (uint32_t)(((uint64_t)place << 8 | hash[i]) % 4294967296u);
    }
    place %= 1000;
    assert_int_equal(turn("device-1", (struct otter_rollout){.salt = "s", .permille = place}), OTTER_TURN_NEVER);
    assert_int_equal(turn("device-1", (struct otter_rollout){.salt = "s", .permille = place + 1}), 0);
    /* nothing is between the two */
    assert_int_equal(turn("device-1", (struct otter_rollout){.salt = "s", .permille = place + 1}),
                     turn("evice-1", (struct otter_rollout){.salt = "sd", .permille = place + 1}));
}

static void test_the_share_is_what_was_asked_for_and_only_grows(void **test)
{
    (void)test;
    static const uint32_t shares[] = {0, 10, 100, 500, 990, 1000};
    config = (struct otter_agent_config){0};
    bool in_before[10000] = {false};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        uint32_t count = 0;
        for (unsigned device = 0; device < 10000; device++) {
            char name[32];
            snprintf(name, sizeof name, "fleet-%06u", device);
            bool in = turn(name, (struct otter_rollout){.salt = "salt", .permille = shares[i]}) == 0;
            assert_true(in || !in_before[device]);
            in_before[device] = in;
            count += in;
        }
        assert_in_range(count + 100, shares[i] * 10, shares[i] * 10 + 200); /* a point to each side */
    }
    assert_true(in_before[0]);
}

static void test_without_a_name_a_device_is_the_last_one(void **test)
{
    (void)test;
    config = (struct otter_agent_config){0};
    static const char *const names[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(turn(names[i], (struct otter_rollout){.salt = "s", .permille = 999}), OTTER_TURN_NEVER);
        assert_int_equal(turn(names[i], (struct otter_rollout){.salt = "s", .permille = 1000}), 0);
    }
}

/* Against the definition: floor(permille * passed / ramp) is more than the place. */
static void test_a_ramp_reaches_everybody_in_turn(void **test)
{
    (void)test;
    static const struct {
        uint32_t permille, ramp;
    } cases[] = {{1000, 1000}, {1000, 604800}, {10, 3600}, {999, 7}, {1000, 1}, {1, 4000000000}, {1000, 1500000000}};
    const uint32_t start = 1800000000;
    config = (struct otter_agent_config){0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t permille = cases[i].permille;
        uint64_t ramp = cases[i].ramp;
        unsigned in = 0;
        for (unsigned device = 0; device < 3000; device++) {
            char name[32];
            snprintf(name, sizeof name, "d%u", device);
            struct otter_rollout rollout = {.permille = cases[i].permille, .start = start, .ramp_seconds = cases[i].ramp};
            uint32_t at = turn(name, rollout);
            uint32_t place = 0; /* where it begins to be in */
            while (place < 1000 && turn(name, (struct otter_rollout){.permille = place + 1}) != 0) {
                place++;
            }
            if (place >= permille) {
                assert_int_equal(at, OTTER_TURN_NEVER);
                continue;
            }
            in++;
            uint64_t passed = (uint64_t)at - start;
            if (at == OTTER_TURN_NEVER) { /* beyond the time that 32 bits hold */
                assert_true(permille * (UINT32_MAX - start) / ramp <= place);
                continue;
            }
            assert_true(permille * passed / ramp > place);
            assert_true(permille * (passed - 1) / ramp <= place);
            assert_true(passed <= ramp);
        }
        assert_true(in > 0 || permille < 10);
    }
}

static void test_a_start_without_a_ramp_is_everybodys(void **test)
{
    (void)test;
    config = (struct otter_agent_config){0};
    assert_int_equal(turn("a", (struct otter_rollout){.permille = 1000, .start = 1800000000}), 1800000000);
    assert_int_equal(turn("a", (struct otter_rollout){.permille = 0, .start = 1800000000}), OTTER_TURN_NEVER);
    assert_int_equal(turn("a", (struct otter_rollout){.permille = 1000, .start = UINT32_MAX}), OTTER_TURN_NEVER);
}

static void test_a_ring_goes_first(void **test)
{
    (void)test;
    static const struct {
        const char *ring, *rings;
        bool named;
    } cases[] = {{"beta", "beta", true},        {"beta", "alpha,beta", true}, {"beta", "alpha, Beta ,x", true},
                 {"beta", "", false},           {"beta", NULL, false},        {"beta", "beta2", false},
                 {"beta", "bet,a", false},      {"beta", "alphabeta", false}, {NULL, "beta", false},
                 {"", ",", false},              {"", "", false},              {"beta", ",,beta", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config.ring = cases[i].ring;
        struct otter_rollout rollout = {.rings = cases[i].rings, .start = 1800000000, .ramp_seconds = 9};
        assert_int_equal(turn("a", rollout), cases[i].named ? 0 : OTTER_TURN_NEVER);
    }
}

/* ---- the agent ---- */

static struct rig *rig;
static const char *date; /* of the server's answers; NULL: none */

static int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    rig = rig_create(&map);
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 5000);
    date = NULL;
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    rig_destroy(rig);
    return 0;
}

static void offer(const char *rollout)
{
    static unsigned number;
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Rollout\":{%s}}", rollout);
    snprintf(rig->job_etag, sizeof rig->job_etag, "\"%u\"", ++number);
}

static enum otter_outcome outcome_of(const char *rollout)
{
    offer(rollout);
    return rig_outcome(rig);
}

static size_t dated(struct rig *unused, const char *request, char *reply)
{
    (void)unused;
    char value[128];
    if (strncmp(request, "GET /ota_update.json ", 21) != 0) {
        return 0;
    }
    bool same = rig_header(request, "If-None-Match", value) != NULL && strcmp(value, rig->job_etag) == 0;
    size_t at = rig_text(reply, "HTTP/1.1 %s\r\nETag: %s\r\n", same ? "304 Not Modified" : "200 OK", rig->job_etag);
    if (date != NULL) {
        at += rig_text(reply + at, "Date: %s\r\n", date);
    }
    return at + (same ? rig_text(reply + at, "\r\n")
                      : rig_text(reply + at, "Content-Length: %zu\r\n\r\n%s", strlen(rig->job), rig->job));
}

static void test_a_device_that_is_not_in_waits_for_a_new_document(void **test)
{
    (void)test;
    assert_int_equal(outcome_of("\"Permille\":0,\"Salt\":\"s\""), OTTER_OUTCOME_WAITING);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_WAITING);
        assert_int_equal(rig->agent.http.head.status, 304);
    }
    rig->unix_now = INT64_MAX; /* nor does time change that */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_WAITING);
    assert_int_equal(rig->image_requests, 0);
    assert_int_equal(outcome_of("\"Permille\":1000,\"Salt\":\"s\""), OTTER_OUTCOME_INSTALLING);
}

static void test_a_turn_comes_with_the_trusted_clock(void **test)
{
    (void)test;
    rig->unix_now = 1799999999;
    assert_int_equal(outcome_of("\"Permille\":1000,\"Start\":1800000000"), OTTER_OUTCOME_WAITING);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_WAITING);
    assert_int_equal(rig->agent.http.head.status, 304);
    rig->unix_now = 1800000000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING); /* though the document is the same */
}

static void test_a_turn_comes_with_the_servers_date(void **test)
{
    (void)test;
    rig->answer = dated;
    date = "Fri, 15 Jan 2027 07:59:59 GMT";
    assert_int_equal(outcome_of("\"Permille\":1000,\"Start\":1800000000"), OTTER_OUTCOME_WAITING);
    date = NULL;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_WAITING);
    date = "Fri, 15 Jan 2027 08:00:00 GMT";
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
}

static void test_without_tls_nobodys_date_counts(void **test)
{
    (void)test;
    rig->answer = dated;
    rig->config.use_plain = true;
    rig->config.tls = NULL;
    rig_start(rig);
    date = "Fri, 15 Jan 2027 09:00:00 GMT";
    assert_int_equal(outcome_of("\"Permille\":1000,\"Start\":1800000000"), OTTER_OUTCOME_WAITING);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_WAITING);
    rig->unix_now = 1800000000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
}

static void test_without_any_time_a_start_does_not_come(void **test)
{
    (void)test;
    assert_int_equal(outcome_of("\"Permille\":1000,\"Start\":1"), OTTER_OUTCOME_WAITING);
    assert_int_equal(outcome_of("\"Permille\":1000,\"RampSeconds\":1"), OTTER_OUTCOME_WAITING);
    assert_int_equal(outcome_of("\"Permille\":1000,\"Start\":0,\"RampSeconds\":\"0\""), OTTER_OUTCOME_INSTALLING);
}

static void test_other_verdicts_come_before_the_rollouts(void **test)
{
    (void)test;
    offer("\"Permille\":0");
    rig->job[strlen("{\"Board\":\"B\",\"Version\":\"1.")] = '0';
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    offer("\"Permille\":0");
    rig->job[strlen("{\"Board\":\"B\",\"Version\":\"")] = '0';
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_OLDER);
}

static void test_a_rollout_must_make_sense(void **test)
{
    (void)test;
    static const char *const bad[] = {"\"Permille\":1001", "\"Permille\":-1", "\"Permille\":true", "\"Salt\":5",
                                      "\"Rings\":[\"a\"]", "\"Start\":\"now\"", "\"RampSeconds\":1.5",
                                      "\"Salt\":\"00000000001111111111222222222233333333334444444444555555555566666\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(outcome_of(bad[i]), OTTER_OUTCOME_BAD_JOB);
    }
    assert_int_equal(outcome_of("\"Permille\":1,\"Salt\":\"0000000000111111111122222222223333333333444444444455555555556666\""),
                     OTTER_OUTCOME_WAITING);
    rig->config.ring = "beta";
    assert_int_equal(outcome_of("\"Rings\":\"alpha,beta\""), OTTER_OUTCOME_INSTALLING);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_follows_from_salt_and_name),
        cmocka_unit_test(test_the_share_is_what_was_asked_for_and_only_grows),
        cmocka_unit_test(test_without_a_name_a_device_is_the_last_one),
        cmocka_unit_test(test_a_ramp_reaches_everybody_in_turn),
        cmocka_unit_test(test_a_start_without_a_ramp_is_everybodys),
        cmocka_unit_test(test_a_ring_goes_first),
        T(a_device_that_is_not_in_waits_for_a_new_document),
        T(a_turn_comes_with_the_trusted_clock),
        T(a_turn_comes_with_the_servers_date),
        T(without_tls_nobodys_date_counts),
        T(without_any_time_a_start_does_not_come),
        T(other_verdicts_come_before_the_rollouts),
        T(a_rollout_must_make_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
