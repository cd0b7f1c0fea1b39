/* SPDX-License-Identifier: Apache-2.0 */
/* test_lwip_tcp.c - the transport over lwIP, against servers in the same stack. */
#include "test/lwip/stack.h"

#include "port/lwip/tcp.h"

#define PORT 4433
#define PEERS_MAX 2

/* One connection as the server sees it. It sends a pattern, and checks the one it gets. */
struct peer {
    struct tcp_pcb *pcb;
    uint32_t sent, to_send;
    uint32_t received;
    bool wrong;   /* received something that was not sent */
    bool holds;   /* takes bytes, but does not open the window again */
    uint32_t held;
    bool ended;
};

static struct peer peers[PEERS_MAX];
static uint32_t peers_count;
static struct tcp_pcb *listening;
static struct otter_lwip_tcp tcp, other;
static struct otter_transport transport, other_transport;
static size_t memory_before;

static uint8_t pattern(uint32_t i)
{
    return (uint8_t)(i * 7u + i / 251u);
}

static void peer_fill(struct peer *peer)
{
    uint8_t block[700];
    while (peer->pcb && peer->sent < peer->to_send) {
        uint32_t n = peer->to_send - peer->sent;
        n = n < sizeof block ? n : (uint32_t)sizeof block;
        n = n < tcp_sndbuf(peer->pcb) ? n : tcp_sndbuf(peer->pcb);
        for (uint32_t i = 0; i < n; i++) {
            block[i] = pattern(peer->sent + i);
        }
        if (n == 0 || tcp_write(peer->pcb, block, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            return;
        }
        peer->sent += n;
        tcp_output(peer->pcb);
    }
}

static err_t peer_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb;
    (void)len;
    peer_fill(arg);
    return ERR_OK;
}

static err_t peer_polled(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    peer_fill(arg);
    return ERR_OK;
}

static err_t peer_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct peer *peer = arg;
    (void)err;
    if (!p) {
        peer->ended = true;
        return ERR_OK;
    }
    for (u16_t i = 0; i < p->tot_len; i++) {
        peer->wrong = peer->wrong || pbuf_get_at(p, i) != pattern(peer->received + i);
    }
    peer->received += p->tot_len;
    if (peer->holds) {
        peer->held += p->tot_len;
    } else {
        tcp_recved(pcb, p->tot_len);
    }
    pbuf_free(p);
    return ERR_OK;
}

static void peer_error(void *arg, err_t err)
{
    struct peer *peer = arg;
    (void)err;
    peer->pcb = NULL;
    peer->ended = true;
}

static err_t peer_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || peers_count == PEERS_MAX) {
        return ERR_MEM;
    }
    struct peer *peer = &peers[peers_count++];
    peer->pcb = pcb;
    tcp_arg(pcb, peer);
    tcp_recv(pcb, peer_received);
    tcp_sent(pcb, peer_sent);
    tcp_poll(pcb, peer_polled, 1);
    tcp_err(pcb, peer_error);
    peer_fill(peer);
    return ERR_OK;
}

static void peer_close(struct peer *peer)
{
    if (peer->pcb) {
        tcp_arg(peer->pcb, NULL);
        tcp_recv(peer->pcb, NULL);
        tcp_sent(peer->pcb, NULL);
        tcp_poll(peer->pcb, NULL, 0);
        tcp_err(peer->pcb, NULL);
        assert_int_equal(tcp_close(peer->pcb), ERR_OK);
    }
    peer->pcb = NULL;
}

static void peer_reset(struct peer *peer)
{
    assert_non_null(peer->pcb);
    tcp_err(peer->pcb, NULL);
    tcp_abort(peer->pcb);
    peer->pcb = NULL;
}

static void listen_begin(void)
{
    struct tcp_pcb *pcb = tcp_new();
    assert_int_equal(tcp_bind(pcb, IP_ADDR_ANY, PORT), ERR_OK);
    listening = tcp_listen(pcb);
    assert_non_null(listening);
    tcp_accept(listening, peer_accept);
}

