/* SPDX-License-Identifier: Apache-2.0 */
/* test_resume.c - breaks and resets: what is asked for again, and what is never mixed. */
#include "one_rig.h"

static const struct otter_version next_version = {1, 1, 0, 0};

static void expect_installed(void)
{
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
}

static void recreate(const struct sim_map *map, size_t io_size)
{
    rig_destroy(rig);
    rig = rig_create(map);
    rig->config.io_size = io_size;
    rig_start(rig);
}

/* Every break: at most the bytes in flight are asked for again, none that were received. */
static void test_a_break_anywhere_loses_nothing(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    expect_installed();
    size_t whole = rig->tls.delivered;
    for (size_t cut = 300; cut < whole; cut += 611) {
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 50000);
        rig->tls.cut_at = cut;
        expect_installed();
        /* once more the head of an answer, perhaps one head that was cut, but no body */
        assert_true(rig->tls.delivered <= whole + 600);
        assert_true(rig->agent.fetch.bytes == 50000);
    }
}

static void test_a_break_without_validator_begins_again(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    rig->image_etag[0] = '\0';
    rig->tls.cut_at = 30000;
    expect_installed();
    assert_null(strstr(rig->last_image_request, "Range:"));
    rig_destroy(rig);
    setup(NULL);
    rig_offer(rig, next_version, 50000);
    snprintf(rig->image_etag, sizeof rig->image_etag, "W/\"weak\"");
    rig->tls.cut_at = 30000;
    expect_installed();
    assert_null(strstr(rig->last_image_request, "Range:"));
}

static void test_a_date_is_a_validator(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    snprintf(rig->image_etag, sizeof rig->image_etag, "W/\"weak\"");
    snprintf(rig->modified, sizeof rig->modified, "Sun, 06 Nov 1994 08:49:37 GMT");
    rig->tls.cut_at = 30000;
    expect_installed();
    assert_non_null(strstr(rig->last_image_request, "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert_int_equal(rig->agent.fetch.bytes, 50000);
}

static void test_a_digest_in_the_job_is_a_validator(void **test)
{
    (void)test;
    struct otter_sha256 sha;
    uint8_t hash[32];
    char hex[65];
    rig_offer(rig, next_version, 50000);
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, rig->image, rig->image_len);
    otter_sha256_finish(&sha, hash);
    for (int i = 0; i < 32; i++) {
        sprintf(hex + 2 * i, "%02x", hash[i]);
    }
    rig->image_etag[0] = '\0';
    snprintf(rig->job, sizeof rig->job, "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"SHA256\":\"%s\"}", hex);
    rig->tls.cut_at = 30000;
    expect_installed();
    assert_int_equal(rig->agent.fetch.bytes, 50000);
    rig_destroy(rig);
    setup(NULL);
    hex[5] = hex[5] == 'a' ? 'b' : 'a';
    rig_offer(rig, next_version, 50000);
    snprintf(rig->job, sizeof rig->job, "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"SHA256\":\"%s\"}", hex);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

/* A reset after any flash operation: at most a sector, or 32 KiB, is fetched again. */
static void test_a_reset_anywhere_costs_at_most_a_sector(void **test)
{
    (void)test;
    for (int part = 0; part < RIG_GEOMETRIES; part++) {
        struct sim_map map = rig_geometry(part);
        uint32_t sector = map.parts[0].sector_size > 0x8000 ? map.parts[0].sector_size : 0x8000;
        for (unsigned stop = 1; stop < 36; stop += part == 0 ? 1 : 5) {
            recreate(&map, 4096 + 1024);
            rig_offer(rig, next_version, 150000);
            rig->tls.recv_max = 1000;
            size_t target = stop * 4000;
            while (rig->tls.delivered < target) {
                rig->now_ms += rig_step(rig);
            }
            uint32_t before = rig->agent.fetch.bytes;
            rig_start(rig);
            rig->events_count = 0;
            expect_installed();
            uint32_t again = before + rig->agent.fetch.bytes - 150000;
            assert_true(again <= sector + 5120);
            if (before > 2 * sector + 5120) {
                assert_int_equal(rig_count(rig, OTTER_EVENT_RESUMED), 1);
                assert_null(strstr(rig->last_image_request, "If-Range:")); /* not known any more */
            }
        }
    }
}

static void run_bytes(size_t delivered)
{
    while (rig->tls.delivered < delivered) {
        rig->now_ms += rig_step(rig);
    }
}

static void test_another_image_after_a_reset_begins_again(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    run_bytes(150000);
    rig_start(rig);
    assert_true(rig->state.download.off > 0);
    rig_offer(rig, (struct otter_version){1, 2, 0, 0}, 200000);
    rig->image_requests = 0;
    expect_installed();
    assert_int_equal(rig->image_requests, 2); /* a range of another file, then the whole of it */
}

static size_t other_answer(struct rig *the_rig, const char *request, char *reply)
{
    return strncmp(request, "GET /other.bin ", 15) == 0 ? rig_serve_image(the_rig, request, reply) : 0;
}

/* Of the same size and ETag, as of servers that make those from size and time. */
static void test_another_path_is_another_file(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 150000);
    run_bytes(120000);
    rig_start(rig);
    rig->image[1000] ^= 1;
    rig_sign_image(rig->image, rig->image_len);
    rig->answer = other_answer;
    snprintf(rig->job, sizeof rig->job, "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/other.bin\"}");
    expect_installed();
    assert_int_equal(rig_count(rig, OTTER_EVENT_RESUMED), 0);
}

static void test_spoilt_bytes_from_before_a_reset_cost_one_more_download(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    run_bytes(150000);
    const struct otter_area *slot = &rig->layout.secondary;
    sim_flash_poke(sim_flash_of(slot), slot->base + 5000, "spoilt", 6);
    rig_start(rig);
    rig->image_requests = 0;
    expect_installed();
    assert_int_equal(rig->image_requests, 2); /* the rest, then all of it */
    assert_null(strstr(rig->last_image_request, "Range:"));
}

static void test_another_image_after_a_break_begins_again(void **test)
{
    (void)test;
    for (int mood = 0; mood < 2; mood++) { /* a server that honours If-Range, and one that does not */
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 200000);
        rig->tls.cut_at = 100000;
        while (rig->tls.cut_at != 0) {
            rig->now_ms += rig_step(rig);
        }
        uint8_t *first = rig->image;
        rig->image = NULL;
        char job[sizeof rig->job];
        memcpy(job, rig->job, sizeof job);
        rig_offer(rig, (struct otter_version){1, 1, 0, 9}, 200000);
        memcpy(rig->job, job, sizeof job); /* the same name and size, another content */
        snprintf(rig->image_etag, sizeof rig->image_etag, "\"changed\"");
        if (mood == 1) {
            snprintf(rig->modified, sizeof rig->modified, "\"image-1.1\""); /* matches any If-Range */
        }
        assert_memory_not_equal(first, rig->image, 200000);
        expect_installed();
        free(first);
    }
}

