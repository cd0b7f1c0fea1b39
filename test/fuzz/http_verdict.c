/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_verdict.c - answers on standard input, read by the device's HTTP client as after a GET; one
 * line of verdict each. test/interop/framing.py compares them with another reader's.
 *
 * Input: for each answer its length in decimal, a newline, its bytes; the server then closes.
 * Output: "OK status cut body-in-hex" or "error-name".
 */
#include "agent/http.h"
#include "agent/url.h"
#include "fuzz.h"

static struct fuzz_bytes answer;
static bool asked;

static int do_open(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    return asked ? OTTER_ERR_IO : 0; /* one connection */
}

static int do_send(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    asked = true;
    return (int)len;
}

static int do_recv(void *ctx, void *buf, size_t len)
{
    size_t got;
    (void)ctx;
    const uint8_t *at = fuzz_take(&answer, len, &got);
    memcpy(buf, at, got);
    return got > 0 ? (int)got : OTTER_ERR_IO;
}

static void do_close(void *ctx)
{
    (void)ctx;
}

static void judge(const uint8_t *data, size_t size)
{
    static const struct otter_transport transport = {NULL, do_open, do_send, do_recv, do_close};
    static const struct otter_agent_config config = {.host = "home.example", .tls = &transport, .plain = &transport};
    static uint8_t buf[2048];
    static uint8_t body[1 << 17];
    struct otter_http http;
    struct otter_place home = otter_url_home(&config);
    const struct otter_request request = {.path = "/f", .method = "GET"};
    size_t len = 0;
    int next = OTTER_HTTP_WAIT;
    answer = (struct fuzz_bytes){data, size};
    asked = false;
    static const struct otter_version running = {1, 0, 0, 0};
    otter_http_init(&http, &config, &running, buf, sizeof buf);
    otter_http_begin(&http, &home, &request, 0);
    while (next >= 0 && next != OTTER_HTTP_GOT_END) {
        const uint8_t *bytes = NULL;
        size_t count = 0;
        next = otter_http_next(&http, 0, &bytes, &count);
        if (next == OTTER_HTTP_GOT_BODY) {
            REQUIRE(len + count <= sizeof body);
            memcpy(body + len, bytes, count);
            len += count;
            otter_http_eat(&http, count);
        }
    }
    if (next < 0) {
        printf("%s\n", otter_err_str(next));
    } else {
        printf("OK %u %d ", http.head.status, http.cut);
        for (size_t i = 0; i < len; i++) {
            printf("%02x", body[i]);
        }
        printf("\n");
    }
    otter_http_close(&http);
}

int main(void)
{
    size_t size;
    while (scanf("%zu", &size) == 1 && getchar() == '\n' && size < 1 << 17) {
        uint8_t *data = malloc(size + 1);
        REQUIRE(data != NULL && fread(data, 1, size, stdin) == size);
        judge(data, size);
        free(data);
    }
    return 0;
}