static int begin(void **state)
{
    (void)state;
    memory_before = settle();
    memset(peers, 0, sizeof peers);
    peers_count = 0;
    packets_lost = 0;
    fail_at = 0;
    dns_is_known(true);
    listen_begin();
    otter_lwip_tcp_init(&tcp, &transport);
    otter_lwip_tcp_init(&other, &other_transport);
    return 0;
}

/* Whatever a test did: closed, everything is given back. */
static int end(void **state)
{
    (void)state;
    fail_at = 0;
    fail_above = SIZE_MAX;
    transport.close(transport.ctx);
    other_transport.close(other_transport.ctx);
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        peer_close(&peers[i]);
    }
    assert_int_equal(tcp_close(listening), ERR_OK);
    assert_int_equal(settle(), memory_before);
    assert_int_equal(asserts, 0);
    return 0;
}

static int open_to(const char *host, uint16_t port)
{
    int rc = transport.open(transport.ctx, host, port);
    for (uint32_t i = 0; i < 2 * OTTER_LWIP_CONNECT_MS && rc == 1; i++) {
        poll_for(1);
        rc = transport.open(transport.ctx, host, port);
    }
    return rc;
}

static void fails(const char *host, uint16_t port, const char *cause)
{
    assert_int_equal(open_to(host, port), OTTER_ERR_IO);
    assert_string_equal(otter_lwip_tcp_cause(&tcp), cause);
    assert_int_equal(transport.open(transport.ctx, host, port), OTTER_ERR_IO); /* until close */
    assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), OTTER_ERR_IO);
    assert_int_equal(transport.send(transport.ctx, "x", 1), OTTER_ERR_IO);
    transport.close(transport.ctx);
}

/* Receive what is there, in pieces of `piece` bytes; returns the last recv's result. */
static int drain(const struct otter_transport *from, uint32_t piece, uint32_t *total)
{
    uint8_t buf[4096];
    int n = from->recv(from->ctx, buf, piece);
    while (n > 0) {
        for (int i = 0; i < n; i++) {
            assert_int_equal(buf[i], pattern(*total + (uint32_t)i));
        }
        *total += (uint32_t)n;
        n = from->recv(from->ctx, buf, piece);
    }
    return n;
}

static int push(const struct otter_transport *to, uint32_t piece, uint32_t *total)
{
    uint8_t buf[4096];
    for (uint32_t i = 0; i < piece; i++) {
        buf[i] = pattern(*total + i);
    }
    int n = to->send(to->ctx, buf, piece);
    *total += n > 0 ? (uint32_t)n : 0;
    return n;
}

static void test_bytes_flow_both_ways(void **state)
{
    uint32_t got = 0;
    uint32_t sent = 0;
    (void)state;
    assert_string_equal(otter_lwip_tcp_cause(&tcp), "no failure");
    assert_int_equal(transport.open(transport.ctx, OWN_ADDRESS, PORT), 1); /* does not wait */
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK); /* open already */
    poll_for(1);
    assert_int_equal(peers_count, 1);
    assert_int_equal(drain(&transport, 10, &got), 0);
    assert_int_equal(push(&transport, 5, &sent), 5);
    poll_for(1);
    assert_int_equal(peers[0].received, 5);
    peers[0].to_send = 3;
    peer_fill(&peers[0]);
    poll_for(1);
    assert_int_equal(drain(&transport, 10, &got), 0);
    assert_int_equal(got, 3);
    assert_int_equal(transport.recv(transport.ctx, &(char){0}, 0), 0);
    assert_int_equal(transport.send(transport.ctx, "", 0), 0);
    transport.close(transport.ctx);
    poll_for(2);
    assert_true(peers[0].ended);
    assert_false(peers[0].wrong);
}

static void test_refused_connection_has_a_cause_and_the_object_stays_usable(void **state)
{
    (void)state;
    fails(OWN_ADDRESS, PORT + 1, "the server refuses connections on this port");
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    assert_string_equal(otter_lwip_tcp_cause(&tcp), "no failure");
}

