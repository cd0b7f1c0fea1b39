/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_publish_device.c - what the tool publishes, read by the code of devices: it is taken by those
 * that it names, and a rollout lets in exactly those that the tool says it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job.h"
#include "tool/job_file.h"
#include "tool/jws.h"
#include "tool/publish.h"
#include "tool/rollout_edit.h"

#define KEY OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256-other.pem"
enum { ROUNDS = 120, DEVICES = 40, NOW = 1800000000, DAY = 86400 };

static struct tool_key key;
static char key_path[] = KEY, message[] = "a \"message\"\n", report[] = "/report", board[] = "B", product[] = "P";
static uint32_t seed = 20261122;

static uint32_t draw(uint32_t range)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % range;
}

static int open_key(void **state)
{
    (void)state;
    return tool_job_key_read(KEY, true, &key);
}

static int close_key(void **state)
{
    (void)state;
    tool_key_free(&key);
    return 0;
}

/* The device's reading; its verdict, or an error below 0. */
static int read_job(const struct otter_agent_config *config, const json_t *json, struct otter_job *ret_job)
{
    static uint32_t work[1024];
    struct tool_bytes text;
    assert_int_equal(job_file_write(json, config->job_keys_count > 0 ? &key : NULL, &text), 0);
    int err = otter_job_read(config, (char *)text.data, text.len, work, sizeof work, ret_job);
    tool_bytes_free(&text);
    return err < 0 ? err : (int)ret_job->verdict;
}

static const struct publish_release release = {
    .bytes = {NULL, 5000},
    .version = {1, 1, 0, 0},
    .version_text = "1.1.0",
    .sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    .name = "app-1.1.0-9f86d081.bin",
};

static json_t *publish(const struct publish_options *options, const struct publish_terms *terms)
{
    json_t *job = publish_job(options, terms, &release, options->job_key != NULL);
    rollout_stamp(job, 3, NOW, terms->lifetime);
    return job;
}

static struct otter_agent_config device(struct otter_state *state, bool is_signed)
{
    static const struct otter_transport transport;
    memset(state, 0, sizeof *state);
    return (struct otter_agent_config){.state = state, .host = "h", .tls = &transport, .board = "B", .product = "P",
                                       .hardware_revision = 2, .job_keys = is_signed ? &key.verify : NULL,
                                       .job_keys_count = is_signed};
}

static void test_those_that_it_names_take_it(void **state)
{
    (void)state;
    static struct {
        char board[2], product[2]; /* "": not told */
        int64_t least, most;
        int verdict;
    } cases[] = {{"B", "P", -1, -1, OTTER_OUTCOME_NONE}, {"B", "P", 2, 2, OTTER_OUTCOME_NONE}, {"B", "P", 1, -1, OTTER_OUTCOME_NONE},
                 {"B", "P", -1, 3, OTTER_OUTCOME_NONE}, {"B", "P", 3, -1, OTTER_OUTCOME_NOT_FOR_US},
                 {"B", "P", -1, 1, OTTER_OUTCOME_NOT_FOR_US}, {"C", "P", -1, -1, OTTER_OUTCOME_NOT_FOR_US},
                 {"B", "Q", -1, -1, OTTER_OUTCOME_NOT_FOR_US}, {"B", "", -1, -1, OTTER_OUTCOME_NOT_FOR_US},
                 {"", "P", -1, -1, OTTER_OUTCOME_NOT_FOR_US}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const size_t at = i / 2;
        bool is_signed = i % 2 == 0;
        struct otter_state memory;
        struct otter_job job;
        struct otter_agent_config config = device(&memory, is_signed);
        struct publish_options options = {.board = cases[at].board[0] ? cases[at].board : NULL,
                                          .product = cases[at].product[0] ? cases[at].product : NULL,
                                          .job_key = is_signed ? key_path : NULL,
                                          .message = message, .poll_seconds = 60, .report = report};
        struct publish_terms terms = {.permille = 1000, .lifetime = 30 * DAY, .has_min_version = true, .min_version = {1, 0, 7, 0},
                                      .hardware_min = cases[at].least, .hardware_max = cases[at].most};
        json_t *json = publish(&options, &terms);
        assert_int_equal(read_job(&config, json, &job), cases[at].verdict);
        assert_int_equal(job.sequence, 3);
        assert_int_equal(job.issued, NOW);
        assert_int_equal(job.expires, NOW + 30 * DAY);
        assert_int_equal(job.size, 5000);
        assert_int_equal(job.min_version.revision, 7);
        assert_string_equal(job.path, "/app-1.1.0-9f86d081.bin");
        assert_int_equal(job.turn, 0);
        json_decref(json);
    }
}

