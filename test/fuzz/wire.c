/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - the other end of a connection, which says what the input says. */
#include "wire.h"

bool wire_is_over(const struct wire *wire)
{
    return wire->script.left == 0 && wire->insert_left == 0;
}

int wire_pass(struct fuzz_bytes *script)
{
    static const struct {
        char letter;
        uint8_t bytes; /* behind it */
    } longer[] = {{'x', 1}, {'p', 1}, {'t', 2}, {'r', 2}, {'q', 2}, {'k', 2}, {'l', 2}, {'f', 3}};
    size_t len;
    if (fuzz_u8(script) != 0xfe) {
        return -1;
    }
    int what = fuzz_u8(script);
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        if (what == longer[i].letter) {
            (void)fuzz_take(script, longer[i].bytes, &len);
        }
    }
    return what;
}

/* The connection broke in the middle of an answer: the rest of it will not be said. */
static void skip_answer(struct wire *wire)
{
    wire->insert_left = 0;
    while (wire->begun && wire->script.left > 0) {
        int what = wire_pass(&wire->script);
        wire->begun = what != 'n' && what != 'c';
    }
    wire->begun = false;
}

static int wire_open(void *ctx, const char *host, uint16_t port)
{
    static const int results[] = {OTTER_ERR_IO, OTTER_ERR_AUTH, OTTER_ERR_TIMEOUT, 1};
    struct wire *wire = ctx;
    wire->ops++;
    REQUIRE(!wire->connected && strlen(host) < sizeof wire->host && port != 0);
    if (wire->open_fails) {
        wire->open_fails = false;
        return results[wire->open_how % 4];
    }
    skip_answer(wire);
    if (wire_is_over(wire)) {
        return OTTER_ERR_IO;
    }
    (void)snprintf(wire->host, sizeof wire->host, "%s", host);
    wire->port = port;
    wire->connected = true;
    wire->ended = false;
    wire->held = true;
    wire->request_len = 0;
    return 0;
}

/* A whole request: a line, headers, nothing in them that does not belong there, and the body. */
static void take_request(struct wire *wire)
{
    char *end = strstr(wire->request, "\r\n\r\n");
    if (end == NULL) {
        return;
    }
    size_t body = 0;
    const char *length = strstr(wire->request, "\r\nContent-Length: ");
    if (length != NULL && length < end) {
        body = strtoul(length + 18, NULL, 10);
    }
    size_t head = (size_t)(end - wire->request) + 4;
    REQUIRE(wire->request_len <= head + body);
    if (wire->request_len < head + body) {
        return;
    }
    for (const char *at = wire->request; at < end; at++) {
        bool line_end = at[0] == '\r' && at[1] == '\n';
        REQUIRE(line_end || (*at >= ' ' && *at <= '~') || *at == '\t' || (*at & 0x80) != 0);
        at += line_end ? 1 : 0;
    }
    REQUIRE(strncmp(wire->request, "GET /", 5) == 0 || strncmp(wire->request, "POST /", 6) == 0);
    const char *line_end = strstr(wire->request, "\r\n");
    REQUIRE(line_end - wire->request > 9 && strncmp(line_end - 9, " HTTP/1.1", 9) == 0);
    for (const char *at = strchr(wire->request, '/'); at < line_end - 9; at++) {
        REQUIRE(*at > ' ' && *at <= '~');
    }
    REQUIRE(strncmp(line_end, "\r\nHost: ", 8) == 0);
    wire->requests++;
    wire->held = false;
    wire->request_len = 0;
    wire_on_request(wire, wire->request);
}

static int wire_send(void *ctx, const void *buf, size_t len)
{
    struct wire *wire = ctx;
    wire->ops++;
    REQUIRE(wire->connected && len > 0);
    if (wire->send_fails) {
        wire->send_fails = false;
        return OTTER_ERR_IO;
    }
    len = len > 600 ? 600 : len;
    REQUIRE(wire->request_len + len < sizeof wire->request);
    memcpy(wire->request + wire->request_len, buf, len);
    wire->request_len += len;
    wire->request[wire->request_len] = '\0';
    take_request(wire);
    return (int)len;
}

static void insert(struct wire *wire, unsigned which, size_t from)
{
    if (wire->lens[which] == 0) {
        return; /* this harness has none */
    }
    from = from < wire->lens[which] ? from : wire->lens[which];
    wire->insert = wire->texts[which] + from;
    wire->insert_left = wire->lens[which] - from;
    if (wire->limit > 0 && wire->insert_left > wire->limit) {
        wire->insert_left = wire->limit;
    }
    wire->wrong = wire->wrong_bits != 0 && wire->wrong_at < wire->insert_left ? wire->insert + wire->wrong_at : NULL;
    wire->limit = 0;
}

