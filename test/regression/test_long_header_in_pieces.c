/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_long_header_in_pieces.c - a header line longer than the buffer, that is of no use here, was
 * let through or not depending on how the network cut it: where the piece that filled the buffer
 * did not end with it, the byte behind was lost. Found by fuzz_http.
 */
#include "test/unit/http_rig.h"

static void test_a_long_header_is_passed_over_in_any_pieces(void **test)
{
    char answer[3000];
    char filler[1600];
    (void)test;
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nX-Long: %s\r\nContent-Length: 2\r\n\r\nhi", filler);
    for (size_t piece = 1; piece < BUF + 100; piece++) {
        memset(&server, 0, sizeof server);
        server.answers[0] = answer;
        server.ends = true;
        server.piece = piece;
        otter_http_close(&http);
        begin((struct otter_request){0});
        assert_int_equal(run(), 0);
        assert_string_equal(body, "hi");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_long_header_is_passed_over_in_any_pieces, setup, teardown),
    };
    (void)get; /* not needed here */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
