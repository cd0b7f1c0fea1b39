/* SPDX-License-Identifier: Apache-2.0 */
/* test_spec.c - the worked examples of docs/spec/50-job.md, 60-http.md and 70-report.md. */
#include "agent_rig.h"

#include "agent/http.h"
#include "agent/job.h"
#include "job_rig.h"

static char text[65536];
static const char *at;

static void open_chapter(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/docs/spec/%s", OTTER_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    assert_true(len > 1000 && len < sizeof text - 1);
    fclose(file);
    at = text;
}

/* The next block fenced with ```kind; false: no more. */
static bool next_block(const char *kind, char *block, size_t size)
{
    char fence[32];
    snprintf(fence, sizeof fence, "\n```%s\n", kind);
    const char *begin = strstr(at, fence);
    if (begin == NULL) {
        return false;
    }
    begin += strlen(fence);
    const char *end = strstr(begin, "```\n");
    assert_non_null(end);
    assert_true((size_t)(end - begin) < size);
    memcpy(block, begin, (size_t)(end - begin));
    block[end - begin] = '\0';
    at = end;
    return true;
}

static struct otter_transport transport;
static const char *const allowed[] = {"files.example"};
static const struct otter_agent_config job_config = {.host = "192.168.0.10",
                                                     .tls = &transport,
                                                     .board = "APP_CY8CPROTO_062S2_43439",
                                                     .hosts_allowed = allowed,
                                                     .hosts_allowed_count = 1};

static enum otter_outcome judge(char *document, struct otter_job *job)
{
    static uint32_t work[1024];
    static const struct otter_state state;
    const struct otter_version running = {1, 0, 0, 0};
    if (otter_job_read(&job_config, document, strlen(document), work, sizeof work, job) < 0) {
        return OTTER_OUTCOME_BAD_JOB;
    }
    if (job->verdict == OTTER_OUTCOME_NOT_FOR_US) {
        return job->verdict;
    }
    enum otter_outcome outcome = otter_job_follows(&state, &running, &job->version, job->has_build);
    return outcome != OTTER_OUTCOME_NONE ? outcome : job->verdict;
}

static void test_the_jobs_are_accepted(void **test)
{
    (void)test;
    struct otter_job job;
    char block[4096];
    open_chapter("50-job.md");
    assert_true(next_block("job", block, sizeof block));
    assert_int_equal(judge(block, &job), OTTER_OUTCOME_NONE);
    assert_string_equal(job.path, "/mtb-example-ota-https.bin");
    assert_int_equal(job.place.port, 443);
    assert_true(next_block("job", block, sizeof block));
    assert_int_equal(judge(block, &job), OTTER_OUTCOME_NONE);
    assert_string_equal(job.place.host, "files.example");
    assert_int_equal(job.place.port, 8443);
    assert_int_equal(job.version.build, 7);
    assert_int_equal(job.size, 742607);
    assert_int_equal(job.sha256[31], 0x08);
    assert_int_equal(job.poll_seconds, 3600);
    assert_string_equal(job.report_path, "/devices/report");
    assert_false(next_block("job", block, sizeof block));
}

