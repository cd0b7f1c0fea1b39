/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.c - CA, certificate and key as a device is given them, and what a server sends in
 * the first messages of TLS. Nothing is left in the arena afterwards.
 *
 * Input: flags, lengths of CA and certificate (u16 each), of the key (u16), these, and then what
 * the server sends. Flag 1: TLS 1.2 only; 2: TLS 1.3 only; 4: a small arena; 8: no NUL behind PEM;
 * 16: random bytes fail.
 */
#include "fuzz.h"

#include "port/mbedtls/tls.h"

enum { TLS_1_2 = 1, TLS_1_3 = 2, SMALL = 4, NO_RANDOM = 16 };

static struct fuzz_bytes sent;
static bool no_random;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static int lower_open(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    return 0;
}

static int lower_send(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    return (int)len;
}

static int lower_recv(void *ctx, void *buf, size_t len)
{
    size_t got;
    (void)ctx;
    const uint8_t *at = fuzz_take(&sent, len, &got);
    if (got == 0) {
        return OTTER_ERR_IO;
    }
    memcpy(buf, at, got);
    return (int)got;
}

static void lower_close(void *ctx)
{
    (void)ctx;
}

/* Not random at all: the same input, the same handshake. */
static int random_bytes(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x42, len);
    return no_random ? OTTER_ERR_IO : 0;
}

static bool now(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    *ret_unix = 1900000000;
    return true;
}

static void shake_hands(struct otter_transport *transport, struct otter_tls *tls)
{
    int err = 1;
    for (unsigned calls = 0; err > 0; calls++) {
        REQUIRE(calls < 4096);
        err = transport->open(transport->ctx, "home.example", 443);
    }
    REQUIRE(err < 0); /* nobody has the key of a trusted certificate here */
    REQUIRE(otter_tls_cause(tls)[0] != '\0');
    transport->close(transport->ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct otter_transport lower = {NULL, lower_open, lower_send, lower_recv, lower_close};
    static uint64_t arena[OTTER_TLS_ARENA_SIZE / 8];
    static struct otter_tls tls;
    struct fuzz_bytes bytes = {data, size};
    struct otter_transport transport;
    unsigned flags = fuzz_u8(&bytes);
    size_t lens[3];
    char *texts[3];
    for (int i = 0; i < 3; i++) {
        lens[i] = fuzz_u16(&bytes);
    }
    for (int i = 0; i < 3; i++) {
        const uint8_t *at = fuzz_take(&bytes, lens[i], &lens[i]);
        texts[i] = malloc(lens[i] + 1); /* exactly: no NUL behind it */
        REQUIRE(texts[i] != NULL);
        if (lens[i] > 0) {
            texts[i] = realloc(texts[i], lens[i]);
            REQUIRE(texts[i] != NULL);
            memcpy(texts[i], at, lens[i]);
        }
    }
    sent = bytes;
    no_random = (flags & NO_RANDOM) != 0;
    struct otter_tls_config config = {
        .lower = &lower, .random = random_bytes, .now = now, .arena = arena,
        .arena_size = (flags & SMALL) != 0 ? 3000 : sizeof arena,
        .version_min = (flags & TLS_1_3) != 0 ? OTTER_TLS_1_3 : OTTER_TLS_ANY,
        .version_max = (flags & TLS_1_2) != 0 ? OTTER_TLS_1_2 : OTTER_TLS_ANY,
        .ca = lens[0] > 0 ? texts[0] : NULL, .ca_len = lens[0],
        .cert = lens[1] > 0 ? texts[1] : NULL, .cert_len = lens[1],
        .key = lens[2] > 0 ? texts[2] : NULL, .key_len = lens[2]};
    int err = otter_tls_init(&tls, &config, &transport);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_CORRUPT || err == OTTER_ERR_NOSPACE || err == OTTER_ERR_ARG);
    if (err == OTTER_OK) {
        shake_hands(&transport, &tls);
        otter_tls_free(&tls);
    }
    REQUIRE(err == OTTER_ERR_ARG || tls.arena.used == 0);
    for (int i = 0; i < 3; i++) {
        free(texts[i]);
    }
    return 0;
}
