/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c - handshakes and downloads, measured.
 *
 * Handshakes: the ticks spent inside open(), TLS 1.2 and 1.3, full and resumed; waiting for the
 * network is outside. Downloads: the same file over the same TLS configuration, in turns by a
 * loop that throws the bytes away and by the agent, which writes them to flash; from the moment
 * the connection is open until the last byte (agent: is in flash).
 */
#include <string.h>

#include "board/board.h"
#include "otter/agent_object.h"
#include "otter/result.h"
#include "port/lwip/tcp.h"
#include "port/mbedtls/tls.h"
#include "test/boards/bench/bench.h"

#define ROUNDS 8u
#define IO_SIZE (32u * 1024u) /* as app/ota-https */
#define STALL_MS 20000u

/* Ticks of the calls of one kind. */
struct calls {
    uint32_t sum, worst;
};

static struct otter_lwip_tcp tcp;
static struct otter_transport lower, timed, stream; /* stream: TLS; timed: over it, with a clock */
static struct otter_tls tls;
static struct otter_tls_config tls_config;
static uint8_t arena[OTTER_TLS_ARENA_SIZE] __attribute__((aligned(16)));
static uint8_t io[IO_SIZE] __attribute__((aligned(8)));
static const char *host;
static uint16_t port;
static uint32_t open_tick, bytes, idle_ticks, idles; /* of the connection under way */
static struct calls opens, steps;

static const char *setting(const char *name, size_t *ret_len)
{
    const char *value = board_setting(name, 0, ret_len);
    if (!value) {
        bench_fail(name);
    }
    return value;
}

static void count_call(struct calls *calls, uint32_t begun)
{
    uint32_t ticks = bench_ticks() - begun;
    calls->sum += ticks;
    calls->worst = calls->worst > ticks ? calls->worst : ticks;
}

/* ---- the transport under the loop and the agent ---- */

static int timed_open(void *ctx, const char *to, uint16_t at)
{
    (void)ctx;
    int rc = stream.open(stream.ctx, to, at);
    open_tick = bench_ticks();
    bytes = idle_ticks = idles = 0;
    return rc;
}

static int timed_send(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    return stream.send(stream.ctx, buf, len);
}

static int timed_recv(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    int n = stream.recv(stream.ctx, buf, len);
    bytes += n > 0 ? (uint32_t)n : 0;
    return n;
}

static void timed_close(void *ctx)
{
    (void)ctx;
    stream.close(stream.ctx);
}

/* ---- network and TLS ---- */

/* Sleep first, if there is nothing to do: what the poll brings is to be looked at. */
static void turn(bool idle)
{
    board_watchdog_feed();
    if (idle) {
        uint32_t begun = bench_ticks();
        board_idle(10);
        idle_ticks += bench_ticks() - begun;
        idles++;
    }
    board_network_poll();
}

static void start_network(void)
{
    size_t len;
    if (board_network_start() < 0) {
        bench_fail("network");
    }
    while (!board_network_address()) {
        turn(true);
    }
    host = setting("host", &len);
    for (const char *digit = setting("port", &len); *digit; digit++) {
        port = (uint16_t)(port * 10 + (*digit - '0'));
    }
    otter_lwip_tcp_init(&tcp, &lower);
    timed = (struct otter_transport){NULL, timed_open, timed_send, timed_recv, timed_close};
}

static void start_tls(enum otter_tls_version version)
{
    size_t len;
    memset(&tls_config, 0, sizeof tls_config);
    tls_config.lower = &lower;
    tls_config.ca = setting("ca", &len);
    tls_config.ca_len = len;
    tls_config.arena = arena;
    tls_config.arena_size = sizeof arena;
    tls_config.random = board_random;
    tls_config.now = board_time;
    tls_config.version_min = version;
    tls_config.version_max = version;
    if (otter_tls_init(&tls, &tls_config, &stream) < 0) {
        bench_fail(otter_tls_cause(&tls));
    }
}

static void connect(void)
{
    int rc;
    do {
        uint32_t begun = bench_ticks();
        rc = timed.open(NULL, host, port);
        count_call(&opens, begun);
        turn(rc == 1);
    } while (rc == 1);
    if (rc < 0) {
        bench_fail(tcp.error != OTTER_LWIP_NO_ERROR ? otter_lwip_tcp_cause(&tcp) : otter_tls_cause(&tls));
    }
}