static void test_names_are_looked_up(void **state)
{
    (void)state;
    assert_int_equal(open_to("ota.example", PORT), OTTER_OK);
    transport.close(transport.ctx);
    assert_int_equal(open_to("ota.example", PORT), OTTER_OK); /* remembered */
    transport.close(transport.ctx);
    fails("other.example", PORT, "the name was not found");
    fails("two..dots", PORT, "the name was not found");
    fails("", PORT, "the name was not found");
    char long_name[300];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    fails(long_name, PORT, "the name was not found");
    dns_is_known(false);
    fails("unasked.example", PORT, "no DNS server is known, so a name cannot be looked up");
}

static void test_silence_ends_in_time(void **state)
{
    (void)state;
    uint32_t begun = clock_ms;
    fails(VOID_ADDRESS, PORT, "the server does not answer");
    assert_in_range(clock_ms - begun, OTTER_LWIP_CONNECT_MS, OTTER_LWIP_CONNECT_MS + 10);
    assert_in_range(packets_lost, 5, 6); /* asked every 3 s */
    fails("void.example", PORT, "the server does not answer");
    begun = clock_ms;
    fails("silent.example", PORT, "the name was not found");
    assert_in_range(clock_ms - begun, 5000, OTTER_LWIP_CONNECT_MS + 10);
}

/* lwIP cannot take a look-up back: its late answer must not become the next one's. */
static void test_look_up_that_was_given_up_disturbs_nothing(void **state)
{
    (void)state;
    assert_int_equal(transport.open(transport.ctx, "void.example", PORT), 1);
    transport.close(transport.ctx);
    assert_int_equal(open_to("ota.example", PORT), OTTER_OK);
    transport.close(transport.ctx);
    assert_int_equal(transport.open(transport.ctx, "silent.example", PORT), 1);
    poll_for(10);
    transport.close(transport.ctx);
    assert_true(tcp.looking);
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    assert_false(tcp.looking);
}

static void test_full_pipe_takes_nothing_and_does_not_block(void **state)
{
    uint32_t sent = 0;
    (void)state;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    poll_for(1);
    peers[0].holds = true;
    int rc = 1;
    for (uint32_t i = 0; i < 100; i++) {
        rc = push(&transport, 1000, &sent);
        poll_for(1);
    }
    assert_int_equal(rc, 0);
    assert_in_range(sent, TCP_WND - TCP_MSS, TCP_WND + TCP_SND_BUF);
    assert_in_range(peers[0].received, TCP_WND - TCP_MSS, TCP_WND);
    peers[0].holds = false;
    tcp_recved(peers[0].pcb, (u16_t)peers[0].held);
    poll_for(3000);
    assert_int_equal(peers[0].received, sent);
    assert_true(push(&transport, 1000, &sent) > 0);
    assert_false(peers[0].wrong);
}

static void test_window_closes_until_bytes_are_taken(void **state)
{
    uint32_t got = 0;
    (void)state;
    peers[0].to_send = 4 * TCP_WND;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    poll_for(200);
    assert_in_range(peers[0].sent, TCP_WND, TCP_WND + TCP_SND_BUF);
    uint32_t before = peers[0].sent;
    assert_int_equal(transport.recv(transport.ctx, (uint8_t[4000]){0}, 4000), 4000);
    got += 4000;
    poll_for(200);
    assert_true(peers[0].sent > before);
    for (uint32_t i = 0; i < 10000 && got < peers[0].to_send; i++) {
        assert_int_equal(drain(&transport, 333, &got), 0);
        poll_for(1);
    }
    assert_int_equal(got, peers[0].to_send);
}

static void test_closing_forgets_what_was_not_taken(void **state)
{
    uint32_t got = 0;
    (void)state;
    peers[0].to_send = peers[1].to_send = 5000;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    poll_for(10);
    assert_int_equal(transport.recv(transport.ctx, (uint8_t[700]){0}, 700), 700); /* half a segment */
    transport.close(transport.ctx);
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(drain(&transport, 4096, &got), 0); /* from the first byte: drain checks them */
        poll_for(1);
    }
    assert_int_equal(got, 5000);
}

