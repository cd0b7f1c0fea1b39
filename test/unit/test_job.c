/* SPDX-License-Identifier: Apache-2.0 */
/* test_job.c - job documents: what is read, what is refused, what is for us. */
#include "agent/job.h"
#include "agent/json.h"
#include "otter/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct otter_transport transport;
static const char *const allowed[] = {"files.example"};
static struct otter_agent_config config;
static struct otter_job job;
static char text[8192];
static int64_t unix_now;

static bool now(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    *ret_unix = unix_now;
    return unix_now != 0;
}

static int setup(void **test)
{
    (void)test;
    unix_now = 0;
    config = (struct otter_agent_config){.host = "home.example",
                                         .tls = &transport,
                                         .plain = &transport,
                                         .board = "B",
                                         .hosts_allowed = allowed,
                                         .hosts_allowed_count = 1,
                                         .hooks = {.now = now}};
    return 0;
}

static int read_sized(const char *document, size_t len, size_t keys)
{
    uint32_t *work = malloc(4 * keys);
    char *copy = malloc(len); /* exactly as long: a byte too far is seen by asan */
    memcpy(copy, document, len);
    int err = otter_job_read(&config, copy, len, work, 4 * keys, &job);
    free(copy);
    free(work);
    return err;
}

static int read_job(const char *document)
{
    return read_sized(document, strlen(document), 128);
}

/* A sound document with these members besides. */
static int read_with(const char *members)
{
    snprintf(text, sizeof text, "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"/f\"%s%s}",
             *members != '\0' ? "," : "", members);
    return read_job(text);
}

static enum otter_outcome verdict_with(const char *members)
{
    assert_int_equal(read_with(members), 0);
    return job.verdict;
}

static void test_the_replaced_systems_document_is_read(void **test)
{
    (void)test;
    config.board = "APP_CY8CPROTO_062S2_43439";
    config.host = "192.168.0.10";
    assert_int_equal(read_job("{\r\n  \"Message\":\"Update Available\",\r\n"
                              "  \"Manufacturer\":\"Infineon\",\r\n  \"ManufacturerId\":\"ABC\",\r\n"
                              "  \"Product\":\"PSoC 6\",\r\n  \"SerialNumber\":\"ABC213450001\",\r\n"
                              "  \"Board\":\"APP_CY8CPROTO_062S2_43439\",\r\n"
                              "  \"Version\":\"1.0.0\",\r\n  \"Connection\":\"HTTPS\",\r\n"
                              "  \"Server\":\"192.168.0.10\",\r\n  \"Port\":\"443\",\r\n"
                              "  \"File\":\"/mtb-example-ota-https.bin\",\r\n"
                              "  \"UniqueTopicName\":\"replace\"\r\n}\r\n"), 0);
    assert_int_equal(job.verdict, OTTER_OUTCOME_NONE);
    assert_int_equal(job.version.major, 1);
    assert_string_equal(job.path, "/mtb-example-ota-https.bin");
    assert_string_equal(job.place.host, "192.168.0.10");
    assert_int_equal(job.place.port, 443);
    assert_true(job.place.tls);
}

static void test_every_new_key_is_read(void **test)
{
    (void)test;
    assert_int_equal(
        verdict_with("\"Size\":742607,\"SHA256\":\"000102030405060708090A0B0C0D0E0Ff01112131415161718191a1b"
                     "1c1d1e1f\",\"Sequence\":7,\"Issued\":1700000000,\"Expires\":1800000000,"
                     "\"Report\":\"/r\",\"PollSeconds\":\"60\","
                     "\"Rollout\":{\"Permille\":50,\"Salt\":\"x\"},"
                     "\"Deltas\":[{\"From\":\"1.0.0\",\"File\":\"/d\",\"Size\":5,\"SHA256\":\"\"}]"),
        OTTER_OUTCOME_NONE);
    assert_int_equal(job.size, 742607);
    assert_true(job.has_sha256);
    assert_int_equal(job.sha256[10], 0x0a);
    assert_int_equal(job.sha256[16], 0xf0);
    assert_int_equal(job.sequence, 7);
    assert_int_equal(job.issued, 1700000000);
    assert_int_equal(job.expires, 1800000000);
    assert_string_equal(job.report_path, "/r");
    assert_int_equal(job.poll_seconds, 60);
}

