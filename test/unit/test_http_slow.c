/* SPDX-License-Identifier: Apache-2.0 */
/* test_http_slow.c - connections that take their time, requests that do not fit, and heads and
 * chunks at the edges of what is allowed. The rest of HTTP: test_http.c. */
#include "test/unit/http_rig.h"

static const char sound[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* The rig's transport, but it opens and sends only when this many calls have passed. */
static struct {
    unsigned opens, sends;
    size_t send_max; /* bytes per send; 0: all */
} slow;

static int slow_open(void *ctx, const char *host, uint16_t port)
{
    if (slow.opens > 0) {
        slow.opens--;
        return 1;
    }
    return do_open(ctx, host, port);
}

static int slow_send(void *ctx, const void *bytes, size_t len)
{
    if (slow.sends > 0) {
        slow.sends--;
        return 0;
    }
    return do_send(ctx, bytes, slow.send_max != 0 && len > slow.send_max ? slow.send_max : len);
}

static const struct otter_transport slow_transport = {
    .open = slow_open, .send = slow_send, .recv = do_recv, .close = do_close};

static int setup_slow(void **test)
{
    int err = setup(test);
    memset(&slow, 0, sizeof slow);
    config.tls = &slow_transport;
    server.answers[0] = sound;
    return err;
}

static void test_opening_and_sending_may_take_a_while(void **test)
{
    (void)test;
    slow.opens = 5;
    slow.sends = 5;
    slow.send_max = 10;
    begin((struct otter_request){0});
    assert_int_equal(run(), 0);
    assert_string_equal(body, "ok");
    assert_int_equal(now_ms, 1000); /* it said ten times that it waits, and was let wait */
    assert_int_equal(server.opens, 1);
    assert_memory_equal(server.requests, "GET /f HTTP/1.1\r\nHost: home.example\r\n", 37);
}

static void test_opening_and_sending_may_not_take_for_ever(void **test)
{
    (void)test;
    for (unsigned i = 0; i < 2; i++) {
        slow.opens = i == 0 ? UINT32_MAX : 0;
        slow.sends = i == 1 ? UINT32_MAX : 0;
        now_ms = 0;
        begin((struct otter_request){0});
        assert_int_equal(run(), OTTER_ERR_TIMEOUT);
        assert_int_equal(now_ms, config.stall_ms);
        assert_false(server.connected);
    }
}

/* The handshake's time is not the server's: what it takes to answer counts from the request on. */
static void test_a_slow_handshake_takes_no_time_from_the_answer(void **test)
{
    (void)test;
    slow.opens = 9;
    server.piece = 0;
    begin((struct otter_request){0});
    while (now_ms < 1800) {
        int next = otter_http_step(&http, now_ms);
        assert_true(next >= 0);
        now_ms += next == OTTER_HTTP_WAIT ? 100 : 0;
    }
    server.piece = SIZE_MAX;
    assert_int_equal(run(), 0);
    assert_string_equal(body, "ok");
    assert_int_equal(server.opens, 1);
}

/* A slow line is not a dead one: what counts is bytes in each stall time. */
static void test_a_slow_line_that_keeps_up_is_waited_for(void **test)
{
    (void)test;
    static char answer[4096];
    size_t head = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
    memset(answer + head, 'x', 3000);
    server.answers[0] = answer;
    begin((struct otter_request){0});
    body_len = 0;
    int next = OTTER_HTTP_BUSY;
    while (next != OTTER_HTTP_GOT_END) {
        const uint8_t *bytes;
        size_t len;
        server.piece = now_ms % 300 == 0 ? 150 : 0;
        next = otter_http_next(&http, now_ms, &bytes, &len);
        assert_true(next >= 0);
        if (next == OTTER_HTTP_GOT_BODY) {
            body_len += len;
            otter_http_eat(&http, len);
        }
        now_ms += next == OTTER_HTTP_WAIT || next == OTTER_HTTP_GOT_BODY ? 100 : 0;
    }
    assert_int_equal(body_len, 3000); /* 150 bytes every 300 ms */
    assert_true(now_ms > 3 * config.stall_ms);
}

static void test_without_a_request_there_is_nothing_to_do(void **test)
{
    (void)test;
    assert_int_equal(otter_http_step(&http, 0), OTTER_HTTP_WAIT);
    begin((struct otter_request){0});
    assert_int_equal(run(), 0);
    assert_int_equal(otter_http_step(&http, 0), OTTER_HTTP_WAIT);
    assert_int_equal(server.opens, 1);
}

static void test_body_bytes_wait_until_they_are_eaten(void **test)
{
    (void)test;
    begin((struct otter_request){0});
    int next;
    do {
        next = otter_http_step(&http, now_ms);
    } while (next == OTTER_HTTP_BUSY);
    assert_int_equal(next, OTTER_HTTP_GOT_HEAD);
    size_t off = server.off;
    assert_int_equal(otter_http_step(&http, now_ms), OTTER_HTTP_BUSY);
    assert_int_equal(server.off, off);
    assert_int_equal(run(), 0);
    assert_string_equal(body, "ok");
}

static void test_a_request_in_the_middle_of_an_answer_takes_a_fresh_connection(void **test)
{
    (void)test;
    begin((struct otter_request){0});
    while (http.state != OTTER_HTTP_HEAD) {
        assert_int_equal(otter_http_step(&http, now_ms), OTTER_HTTP_BUSY);
    }
    server.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";
    begin((struct otter_request){.path = "/g"});
    assert_int_equal(run(), 0);
    assert_string_equal(body, "new");
    assert_int_equal(server.opens, 2);
}

static void test_a_request_that_does_not_fit_is_not_sent(void **test)
{
    (void)test;
    static char path[OTTER_PATH_SIZE + 1];
    static char text[BUF];
    memset(path, 'p', OTTER_PATH_SIZE - 1);
    path[0] = '/';
    begin((struct otter_request){.path = path});
    assert_int_equal(run(), OTTER_ERR_NOSPACE);
    memset(text, 't', sizeof text);
    begin((struct otter_request){.body = text, .body_len = sizeof text});
    assert_int_equal(run(), OTTER_ERR_NOSPACE);
    assert_string_equal(server.requests, "");
    begin((struct otter_request){.body = text, .body_len = 900});
    assert_int_equal(run(), 0);
    assert_non_null(strstr(server.requests, "Content-Length: 900\r\n"));
}

static void test_a_path_that_is_too_long_does_not_overflow(void **test)
{
    (void)test;
    static char path[OTTER_PATH_SIZE + 1];
    memset(path, 'p', OTTER_PATH_SIZE);
    begin((struct otter_request){.path = path}); /* agent.c and job.c let none of these through */
    assert_string_equal(http.path, "");
}

/* A date that begins with a W is not a weak entity tag. */
static void test_dates_and_tags_are_told_apart(void **test)
{
    (void)test;
    static const struct {
        const char *validator, *line;
    } cases[] = {{"Wed, 21 Oct 2026 07:28:00 GMT", "\r\nIf-Modified-Since: Wed, 21 Oct 2026 07:28:00 GMT\r\n"},
                 {"Fri, 23 Oct 2026 07:28:00 GMT", "\r\nIf-Modified-Since: Fri, 23 Oct 2026 07:28:00 GMT\r\n"},
                 {"W/\"a\"", "\r\nIf-None-Match: W/\"a\"\r\n"},
                 {"\"a\"", "\r\nIf-None-Match: \"a\"\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&server, 0, sizeof server);
        server.piece = SIZE_MAX;
        server.answers[0] = sound;
        otter_http_close(&http);
        begin((struct otter_request){.none_match = cases[i].validator});
        assert_int_equal(run(), 0);
        assert_non_null(strstr(server.requests, cases[i].line));
    }
}

static void test_a_range_of_unknown_total_is_taken(void **test)
{
    (void)test;
    assert_int_equal(get("HTTP/1.1 206 X\r\nContent-Range: bytes 5-6/*\r\nContent-Length: 2\r\n\r\nok"), 0);
    assert_true(http.head.has_range);
    assert_int_equal(http.head.range_from, 5);
    assert_int_equal(http.head.range_last, 6);
    assert_int_equal(http.head.range_total, 0);
    assert_int_equal(get("HTTP/1.1 206 X\r\nContent-Range: bytes 5-6/**\r\n\r\n"), OTTER_ERR_CORRUPT);
}

static void test_two_entity_tags_are_none(void **test)
{
    (void)test;
    assert_int_equal(get("HTTP/1.1 200 X\r\nETag: \"a\"\r\nETag: \"b\"\r\nContent-Length: 0\r\n\r\n"), 0);
    assert_string_equal(http.head.etag, "");
}

static void test_an_encoded_error_page_is_only_an_error(void **test)
{
    (void)test;
    assert_int_equal(get("HTTP/1.1 404 X\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"), 0);
    assert_int_equal(http.head.status, 404);
}

static void test_space_around_a_value_does_not_count(void **test)
{
    (void)test;
    assert_int_equal(get("HTTP/1.1 200 X\r\nETag:\t \"a\" \t\r\nContent-Length: 2 \t \r\n\r\nok"), 0);
    assert_string_equal(http.head.etag, "\"a\"");
    assert_string_equal(body, "ok");
}

static void test_a_status_line_that_ends_early_is_refused(void **test)
{
    (void)test;
    assert_int_equal(get("HTTP/1.1 \r\n\r\n"), OTTER_ERR_CORRUPT);
    assert_int_equal(get("HTTP/1.1 2\r\n\r\n"), OTTER_ERR_CORRUPT);
    assert_int_equal(get("HTTP/1.1 abc\r\n\r\n"), OTTER_ERR_CORRUPT);
}

/* Longer than the buffer: harmless only when it is surely none of the headers that count. */
static void test_a_line_without_a_name_is_not_skipped(void **test)
{
    (void)test;
    static char answer[8192];
    static const char *const starts[] = {"", "\xe4\xe4: ", "Content-Length: "};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t at = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\n%s", starts[i]);
        memset(answer + at, '1', 4000);
        sprintf(answer + at + 4000, "\r\n\r\n");
        assert_int_equal(get(answer), OTTER_ERR_NOSPACE);
    }
}

static void test_text_beside_chunks_is_checked(void **test)
{
    (void)test;
    static const struct {
        const char *text;
        int err;
    } cases[] = {{"2;a=\tb\r\nok\r\n0\r\n\r\n", 0},
                 {"2 ;a\r\nok\r\n0\r\n\r\n", 0},
                 {"2\t;a\r\nok\r\n0\r\n\r\n", 0},
                 {"2\r\nok\r\n0\r\nA:\tb\r\n\r\n", 0},
                 {"2x\r\nok\r\n0\r\n\r\n", OTTER_ERR_CORRUPT},
                 {"2;\x01\r\nok\r\n0\r\n\r\n", OTTER_ERR_CORRUPT},
                 {"2;\x7f\r\nok\r\n0\r\n\r\n", OTTER_ERR_CORRUPT},
                 {"2\r\nok\r\n0\r\nA:\x7f\r\n\r\n", OTTER_ERR_CORRUPT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char answer[256];
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", cases[i].text);
        assert_int_equal(get(answer), cases[i].err);
        if (cases[i].err == 0) {
            assert_string_equal(body, "ok");
        }
    }
}

#define HTTP(test) cmocka_unit_test_setup_teardown(test, setup_slow, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP(test_opening_and_sending_may_take_a_while),
        HTTP(test_opening_and_sending_may_not_take_for_ever),
        HTTP(test_a_slow_handshake_takes_no_time_from_the_answer),
        HTTP(test_a_slow_line_that_keeps_up_is_waited_for),
        HTTP(test_without_a_request_there_is_nothing_to_do),
        HTTP(test_body_bytes_wait_until_they_are_eaten),
        HTTP(test_a_request_in_the_middle_of_an_answer_takes_a_fresh_connection),
        HTTP(test_a_request_that_does_not_fit_is_not_sent),
        HTTP(test_a_path_that_is_too_long_does_not_overflow),
        HTTP(test_dates_and_tags_are_told_apart),
        HTTP(test_a_range_of_unknown_total_is_taken),
        HTTP(test_two_entity_tags_are_none),
        HTTP(test_an_encoded_error_page_is_only_an_error),
        HTTP(test_space_around_a_value_does_not_count),
        HTTP(test_a_status_line_that_ends_early_is_refused),
        HTTP(test_a_line_without_a_name_is_not_skipped),
        HTTP(test_text_beside_chunks_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