static void test_network_that_is_down_has_a_cause(void **state)
{
    (void)state;
    netif_set_down(&stack_netif);
    fails(OWN_ADDRESS, PORT, "the network is down");
    netif_set_up(&stack_netif);
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
}

static void test_scarce_memory_makes_pieces_smaller(void **state)
{
    uint32_t sent = 0;
    (void)state;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    fail_above = 900;
    for (uint32_t i = 0; i < 2000 && sent < 20000; i++) {
        assert_true(push(&transport, 1000, &sent) >= 0);
        poll_for(1);
    }
    fail_above = SIZE_MAX;
    poll_for(1000);
    assert_true(sent >= 20000);
    assert_int_equal(peers[0].received, sent);
    assert_false(peers[0].wrong);
}

static void test_long_streams_of_odd_sizes_arrive_whole_both_ways(void **state)
{
    static const uint32_t pieces[] = {1, 3, 1459, 1460, 1461, 2921, 4096, 17};
    uint32_t got = 0;
    uint32_t sent = 0;
    uint32_t want = 300001;
    (void)state;
    peers[0].to_send = want;
    assert_int_equal(open_to("ota.example", PORT), OTTER_OK);
    for (uint32_t i = 0; i < 100000 && (got < want || peers[0].received < want); i++) {
        uint32_t piece = pieces[i % (sizeof pieces / sizeof pieces[0])];
        piece = piece < want - sent ? piece : want - sent;
        if (piece > 0) {
            assert_true(push(&transport, piece, &sent) >= 0);
        }
        assert_int_equal(drain(&transport, pieces[(i / 8) % 8], &got), 0);
        poll_for(1);
    }
    assert_int_equal(got, want);
    assert_int_equal(peers[0].received, want);
    assert_false(peers[0].wrong);
}

static void test_closed_peer_is_an_error_after_the_data(void **state)
{
    uint32_t got = 0;
    (void)state;
    peers[0].to_send = 2000;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    poll_for(10);
    peer_close(&peers[0]);
    poll_for(10);
    assert_int_equal(drain(&transport, 700, &got), OTTER_ERR_IO);
    assert_int_equal(got, 2000);
    assert_string_equal(otter_lwip_tcp_cause(&tcp), "the server closed the connection");
    assert_int_equal(drain(&transport, 700, &got), OTTER_ERR_IO);
}

static void test_peer_that_breaks_off_is_an_error_after_the_data(void **state)
{
    uint32_t got = 0;
    uint32_t sent = 0;
    (void)state;
    peers[0].to_send = 100000;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    poll_for(10);
    peer_reset(&peers[0]);
    poll_for(10);
    assert_null(tcp.pcb);
    assert_int_equal(drain(&transport, 700, &got), OTTER_ERR_IO);
    assert_true(got > 0);
    assert_int_equal(push(&transport, 10, &sent), OTTER_ERR_IO);
    assert_string_equal(otter_lwip_tcp_cause(&tcp), "the server broke the connection off");
    transport.close(transport.ctx);
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
}

/* end() checks each time that every byte came back. */
static void test_close_in_every_state_gives_everything_back(void **state)
{
    for (uint32_t steps = 0; steps < 40; steps++) {
        uint32_t sent = 0;
        begin(state);
        peers[0].to_send = 100000;
        int rc = transport.open(transport.ctx, steps % 2 ? "ota.example" : OWN_ADDRESS, PORT);
        for (uint32_t i = 0; i < steps / 2 && rc >= 0; i++) {
            netif_poll(&stack_netif);
            rc = transport.open(transport.ctx, steps % 2 ? "ota.example" : OWN_ADDRESS, PORT);
        }
        if (rc == OTTER_OK) {
            assert_true(push(&transport, 3000, &sent) > 0);
            assert_true(transport.recv(transport.ctx, (uint8_t[100]){0}, 100) >= 0); /* half a pbuf */
        }
        if (steps % 3 == 2 && peers[0].pcb) { /* and while the peer closes */
            peers[0].to_send = peers[0].sent;
            peer_close(&peers[0]);
            poll_for(steps % 5);
        }
        transport.close(transport.ctx);
        transport.close(transport.ctx);
        assert_int_equal(transport.recv(transport.ctx, &(char){0}, 1), OTTER_ERR_IO);
        end(state);
    }
}

