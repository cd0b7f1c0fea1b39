/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls_lies.c - TLS when the source of random bytes fails, and when the clock is wrong. */
#include "tls_fixture.h"

static unsigned draws, draws_until_failure; /* 0: never */

static int failing_random(void *ctx, void *buf, size_t len)
{
    if (++draws == draws_until_failure) {
        return OTTER_ERR_IO;
    }
    return draws_until_failure != 0 && draws > draws_until_failure ? OTTER_ERR_IO
                                                                   : fixed_random(ctx, buf, len);
}

/* A fresh object whose n-th draw, and all later ones, fail: the result of opening. */
static int open_with_failure_at(unsigned n)
{
    draws = 0;
    draws_until_failure = n;
    config.random = failing_random;
    int err = otter_tls_init(&tls, &config, &transport);
    if (err == OTTER_OK) {
        err = open_to("ota.example");
    }
    return err;
}

static void refuses_without_random(int version)
{
    unsigned n = 1;
    only(version);
    config.no_sessions = true;
    while (open_with_failure_at(n) != OTTER_OK) {
        assert_int_equal(otter_tls_cause(&tls) != NULL, 1);
        assert_string_equal(otter_tls_cause(&tls), "no random bytes");
        assert_true(draws >= n);
        char byte;
        assert_int_equal(transport.recv(transport.ctx, &byte, 1), OTTER_ERR_IO);
        otter_tls_free(&tls);
        assert_int_equal(tls.arena.used, 0);
        n++;
        assert_true(n < 100);
    }
    assert_true(n > 2); /* hello and key exchange at least */
    assert_true(draws < n);
}

static void test_without_random_bytes_tls_1_2_is_refused(void **state)
{
    (void)state;
    refuses_without_random(TLS1_2_VERSION);
}

static void test_without_random_bytes_tls_1_3_is_refused(void **state)
{
    (void)state;
    refuses_without_random(TLS1_3_VERSION);
}

static void test_random_bytes_that_come_back_are_enough(void **state)
{
    (void)state;
    assert_true(open_with_failure_at(1) < 0);
    transport.close(transport.ctx);
    draws_until_failure = 0;
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
}

static void test_a_clock_that_lies_refuses_and_recovers(void **state)
{
    static const struct {
        int64_t now;
        const char *cause;
    } lies[] = {{1, "a certificate of the server is not valid yet"}, /* back to 1970 */
                {-1, "a certificate of the server is not valid yet"},
                {INT64_MIN, "a certificate of the server is not valid yet"},
                {(int64_t)UINT32_MAX + 1, "a certificate of the server has expired"},
                {253402300800, "a certificate of the server has expired"}, /* year 10000 */
                {INT64_MAX, "a certificate of the server has expired"}};
    (void)state;
    config.no_sessions = true;
    start();
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        clock_now = lies[i].now;
        refuses(OTTER_ERR_AUTH, lies[i].cause);
        clock_now = NOW;
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        transport.close(transport.ctx);
    }
}

static void test_a_clock_that_jumps_between_handshakes_drops_no_session_it_should_keep(void **state)
{
    (void)state;
    start();
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    transport.close(transport.ctx);
    clock_now = NOW - 3600; /* set back by an hour: certificates are still valid */
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    transport.close(transport.ctx);
    clock_now = 0; /* and lost */
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    transport.close(transport.ctx);
    assert_int_equal(tls.full_count + tls.resumed_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_random_bytes_tls_1_2_is_refused),
        TEST(test_without_random_bytes_tls_1_3_is_refused),
        TEST(test_random_bytes_that_come_back_are_enough),
        TEST(test_a_clock_that_lies_refuses_and_recovers),
        TEST(test_a_clock_that_jumps_between_handshakes_drops_no_session_it_should_keep),
    };
    (void)client_certificate;
    return cmocka_run_group_tests(tests, make_all, drop_all);
}
