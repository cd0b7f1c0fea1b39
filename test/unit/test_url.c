/* SPDX-License-Identifier: Apache-2.0 */
/* test_url.c - where a redirect may lead, and what a date means. */
#include "http_rig.h"

static void test_redirects_are_followed(void **test)
{
    (void)test;
    static const struct {
        const char *location, *host, *path;
        uint16_t port;
    } cases[] = {
        {"/g", "home.example", "/g", 443},
        {"https://home.example/g", "home.example", "/g", 443},
        {"HTTPS://HOME.example:8443/g?x=1", "home.example", "/g?x=1", 8443},
        {"https://cdn.example", "cdn.example", "/", 443},
        {"https://cdn.example?q", "cdn.example", "/?q", 443},
        {"https://cdn.example:/a#frag", "cdn.example", "/a", 443},
        {"//cdn.example/x", "cdn.example", "/x", 443},
        {"https://[::1]:444/x", "::1", "/x", 444},
        {"g", "home.example", "/a/b/g", 443},
        {"./g", "home.example", "/a/b/g", 443},
        {"../g", "home.example", "/a/g", 443},
        {"../../../g", "home.example", "/g", 443},
        {"?q=2", "home.example", "/a/b/f?q=2", 443},
        {"#frag", "home.example", "/a/b/f?q=1", 443},
        {"", "home.example", "/a/b/f?q=1", 443},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char answer[256];
        char line[256];
        memset(&server, 0, sizeof server);
        server.piece = SIZE_MAX;
        snprintf(answer, sizeof answer, "HTTP/1.1 30%d X\r\nLocation: %s\r\nContent-Length: 3\r\n\r\nbye",
                 i % 2 == 0 ? 2 : 7, cases[i].location);
        server.answers[0] = answer;
        server.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        otter_http_close(&http);
        begin((struct otter_request){.path = "/a/b/f?q=1"});
        assert_int_equal(run(), 0);
        assert_string_equal(body, "ok");
        assert_string_equal(server.host, cases[i].host);
        assert_int_equal(server.port, cases[i].port);
        snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", cases[i].path);
        assert_non_null(strstr(server.requests, line));
        bool same = strcmp(cases[i].host, "home.example") == 0 && cases[i].port == 443;
        assert_int_equal(server.opens, same ? 1 : 2);
    }
}

static void test_redirects_elsewhere_are_refused(void **test)
{
    (void)test;
    static const char *const refused[] = {
        "http://home.example/f", "HTTP://cdn.example/", "https://evil.example/", "//evil.example/", "ftp://home.example/",
        "javascript:x", "https://home.example@evil.example/", "https://evil.example@home.example/", "https:///f",
        "https://", "https://home.example.evil/f", "https://[::2]/", "file:/etc"};
    static const char *const corrupt[] = {
        "https://home.example:0/", "https://home.example:65536/", "https://home.example:x/", "/a b", "/\x80",
        "https://[::1]x/", "https://home.example:443x/"};
    char answer[256];
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(answer, sizeof answer, "HTTP/1.1 302 X\r\nLocation: %s\r\n\r\n", refused[i]);
        if (get(answer) != OTTER_ERR_REFUSED) {
            fail_msg("followed: '%s'", refused[i]);
        }
        assert_int_equal(server.opens, 1);
    }
    for (size_t i = 0; i < sizeof corrupt / sizeof corrupt[0]; i++) {
        snprintf(answer, sizeof answer, "HTTP/1.1 302 X\r\nLocation: %s\r\n\r\n", corrupt[i]);
        if (get(answer) != OTTER_ERR_CORRUPT) {
            fail_msg("followed: '%s'", corrupt[i]);
        }
        assert_int_equal(server.opens, 1);
    }
    assert_int_equal(get("HTTP/1.1 302 X\r\nLocation: /a\r\nLocation: /b\r\n\r\n"), OTTER_ERR_CORRUPT);
    assert_int_equal(get("HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n"), 0); /* nowhere to go: an answer */
    assert_int_equal(http.head.status, 302);
}