static void test_keys_are_read_in_any_case_and_escaped(void **test)
{
    (void)test;
    assert_int_equal(read_job("{\"BOARD\":\"B\",\"v\\u0065rsion\":\"1.2.3+4\",\"file\":\"\\/f\\u0041\"}"), 0);
    assert_int_equal(job.verdict, OTTER_OUTCOME_NONE);
    assert_string_equal(job.path, "/fA");
    assert_true(job.has_build);
    assert_int_equal(job.version.build, 4);
}

static void test_versions_are_strict(void **test)
{
    (void)test;
    static const char *const good[] = {"0.0.0", "255.255.65535", "1.2.3+4294967295", "1.2.3+0"};
    static const char *const bad[] = {"",        "1",      "1.2",     "1.2.",    "1.2.3.",  "1.2.3.4",
                                      "1.2.3+",  "1.2.3-4", " 1.2.3", "1.2.3 ",  "+1.2.3",  "-1.2.3",
                                      "1.2.3a",  "256.0.0", "0.256.0", "0.0.65536", "01.0.0",
                                      "1.2.3+4294967296", "1..3",     "a.b.c",   "1.2.3+4+5",
                                      "99999999999.0.0",  "1,2,3"};
    struct otter_version version;
    bool has_build;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(otter_job_version(good[i], &version, &has_build));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (otter_job_version(bad[i], &version, &has_build)) {
            fail_msg("'%s' was taken for a version", bad[i]);
        }
    }
    assert_true(otter_job_version("12.34.567+89", &version, &has_build));
    assert_int_equal(version.major, 12);
    assert_int_equal(version.minor, 34);
    assert_int_equal(version.revision, 567);
    assert_int_equal(version.build, 89);
}

static void test_what_is_not_json_is_refused(void **test)
{
    (void)test;
    static const char *const bad[] = {
        "", " ", "x", "\"text\"", "7", "[]", "null", "{", "}", "{]", "[}", "{}{}", "{} x", "{},",
        "{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1,}", "{,\"a\":1}", "{a:1}",
        "{\"a\":1,,\"b\":2}", "{\"a\"::1}", "{\"a\":1:2}", "{1:2}", "{\"a\":[1 2]}", "{\"a\":[1,]}",
        "{\"a\":[,1]}", "{\"a\":[1}}", "{\"a\":{1}}", "{\"a\":[\"b\":1]}", "{'a':1}", "{\"a\":01}",
        "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":0x10}",
        "{\"a\":tru}", "{\"a\":truee}", "{\"a\":True}", "{\"a\":nul}", "{\"a\":1.2.3}", "{\"a\":--1}",
        "{\"a\":\"\n\"}", "{\"a\":\"\t\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800x\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\u0000\"}", "{\"a\":\"\\\"}", "{\"a\":\"\x80\"}", "{\"a\":\"\xc0\x80\"}",
        "{\"a\":\"\xe0\x80\x80\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
        "{\"a\":\"\xf8\x88\x80\x80\x80\"}", "{\"a\":\"\xc3\"}", "{\"a\":\"\xe2\x82\"}", "{\"a\":\"\xff\"}",
        "\xef\xbb\xbf{}", "{\"a\":1/*x*/}", "{\"a\":1}//", "{\"a\":\"b\"\"c\":1}", "{\"a\":\"b\":1}",
        "{\"a\":\"\\ud800xxxxxx\"}", "{\"a\":\"\\ud800\\nxxxxx\"}", "{\"a\":\"\\ud800\\ue000\"}",
        "{\"\":1,\"\":2}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"A\":2}", "{\"a\":1,\"\\u0041\":2}",
        "{\"x\":{\"a\":1,\"A\":2}}", "{\"x\":[{\"a\":1,\"a\":2}]}", "{\"a\":[[[[[[1]]]]]]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int err = read_job(bad[i]);
        if (err != OTTER_ERR_CORRUPT) {
            fail_msg("%d for '%s'", err, bad[i]);
        }
        /* the same inside a document that is otherwise sound */
        if (bad[i][0] == '{' && bad[i][strlen(bad[i]) - 1] == '}' && strlen(bad[i]) > 4) {
            snprintf(text, sizeof text, "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"/f\",%s",
                     bad[i] + 1);
            assert_int_equal(read_job(text), OTTER_ERR_CORRUPT);
        }
    }
    assert_int_equal(read_sized("{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"/f\"}\0", 44, 64),
                     OTTER_ERR_CORRUPT);
    assert_int_equal(read_sized("{\"Board\":\"B\",\"Version\":\"1.2.3\",\"Fi\0e\":\"/f\"}", 43, 64),
                     OTTER_ERR_CORRUPT);
}