/* Ask for a file and throw the answer away, until the server closes. */
static void fetch(const char *path)
{
    static char request[256];
    (void)strcpy(request, "GET ");
    (void)strncat(request, path, 150);
    (void)strcat(request, " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    uint32_t last_ms = board_millis();
    int n = timed.send(NULL, request, strlen(request));
    if (n != (int)strlen(request)) {
        bench_fail("request not taken");
    }
    while (n >= 0) {
        n = timed.recv(NULL, io, sizeof io / 2);
        last_ms = n > 0 ? board_millis() : last_ms;
        if (board_millis() - last_ms > STALL_MS) {
            bench_fail("stalled");
        }
        turn(n == 0);
    }
}

/* ---- handshakes ---- */

static void say_handshake(const char *version, const char *kind)
{
    bench_line("handshake");
    bench_text("version", version);
    bench_text("kind", kind);
    bench_number("ticks", opens.sum);
    bench_number("worst", opens.worst);
    bench_line_end();
}

static void measure_handshakes(enum otter_tls_version version, const char *name)
{
    start_tls(version);
    for (uint32_t i = 0; i < 2; i++) {
        opens = (struct calls){0, 0};
        connect();
        say_handshake(name, i == 0 ? "full" : "resumed");
        fetch("/none"); /* TLS 1.3 brings its ticket with the answer */
        timed.close(NULL);
    }
    if (tls.full_count != 1 || tls.resumed_count != 1) {
        bench_fail("the second handshake was not resumed");
    }
    bench_line("arena");
    bench_text("version", name);
    bench_number("peak", (uint32_t)tls.arena.peak);
    bench_line_end();
    otter_tls_free(&tls);
}

/* ---- downloads ---- */

static struct otter_state state;
static struct otter_agent agent;
static struct otter_agent_config agent_config;
static bool in_flash; /* the download is complete */
static bool ended;

static void say_speed(const char *who, uint32_t ticks)
{
    bench_line(who);
    bench_number("bytes", bytes);
    bench_number("us", ticks / (1000u / BENCH_TICK_NS));
    bench_number("busy", ticks - idle_ticks);
    bench_number("sleeps", idles);
    bench_line_end();
}

static void loop_round(const char *path)
{
    connect();
    fetch(path);
    say_speed("loop", bench_ticks() - open_tick);
    timed.close(NULL);
}

static void on_event(void *ctx, const struct otter_event *event)
{
    (void)ctx;
    if (event->kind == OTTER_EVENT_PHASE && event->phase == OTTER_AGENT_VERIFY) {
        in_flash = true;
        say_speed("agent", bench_ticks() - open_tick);
    } else if (event->kind == OTTER_EVENT_OUTCOME) {
        ended = true;
    }
}

/* The file ends in a signature of somebody else: it is fetched and written whole, verified, and
 * then not wanted, so that the next round can do the same. `path` is a new one each time. */
static void agent_round(const char *path)
{
    static const struct otter_download none; /* nothing of the round before */
    agent_config.image_path = path;
    if (otter_state_open(&state, board_layout()) < 0 || otter_state_save_download(&state, &none) < 0 ||
        otter_agent_init(&agent, &agent_config) < 0) {
        bench_fail("agent");
    }
    ended = false;
    in_flash = false;
    while (!ended) {
        uint32_t begun = bench_ticks();
        uint32_t wait_ms = otter_agent_step(&agent, board_millis());
        count_call(&steps, begun);
        turn(wait_ms > 0 && !ended);
    }
    if (!in_flash || otter_agent_outcome(&agent) != OTTER_OUTCOME_BAD_IMAGE) {
        bench_fail(otter_outcome_str(otter_agent_outcome(&agent)));
    }
    otter_agent_stop(&agent);
}

static void measure_downloads(void)
{
    static struct otter_key keys[2];
    static char path[200];
    size_t len;
    start_tls(OTTER_TLS_ANY);
    agent_config = (struct otter_agent_config){.state = &state,
                                               .keys = keys,
                                               .keys_count = board_keys(keys, 2),
                                               .tls = &timed,
                                               .host = host,
                                               .port = port,
                                               .board = setting("board", &len),
                                               .no_report = true,
                                               .initial_ms = 1,
                                               .hooks = {.on_event = on_event},
                                               .io = io,
                                               .io_size = sizeof io};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        (void)strncpy(path, setting("image-path", &len), sizeof path - 4);
        (void)strcat(path, "?");
        (void)strncat(path, &"0123456789"[i % 10], 1);
        loop_round(path);
        agent_round(path);
    }
    bench_line("step");
    bench_number("worst", steps.worst);
    bench_line_end();
}

int main(void)
{
    bench_start("net");
    start_network();
    measure_handshakes(OTTER_TLS_1_2, "1.2");
    measure_handshakes(OTTER_TLS_1_3, "1.3");
    measure_downloads();
    bench_line("stack");
    bench_number("peak", board_memory().stack_peak);
    bench_line_end();
    bench_done();
}