static int place_of(const char *salt, const char *id)
{
    char text[160];
    uint8_t hash[EVP_MAX_MD_SIZE];
    int len = snprintf(text, sizeof text, "%s%s", salt, id);
    assert_int_equal(EVP_Digest(text, (size_t)len, hash, NULL, EVP_sha256(), NULL), 1);
    return (int)(((uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3]) % 1000);
}

/* To the second: in from its turn on, out one before. */
static void compare_turn(const json_t *json, int place, uint32_t turn)
{
    struct rollout_view view;
    if (turn != 0 && turn != UINT32_MAX) {
        assert_true(rollout_view_of(json, turn, &view));
        assert_true(place < view.permille_now);
        assert_true(rollout_view_of(json, (int64_t)turn - 1, &view));
        assert_true(place >= view.permille_now);
    }
}

/* Each device's turn against what `otter rollout status` would say at that moment. */
static void compare(const json_t *json, int64_t now)
{
    struct otter_state memory;
    struct otter_job job;
    struct otter_agent_config config = device(&memory, true);
    struct rollout_view view;
    assert_true(rollout_view_of(json, now, &view));
    assert_int_equal(read_job(&config, json, &job), OTTER_OUTCOME_NONE);
    config = device(&memory, false); /* the same rules, and no signature for each of them */
    for (int i = 0; i < DEVICES; i++) {
        char id[16];
        snprintf(id, sizeof id, "d-%d", i);
        config.device_id = id;
        assert_int_equal(read_job(&config, json, &job), OTTER_OUTCOME_NONE);
        bool in = (int64_t)job.turn <= now;
        compare_turn(json, place_of(view.salt, id), job.turn);
        if (in != (place_of(view.salt, id) < view.permille_now)) {
            fail_msg("place %d, %d permille of %d, start %lld, ramp %lld, at %lld: turn %u", place_of(view.salt, id),
                     view.permille_now, view.permille, (long long)view.start, (long long)view.ramp_seconds, (long long)now, job.turn);
        }
    }
    config.device_id = "d-0";
    config.ring = "beta";
    assert_int_equal(read_job(&config, json, &job), OTTER_OUTCOME_NONE);
    if (strcmp(view.rings, "alpha,beta") == 0) {
        assert_int_equal(job.turn, 0);
    }
    config.ring = NULL;
    config.device_id = NULL; /* one without a name takes part in the whole only */
    assert_int_equal(read_job(&config, json, &job), OTTER_OUTCOME_NONE);
    assert_true(((int64_t)job.turn <= now) == (view.permille_now == 1000));
}

static struct publish_terms draw_terms(void)
{
    struct publish_terms terms = {.limited = true, .permille = (int)draw(1001), .lifetime = 30 * DAY, .hardware_min = -1, .hardware_max = -1};
    terms.start = draw(2) ? NOW - DAY + draw(2 * DAY) : 0;
    terms.ramp_seconds = terms.start > 0 && draw(2) ? 1 + draw(draw(2) ? 50 : 3 * DAY) : 0;
    if (draw(2)) {
        strcpy(terms.rings, "alpha,beta");
    }
    return terms;
}

static void test_a_rollout_lets_in_whom_the_tool_says(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char salt[20];
        struct publish_options options = {.board = board, .product = product, .job_key = key_path, .salt = salt};
        struct publish_terms terms = draw_terms();
        snprintf(salt, sizeof salt, "s%u", draw(1000000));
        json_t *json = publish(&options, &terms);
        int64_t around = terms.start > 0 ? terms.start + draw((uint32_t)terms.ramp_seconds + 3) - 1 : NOW;
        compare(json, around);
        struct rollout_order raise = {.action = ROLLOUT_RAISE, .permille = (int)draw(1000) + 1, .force = true,
                                      .ramp_seconds = draw(2) ? 1 + draw(DAY) : 0};
        struct rollout_order halt = {.action = ROLLOUT_HALT};
        json_t *next = NULL;
        struct rollout_view before;
        assert_true(rollout_view_of(json, NOW, &before));
        bool fits = raise.ramp_seconds == 0 || raise.permille > before.permille_now;
        if (fits) {
            assert_int_equal(rollout_edit(json, &raise, 4, NOW, NULL, &next), 0);
            compare(next, NOW);
            compare(next, NOW + draw(DAY));
            json_decref(next);
        }
        if (!before.halted) {
            assert_int_equal(rollout_edit(json, &halt, 5, NOW, NULL, &next), 0);
            compare(next, NOW + draw(DAY));
            json_decref(next);
        }
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_those_that_it_names_take_it),
                                       cmocka_unit_test(test_a_rollout_lets_in_whom_the_tool_says)};
    return cmocka_run_group_tests(tests, open_key, close_key);
}