static void test_the_verdicts_are_as_told(void **test)
{
    (void)test;
    struct otter_job job;
    char block[4096];
    int count = 0;
    open_chapter("50-job.md");
    assert_true(next_block("verdicts", block, sizeof block));
    for (char *line = strtok(block, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *document = strchr(line, '{');
        assert_non_null(document);
        char verdict[32];
        snprintf(verdict, sizeof verdict, "%.*s", (int)strcspn(line, " "), line);
        assert_string_equal(otter_outcome_str(judge(document, &job)), verdict);
        count++;
    }
    assert_int_equal(count, 11);
}

/* A signed job, its payload, and when it is a device's turn. */
static void test_the_signed_job_is_genuine(void **test)
{
    (void)test;
    static uint32_t work[1024];
    static struct tool_key key;
    static struct otter_state state;
    struct otter_job job;
    char payload[1024];
    char jws[2048];
    char whole[2048];
    open_chapter("50-job.md");
    assert_true(next_block("payload", payload, sizeof payload));
    assert_true(next_block("jws", jws, sizeof jws));
    assert_int_equal(tool_key_read(JOB_KEY, false, &key), 0);
    struct otter_agent_config config = job_config;
    config.state = &state;
    config.job_keys = &key.verify;
    config.job_keys_count = 1;
    config.hardware_revision = 2;
    config.device_id = "device-2";
    memcpy(whole, jws, sizeof whole);
    assert_int_equal(otter_job_read(&config, jws, strlen(jws), work, sizeof work, &job), 0);
    assert_int_equal(job.verdict, OTTER_OUTCOME_NONE);
    assert_int_equal(job.sequence, 7);
    assert_int_equal(job.issued, 1800000000);
    assert_int_equal(job.turn, 1800471744);
    *strrchr(whole, '.') = '\0'; /* header and payload are what the text says */
    payload[strcspn(payload, "\n")] = '\0';
    char expected[2048] = "";
    job_encode(expected, "{\"alg\":\"ES256\"}", 15);
    strcat(expected, ".");
    job_encode(expected, payload, strlen(payload));
    assert_string_equal(whole, expected);
    tool_key_free(&key);
}

/* CR LF line ends and the empty line, which the chapter leaves out. */
static void to_wire(char *block, size_t size)
{
    char wire[2048] = "";
    size_t len = 0;
    for (const char *from = block; *from != '\0'; from++) {
        len += (size_t)snprintf(wire + len, sizeof wire - len, *from == '\n' ? "\r\n" : "%c", *from);
    }
    snprintf(block, size, "%s\r\n", wire);
}

static char answer_304[512];

static size_t answer(struct rig *rig, const char *request, char *reply)
{
    (void)request;
    return rig->answer_state == 1 ? rig_text(reply, "%s", answer_304) : 0;
}

static void test_the_requests_are_sent_byte_for_byte(void **test)
{
    (void)test;
    char block[2048];
    struct sim_map map = rig_map();
    struct rig *rig = rig_create(&map);
    rig->config.host = "192.168.0.10";
    rig_start(rig);
    snprintf(rig->job_etag, sizeof rig->job_etag, "\"5f-1\"");
    open_chapter("60-http.md");
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_true(next_block("request", block, sizeof block));
    to_wire(block, sizeof block);
    assert_true(next_block("answer", answer_304, sizeof answer_304));
    to_wire(answer_304, sizeof answer_304);
    rig->answer = answer;
    rig->answer_state = 1;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    assert_memory_equal(rig->tls.request, block, strlen(block));
    /* a break at 131072 of an image */
    const struct otter_place place = {.host = "192.168.0.10", .port = 443, .tls = true};
    const struct otter_request request = {.method = "GET",
                                          .path = "/app-1.1.0.bin",
                                          .ranged = true,
                                          .from = 131072,
                                          .last = UINT32_MAX,
                                          .if_range = "\"b54cf-1\""};
    otter_http_begin(&rig->agent.http, &place, &request, rig->now_ms);
    while (rig->agent.http.state != OTTER_HTTP_HEAD) {
        assert_true(otter_http_step(&rig->agent.http, rig->now_ms) >= 0);
    }
    assert_true(next_block("request", block, sizeof block));
    to_wire(block, sizeof block);
    assert_string_equal(rig->tls.request, block);
    rig_destroy(rig);
}

static void test_the_source_is_as_told(void **test)
{
    (void)test;
    char block[512];
    struct sim_map map = rig_map();
    struct rig *rig = rig_create(&map);
    open_chapter("60-http.md");
    assert_true(next_block("source", block, sizeof block));
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 200000);
    snprintf(rig->image_etag, sizeof rig->image_etag, "\"v1\"");
    while (rig->state.download.off == 0) {
        rig->now_ms += rig_step(rig);
    }
    /* the same digest over this image's path and size, made from the documented bytes */
    uint8_t bytes[64] = "/image.bin";
    size_t len = strlen("/image.bin") + 1;
    memcpy(bytes + len, "\"v1\"", 5);
    len += 5;
    put_le(bytes + len, 200000, 4);
    struct otter_sha256 sha;
    uint8_t hash[32];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, bytes, len + 4);
    otter_sha256_finish(&sha, hash);
    assert_memory_equal(rig->state.download.source, hash, 16);
    /* and the worked example itself */
    uint8_t raw[64];
    size_t raw_len = strcspn(block, "\n") / 2;
    for (size_t i = 0; i < raw_len; i++) {
        sscanf(block + 2 * i, "%2hhx", &raw[i]);
    }
    assert_string_equal((const char *)raw, "/app.bin");
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, raw, raw_len);
    otter_sha256_finish(&sha, hash);
    char hex[34];
    for (size_t i = 0; i < 16; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    assert_memory_equal(block + 2 * raw_len + 1, hex, 32);
    rig_destroy(rig);
}

static void test_the_report_is_as_told(void **test)
{
    (void)test;
    char block[1024];
    struct sim_map map = rig_map();
    struct rig *rig = rig_create(&map);
    open_chapter("70-report.md");
    assert_true(next_block("report", block, sizeof block));
    rig->state.reason = OTTER_REASON_WATCHDOG;
    rig->state.attempts = 3;
    rig->state.requested.version = (struct otter_version){1, 1, 0, 0};
    for (size_t i = 0; i < sizeof rig->state.requested.hash; i++) {
        rig->state.requested.hash[i] = (uint8_t)(0x10 + i);
    }
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_REVERTED, 20000));
    block[strcspn(block, "\n")] = '\0';
    assert_string_equal(rig->report, block);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_jobs_are_accepted),
        cmocka_unit_test(test_the_verdicts_are_as_told),
        cmocka_unit_test(test_the_signed_job_is_genuine),
        cmocka_unit_test(test_the_requests_are_sent_byte_for_byte),
        cmocka_unit_test(test_the_source_is_as_told),
        cmocka_unit_test(test_the_report_is_as_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
