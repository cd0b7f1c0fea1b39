/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - every short string over the bytes (or words) that mean something, at the places of an
 * HTTP answer where they do: the client's verdict, what it says of the head and the bytes of the
 * body are those of http_reader.c, and the same in whatever pieces the answer comes.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/http.h"
#include "agent/url.h"
#include "http_reader.h"
#include "otter/result.h"

enum { LETTERS = 16, BUF = 1024, RECEIVE_MIN = 64, LINE_SHORT = 40 };

struct word {
    const char *bytes;
    size_t len;
};
#define W(text) {text, sizeof(text) - 1}

/* prefix, then every string of at most `quick` (`deep`) words, then suffix. Strings of at most
 * `pieces` words are divided in every way, longer ones in two at every place, and in single bytes. */
struct context {
    const char *name, *prefix, *suffix;
    struct word words[LETTERS];
    unsigned quick, deep, pieces;
    bool small; /* lines of LINE_SHORT characters do not fit the buffer */
    bool whole; /* not divided */
};

#define OK "HTTP/1.1 200 k\r\n"
static const struct context contexts[] = {
    {"status lines", "HTTP/1.", "\r\n\r\n",
     {W("0"), W("1"), W("2"), W("5"), W("9"), W(" "), W("\r"), W("\n"), W("x")}, 5, 6, 3, false, false},
    {"lines of a head", OK, "\r\n\r\n",
     {W("\r"), W("\n"), W(":"), W("a"), W(" "), W("\t"), W("\0"), W("\x7f"), W("\x80"), W("Content-Length"), W("1")}, 4, 6, 3, false, false},
    {"header names", OK "Content-Length", "1\r\n\r\nxy",
     {W(":"), W(" "), W("\t"), W("-"), W("\r\n"), W("("), W("1"), W("\xff")}, 4, 6, 3, false, false},
    {"Content-Length", OK "Content-Length:", "\r\n\r\nbody",
     {W("0"), W("1"), W("4"), W(" "), W("\t"), W(","), W("-"), W("+"), W("\r\nContent-Length:"), W("429496729"), W("x")}, 4, 5, 3, false, false},
    {"what frames a body", "", "\r\n2\r\nhi\r\n0\r\n\r\nmore",
     {W("HTTP/1.1 200 k\r\n"), W("HTTP/1.0 200 k\r\n"), W("HTTP/1.1 204 n\r\n"), W("HTTP/1.1 206 p\r\n"),
      W("HTTP/1.1 304 n\r\n"), W("HTTP/1.1 404 n\r\n"), W("Content-Length: 2\r\n"), W("content-length:12 \r\n"),
      W("Transfer-Encoding: chunked\r\n"), W("TRANSFER-ENCODING:\tChunked\t\r\n"), W("Transfer-Encoding: gzip\r\n"),
      W("Connection: close\r\n"), W("Connection: Keep-Alive\r\n"), W("Content-Encoding: gzip\r\n"),
      W("Content-Encoding: identity\r\n"), W("Content-Length: 0\r\n")}, 3, 4, 0, false, false},
    {"interim answers", "HTTP/1.1 100 c\r\n", "\r\n\r\nbody",
     {W("\r\n"), W("HTTP/1.1 100 c\r\n"), W("HTTP/1.1 101 s\r\n"), W("HTTP/1.1 200 k\r\n"), W("Content-Length: 3\r\n"), W("X: y\r\n"),
      W("\r\nHTTP/1.1 199 c\r\n\r\nHTTP/1.1 102 c\r\n\r\nHTTP/1.1 103 c\r\n")}, 4, 6, 0, false, false},
    {"chunks", OK "Transfer-Encoding: chunked\r\n\r\n", "",
     {W("0"), W("1"), W("2"), W("a"), W("\r\n"), W("\r"), W("\n"), W(";"), W(" "), W("x")}, 5, 6, 4, false, false},
    {"chunks to their end", OK "Transfer-Encoding: chunked\r\n\r\n", "\r\n0\r\n\r\n",
     {W("0\r\n"), W("1\r\n"), W("x"), W("\r\n"), W("2;e\r\n"), W(" "), W("t: u")}, 5, 7, 0, false, false},
    {"sizes of chunks", OK "Transfer-Encoding: chunked\r\n\r\n", "\r\nx\r\n0\r\n\r\n",
     {W("0"), W("1"), W("F"), W("f"), W("g"), W("@"), W("fffffff"), W("0000000"), W("\0")}, 4, 6, 2, false, false},
    {"Content-Range", OK "Content-Range:", "\r\n\r\n",
     {W(" "), W("bytes "), W("Bytes"), W("0"), W("1"), W("9"), W("-"), W("/"), W("*"), W("429496729"), W("\r\nContent-Range:")}, 4, 5, 2, false, false},
    {"ranges at the borders of numbers", OK "Content-Range: bytes ", "\r\n\r\n",
     {W("0"), W("1"), W("2147483648"), W("4294967294"), W("4294967295"), W("4294967296"), W("4294967297"), W("0004294967295"),
      W("9223372036854775808"), W("18446744073709551615"), W("18446744073709551616"), W("18446744073709551617"),
      W("42949672950"), W("-"), W("/"), W("*")}, 5, 6, 0, false, true},
    {"Connection, HTTP/1.0", "HTTP/1.0 200 k\r\nConnection:", "\r\n\r\n",
     {W("close"), W("keep-alive"), W(","), W(" "), W("\t"), W("x"), W("CLOSE"), W("-")}, 4, 6, 2, false, false},
    {"ETag", OK "ETag:", "\r\n\r\n",
     {W("\""), W("W/"), W("w/"), W("a"), W(" "), W("\r\nETag: \"b\""), W("\r\nETag:"), W("\x80"),
      W("\"0123456789012345678901234567890123456789012345678901234567890123456789")}, 4, 5, 2, false, false},
    {"Retry-After", OK "Retry-After:", "\r\n\r\n",
     {W("0"), W("7"), W(" "), W("-"), W("429496729"), W("\r\nRetry-After:")}, 5, 7, 2, false, false},
    {"lines that do not fit", OK "X: 3456789012345678901234567890123456", "\r\nContent-Length: 2\r\n\r\nhi",
     {W("x"), W("\r\n"), W("\r"), W(":"), W(" "), W("\x7f")}, 6, 8, 4, true, false},
    {"names that do not fit", OK "X23456789012345678901234567890123456", ": a\r\nConnection: keep-alive\r\n\r\nhi",
     {W("x"), W(":"), W(" "), W("\r\nContent-Length: "), W("\r\nA-2345678901234567890123456789012345"), W("2")}, 5, 6, 3, true, false},
};
enum { CONTEXTS = sizeof contexts / sizeof contexts[0] };

