/* SPDX-License-Identifier: Apache-2.0 */
/* test_tcp.c - the TCP transport over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/posix/tcp.h"

static struct otter_tcp tcp;
static struct otter_transport transport;

static int begin(void **state)
{
    (void)state;
    otter_tcp_init(&tcp, &transport);
    return 0;
}

static int end(void **state)
{
    (void)state;
    transport.close(transport.ctx);
    return 0;
}

static int listener(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int open_to(const char *host, uint16_t port)
{
    int rc = transport.open(transport.ctx, host, port);
    for (int i = 0; i < 100 && rc == 1; i++) {
        otter_tcp_wait(&tcp, 100);
        rc = transport.open(transport.ctx, host, port);
    }
    return rc;
}

static void test_bytes_flow_both_ways(void **state)
{
    uint16_t port;
    char buf[16];
    (void)state;
    int server = listener(&port);
    assert_int_equal(open_to("127.0.0.1", port), OTTER_OK);
    assert_int_equal(open_to("127.0.0.1", port), OTTER_OK); /* open already */
    int peer = accept(server, NULL, NULL);
    assert_int_equal(transport.recv(transport.ctx, buf, sizeof buf), 0);
    assert_int_equal(transport.send(transport.ctx, "hello", 5), 5);
    assert_int_equal(read(peer, buf, sizeof buf), 5);
    assert_int_equal(write(peer, "you", 3), 3);
    otter_tcp_wait(&tcp, 1000);
    assert_int_equal(transport.recv(transport.ctx, buf, sizeof buf), 3);
    assert_memory_equal(buf, "you", 3);
    close(peer);
    close(server);
}

static void test_a_loop_of_its_own_is_told_which_sockets_to_wait_for(void **state)
{
    uint16_t port;
    int sockets[OTTER_TCP_ADDRESSES_MAX];
    (void)state;
    int server = listener(&port);
    assert_int_equal(otter_tcp_sockets(&tcp, sockets), 0);
    int rc = transport.open(transport.ctx, "127.0.0.1", port);
    assert_int_equal(otter_tcp_sockets(&tcp, sockets), 1);
    assert_int_equal(sockets[0], rc == 1 ? tcp.tries[0] : tcp.fd);
    assert_int_equal(open_to("127.0.0.1", port), OTTER_OK);
    assert_int_equal(otter_tcp_sockets(&tcp, sockets), 1);
    assert_int_equal(sockets[0], tcp.fd);
    transport.close(transport.ctx);
    assert_int_equal(otter_tcp_sockets(&tcp, sockets), 0);
    close(server);
}

static void test_a_closed_peer_is_an_error_after_the_data(void **state)
{
    uint16_t port;
    char buf[16];
    (void)state;
    int server = listener(&port);
    assert_int_equal(open_to("127.0.0.1", port), OTTER_OK);
    int peer = accept(server, NULL, NULL);
    assert_int_equal(write(peer, "bye", 3), 3);
    close(peer);
    otter_tcp_wait(&tcp, 1000);
    assert_int_equal(transport.recv(transport.ctx, buf, sizeof buf), 3);
    assert_int_equal(transport.recv(transport.ctx, buf, sizeof buf), OTTER_ERR_IO);
    int rc = 0;
    for (int i = 0; i < 100 && rc >= 0; i++) { /* and no SIGPIPE */
        rc = transport.send(transport.ctx, "x", 1);
        otter_tcp_wait(&tcp, 10);
    }
    assert_int_equal(rc, OTTER_ERR_IO);
    close(server);
}

static void test_a_full_pipe_takes_nothing_and_does_not_block(void **state)
{
    static uint8_t block[65536];
    uint16_t port;
    int rc = 1;
    size_t sent = 0;
    (void)state;
    int server = listener(&port);
    assert_int_equal(open_to("127.0.0.1", port), OTTER_OK);
    int peer = accept(server, NULL, NULL);
    while (rc > 0) {
        rc = transport.send(transport.ctx, block, sizeof block);
        sent += rc > 0 ? (size_t)rc : 0;
    }
    assert_int_equal(rc, 0);
    otter_tcp_wait(&tcp, 20); /* comes back although nothing happens */
    while (sent > 0) {
        ssize_t n = read(peer, block, sizeof block);
        assert_true(n > 0);
        sent -= (size_t)n;
    }
    otter_tcp_wait(&tcp, 1000);
    assert_int_equal(transport.send(transport.ctx, "x", 1), 1);
    close(peer);
    close(server);
}

static void test_a_refused_connection_is_an_error_with_a_cause(void **state)
{
    uint16_t port;
    (void)state;
    close(listener(&port)); /* a port where nobody listens */
    assert_int_equal(open_to("127.0.0.1", port), OTTER_ERR_IO);
    assert_string_equal(otter_tcp_cause(&tcp), strerror(ECONNREFUSED));
    transport.close(transport.ctx);
    int server = listener(&port);
    assert_int_equal(open_to("127.0.0.1", port), OTTER_OK); /* the object is usable again */
    close(server);
}

/* localhost is ::1 and 127.0.0.1 on most systems, and only one of them listens. */
static void test_all_addresses_of_a_name_are_tried(void **state)
{
    uint16_t port;
    (void)state;
    int server = listener(&port);
    assert_int_equal(open_to("localhost", port), OTTER_OK);
    assert_int_equal(tcp.tries_count, 0);
    assert_null(tcp.addresses);
    close(server);
}

static void test_an_unknown_name_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(open_to("no such name", 443), OTTER_ERR_IO);
    assert_int_equal(tcp.fd, -1);
    assert_string_not_equal(otter_tcp_cause(&tcp), "no failure");
}

static void test_close_gives_up_a_half_open_connection(void **state)
{
    (void)state;
    int rc = transport.open(transport.ctx, "192.0.2.1", 9); /* TEST-NET-1: silence, or no route */
    assert_true(rc == 1 || rc == OTTER_ERR_IO);
    transport.close(transport.ctx);
    assert_int_equal(tcp.tries_count, 0);
    assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), OTTER_ERR_IO);
    transport.close(transport.ctx);
}

static void test_random_bytes_differ(void **state)
{
    uint8_t a[64] = {0};
    uint8_t b[64] = {0};
    (void)state;
    assert_int_equal(otter_posix_random(NULL, a, sizeof a), OTTER_OK);
    assert_int_equal(otter_posix_random(NULL, b, sizeof b), OTTER_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_flow_both_ways),
        TEST(test_a_loop_of_its_own_is_told_which_sockets_to_wait_for),
        TEST(test_a_closed_peer_is_an_error_after_the_data),
        TEST(test_a_full_pipe_takes_nothing_and_does_not_block),
        TEST(test_a_refused_connection_is_an_error_with_a_cause),
        TEST(test_all_addresses_of_a_name_are_tried),
        TEST(test_an_unknown_name_is_an_error),
        TEST(test_close_gives_up_a_half_open_connection),
        TEST(test_random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
