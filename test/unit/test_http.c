/* SPDX-License-Identifier: Apache-2.0 */
/* test_http.c - the HTTP client against answers of every kind, in pieces of every size. */
#include "http_rig.h"

static void test_a_request_is_short_and_complete(void **test)
{
    (void)test;
    server.answers[0] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    begin((struct otter_request){.path = "/ota_update.json", .none_match = "\"abc\""});
    assert_int_equal(run(), 0);
    assert_string_equal(server.requests, "GET /ota_update.json HTTP/1.1\r\nHost: home.example\r\n"
                                         "User-Agent: otter app/1.0.0\r\nIf-None-Match: \"abc\"\r\n\r\n");
    assert_int_equal(server.port, 443);
}

static void test_ranges_and_conditions_are_written(void **test)
{
    (void)test;
    server.answers[0] = server.answers[1] = server.answers[2] = "HTTP/1.1 204 X\r\n\r\n";
    config.port = 8443;
    config.user_agent = "x/1";
    place = otter_url_home(&config);
    begin((struct otter_request){.ranged = true, .from = 5, .last = 9, .if_range = "\"v\""});
    assert_int_equal(run(), 0);
    begin((struct otter_request){.ranged = true, .from = 7, .last = UINT32_MAX,
                                 .none_match = "Sun, 06 Nov 1994 08:49:37 GMT"});
    assert_int_equal(run(), 0);
    place.host = "::1";
    begin((struct otter_request){.body = "{}", .body_len = 2});
    assert_int_equal(run(), 0);
    assert_string_equal(
        server.requests,
        "GET /f HTTP/1.1\r\nHost: home.example:8443\r\nUser-Agent: x/1 app/1.0.0\r\nRange: bytes=5-9\r\n"
        "If-Range: \"v\"\r\n\r\n"
        "GET /f HTTP/1.1\r\nHost: home.example:8443\r\nUser-Agent: x/1 app/1.0.0\r\nRange: bytes=7-\r\n"
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        "POST /f HTTP/1.1\r\nHost: [::1]:8443\r\nUser-Agent: x/1 app/1.0.0\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(server.opens, 2); /* kept for the same place, not for another */
}

/* The token of the last request; NULL: it had none. */
static const char *token_sent(void)
{
    const char *at = strstr(server.request, "\r\nAuthorization: ");
    return at != NULL ? at + 2 : NULL;
}

static void ask(struct otter_place where)
{
    server.next = 0;
    server.answers[0] = "HTTP/1.1 204 X\r\n\r\n";
    place = where;
    begin((struct otter_request){.path = "/f"});
    assert_int_equal(run(), 0);
}

static void test_the_token_is_for_the_configured_server_alone(void **test)
{
    (void)test;
    struct otter_place home = otter_url_home(&config);
    ask(home);
    assert_null(token_sent());
    config.device_token = "t0ken";
    ask(home);
    assert_memory_equal(token_sent(), "Authorization: Bearer t0ken\r\n", 28);
    ask((struct otter_place){allowed[0], 443, true});
    assert_null(token_sent());
    ask((struct otter_place){home.host, 8443, true}); /* somebody else's server on the same machine */
    assert_null(token_sent());
    ask((struct otter_place){home.host, home.port, false});
    assert_null(token_sent());
    config.use_plain = true;
    home = otter_url_home(&config);
    ask(home);
    assert_non_null(token_sent());
    ask((struct otter_place){home.host, 443, true});
    assert_null(token_sent());
}

static void test_a_redirect_does_not_take_the_token_along(void **test)
{
    (void)test;
    static const struct {
        const char *location;
        bool sent;
    } cases[] = {{"https://cdn.example/f", false}, {"https://home.example:444/f", false}, {"/g", true},
                 {"https://HOME.example/g", true}};
    config.device_token = "t0ken";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char answer[128];
        snprintf(answer, sizeof answer, "HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", cases[i].location);
        server.next = 0;
        server.answers[0] = answer;
        server.answers[1] = "HTTP/1.1 204 X\r\n\r\n";
        place = otter_url_home(&config);
        begin((struct otter_request){.path = "/f"});
        assert_int_equal(run(), 0);
        assert_int_equal(server.next, 2);
        assert_int_equal(token_sent() != NULL, cases[i].sent);
    }
}

static const char *const sound =
    "HTTP/1.1 206 Partial Content\r\nserver: x\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "ETag:\t\"v1\" \r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nRETRY-AFTER: 17\r\n"
    "Content-Range: bytes 5-9/1000\r\ncontent-length: 5\r\nX: \x80\xff\r\n\r\nhello";