static void test_redirect_loops_end(void **test)
{
    (void)test;
    for (int i = 0; i < ANSWERS; i++) {
        server.answers[i] = "HTTP/1.1 302 X\r\nLocation: /f\r\nContent-Length: 0\r\n\r\n";
    }
    begin((struct otter_request){0});
    assert_int_equal(run(), OTTER_ERR_CORRUPT);
    assert_int_equal(server.next, OTTER_HTTP_HOPS_MAX + 1);
}

static void test_a_post_is_not_turned_into_a_get(void **test)
{
    (void)test;
    server.answers[0] = "HTTP/1.1 302 X\r\nLocation: https://cdn.example/g\r\nContent-Length: 0\r\n\r\n";
    server.answers[1] = "HTTP/1.1 307 X\r\nLocation: /g\r\nContent-Length: 0\r\n\r\n";
    server.answers[2] = "HTTP/1.1 204 X\r\n\r\n";
    begin((struct otter_request){.body = "{}", .body_len = 2});
    assert_int_equal(run(), 0);
    assert_int_equal(http.head.status, 302);
    begin((struct otter_request){.body = "{}", .body_len = 2});
    assert_int_equal(run(), 0);
    assert_int_equal(http.head.status, 204);
    assert_non_null(strstr(server.requests, "POST /g HTTP/1.1\r\n"));
    assert_string_equal(server.host, "home.example");
}

static void test_a_place_without_a_transport_is_refused(void **test)
{
    (void)test;
    config.tls = NULL;
    begin((struct otter_request){0});
    assert_int_equal(run(), OTTER_ERR_REFUSED);
}

static void test_a_redirect_to_too_long_a_path_is_refused(void **test)
{
    (void)test;
    static char path[901] = "/";
    static char location[OTTER_PATH_SIZE];
    memset(path + 1, 'p', 899);
    path[800] = '/'; /* the folder is 801 bytes long */
    for (size_t len = OTTER_PATH_SIZE - 801 - 1; len <= OTTER_PATH_SIZE - 801; len++) {
        memset(location, 'q', len);
        struct otter_place to = place;
        char follow[OTTER_PATH_SIZE];
        memcpy(follow, path, sizeof path);
        int err = otter_url_follow(&config, location, &to, follow);
        assert_int_equal(err, len + 801 < OTTER_PATH_SIZE ? 0 : OTTER_ERR_NOSPACE);
        assert_int_equal(strlen(follow), err == 0 ? OTTER_PATH_SIZE - 1 : 900);
    }
}

static void test_plain_http_may_go_to_plain_http_and_to_tls(void **test)
{
    (void)test;
    static const struct {
        const char *location;
        uint16_t port;
        bool tls;
    } cases[] = {{"http://cdn.example/g", 80, false}, {"https://cdn.example/g", 443, true}, {"/g", 8080, false}};
    config.use_plain = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct otter_place to = otter_url_home(&config);
        char path[OTTER_PATH_SIZE] = "/f";
        assert_int_equal(otter_url_follow(&config, cases[i].location, &to, path), 0);
        assert_int_equal(to.port, cases[i].port);
        assert_int_equal(to.tls, cases[i].tls);
        assert_string_equal(path, "/g");
    }
}

static void test_places_are_the_same_in_all_or_not_at_all(void **test)
{
    (void)test;
    const struct otter_place home = {"home.example", 443, true};
    const struct otter_place others[] = {{"cdn.example", 443, true}, {"home.example", 444, true},
                                         {"home.example", 443, false}};
    assert_true(otter_url_same_place(&home, &(struct otter_place){"HOME.example", 443, true}));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(otter_url_same_place(&home, &others[i]));
    }
}

static void test_dates_are_read(void **test)
{
    (void)test;
    assert_int_equal(otter_date_read("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(otter_date_read("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert_int_equal(otter_date_read("Tue, 29 Feb 2028 23:59:60 GMT"), 1835481600);
    assert_int_equal(otter_date_read("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
    static const char *const bad[] = {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                                      "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 0x Nov 1994 08:49:37 GMT",
                                      "Sun; 06 Nov 1994 08:49:37 GMT"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(otter_date_read(bad[i]), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_redirects_are_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirects_elsewhere_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirect_loops_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_post_is_not_turned_into_a_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_place_without_a_transport_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_redirect_to_too_long_a_path_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plain_http_may_go_to_plain_http_and_to_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places_are_the_same_in_all_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates_are_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
