/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - heads, bodies and redirects, read by the HTTP client alone: whatever pieces they come
 * in, the verdict, the head and the bytes of the body are the same.
 *
 * Input: flags, piece sizes (2), then what the server sends (wire.h).
 */
#include "agent/http.h"
#include "agent/url.h"
#include "wire.h"

enum { POST = 1, RANGED = 2, PLAIN = 4, SMALL = 8 };
enum { BODY_MAX = 1 << 16, SMALL_BUF = 1024, LARGE_BUF = 4096 };

struct outcome {
    int result;
    struct otter_head head;
    size_t body_len;
    unsigned requests;
    bool cut;
    char host[256], path[OTTER_PATH_SIZE];
};
static uint8_t bodies[2][BODY_MAX];
static const char *const allowed[] = {"cdn.example", "::1"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

void wire_on_request(struct wire *wire, const char *request)
{
    (void)wire;
    (void)request;
}

static void run(const struct fuzz_bytes *script, unsigned flags, size_t piece, uint8_t *body,
                struct outcome *ret)
{
    struct wire wire;
    struct otter_http http;
    struct otter_agent_config config = {.host = "home.example", .hosts_allowed = allowed,
                                        .hosts_allowed_count = 2, .use_plain = (flags & PLAIN) != 0,
                                        .stall_ms = 1000};
    struct otter_request request = {.path = "/f", .method = "GET", .from = 0, .last = 99,
                                    .ranged = (flags & RANGED) != 0};
    size_t size = (flags & SMALL) != 0 ? SMALL_BUF : LARGE_BUF;
    uint8_t *buf = malloc(size); /* on the heap, so that a byte too far is seen */
    uint32_t limit = 64 * (uint32_t)script->left + 4096;
    uint32_t now_ms = 0;
    REQUIRE(buf != NULL);
    wire_init(&wire, script->at, script->left);
    wire.piece = piece;
    config.tls = config.plain = &wire.transport;
    if ((flags & POST) != 0) {
        request.method = "POST";
        request.body = "{}";
        request.body_len = 2;
    }
    memset(ret, 0, sizeof *ret);
    ret->result = OTTER_HTTP_WAIT;
    static const struct otter_version running = {1, 0, 0, 0};
    otter_http_init(&http, &config, &running, buf, size);
    struct otter_place home = otter_url_home(&config);
    otter_http_begin(&http, &home, &request, 0);
    while (ret->result >= 0 && ret->result != OTTER_HTTP_GOT_END) {
        const uint8_t *bytes = NULL;
        size_t len = 0;
        REQUIRE(limit-- > 0);
        ret->result = otter_http_next(&http, now_ms, &bytes, &len);
        now_ms += ret->result == OTTER_HTTP_WAIT ? 1 : 0;
        if (ret->result == OTTER_HTTP_GOT_BODY) {
            REQUIRE(len > 0 && bytes >= buf && bytes + len <= buf + size);
            REQUIRE(ret->body_len + len <= BODY_MAX);
            memcpy(body + ret->body_len, bytes, len);
            ret->body_len += len;
            otter_http_eat(&http, len);
        } else if (ret->result == OTTER_HTTP_GOT_HEAD) {
            ret->head = http.head;
        }
    }
    REQUIRE(ret->result >= 0 || (http.state == OTTER_HTTP_IDLE && http.link == NULL && !wire.connected));
    ret->requests = wire.requests;
    ret->cut = http.cut;
    (void)snprintf(ret->host, sizeof ret->host, "%s", wire.host);
    memcpy(ret->path, http.path, sizeof http.path);
    otter_http_finish(&http);
    otter_http_close(&http);
    free(buf);
}

static void require_same_head(const struct otter_head *a, const struct otter_head *b)
{
    REQUIRE(a->status == b->status && a->close == b->close && a->chunked == b->chunked);
    REQUIRE(a->has_length == b->has_length && a->length == b->length);
    REQUIRE(a->has_range == b->has_range && a->range_from == b->range_from);
    REQUIRE(a->range_last == b->range_last && a->range_total == b->range_total);
    REQUIRE(a->has_retry == b->has_retry && a->retry == b->retry && a->date == b->date);
    REQUIRE(strcmp(a->etag, b->etag) == 0 && strcmp(a->modified, b->modified) == 0);
}

/* Controls that speak of pieces, a pause between two among them; and a connection that ends between two answers: that is forgiven where the
 * connection was kept, and whether it is kept after a redirect depends on how much of its body was there. */
static bool depends_on_pieces(struct fuzz_bytes bytes)
{
    bool begun = false;
    while (bytes.left > 0) {
        int what = wire_pass(&bytes);
        if ((what >= 0 && strchr("pstwxz", what) != NULL) || (what == 'c' && !begun)) {
            return true;
        }
        bool says = what < 0 || what == 'k' || what == 0xfe;
        begun = says || (begun && what != 'n' && what != 'c');
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    static struct outcome whole;
    static struct outcome pieces;
    unsigned flags = fuzz_u8(&bytes);
    size_t first = 1u + 8 * fuzz_u8(&bytes);
    size_t second = 1u + fuzz_u8(&bytes) % 32;
    if (bytes.left > 24000) {
        return 0;
    }
    if (depends_on_pieces(bytes)) {
        return 0;
    }
    run(&bytes, flags, first, bodies[0], &whole);
    run(&bytes, flags, second, bodies[1], &pieces);
    REQUIRE(whole.result == pieces.result);
    require_same_head(&whole.head, &pieces.head);
    REQUIRE(strcmp(whole.path, pieces.path) == 0);
    if (whole.result >= 0) {
        REQUIRE(whole.body_len == pieces.body_len && whole.cut == pieces.cut);
        REQUIRE(memcmp(bodies[0], bodies[1], whole.body_len) == 0);
        REQUIRE(strcmp(whole.host, pieces.host) == 0);
        REQUIRE(!whole.head.has_length || whole.head.chunked || whole.head.status == 204 ||
                whole.head.status == 304 || whole.body_len == whole.head.length);
    }
    return 0;
}