/* The size of the patch, or what is left of it, in digits. */
static void insert_size(struct wire *wire, uint32_t less)
{
    uint32_t size = (uint32_t)wire->lens[WIRE_PATCH];
    int len = snprintf(wire->digits, sizeof wire->digits, "%u", (unsigned)(size > less ? size - less : 0));
    wire->insert = (const uint8_t *)wire->digits;
    wire->insert_left = (size_t)len;
    wire->wrong = NULL;
}

enum said { SAID_BYTE, SAID_NOTHING, SAID_WAIT, SAID_END };

/* What is behind 0xfe. */
static enum said obey(struct wire *wire)
{
    uint8_t what = fuzz_u8(&wire->script);
    switch (what) {
    case 'n':
        wire->held = true;
        wire->begun = false;
        return SAID_WAIT;
    case 'c':
        wire->begun = false;
        wire->ended = true;
        return SAID_END;
    case 'w':
        return SAID_WAIT;
    case 'x':
        wire->open_fails = true;
        wire->open_how = fuzz_u8(&wire->script);
        break;
    case 'p':
        wire->piece = 1u + fuzz_u8(&wire->script);
        break;
    case 's':
        wire->send_fails = true;
        break;
    case 't':
        wire->pass_ms += 16 * fuzz_u16(&wire->script);
        return SAID_WAIT;
    case 'z':
        wire->reset = true;
        return SAID_WAIT;
    case 'j':
        insert(wire, WIRE_JOB, 0);
        break;
    case 'r':
        insert(wire, 1, fuzz_u16(&wire->script));
        break;
    case 'd':
        insert(wire, WIRE_PATCH_JOB, 0);
        break;
    case 'q':
        insert(wire, WIRE_PATCH, fuzz_u16(&wire->script));
        break;
    case 'k':
        insert_size(wire, fuzz_u16(&wire->script));
        break;
    case 'f':
        wire->wrong_at = fuzz_u16(&wire->script);
        wire->wrong_bits = fuzz_u8(&wire->script);
        break;
    case 'l':
        wire->limit = fuzz_u16(&wire->script);
        break;
    case 0xfe:
        return SAID_BYTE;
    default:
        if (what >= '0' && what < '4') {
            insert(wire, what - '0', 0);
        }
        break;
    }
    return SAID_NOTHING;
}

/* The next byte, or why there is none now. */
static enum said say(struct wire *wire, uint8_t *ret_byte)
{
    for (;;) {
        if (wire->insert_left > 0) {
            *ret_byte = *wire->insert;
            if (wire->insert == wire->wrong) {
                *ret_byte ^= wire->wrong_bits;
                wire->wrong_bits = 0;
            }
            wire->insert++;
            wire->insert_left--;
            return SAID_BYTE;
        }
        if (wire->script.left == 0) {
            return SAID_END;
        }
        *ret_byte = fuzz_u8(&wire->script);
        enum said said = *ret_byte == 0xfe ? obey(wire) : SAID_BYTE;
        if (said != SAID_NOTHING) {
            return said;
        }
    }
}

static int wire_recv(void *ctx, void *buf, size_t len)
{
    struct wire *wire = ctx;
    uint8_t *bytes = buf;
    size_t got = 0;
    wire->ops++;
    REQUIRE(wire->connected && len > 0);
    if (wire->ended) {
        return OTTER_ERR_IO;
    }
    if (wire->held && !wire_is_over(wire)) {
        return 0;
    }
    len = len < wire->piece ? len : wire->piece;
    enum said said = SAID_BYTE;
    wire->begun = true;
    while (got < len && said == SAID_BYTE) {
        said = say(wire, &bytes[got]);
        got += said == SAID_BYTE ? 1 : 0;
    }
    if (got == 0 && said == SAID_END) {
        return OTTER_ERR_IO;
    }
    return (int)got;
}

static void wire_close(void *ctx)
{
    struct wire *wire = ctx;
    wire->connected = false;
}

void wire_init(struct wire *wire, const uint8_t *data, size_t size)
{
    memset(wire, 0, sizeof *wire);
    wire->transport = (struct otter_transport){wire, wire_open, wire_send, wire_recv, wire_close};
    wire->script = (struct fuzz_bytes){data, size};
    wire->piece = SIZE_MAX;
}