static void test_a_document_cut_anywhere_is_refused(void **test)
{
    (void)test;
    const char *whole = "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"/\\u00e9x\",\"N\":[1,{\"q\":null}]}";
    for (size_t len = 0; len < strlen(whole); len++) {
        assert_int_equal(read_sized(whole, len, 64), OTTER_ERR_CORRUPT);
    }
}

static void test_odd_but_valid_json_is_taken(void **test)
{
    (void)test;
    static const char *const good[] = {
        "\"a\":[]", "\"a\":{}", "\"a\":[[[[[]]]]]", "\"a\":-0.5e-10", "\"a\":1E5", "\"a\":0", "\"a\":-0",
        "\"a\":[true,false,null,\"\",{\"b\":{}}]", "\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"a\":\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac\"", "\"\":\"\"", "\"a\":\"\\u00e9\\u20ac\"",
        "\"x\":{\"a\":1},\"y\":{\"a\":2}", " \"a\" :\t1\r\n", "\"a\":\"\x7f\""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (read_with(good[i]) != 0) {
            fail_msg("'%s' was refused", good[i]);
        }
    }
}

static void test_members_stay_where_they_are(void **test)
{
    (void)test;
    assert_int_equal(verdict_with("\"\":{\"Version\":\"9.9.9\"},\"x\":{\"Version\":\"9.9.9\",\"Board\":\"C\"},"
                                  "\"y\":[{\"File\":\"/g\"}],\"z\":{\"Audience\":{\"Board\":\"C\"}}"),
                     OTTER_OUTCOME_NONE);
    assert_int_equal(job.version.major, 1);
    assert_string_equal(job.path, "/f");
    assert_int_equal(verdict_with("\"audience\":{\"board\":\"C\"}"), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(verdict_with("\"audience\":{\"board\":\"B\",\"x\":{\"board\":\"C\"}}"), OTTER_OUTCOME_NONE);
    assert_int_equal(read_with("\"Audience\":\"B\""), OTTER_ERR_CORRUPT);
    assert_int_equal(read_with("\"Rollout\":[]"), OTTER_ERR_CORRUPT);
    assert_int_equal(read_with("\"Rollout\":{\"Salt\":1}"), OTTER_ERR_CORRUPT);
}

static void test_wrong_types_are_refused(void **test)
{
    (void)test;
    static const char *const strings[] = {"Message", "Manufacturer", "ManufacturerID", "Product",
                                          "SerialNumber", "Connection", "Server", "UniqueTopicName",
                                          "SHA256", "Report"};
    static const char *const numbers[] = {"Port", "Size", "Sequence", "Issued", "Expires", "PollSeconds"};
    static const char *const never[] = {"true", "null", "{}", "[\"1\"]"};
    char member[64];
    for (size_t value = 0; value < 4; value++) {
        for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
            snprintf(member, sizeof member, "\"%s\":%s", strings[i], never[value]);
            assert_int_equal(read_with(member), OTTER_ERR_CORRUPT);
            snprintf(member, sizeof member, "\"%s\":5", strings[i]);
            assert_int_equal(read_with(member), OTTER_ERR_CORRUPT);
        }
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            snprintf(member, sizeof member, "\"%s\":%s", numbers[i], never[value]);
            assert_int_equal(read_with(member), OTTER_ERR_CORRUPT);
        }
    }
    static const char *const bad[] = {"\"Port\":65536", "\"Port\":-1", "\"Port\":\"https\"", "\"Port\":4.5",
                                      "\"Port\":\"443 \"", "\"Size\":4294967296", "\"Size\":1e3",
                                      "\"SHA256\":\"abc\"", "\"Report\":\"r\"", "\"Report\":\"/a b\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_with(bad[i]) != OTTER_ERR_CORRUPT) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static void test_paths_cannot_reach_the_request_line(void **test)
{
    (void)test;
    static const char *const bad[] = {"", "f", "http://x/", "/a b", "/a\\r\\nX: y", "/a\\u0000", "/a\\tb",
                                      "/\\u00e9", "/a#b", "/a\\u007f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"%s\"}", bad[i]);
        if (read_job(text) != OTTER_ERR_CORRUPT) {
            fail_msg("'%s' was taken for a path", bad[i]);
        }
    }
    char path[OTTER_JOB_PATH_SIZE + 1];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[OTTER_JOB_PATH_SIZE] = '\0';
    snprintf(text, sizeof text, "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"%s\"}", path);
    assert_int_equal(read_job(text), OTTER_ERR_NOSPACE);
    path[OTTER_JOB_PATH_SIZE - 1] = '\0';
    snprintf(text, sizeof text, "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"%s\"}", path);
    assert_int_equal(read_job(text), 0);
    assert_string_equal(job.path, path);
}