static void check_sound(void)
{
    assert_int_equal(run(), 0);
    assert_string_equal(body, "hello");
    assert_int_equal(http.head.status, 206);
    assert_string_equal(http.head.etag, "\"v1\"");
    assert_string_equal(http.head.modified, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(http.head.date, 784111777);
    assert_true(http.head.has_retry && !http.head.retry_is_date);
    assert_int_equal(http.head.retry, 17);
    assert_true(http.head.has_range);
    assert_int_equal(http.head.range_from, 5);
    assert_int_equal(http.head.range_last, 9);
    assert_int_equal(http.head.range_total, 1000);
}

static void test_an_answer_is_the_same_in_pieces_of_any_size(void **test)
{
    (void)test;
    for (size_t piece = 1; piece < strlen(sound) + 2; piece++) {
        memset(&server, 0, sizeof server);
        server.answers[0] = sound;
        server.piece = piece;
        otter_http_close(&http);
        begin((struct otter_request){0});
        check_sound();
        assert_non_null(http.link); /* kept */
    }
}

static void test_an_answer_cut_anywhere_is_an_error(void **test)
{
    (void)test;
    for (size_t len = 1; len < strlen(sound); len++) {
        memset(&server, 0, sizeof server);
        server.answers[0] = sound;
        server.lens[0] = len;
        server.piece = SIZE_MAX;
        server.ends = true;
        otter_http_close(&http);
        begin((struct otter_request){0});
        assert_int_equal(run(), OTTER_ERR_IO);
    }
}

static void test_broken_heads_are_refused(void **test)
{
    (void)test;
    static const char *const bad[] = {
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 2x0 X\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n", "\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switch\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 200",
        "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\nA: b\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA(b): c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nx",
        "HTTP/1.1 206 OK\r\nContent-Range: bytes 1-2\r\n\r\n", "HTTP/1.1 206 OK\r\nContent-Range: bytes 2-1/5\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: bytes 1-5/5\r\n\r\n", "HTTP/1.1 206 OK\r\nContent-Range: bytes a-b/c\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: octets 1-2/5\r\n\r\n", "HTTP/1.1 206 OK\r\nContent-Range: bytes */*\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: bytes 1-2/5x\r\n\r\n", "HTTP/1.1 206 OK\r\nContent-Range: bytes\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: bytes 1-4294967296/4294967297\r\n\r\n",
        "HTTP/1.1 206 X\r\nContent-Range: bytes 1-2/5\r\nContent-Range: bytes 1-2/5\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int err = get(bad[i]);
        bool cut = strstr(bad[i], "\n") == NULL;
        if (err != (cut ? OTTER_ERR_IO : OTTER_ERR_CORRUPT)) {
            fail_msg("%d for '%s'", err, bad[i]);
        }
    }
}

static void test_odd_but_sound_heads_are_taken(void **test)
{
    (void)test;
    static const char *const good[] = {
        "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length:2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nA:\r\nB: c\r\nContent-Length: 002\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (get(good[i]) != 0 || strcmp(body, "ok") != 0) {
            fail_msg("refused: '%s'", good[i]);
        }
    }
}

static void test_doubtful_validators_are_no_validators(void **test)
{
    (void)test;
    static const char *const etags[] = {"abc", "\"abc", "abc\"", "\"a\"b\"", "W/abc", "\"", "", "W/\"", "w/\"a\""};
    char answer[256];
    for (size_t i = 0; i < sizeof etags / sizeof etags[0]; i++) {
        snprintf(answer, sizeof answer, "HTTP/1.1 200 X\r\nETag: %s\r\nLast-Modified: today\r\n"
                                        "Content-Length: 0\r\n\r\n", etags[i]);
        assert_int_equal(get(answer), 0);
        assert_string_equal(http.head.etag, "");
        assert_string_equal(http.head.modified, "");
    }
    assert_int_equal(get("HTTP/1.1 200 X\r\nETag: W/\"a\"\r\nContent-Length: 0\r\n\r\n"), 0);
    assert_string_equal(http.head.etag, "W/\"a\"");
    memset(answer, 0, sizeof answer);
    snprintf(answer, sizeof answer, "HTTP/1.1 200 X\r\nETag: \"%0*d\"\r\nContent-Length: 0\r\n\r\n",
             OTTER_VALIDATOR_SIZE - 3, 0);
    assert_int_equal(get(answer), 0);
    assert_int_equal(strlen(http.head.etag), OTTER_VALIDATOR_SIZE - 1);
    snprintf(answer, sizeof answer, "HTTP/1.1 200 X\r\nETag: \"%0*d\"\r\nContent-Length: 0\r\n\r\n",
             OTTER_VALIDATOR_SIZE - 2, 0);
    assert_int_equal(get(answer), 0);
    assert_string_equal(http.head.etag, "");
}