/* ---- the client, and a server that says `answer`, then closes ---- */

static struct wire {
    uint8_t answer[ANSWER_MAX];
    size_t len, at;
    bool ends[ANSWER_MAX + 1]; /* a piece ends before this byte */
    bool asked;
} wire;
static struct otter_http fresh, http; /* fresh: the request has gone out */
static uint8_t *buf;
static bool small;
static uint64_t cases;

struct outcome {
    int result;
    bool head_whole, cut;
    struct otter_head head;
    uint8_t body[ANSWER_MAX];
    size_t body_len;
};

static int wire_open(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    return wire.asked ? OTTER_ERR_IO : OTTER_OK;
}

static int wire_send(void *ctx, const void *bytes, size_t len)
{
    (void)ctx;
    (void)bytes;
    wire.asked = true;
    return (int)len;
}

static int wire_recv(void *ctx, void *bytes, size_t len)
{
    size_t got = 0;
    (void)ctx;
    while (got < len && wire.at < wire.len && (got == 0 || !wire.ends[wire.at])) {
        ((uint8_t *)bytes)[got++] = wire.answer[wire.at++];
    }
    return got > 0 ? (int)got : OTTER_ERR_IO;
}

static void wire_close(void *ctx)
{
    (void)ctx;
}

static const struct otter_transport transport = {NULL, wire_open, wire_send, wire_recv, wire_close};
static const struct otter_agent_config config = {.host = "h", .tls = &transport, .plain = &transport};

/* A client that waits for an answer, with a buffer of this kind. */
static void prepare(bool is_small)
{
    static const struct otter_request request = {.path = "/", .method = "GET"};
    struct otter_place home = otter_url_home(&config);
    size_t size = is_small ? RECEIVE_MIN + LINE_SHORT : BUF;
    small = is_small;
    free(buf);
    buf = malloc(size); /* on the heap, so that a byte too far is seen */
    REQUIRE(buf != NULL);
    wire.asked = false;
    static const struct otter_version running = {1, 0, 0, 0};
    otter_http_init(&fresh, &config, &running, buf, size);
    otter_http_begin(&fresh, &home, &request, 0);
    while (fresh.state != OTTER_HTTP_HEAD) {
        REQUIRE(otter_http_step(&fresh, 0) >= 0);
    }
}

static void take(struct outcome *ret)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    ret->result = OTTER_HTTP_WAIT;
    ret->head_whole = ret->cut = false;
    ret->body_len = 0;
    wire.at = 0;
    http = fresh;
    for (size_t steps = 0; ret->result >= 0 && ret->result != OTTER_HTTP_GOT_END; steps++) {
        REQUIRE(steps < 4 * wire.len + 16);
        ret->result = otter_http_next(&http, 0, &bytes, &len);
        if (ret->result == OTTER_HTTP_GOT_BODY) {
            REQUIRE(len > 0 && ret->body_len + len <= wire.len);
            memcpy(ret->body + ret->body_len, bytes, len);
            ret->body_len += len;
            otter_http_eat(&http, len);
        } else if (ret->result == OTTER_HTTP_GOT_HEAD) {
            ret->head_whole = true;
            ret->head = http.head;
        }
    }
    ret->cut = http.cut;
    cases++;
}