static void test_missing_keys_are_refused(void **test)
{
    (void)test;
    assert_int_equal(read_job("{}"), OTTER_ERR_CORRUPT);
    assert_int_equal(read_job("{\"Board\":\"B\",\"Version\":\"1.2.3\"}"), OTTER_ERR_CORRUPT);
    assert_int_equal(read_job("{\"Board\":\"B\",\"File\":\"/f\"}"), OTTER_ERR_CORRUPT);
}

static void test_too_many_keys_are_refused(void **test)
{
    (void)test;
    const char *document = "{\"Board\":\"B\",\"Version\":\"1.2.3\",\"File\":\"/f\"}";
    assert_int_equal(read_sized(document, strlen(document), 2), OTTER_ERR_NOSPACE);
    assert_int_equal(read_sized(document, strlen(document), 3), 0);
    /* an object's keys count while it is open */
    document = "{\"Board\":\"B\",\"a\":[{\"b\":1,\"c\":{\"d\":2}},{\"b\":1,\"c\":{\"d\":2}}],"
               "\"Version\":\"1.2.3\",\"File\":\"/f\"}";
    assert_int_equal(read_sized(document, strlen(document), 4), OTTER_ERR_NOSPACE);
    assert_int_equal(read_sized(document, strlen(document), 5), 0);
}