static void test_two_connections_do_not_disturb_each_other(void **state)
{
    uint32_t got[2] = {0, 0};
    uint32_t sent[2] = {0, 0};
    (void)state;
    peers[0].to_send = 50000;
    peers[1].to_send = 70000;
    assert_int_equal(open_to(OWN_ADDRESS, PORT), OTTER_OK);
    int rc = 1;
    while (rc == 1) {
        rc = other_transport.open(other_transport.ctx, "ota.example", PORT);
        poll_for(1);
    }
    assert_int_equal(rc, OTTER_OK);
    for (uint32_t i = 0; i < 10000 && got[0] + got[1] < 120000; i++) {
        assert_int_equal(drain(&transport, 1000, &got[0]), 0);
        assert_int_equal(drain(&other_transport, 100, &got[1]), 0);
        assert_true(push(&transport, 50, &sent[0]) >= 0);
        assert_true(push(&other_transport, 70, &sent[1]) >= 0);
        poll_for(1);
    }
    assert_int_equal(got[0], 50000);
    assert_int_equal(got[1], 70000);
    transport.close(transport.ctx);
    assert_int_equal(push(&other_transport, 7, &sent[1]), 7); /* goes on alone */
    poll_for(5);
    assert_int_equal(peers[1].received, sent[1]);
    assert_false(peers[0].wrong || peers[1].wrong);
}

/* One allocation of lwIP's fails, each in turn: an error or a retry, never a loss or a leak. */
static void test_memory_that_fails_once_costs_an_error_at_most(void **state)
{
    uint32_t opened = 0;
    bool failed = true;
    for (uint32_t n = 1; failed; n++) {
        uint32_t got = 0;
        uint32_t sent = 0;
        begin(state);
        peers[0].to_send = 6000;
        fail_at = allocations + n;
        int rc = open_to(n % 2 ? "ota.example" : OWN_ADDRESS, PORT);
        opened += rc == OTTER_OK;
        for (uint32_t i = 0; i < 20000 && rc >= 0 && (got < 6000 || peers[0].received < 6000); i++) {
            if (sent < 6000) {
                rc = push(&transport, 6000 - sent < 1000 ? 6000 - sent : 1000, &sent);
            }
            rc = rc < 0 ? rc : drain(&transport, 500, &got);
            poll_for(1);
        }
        assert_true(rc < 0 || (got == 6000 && sent == 6000 && peers[0].received == 6000));
        assert_false(peers[0].wrong);
        failed = allocations >= fail_at;
        end(state);
    }
    assert_true(opened > 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_flow_both_ways),
        TEST(test_refused_connection_has_a_cause_and_the_object_stays_usable),
        TEST(test_names_are_looked_up),
        TEST(test_silence_ends_in_time),
        TEST(test_look_up_that_was_given_up_disturbs_nothing),
        TEST(test_full_pipe_takes_nothing_and_does_not_block),
        TEST(test_window_closes_until_bytes_are_taken),
        TEST(test_closing_forgets_what_was_not_taken),
        TEST(test_network_that_is_down_has_a_cause),
        TEST(test_scarce_memory_makes_pieces_smaller),
        TEST(test_long_streams_of_odd_sizes_arrive_whole_both_ways),
        TEST(test_closed_peer_is_an_error_after_the_data),
        TEST(test_peer_that_breaks_off_is_an_error_after_the_data),
        cmocka_unit_test(test_close_in_every_state_gives_everything_back),
        TEST(test_two_connections_do_not_disturb_each_other),
        cmocka_unit_test(test_memory_that_fails_once_costs_an_error_at_most),
    };
    return cmocka_run_group_tests(tests, stack_begin, NULL);
}