static size_t ignore_ranges_answer(struct rig *the_rig, const char *request, char *reply)
{
    (void)request;
    (void)reply;
    the_rig->no_ranges = the_rig->tls.cut_at == 0;
    return 0;
}

static void test_a_server_that_ignores_ranges_is_listened_to_from_the_start(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 100000);
    rig->tls.cut_at = 60000;
    rig->answer = ignore_ranges_answer;
    expect_installed();
    assert_int_equal(rig_count(rig, OTTER_EVENT_RESUMED), 1);
    uint64_t pages = sim_flash_of(&rig->layout.secondary)->count.prog_bytes;
    assert_true(pages < 100000 + 20000); /* nothing is programmed twice */
}

static size_t range_answer(struct rig *the_rig, const char *request, char *reply)
{
    static const struct {
        const char *before, *behind;
    } ranges[] = {{"bytes 1", "-49999/50000"}, {"bytes ", "-49999/50001"}, {"bytes ", "-50000/50000"},
                  {"bytes */50000;", ""},      {"octets ", "-49999/50000"}, {NULL, NULL},
                  {"bytes ", "-49999/50000"}};
    char value[64];
    unsigned from = 0;
    if (strncmp(request, "GET /image.bin", 14) != 0 || !rig_header(request, "Range", value)) {
        return 0;
    }
    sscanf(value, "bytes=%u-", &from);
    from += the_rig->answer_state == 6; /* a byte is missing */
    char range[80] = "";
    if (ranges[the_rig->answer_state].before != NULL) {
        snprintf(range, sizeof range, "Content-Range: %s%u%s\r\n", ranges[the_rig->answer_state].before, from,
                 ranges[the_rig->answer_state].behind);
    }
    the_rig->answer = NULL;
    size_t at = rig_text(reply, "HTTP/1.1 206 X\r\nETag: %s\r\n%sContent-Length: %u\r\n\r\n", the_rig->image_etag, range,
                         50000 - from);
    memcpy(reply + at, the_rig->image + from, 50000 - from);
    return at + 50000 - from;
}

static void test_a_wrong_range_is_never_used(void **test)
{
    (void)test;
    for (int lie = 0; lie < 7; lie++) {
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 50000);
        rig->tls.cut_at = 30000;
        rig->answer = range_answer;
        rig->answer_state = lie;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
        assert_null(rig->answer);
        expect_installed(); /* from the start: these ranges are not trusted again */
        assert_null(strstr(rig->last_image_request, "Range:"));
    }
}

static size_t status_answer(struct rig *the_rig, const char *request, char *reply)
{
    if (strncmp(request, "GET /image.bin", 14) != 0) {
        return 0;
    }
    int status = the_rig->answer_state;
    bool resumption = status == 416;
    if (resumption && strstr(request, "\r\nRange:") == NULL) {
        return 0;
    }
    the_rig->answer = NULL;
    return rig_text(reply, "HTTP/1.1 %d X\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", status);
}

static void test_416_to_a_resumption_begins_again(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    rig->tls.cut_at = 30000;
    rig->answer = status_answer;
    rig->answer_state = 416;
    expect_installed();
    assert_null(rig->answer);
}