static void test_identity_is_enforced_where_configured(void **test)
{
    (void)test;
    assert_int_equal(verdict_with("\"Product\":\"other\",\"Manufacturer\":\"x\""), OTTER_OUTCOME_NONE);
    config.product = "P";
    config.manufacturer = "M";
    config.manufacturer_id = "I";
    const char *ours = "\"Product\":\"P\",\"Manufacturer\":\"M\",\"ManufacturerId\":\"I\"";
    assert_int_equal(verdict_with(ours), OTTER_OUTCOME_NONE);
    assert_int_equal(verdict_with(""), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(verdict_with("\"Product\":\"p\",\"Manufacturer\":\"M\",\"ManufacturerId\":\"I\""),
                     OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(verdict_with("\"Product\":\"P\",\"Manufacturer\":\"N\",\"ManufacturerId\":\"I\""),
                     OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(verdict_with("\"Product\":\"P\",\"Manufacturer\":\"M\",\"ManufacturerId\":\"\""),
                     OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(read_job("{\"Board\":\"C\",\"Version\":\"1.2.3\",\"File\":\"/f\"}"), 0);
    assert_int_equal(job.verdict, OTTER_OUTCOME_NOT_FOR_US);
    config.product = config.manufacturer = config.manufacturer_id = NULL;
    assert_int_equal(read_job("{\"Version\":\"1.2.3\",\"File\":\"/f\"}"), 0);
    assert_int_equal(job.verdict, OTTER_OUTCOME_NOT_FOR_US); /* no Board is no board of ours */
}

static void test_a_serial_number_narrows_a_job(void **test)
{
    (void)test;
    config.serial = "S1";
    assert_int_equal(verdict_with(""), OTTER_OUTCOME_NONE);
    assert_int_equal(verdict_with("\"SerialNumber\":\"\""), OTTER_OUTCOME_NONE);
    assert_int_equal(verdict_with("\"SerialNumber\":\"S1\""), OTTER_OUTCOME_NONE);
    assert_int_equal(verdict_with("\"SerialNumber\":\"S2\""), OTTER_OUTCOME_NOT_FOR_US);
}

static void test_a_job_cannot_leave_tls_or_the_allowed_hosts(void **test)
{
    (void)test;
    assert_int_equal(verdict_with("\"Connection\":\"HTTP\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Connection\":\"http\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Connection\":\"MQTT\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Connection\":\"H\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Server\":\"evil.example\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Server\":\"home.example.evil\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Server\":\"home.exampl\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Server\":\"home.example \""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Server\":\"FILES.example\""), OTTER_OUTCOME_NONE);
    assert_ptr_equal(job.place.host, allowed[0]); /* never a string of the document */
    assert_int_equal(job.place.port, 443);
    config.tls = NULL;
    config.use_plain = true;
    assert_int_equal(verdict_with("\"Connection\":\"HTTPS\""), OTTER_OUTCOME_FORBIDDEN);
    assert_int_equal(verdict_with("\"Connection\":\"HTTP\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 8080);
}

static void test_empty_values_keep_the_place(void **test)
{
    (void)test;
    config.port = 4433;
    assert_int_equal(verdict_with("\"Server\":\"\",\"Port\":\"\",\"Connection\":\"\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 4433);
    assert_int_equal(verdict_with("\"Server\":\"home.example\",\"Port\":0"), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 4433);
    assert_int_equal(verdict_with("\"Port\":\"8443\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 8443);
    assert_int_equal(verdict_with("\"Port\":8444"), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 8444);
    assert_int_equal(verdict_with("\"Server\":\"files.example\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 443);
}

static void test_expires_needs_a_trusted_clock(void **test)
{
    (void)test;
    assert_int_equal(verdict_with("\"Expires\":1000"), OTTER_OUTCOME_NONE);
    unix_now = 1000;
    assert_int_equal(verdict_with("\"Expires\":1000"), OTTER_OUTCOME_NONE);
    unix_now = 1001;
    assert_int_equal(verdict_with("\"Expires\":1000"), OTTER_OUTCOME_EXPIRED);
    assert_int_equal(verdict_with("\"Expires\":0"), OTTER_OUTCOME_NONE);
}

static void test_without_a_clock_nothing_expires(void **test)
{
    (void)test;
    config.hooks.now = NULL;
    assert_int_equal(verdict_with("\"Expires\":1"), OTTER_OUTCOME_NONE);
}

static void test_a_digest_is_64_hex_digits(void **test)
{
    (void)test;
    static const char wrong[] = "/:@G`g \x7f";
    char member[128] = "\"SHA256\":\"";
    const size_t at = strlen(member);
    for (size_t len = 62; len <= 66; len++) {
        memset(member + at, 'a', len);
        strcpy(member + at + len, "\"");
        assert_int_equal(read_with(member), len == 64 ? 0 : OTTER_ERR_CORRUPT);
    }
    memset(member + at, 'F', 64);
    strcpy(member + at + 64, "\"");
    assert_int_equal(read_with(member), 0);
    assert_int_equal(job.sha256[31], 0xff);
    for (size_t i = 0; i < 64; i++) {
        for (size_t w = 0; wrong[w] != '\0'; w++) {
            member[at + i] = wrong[w];
            assert_int_equal(read_with(member), OTTER_ERR_CORRUPT);
        }
        member[at + i] = '0';
    }
}

static void test_another_host_has_the_usual_port_of_its_kind(void **test)
{
    (void)test;
    config.port = 4433;
    assert_int_equal(verdict_with("\"Server\":\"files.example\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 443);
    config.use_plain = true;
    assert_int_equal(verdict_with("\"Server\":\"files.example\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 8080);
    assert_int_equal(verdict_with("\"Server\":\"home.example\""), OTTER_OUTCOME_NONE);
    assert_int_equal(job.place.port, 4433);
}

static enum otter_outcome follows(const struct otter_state *state, const char *running, const char *given)
{
    struct otter_version ours;
    struct otter_version theirs;
    bool has_build;
    assert_true(otter_job_version(running, &ours, &has_build));
    assert_true(otter_job_version(given, &theirs, &has_build));
    return otter_job_follows(state, &ours, &theirs, has_build);
}

static void test_versions_that_may_follow(void **test)
{
    (void)test;
    struct otter_state state = {.floor_version = {1, 0, 0, 0}};
    assert_int_equal(follows(&state, "1.0.0", "1.0.1"), OTTER_OUTCOME_NONE);
    assert_int_equal(follows(&state, "1.0.0", "1.0.0"), OTTER_OUTCOME_CURRENT);
    assert_int_equal(follows(&state, "1.0.0", "0.9.9"), OTTER_OUTCOME_OLDER);
    assert_int_equal(follows(&state, "1.0.0+5", "1.0.0"), OTTER_OUTCOME_CURRENT); /* any build */
    assert_int_equal(follows(&state, "1.0.0+5", "1.0.0+6"), OTTER_OUTCOME_NONE);
    assert_int_equal(follows(&state, "1.0.0+5", "1.0.0+4"), OTTER_OUTCOME_OLDER);
    assert_int_equal(follows(&state, "0.9.0", "0.9.5"), OTTER_OUTCOME_OLDER); /* 1.0.0 was confirmed here */
    state.rejects[0].version = (struct otter_version){1, 2, 0, 7};
    state.rejects_count = 1;
    assert_int_equal(follows(&state, "1.0.0", "1.2.0"), OTTER_OUTCOME_REJECTED);
    assert_int_equal(follows(&state, "1.0.0", "1.2.0+7"), OTTER_OUTCOME_REJECTED);
    assert_int_equal(follows(&state, "1.0.0", "1.2.0+8"), OTTER_OUTCOME_NONE);
    assert_int_equal(follows(&state, "1.0.0", "1.3.0"), OTTER_OUTCOME_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_replaced_systems_document_is_read, setup),
        cmocka_unit_test_setup(test_every_new_key_is_read, setup),
        cmocka_unit_test_setup(test_keys_are_read_in_any_case_and_escaped, setup),
        cmocka_unit_test_setup(test_versions_are_strict, setup),
        cmocka_unit_test_setup(test_what_is_not_json_is_refused, setup),
        cmocka_unit_test_setup(test_a_document_cut_anywhere_is_refused, setup),
        cmocka_unit_test_setup(test_odd_but_valid_json_is_taken, setup),
        cmocka_unit_test_setup(test_members_stay_where_they_are, setup),
        cmocka_unit_test_setup(test_wrong_types_are_refused, setup),
        cmocka_unit_test_setup(test_paths_cannot_reach_the_request_line, setup),
        cmocka_unit_test_setup(test_missing_keys_are_refused, setup),
        cmocka_unit_test_setup(test_too_many_keys_are_refused, setup),
        cmocka_unit_test_setup(test_identity_is_enforced_where_configured, setup),
        cmocka_unit_test_setup(test_a_serial_number_narrows_a_job, setup),
        cmocka_unit_test_setup(test_a_job_cannot_leave_tls_or_the_allowed_hosts, setup),
        cmocka_unit_test_setup(test_empty_values_keep_the_place, setup),
        cmocka_unit_test_setup(test_expires_needs_a_trusted_clock, setup),
        cmocka_unit_test_setup(test_without_a_clock_nothing_expires, setup),
        cmocka_unit_test_setup(test_a_digest_is_64_hex_digits, setup),
        cmocka_unit_test_setup(test_another_host_has_the_usual_port_of_its_kind, setup),
        cmocka_unit_test_setup(test_versions_that_may_follow, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