static void test_heads_have_limits(void **test)
{
    (void)test;
    size_t size = 1 << 18;
    char *answer = malloc(size);
    size_t at = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\nX-Long: ");
    memset(answer + at, 'x', 4000); /* longer than the buffer, but nothing we need */
    at += 4000;
    sprintf(answer + at, "\r\nContent-Length: 2\r\n\r\nok");
    assert_int_equal(get(answer), 0);
    assert_string_equal(body, "ok");
    at = (size_t)sprintf(answer, "HTTP/1.1 302 X\r\nLocation: /");
    memset(answer + at, 'x', 4000);
    at += 4000;
    sprintf(answer + at, "\r\n\r\n");
    assert_int_equal(get(answer), OTTER_ERR_NOSPACE);
    memset(answer, 'x', 20000); /* neither a status line nor a name */
    answer[20000] = '\0';
    assert_int_equal(get(answer), OTTER_ERR_NOSPACE);
    at = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 3000; i++) {
        at += (size_t)sprintf(answer + at, "X-%d: y\r\n", i);
    }
    sprintf(answer + at, "\r\n");
    assert_int_equal(get(answer), OTTER_ERR_NOSPACE);
    at = 0;
    for (int i = 0; i < 20; i++) {
        at += (size_t)sprintf(answer + at, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    assert_int_equal(get(answer), OTTER_ERR_CORRUPT);
    free(answer);
}

static void test_chunks_are_decoded_in_pieces_of_any_size(void **test)
{
    (void)test;
    const char *answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\n0001;a=\"b\" \r\n \r\nA \r\n0123456789\r\n0;x\r\nTrailer: 1\r\nB:2\r\n\r\n";
    for (size_t piece = 1; piece < strlen(answer) + 2; piece++) {
        memset(&server, 0, sizeof server);
        server.answers[0] = answer;
        server.piece = piece;
        otter_http_close(&http);
        begin((struct otter_request){0});
        assert_int_equal(run(), 0);
        assert_string_equal(body, "hello 0123456789");
        assert_non_null(http.link);
    }
    for (size_t len = strlen(answer) - 80; len < strlen(answer); len++) {
        memset(&server, 0, sizeof server);
        server.answers[0] = answer;
        server.lens[0] = len;
        server.piece = SIZE_MAX;
        server.ends = true;
        otter_http_close(&http);
        begin((struct otter_request){0});
        assert_int_equal(run(), OTTER_ERR_IO);
    }
}

static void test_a_body_may_have_any_number_of_chunks(void **test)
{
    (void)test;
    static char answer[1 << 17] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t at = strlen(answer);
    for (int i = 0; i < 5000; i++) {
        at += (size_t)snprintf(answer + at, sizeof answer - at, "1;x=%d\r\n%c\r\n", i, 'a' + i % 26);
    }
    snprintf(answer + at, sizeof answer - at, "0\r\n\r\n");
    assert_int_equal(get(answer), 0);
    assert_int_equal(body_len, 5000);
}

static void test_broken_chunks_are_refused(void **test)
{
    (void)test;
    static const char *const bad[] = {"\r\n", "x\r\n", "-1\r\n", "5 5\nhello", "5\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
                                      "5\r\nhello\n0\r\n\r\n", "5\r\nhello\rx", "5\rhello", "100000000\r\n",
                                      "FFFFFFFFFF\r\n", "5;\x01\r\nhello\r\n0\r\n\r\n", "0\r\nA\x02\r\n\r\n", "0\r\n\rx",
                                      "0\r\nA: b\rx", " 5\r\nhello\r\n", "0x5\r\nhello\r\n", ";\r\n"};
    char answer[512];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", bad[i]);
        if (get(answer) != OTTER_ERR_CORRUPT) {
            fail_msg("taken: '%s'", bad[i]);
        }
    }
    size_t size = 1 << 16;
    char *large = malloc(size);
    size_t at = (size_t)sprintf(large, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;");
    memset(large + at, 'x', 10000);
    large[at + 10000] = '\0';
    assert_int_equal(get(large), OTTER_ERR_NOSPACE);
    memset(large + at, '0', 10000);
    large[at - 1] = '0';
    large[at - 2] = '0';
    assert_int_equal(get(large), OTTER_ERR_NOSPACE);
    free(large);
}

static void test_a_kept_connection_that_was_closed_is_opened_again_once(void **test)
{
    (void)test;
    for (int at = 0; at < 3; at++) {
        memset(&server, 0, sizeof server);
        server.piece = SIZE_MAX;
        for (int i = 0; i < ANSWERS; i++) {
            server.answers[i] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        }
        otter_http_close(&http);
        begin((struct otter_request){0});
        assert_int_equal(run(), 0);
        server.drops_kept = at == 0; /* noticed in send */
        server.answers[1] = at == 1 ? NULL : server.answers[1];
        server.dies = at == 1;       /* noticed in recv: the request is sent once more */
        if (at == 2) {
            server.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";
            server.ends = true;      /* in the middle of an answer: not hidden */
        }
        begin((struct otter_request){0});
        assert_int_equal(run(), at == 2 ? OTTER_ERR_IO : 0);
        assert_int_equal(server.opens, 2);
    }
}

static void test_bytes_that_nobody_asked_for_are_not_an_answer(void **test)
{
    (void)test;
    server.answers[0] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    server.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
    server.piece = 40; /* the first answer exactly */
    begin((struct otter_request){0});
    assert_int_equal(run(), 0);
    assert_non_null(http.link);
    server.answers[0] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"
                        "Content-Length: 4\r\n\r\nevil"; /* more came behind it meanwhile */
    server.piece = SIZE_MAX;
    begin((struct otter_request){0});
    assert_int_equal(run(), 0);
    assert_string_equal(body, "yes");
    assert_int_equal(server.opens, 2);
}

static void test_a_fresh_connection_that_fails_is_an_error(void **test)
{
    (void)test;
    server.ends = true;
    begin((struct otter_request){0});
    assert_int_equal(run(), OTTER_ERR_IO);
    assert_int_equal(server.opens, 1);
}

static void test_connections_are_kept_only_when_the_server_keeps_them(void **test)
{
    (void)test;
    static const struct {
        const char *answer;
        bool kept;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close , y\r\n\r\nok", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore", false},
        {"HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\n", true},
        {"HTTP/1.1 304 OK\r\nContent-Length: 2\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&server, 0, sizeof server);
        server.piece = SIZE_MAX;
        server.answers[0] = cases[i].answer;
        otter_http_close(&http);
        begin((struct otter_request){0});
        assert_int_equal(run(), 0);
        assert_int_equal(http.link != NULL, cases[i].kept);
    }
}

static void test_silence_and_a_trickle_are_given_up(void **test)
{
    (void)test;
    begin((struct otter_request){0});
    assert_int_equal(run(), OTTER_ERR_TIMEOUT);
    assert_in_range(now_ms, 900, 1200);
    memset(&server, 0, sizeof server);
    server.answers[0] = sound;
    server.piece = 1;
    uint32_t start = now_ms;
    begin((struct otter_request){0});
    int next = 0;
    while (next >= 0 && now_ms - start < 100000) { /* a byte every 300 ms: never silent */
        const uint8_t *bytes;
        size_t len;
        next = otter_http_next(&http, now_ms, &bytes, &len);
        if (next == OTTER_HTTP_GOT_HEAD) {
            fail_msg("the head came through");
        }
        size_t off = server.off;
        server.piece = 0; /* nothing more until later */
        if (next >= 0 && off > 0) {
            next = otter_http_next(&http, now_ms, &bytes, &len);
        }
        server.piece = 1;
        now_ms += 300;
    }
    assert_int_equal(next, OTTER_ERR_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_request_is_short_and_complete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_token_is_for_the_configured_server_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_redirect_does_not_take_the_token_along, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges_and_conditions_are_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_is_the_same_in_pieces_of_any_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_cut_anywhere_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_heads_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_but_sound_heads_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubtful_validators_are_no_validators, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heads_have_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunks_are_decoded_in_pieces_of_any_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_body_may_have_any_number_of_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_chunks_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_kept_connection_that_was_closed_is_opened_again_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_that_nobody_asked_for_are_not_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_fresh_connection_that_fails_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_are_kept_only_when_the_server_keeps_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_and_a_trickle_are_given_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
