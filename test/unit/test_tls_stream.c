/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls_stream.c - sessions, tickets, pieces, cuts and memory of the TLS transport. */
#include "test/unit/tls_fixture.h"

static void test_session_without_time_is_not_used_with_time(void **state)
{
    (void)state;
    struct pair expired = make(TOOL_CERT_SERVER, "http_server", &ca, 0, NOW - YEAR, NOW - 1);
    start();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        only(version);
        present(&expired);
        clock_now = 0;
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        transport.close(transport.ctx);
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        assert_true(server.resumed);
        transport.close(transport.ctx);
        clock_now = NOW;
        refuses(OTTER_ERR_AUTH, "a certificate of the server has expired");
    }
    drop(&expired);
}

static void test_sessions_are_resumed(void **state)
{
    (void)state;
    start();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (int stateful = 0; stateful < 2; stateful++) {
            only(version);
            if (stateful) {
                SSL_CTX_set_options(server.ctx, SSL_OP_NO_TICKET);
            } else {
                SSL_CTX_clear_options(server.ctx, SSL_OP_NO_TICKET);
            }
            otter_tls_free(&tls);
            start();
            for (uint32_t i = 0; i < 5; i++) {
                assert_int_equal(fetch("ota.example", 5000), OTTER_OK);
                assert_int_equal(server.resumed, i > 0);
                assert_int_equal(tls.resumed_count, i);
                assert_int_equal(tls.full_count, 1);
                transport.close(transport.ctx);
            }
        }
    }
}

static void test_session_stays_with_its_host(void **state)
{
    (void)state;
    start();
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    transport.close(transport.ctx);
    assert_int_equal(fetch("192.0.2.7", 10), OTTER_OK);
    assert_false(server.resumed);
    transport.close(transport.ctx);
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    assert_true(server.resumed);
    transport.close(transport.ctx);
    assert_int_equal(open_to("other.example"), OTTER_ERR_AUTH); /* resuming would prove nothing */
    transport.close(transport.ctx);
    int rc = 1;
    while (rc == 1) {
        rc = transport.open(transport.ctx, "ota.example", 8443);
    }
    assert_int_equal(rc, OTTER_OK);
    assert_false(server.resumed);
}

static void test_server_that_forgot_the_session_gets_a_full_handshake(void **state)
{
    (void)state;
    start();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        only(version);
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        transport.close(transport.ctx);
        SSL_CTX *before = server.ctx;
        server.ctx = SSL_CTX_new(TLS_server_method()); /* restarted: new ticket keys */
        present(&server_pair);
        only(version);
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        assert_false(server.resumed);
        transport.close(transport.ctx);
        SSL_CTX_free(before);
    }
}

static void test_version_may_change_between_connections(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 6; i++) {
        only(i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
        assert_int_equal(fetch("ota.example", 10), OTTER_OK);
        transport.close(transport.ctx);
    }
}

static void test_tickets_may_come_at_any_time(void **state)
{
    (void)state;
    only(TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(server.ctx, 4);
    start();
    assert_int_equal(fetch("ota.example", 3000), OTTER_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_new_session_ticket(server.ssl), 1);
        assert_int_equal(send_all("GET 40000\n"), OTTER_OK); /* tickets lie before the answer */
        assert_int_equal(receive(40000), OTTER_OK);
        assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), 0); /* silence, not an end */
    }
    transport.close(transport.ctx);
    assert_int_equal(fetch("ota.example", 10), OTTER_OK);
    assert_true(server.resumed);
}

static void test_small_pieces_and_stalls_change_nothing(void **state)
{
    (void)state;
    start();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        only(version);
        server.piece = 1;
        server.stalls = 3;
        server.open_later = 5;
        assert_int_equal(fetch("ota.example", 3000), OTTER_OK);
        transport.close(transport.ctx);
        server.piece = 0;
        server.stalls = 0;
    }
}

static void test_ends_are_errors_after_the_data(void **state)
{
    (void)state;
    start();
    for (int polite = 0; polite < 2; polite++) {
        server.ends = true;
        server.says_goodbye = polite;
        assert_int_equal(fetch("ota.example", 20000), OTTER_OK);
        assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), OTTER_ERR_IO);
        assert_string_equal(otter_tls_cause(&tls), polite ? "the server closed the connection"
                                                          : "the connection ended");
        assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), OTTER_ERR_IO);
        assert_int_equal(transport.send(transport.ctx, "x", 1), OTTER_ERR_IO);
        transport.close(transport.ctx);
        transport.close(transport.ctx);
    }
}

static void test_cut_at_every_byte_is_an_error_and_never_data(void **state)
{
    (void)state;
    start();
    for (size_t cut = 1; cut < 1300; cut++) {
        server.cut_after = cut;
        int rc = fetch("ota.example", 3000);
        assert_int_equal(rc, OTTER_ERR_IO);
        transport.close(transport.ctx);
    }
    server.cut_after = 0;
    assert_int_equal(fetch("ota.example", 3000), OTTER_OK);
}