static void require_as_read(const struct outcome *outcome, const struct answer *read)
{
    static const int errors[] = {OTTER_HTTP_GOT_END, OTTER_ERR_IO, OTTER_ERR_CORRUPT};
    int result = outcome->result == OTTER_ERR_NOSPACE ? OTTER_ERR_CORRUPT : outcome->result;
    const struct otter_head *head = &outcome->head;
    REQUIRE(result == errors[read->verdict]);
    REQUIRE(outcome->head_whole == read->head_whole);
    if (!read->head_whole) {
        return;
    }
    REQUIRE(head->status == read->status && head->chunked == read->chunked && head->close == read->close);
    REQUIRE(head->has_length == read->has_length && (!head->has_length || head->length == read->length));
    REQUIRE(head->has_range == read->has_range && head->range_from == read->range_from);
    REQUIRE(head->range_last == read->range_last && head->range_total == read->range_total);
    REQUIRE(head->has_retry == read->has_retry && (!head->has_retry || head->retry == read->retry));
    REQUIRE(strcmp(head->etag, read->etag) == 0);
    REQUIRE(outcome->body_len == read->body_len && memcmp(outcome->body, read->body, read->body_len) == 0);
    REQUIRE(read->verdict != ANSWER_WHOLE || outcome->cut == read->cut);
}

static void require_same(const struct outcome *a, const struct outcome *b)
{
    REQUIRE(a->result == b->result && a->head_whole == b->head_whole && a->cut == b->cut);
    if (a->head_whole) {
        REQUIRE(a->head.status == b->head.status && a->head.close == b->head.close && a->head.chunked == b->head.chunked);
        REQUIRE(a->head.has_length == b->head.has_length && a->head.length == b->head.length);
        REQUIRE(a->head.range_last == b->head.range_last && a->head.retry == b->head.retry);
        REQUIRE(strcmp(a->head.etag, b->head.etag) == 0);
        REQUIRE(a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0);
    }
}

/* In one piece beside the second reader; then in pieces: every way of dividing [from, to], or at each
 * place of it alone. */
static void check(size_t from, size_t to, bool every_way, bool divide)
{
    static struct answer read;
    static struct outcome whole, pieces;
    memset(wire.ends, 0, wire.len);
    answer_read((const char *)wire.answer, wire.len, small ? LINE_SHORT : BUF - RECEIVE_MIN, &read);
    take(&whole);
    require_as_read(&whole, &read);
    if (!divide) {
        return;
    }
    to = to < wire.len ? to : wire.len - 1;
    from = from > 0 ? from : 1;
    size_t places = to >= from ? to - from + 1 : 0;
    for (size_t way = 1; way < (every_way ? (size_t)1 << places : places + 1); way++) {
        for (size_t i = 0; i < places; i++) {
            wire.ends[from + i] = every_way ? (way >> i & 1) != 0 : i + 1 == way;
        }
        take(&pieces);
        require_same(&whole, &pieces);
    }
    memset(wire.ends, 1, wire.len);
    take(&pieces);
    require_same(&whole, &pieces);
}

static void append(const char *bytes, size_t len)
{
    memcpy(wire.answer + wire.len, bytes, len);
    wire.len += len;
}

static void try_context(const struct context *context, bool deep)
{
    unsigned count = 0;
    while (count < LETTERS && context->words[count].len > 0) {
        count++;
    }
    prepare(context->small);
    uint64_t strings = 1;
    for (unsigned len = 0; len <= (deep ? context->deep : context->quick); len++, strings *= count) {
        for (uint64_t string = 0; string < strings; string++) {
            uint64_t rest = string;
            wire.len = 0;
            append(context->prefix, strlen(context->prefix));
            size_t from = wire.len;
            for (unsigned i = 0; i < len; i++, rest /= count) {
                append(context->words[rest % count].bytes, context->words[rest % count].len);
            }
            size_t to = wire.len;
            append(context->suffix, strlen(context->suffix));
            check(from, to, len <= context->pieces && to - from < 12, !context->whole);
        }
    }
    exhaustive_part(context->name, cases, 1000);
    cases = 0;
}

void exhaustive_run(bool deep)
{
    for (size_t i = 0; i < CONTEXTS; i++) {
        try_context(&contexts[i], deep);
    }
    free(buf);
}

/* ---- one case: small buffer (0, 1), the answer; in pieces of every size, and divided at every place ---- */

void exhaustive_describe(FILE *to)
{
    (void)fprintf(to, " %d ", small ? 1 : 0);
    exhaustive_hex(to, wire.answer, wire.len);
    (void)fprintf(to, "    (pieces end before:");
    for (size_t i = 1; i < wire.len; i++) {
        if (wire.ends[i]) {
            (void)fprintf(to, " %zu", i);
        }
    }
    (void)fprintf(to, ")");
}

void exhaustive_replay(int count, char **words)
{
    prepare(count > 0 && words[0][0] == '1');
    wire.len = count > 1 ? exhaustive_bytes(words[1], wire.answer, sizeof wire.answer) : 0;
    for (size_t from = 1; from < wire.len; from++) {
        check(from, from + 11, true, true);
    }
    check(1, wire.len - 1, false, true);
    free(buf);
}