static size_t parts_answer(struct rig *the_rig, const char *request, char *reply)
{
    char value[64];
    unsigned from = 0;
    if (strncmp(request, "GET /image.bin", 14) != 0 || !rig_header(request, "Range", value)) {
        return 0;
    }
    sscanf(value, "bytes=%u-", &from);
    unsigned last = from + 6999 < 49999 ? from + 6999 : 49999;
    size_t at = rig_text(reply, "HTTP/1.1 206 X\r\nETag: %s\r\nContent-Range: bytes %u-%u/50000\r\nContent-Length: %u\r\n\r\n",
                         the_rig->image_etag, from, last, last - from + 1);
    memcpy(reply + at, the_rig->image + from, last - from + 1);
    return at + last - from + 1;
}

static void test_a_server_may_give_less_than_asked_for(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    rig->tls.cut_at = 20000;
    rig->answer = parts_answer;
    expect_installed();
    assert_int_equal(rig->agent.fetch.bytes, 50000);
}

static size_t never_answer(struct rig *the_rig, const char *request, char *reply)
{
    if (strncmp(request, "GET /image.bin", 14) != 0) {
        return 0;
    }
    the_rig->answer_state++;
    the_rig->tls.cut_at = the_rig->tls.delivered + 20000;
    return strstr(request, "\r\nRange:") == NULL ? 0 : rig_text(reply, "HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n");
}

/* Each answer breaks, and none can be gone on with: flash is not erased for it for ever. */
static void test_a_download_that_begins_again_and_again_is_ended(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    rig->answer = never_answer;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
    assert_int_equal(rig->answer_state, 8); /* the whole file four times, the rest of it as often */
    rig->answer = NULL;
    rig->tls.cut_at = 0;
    expect_installed();
}

static size_t odd_part_answer(struct rig *the_rig, const char *request, char *reply)
{
    static const struct {
        unsigned last, length;
    } parts[] = {{20000, 20001}, {19999, 20001}, {19999, 19999}};
    if (strncmp(request, "GET /image.bin", 14) != 0 || strstr(request, "\r\nRange: bytes=0-19999\r\n") == NULL) {
        return 0;
    }
    unsigned length = parts[the_rig->answer_state].length;
    size_t at = rig_text(reply, "HTTP/1.1 206 X\r\nETag: %s\r\nContent-Range: bytes 0-%u/50000\r\nContent-Length: %u\r\n\r\n",
                         the_rig->image_etag, parts[the_rig->answer_state].last, length);
    memcpy(reply + at, the_rig->image, length);
    the_rig->answer = NULL;
    return at + length;
}

/* More than was asked for, or another length than that of the range. */
static void test_a_part_that_is_not_what_it_says_is_refused(void **test)
{
    (void)test;
    for (int how = 0; how < 3; how++) {
        rig_destroy(rig);
        setup(NULL);
        rig->config.range_size = 20000;
        rig_offer(rig, next_version, 50000);
        rig->answer = odd_part_answer;
        rig->answer_state = how;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
        assert_null(rig->answer);
        expect_installed();
    }
}

/* All bytes came, but the last of them were not in flash yet. */
static void test_a_stop_behind_the_last_byte_costs_no_image(void **test)
{
    (void)test;
    for (int behind = 0; behind < 2; behind++) {
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 150001);
        while (!rig->agent.fetch.whole || (behind && otter_agent_phase(&rig->agent) != OTTER_AGENT_VERIFY)) {
            rig->now_ms += rig_step(rig);
        }
        otter_agent_stop(&rig->agent);
        otter_agent_start(&rig->agent);
        expect_installed();
        assert_true(rig->agent.fetch.bytes < 150001 + sizeof rig->io / 2);
    }
}

/* The network comes up after the device: that costs no byte that is there. */
static void test_a_connection_that_fails_after_a_reset_costs_nothing(void **test)
{
    (void)test;
    rig->config.image_path = "/image.bin"; /* no document is asked for first */
    rig_offer(rig, next_version, 150000);
    run_bytes(120000);
    rig->tls.open_err = OTTER_ERR_IO;
    rig_start(rig);
    for (unsigned retries = rig_count(rig, OTTER_EVENT_RETRY); rig_count(rig, OTTER_EVENT_RETRY) == retries;) {
        rig->now_ms += rig_step(rig);
    }
    rig->tls.open_err = 0;
    expect_installed();
    assert_true(rig->agent.fetch.bytes < 150000 - 80000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_break_anywhere_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_break_without_validator_begins_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_date_is_a_validator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_digest_in_the_job_is_a_validator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reset_anywhere_costs_at_most_a_sector, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_image_after_a_reset_begins_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_path_is_another_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoilt_bytes_from_before_a_reset_cost_one_more_download, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_image_after_a_break_begins_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_that_ignores_ranges_is_listened_to_from_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_wrong_range_is_never_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_416_to_a_resumption_begins_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_may_give_less_than_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_download_that_begins_again_and_again_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_part_that_is_not_what_it_says_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stop_behind_the_last_byte_costs_no_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_connection_that_fails_after_a_reset_costs_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