static void test_changed_byte_is_an_error_and_never_data(void **state)
{
    (void)state;
    config.no_sessions = true;
    start();
    for (size_t at = 1; at < 1500; at += 17) {
        server.change_at = at;
        int rc = fetch("ota.example", 1000);
        assert_true(rc == OTTER_ERR_IO || rc == OTTER_ERR_AUTH || rc == OTTER_ERR_TIMEOUT ||
                    rc == OTTER_ERR_NOSPACE ||
                    (rc == OTTER_OK && at < 300)); /* legacy_version bytes of record heads */
        transport.close(transport.ctx);
    }
}

static void test_lower_transport_that_fails_is_reported(void **state)
{
    (void)state;
    server.open_error = OTTER_ERR_IO;
    start();
    assert_int_equal(open_to("ota.example"), OTTER_ERR_IO);
    assert_int_equal(open_to("ota.example"), OTTER_ERR_IO); /* until it is closed */
    transport.close(transport.ctx);
    server.open_error = OTTER_OK;
    assert_int_equal(open_to("ota.example"), OTTER_OK);
}

static void test_any_arena_size_fails_cleanly_or_works(void **state)
{
    int worked = 0;
    (void)state;
    config.cert = client_pair.cert_pem;
    config.cert_len = strlen(client_pair.cert_pem);
    config.key = client_pair.key_pem;
    config.key_len = strlen(client_pair.key_pem);
    client_certificate();
    for (size_t size = 0; size <= OTTER_TLS_ARENA_SIZE; size += size < 24000 ? 1999 : 499) {
        config.arena_size = size;
        int rc = otter_tls_init(&tls, &config, &transport);
        if (rc < 0) {
            assert_int_equal(rc, OTTER_ERR_NOSPACE);
            assert_int_equal(tls.arena.used, 0);
            continue;
        }
        rc = fetch("ota.example", 20000);
        assert_true(rc == OTTER_OK || (rc < 0 && worked == 0));
        worked += rc == OTTER_OK;
        otter_tls_free(&tls);
        assert_int_equal(tls.arena.used, 0);
    }
    assert_true(worked > 10);
}

static void test_memory_does_not_grow_over_connections(void **state)
{
    size_t peak = 0;
    (void)state;
    start();
    for (int i = 0; i < 40; i++) {
        only(i % 3 ? TLS1_3_VERSION : TLS1_2_VERSION);
        assert_int_equal(fetch(i % 5 ? "ota.example" : "192.0.2.7", 1000), OTTER_OK);
        transport.close(transport.ctx);
        if (i == 20) {
            peak = tls.arena.peak;
        }
    }
    assert_int_equal(tls.arena.peak, peak);
    print_message("TLS arena: peak %zu bytes\n", peak);
}

static void test_two_objects_do_not_share_memory(void **state)
{
    static struct otter_tls second;
    static uint8_t second_arena[OTTER_TLS_ARENA_SIZE];
    struct otter_tls_config second_config;
    struct otter_transport second_transport;
    struct tls_server second_server;
    (void)state;
    server_init(&second_server, server.ctx);
    second_config = config;
    second_config.lower = &second_server.transport;
    second_config.arena = second_arena;
    start();
    assert_int_equal(otter_tls_init(&second, &second_config, &second_transport), OTTER_OK);
    int first_rc = 1;
    int second_rc = 1;
    for (int i = 0; i < 100 && (first_rc == 1 || second_rc == 1); i++) { /* in turns */
        first_rc = transport.open(transport.ctx, "ota.example", 443);
        second_rc = second_transport.open(second_transport.ctx, "192.0.2.7", 443);
    }
    assert_int_equal(first_rc, OTTER_OK);
    assert_int_equal(second_rc, OTTER_OK);
    otter_tls_free(&second);
    assert_int_equal(second.arena.used, 0);
    assert_int_equal(send_all("GET 5000\n"), OTTER_OK);
    assert_int_equal(receive(5000), OTTER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session_without_time_is_not_used_with_time),
        TEST(test_sessions_are_resumed),
        TEST(test_session_stays_with_its_host),
        TEST(test_server_that_forgot_the_session_gets_a_full_handshake),
        TEST(test_version_may_change_between_connections),
        TEST(test_tickets_may_come_at_any_time),
        TEST(test_small_pieces_and_stalls_change_nothing),
        TEST(test_ends_are_errors_after_the_data),
        TEST(test_cut_at_every_byte_is_an_error_and_never_data),
        TEST(test_changed_byte_is_an_error_and_never_data),
        TEST(test_lower_transport_that_fails_is_reported),
        TEST(test_any_arena_size_fails_cleanly_or_works),
        TEST(test_memory_does_not_grow_over_connections),
        TEST(test_two_objects_do_not_share_memory),
    };
    return cmocka_run_group_tests(tests, make_all, drop_all);
}
