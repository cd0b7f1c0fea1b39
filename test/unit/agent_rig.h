/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_rig.h - an agent on simulated flash, and a server at the other end of a scripted
 * transport. The server serves two files and takes reports; a test may answer for it.
 *
 * The rig checks on every step that the agent did at most one thing.
 */
#ifndef OTTER_TEST_AGENT_RIG_H
#define OTTER_TEST_AGENT_RIG_H

#include "otter/agent.h"
#include "otter/agent_object.h"
#include "otter/result.h"
#include "sim/maps.h"
#include "sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_EVENTS 4096
#define RIG_REPLY_MAX (1u << 21)

struct rig;

struct wire { /* one connection at a time; `fail` of any kind lasts for one use */
    struct otter_transport transport;
    struct rig *rig;
    char request[4096];
    size_t request_len;
    uint8_t *reply;
    size_t reply_len, reply_off;
    size_t delivered;      /* bytes of answers, all connections */
    size_t cut_at;         /* the connection breaks when `delivered` is there; 0: never */
    size_t recv_max;       /* bytes per recv; 0: as many as fit */
    int open_err;          /* open fails with it, until cleared */
    bool open, close_after, silent;
    bool refuse_reuse;     /* the server closes a kept connection before the next request */
    unsigned opens, requests, sent, ops;
    unsigned on_connection; /* requests on this one */
    char host[64];
    uint16_t port;
};

struct rig {
    struct sim_board board;
    struct otter_layout layout;
    struct otter_state state;
    struct otter_agent agent;
    struct otter_agent_config config;
    struct wire tls, plain;
    uint32_t io[4096];
    uint32_t now_ms;

    char job[4096];
    char job_etag[80];
    uint8_t *image;
    size_t image_len;
    char image_etag[80]; /* "": none */
    char modified[32];   /* "": none */
    bool no_ranges, no_length, chunked;
    int report_status; /* 0: 204 */
    char report[1024];
    unsigned reports;
    char last_job_request[4096], last_image_request[4096];
    unsigned image_requests;

    /* A test's own answer: write it to `reply`, return its length; 0: the usual one. */
    size_t (*answer)(struct rig *rig, const char *request, char *reply);
    int answer_state;

    struct otter_event events[RIG_EVENTS];
    unsigned events_count;
    bool sick, not_now, busy;
    unsigned resets;
    int64_t unix_now;
};

__attribute__((format(printf, 2, 3))) static inline size_t rig_text(char *reply,
                                                                    const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int len = vsnprintf(reply, 65536, format, list);
    va_end(list);
    return (size_t)len;
}

/* The value of a request header, or NULL. */
static inline const char *rig_header(const char *request, const char *name, char *value)
{
    char key[64];
    snprintf(key, sizeof key, "\r\n%s: ", name);
    const char *at = strstr(request, key);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(key);
    size_t len = strcspn(at, "\r\n");
    memcpy(value, at, len);
    value[len] = '\0';
    return value;
}

static inline size_t rig_chunk(char *reply, size_t at, const uint8_t *body, size_t len)
{
    for (size_t off = 0; off < len;) {
        size_t now = len - off < 1000 ? len - off : 1000;
        at += rig_text(reply + at, "%zx;ext=1\r\n", now);
        memcpy(reply + at, body + off, now);
        at += now;
        off += now;
        at += rig_text(reply + at, "\r\n");
    }
    return at + rig_text(reply + at, "0\r\nX-Trailer: yes\r\n\r\n");
}

static inline size_t rig_serve_image(struct rig *rig, const char *request, char *reply)
{
    char range[64];
    char value[128];
    size_t from = 0;
    size_t last = rig->image_len - 1;
    bool part = !rig->no_ranges && rig_header(request, "Range", range) != NULL;
    snprintf(rig->last_image_request, sizeof rig->last_image_request, "%s", request);
    rig->image_requests++;
    if (rig_header(request, "If-None-Match", value) && strcmp(value, rig->image_etag) == 0) {
        return rig_text(reply, "HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n", rig->image_etag);
    }
    if (part && rig_header(request, "If-Range", value) && strcmp(value, rig->image_etag) != 0 &&
        strcmp(value, rig->modified) != 0) {
        part = false;
    }
    if (part) {
        unsigned long end = last;
        unsigned long start = 0;
        int fields = sscanf(range, "bytes=%lu-%lu", &start, &end);
        assert_true(fields >= 1);
        from = start;
        last = end < last ? end : last;
        if (from >= rig->image_len) {
            return rig_text(reply, "HTTP/1.1 416 No\r\nContent-Range: bytes */%zu\r\n"
                                   "Content-Length: 0\r\n\r\n", rig->image_len);
        }
    }
    size_t len = last - from + 1;
    size_t at = rig_text(reply, "HTTP/1.1 %s\r\n", part ? "206 Partial Content" : "200 OK");
    if (rig->image_etag[0] != '\0') {
        at += rig_text(reply + at, "ETag: %s\r\n", rig->image_etag);
    }
    if (rig->modified[0] != '\0') {
        at += rig_text(reply + at, "Last-Modified: %s\r\n", rig->modified);
    }
    if (part) {
        at += rig_text(reply + at, "Content-Range: bytes %zu-%zu/%zu\r\n", from, last, rig->image_len);
    }
    if (rig->chunked) {
        at += rig_text(reply + at, "Transfer-Encoding: chunked\r\n\r\n");
        return rig_chunk(reply, at, rig->image + from, len);
    }
    if (!rig->no_length) {
        at += rig_text(reply + at, "Content-Length: %zu\r\n", len);
    }
    at += rig_text(reply + at, "\r\n");
    memcpy(reply + at, rig->image + from, len);
    return at + len;
}

static inline size_t rig_serve(struct rig *rig, const char *request, char *reply)
{
    char value[128];
    if (strncmp(request, "POST ", 5) == 0) {
        rig->reports++;
        snprintf(rig->report, sizeof rig->report, "%s", strstr(request, "\r\n\r\n") + 4);
        return rig_text(reply, "HTTP/1.1 %d Answer\r\nContent-Length: 0\r\n\r\n",
                        rig->report_status != 0 ? rig->report_status : 204);
    }
    if (strncmp(request, "GET /ota_update.j", 17) == 0) { /* .json, .jws */
        snprintf(rig->last_job_request, sizeof rig->last_job_request, "%s", request);
        if (rig_header(request, "If-None-Match", value) && strcmp(value, rig->job_etag) == 0) {
            return rig_text(reply, "HTTP/1.1 304 Not Modified\r\n\r\n");
        }
        size_t at = rig_text(reply, "HTTP/1.1 200 OK\r\n");
        if (rig->job_etag[0] != '\0') {
            at += rig_text(reply + at, "ETag: %s\r\n", rig->job_etag);
        }
        return at + rig_text(reply + at, "Content-Length: %zu\r\n\r\n%s", strlen(rig->job), rig->job);
    }
    if (strncmp(request, "GET /image.bin ", 15) == 0) {
        return rig_serve_image(rig, request, reply);
    }
    return rig_text(reply, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found");
}

static inline int wire_open(void *ctx, const char *host, uint16_t port)
{
    struct wire *wire = ctx;
    wire->ops++;
    if (wire->open_err != 0) {
        return wire->open_err;
    }
    wire->open = true;
    wire->opens++;
    wire->on_connection = 0;
    wire->request_len = wire->reply_len = wire->reply_off = 0;
    snprintf(wire->host, sizeof wire->host, "%s", host);
    wire->port = port;
    return 0;
}

static inline void wire_answer(struct wire *wire)
{
    struct rig *rig = wire->rig;
    const char *end = strstr(wire->request, "\r\n\r\n");
    char value[128];
    if (end == NULL) {
        return;
    }
    size_t body = 0;
    if (rig_header(wire->request, "Content-Length", value)) {
        body = strtoul(value, NULL, 10);
    }
    if (wire->request_len < (size_t)(end - wire->request) + 4 + body) {
        return;
    }
    wire->requests++;
    wire->on_connection++;
    wire->reply_off = wire->reply_len = 0;
    if (!wire->silent && rig->answer != NULL) {
        wire->reply_len = rig->answer(rig, wire->request, (char *)wire->reply);
    }
    if (!wire->silent && wire->reply_len == 0) {
        wire->reply_len = rig_serve(rig, wire->request, (char *)wire->reply);
    }
    wire->request_len = 0;
}

static inline int wire_send(void *ctx, const void *buf, size_t len)
{
    struct wire *wire = ctx;
    wire->ops++;
    assert_true(wire->open);
    if (wire->refuse_reuse && wire->on_connection > 0) {
        wire->open = false;
        return OTTER_ERR_IO;
    }
    len = len > 700 ? 700 : len; /* now and then not all of it is taken */
    assert_true(wire->request_len + len < sizeof wire->request);
    memcpy(wire->request + wire->request_len, buf, len);
    wire->request_len += len;
    wire->request[wire->request_len] = '\0';
    wire->sent += (unsigned)len;
    wire_answer(wire);
    return (int)len;
}

static inline int wire_recv(void *ctx, void *buf, size_t len)
{
    struct wire *wire = ctx;
    wire->ops++;
    assert_true(wire->open);
    assert_true(len > 0);
    size_t left = wire->reply_len - wire->reply_off;
    len = len < left ? len : left;
    if (wire->recv_max != 0 && len > wire->recv_max) {
        len = wire->recv_max;
    }
    if (wire->cut_at != 0 && wire->delivered + len > wire->cut_at) {
        len = wire->cut_at - wire->delivered;
        if (len == 0) {
            wire->cut_at = 0;
            return OTTER_ERR_IO;
        }
    }
    if (len == 0) {
        bool closes = wire->close_after || (wire->rig->no_length && wire->reply_len > 0);
        return closes ? OTTER_ERR_IO : 0;
    }
    memcpy(buf, wire->reply + wire->reply_off, len);
    wire->reply_off += len;
    wire->delivered += len;
    return (int)len;
}

static inline void wire_close(void *ctx)
{
    struct wire *wire = ctx;
    wire->open = false;
}

static inline void wire_init(struct wire *wire, struct rig *rig)
{
    *wire = (struct wire){.rig = rig,
                          .transport = {.ctx = wire,
                                        .open = wire_open,
                                        .send = wire_send,
                                        .recv = wire_recv,
                                        .close = wire_close}};
    wire->reply = malloc(RIG_REPLY_MAX);
}

static inline void rig_on_event(void *ctx, const struct otter_event *event)
{
    struct rig *rig = ctx;
    if (getenv("RIG_TRACE") != NULL) {
        fprintf(stderr, "%7u kind %d phase %s outcome %s err %d http %u done %u/%u wait %u\n",
                (unsigned)rig->now_ms, event->kind, otter_agent_phase_str(event->phase),
                otter_outcome_str(event->outcome), event->err, event->http_status,
                (unsigned)event->done, (unsigned)event->total, (unsigned)event->wait_ms);
    }
    if (rig->events_count < RIG_EVENTS) {
        rig->events[rig->events_count++] = *event;
    }
}

static inline bool rig_healthy(void *ctx)
{
    return !((struct rig *)ctx)->sick;
}

static inline bool rig_may_download(void *ctx, const struct otter_version *version, uint32_t size)
{
    (void)version;
    (void)size;
    return !((struct rig *)ctx)->not_now;
}

static inline bool rig_may_reboot(void *ctx)
{
    return !((struct rig *)ctx)->busy;
}

static inline void rig_reset(void *ctx)
{
    ((struct rig *)ctx)->resets++;
}

static inline bool rig_now(void *ctx, int64_t *ret_unix)
{
    const struct rig *rig = ctx;
    *ret_unix = rig->unix_now;
    return rig->unix_now != 0;
}

/* A signature that anybody can make: the hash itself. */
static inline int rig_verify(const struct otter_key *key, const uint8_t hash[32], const uint8_t *sig,
                             size_t sig_len)
{
    (void)key;
    return sig_len == 32 && memcmp(sig, hash, 32) == 0 ? 0 : OTTER_ERR_AUTH;
}

static const uint8_t rig_pubkey[] = "a public key";
static const struct otter_key rig_keys[] = {{.type = OTTER_SIG_ED25519,
                                             .verify = rig_verify,
                                             .pubkey = rig_pubkey,
                                             .pubkey_len = sizeof rig_pubkey}};

static inline void put_le(uint8_t *at, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

enum { RIG_OVERHEAD = 32 + 4 + 3 * 36 };

/* Hash and signature of an image of this size whose header may have been changed. */
static inline void rig_sign_image(uint8_t *image, size_t size)
{
    uint8_t hash[32];
    struct otter_sha256 sha;
    uint32_t payload = (uint32_t)(size - RIG_OVERHEAD);
    uint8_t *tlv = image + 32 + payload;
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, image, 32 + payload);
    otter_sha256_finish(&sha, hash);
    memcpy(tlv + 8, hash, 32);
    memcpy(tlv + 80, hash, 32);
}

/* A signed image of exactly `size` bytes (more than RIG_OVERHEAD); the caller frees it. */
static inline uint8_t *rig_make_image(struct otter_version version, size_t size)
{
    uint8_t *image = malloc(size);
    struct otter_sha256 sha;
    uint32_t payload = (uint32_t)(size - RIG_OVERHEAD);
    assert_true(size > RIG_OVERHEAD);
    memset(image, 0, size);
    put_le(image, OTTER_IMAGE_MAGIC, 4);
    put_le(image + 8, 32, 2);
    put_le(image + 12, payload, 4);
    image[20] = version.major;
    image[21] = version.minor;
    put_le(image + 22, version.revision, 2);
    put_le(image + 24, version.build, 4);
    for (uint32_t i = 0; i < payload; i++) {
        image[32 + i] = (uint8_t)(i * 2654435761u >> 13 ^ version.minor);
    }
    uint8_t *tlv = image + 32 + payload;
    put_le(tlv, 0x6907, 2);
    put_le(tlv + 2, 4 + 3 * 36, 2);
    put_le(tlv + 4, 0x10, 2);
    put_le(tlv + 6, 32, 2);
    put_le(tlv + 40, 0x01, 2);
    put_le(tlv + 42, 32, 2);
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, rig_pubkey, sizeof rig_pubkey);
    otter_sha256_finish(&sha, tlv + 44);
    put_le(tlv + 76, OTTER_SIG_ED25519, 2);
    put_le(tlv + 78, 32, 2);
    rig_sign_image(image, size);
    return image;
}

/* Small parts, so that tests are quick. */
static inline struct sim_map rig_map(void)
{
    return (struct sim_map){
        .name = "rig",
        .parts = {{.name = "flash", .size = 0x200000, .sector_size = 0x8000, .prog_size = 16,
                   .page_size = 256, .erased = 0xff}},
        .parts_count = 1,
        .primary = {0, 0, 0x80000},
        .secondary = {0, 0x80000, 0x80000},
        .scratch = {0, 0x100000, 0x8000},
        .journal = {0, 0x110000, 0x80000},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = 0x78000};
}

/* Sectors, rows, blocks, big program units, erased to 0 and a base inside a sector. */
static inline struct sim_map rig_geometry(int index)
{
    static const struct {
        uint32_t sector, prog, block;
        uint8_t erased;
        bool row_write;
        uint32_t base;
    } parts[] = {{4096, 1, 0, 0xff, false, 0},       {512, 512, 0, 0x00, true, 0},
                 {512, 512, 4096, 0x00, true, 0},    {4096, 4, 65536, 0xff, false, 0},
                 {0x8000, 512, 0, 0xff, false, 512}, {2048, 32, 0, 0xff, false, 32 * 33}};
    struct sim_map map = rig_map();
    struct sim_geometry *part = &map.parts[0];
    part->sector_size = parts[index].sector;
    part->prog_size = parts[index].prog;
    part->block_size = parts[index].block;
    part->erased = parts[index].erased;
    part->row_write = parts[index].row_write;
    part->page_size = parts[index].prog > 256 ? parts[index].prog : 256;
    map.secondary.base += parts[index].base;
    return map;
}
enum { RIG_GEOMETRIES = 6 };

static inline void rig_put_primary(struct rig *rig, struct otter_version version)
{
    uint8_t *image = rig_make_image(version, 2000);
    const struct otter_area *primary = &rig->layout.primary;
    sim_flash_poke(sim_flash_of(primary), primary->base, image, 2000);
    free(image);
}

/* Offer an image of this version and size. */
static inline void rig_offer(struct rig *rig, struct otter_version version, size_t size)
{
    free(rig->image);
    rig->image = rig_make_image(version, size);
    rig->image_len = size;
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"%d.%d.%d\",\"File\":\"/image.bin\"}", version.major,
             version.minor, version.revision);
    snprintf(rig->image_etag, sizeof rig->image_etag, "\"image-%d.%d\"", version.major, version.minor);
}

/* As after a reset: everything in RAM is new. */
static inline void rig_start(struct rig *rig)
{
    rig->tls.open = rig->plain.open = false;
    assert_int_equal(otter_state_open(&rig->state, &rig->layout), 0);
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), 0);
}

static inline struct rig *rig_create(const struct sim_map *map)
{
    struct rig *rig = calloc(1, sizeof *rig);
    wire_init(&rig->tls, rig);
    wire_init(&rig->plain, rig);
    assert_int_equal(sim_map_build(map, &rig->board, 1, NULL, &rig->layout), 0);
    if (rig->layout.journal.size == 0) {
        rig->layout.trailers = &otter_trailers;
    }
    rig_put_primary(rig, (struct otter_version){1, 0, 0, 0});
    rig->config = (struct otter_agent_config){
        .state = &rig->state, .keys = rig_keys, .keys_count = 1, .tls = &rig->tls.transport,
        .plain = &rig->plain.transport, .host = "server.example", .board = "B",
        .device_id = "device-1", .initial_ms = 100, .poll_ms = 10000, .retry_ms = 1000,
        .retry_max_ms = 60000, .io = rig->io, .io_size = sizeof rig->io,
        .hooks = {.ctx = rig, .on_event = rig_on_event, .healthy = rig_healthy,
                  .may_download = rig_may_download, .may_reboot = rig_may_reboot,
                  .reset = rig_reset, .now = rig_now}};
    rig_offer(rig, (struct otter_version){1, 0, 0, 0}, 3000);
    rig_start(rig);
    return rig;
}

static inline void rig_destroy(struct rig *rig)
{
    sim_board_close(&rig->board);
    free(rig->image);
    free(rig->tls.reply);
    free(rig->plain.reply);
    free(rig);
}

static inline uint32_t rig_step(struct rig *rig)
{
    unsigned ops = rig->tls.ops + rig->plain.ops;
    uint64_t flash = rig->board.power.ops;
    uint32_t wait = otter_agent_step(&rig->agent, rig->now_ms);
    ops = rig->tls.ops + rig->plain.ops - ops;
    assert_true(ops <= 1);
    assert_true(ops == 0 || rig->board.power.ops == flash);
    return wait;
}

/* Steps until an event of this kind and outcome (from events_count on); false: not within
 * `limit_ms` of the agent's time. */
static inline bool rig_run(struct rig *rig, enum otter_event_kind kind, enum otter_outcome outcome,
                           uint32_t limit_ms)
{
    uint32_t start = rig->now_ms;
    while (rig->now_ms - start <= limit_ms) {
        unsigned before = rig->events_count;
        uint32_t wait = rig_step(rig);
        for (unsigned i = before; i < rig->events_count; i++) {
            if (rig->events[i].kind == kind && rig->events[i].outcome == outcome) {
                return true;
            }
        }
        rig->now_ms += wait < limit_ms ? wait : limit_ms + 1;
    }
    return false;
}

/* Steps until the next check ends; its outcome. */
static inline enum otter_outcome rig_outcome(struct rig *rig)
{
    for (unsigned steps = 0; steps < 4000000; steps++) {
        unsigned before = rig->events_count;
        uint32_t wait = rig_step(rig);
        for (unsigned i = before; i < rig->events_count; i++) {
            if (rig->events[i].kind == OTTER_EVENT_OUTCOME) {
                return rig->events[i].outcome;
            }
        }
        if (rig->events_count > RIG_EVENTS / 2) {
            rig->events_count = 0;
        }
        rig->now_ms += wait;
    }
    fail_msg("no outcome");
    return OTTER_OUTCOME_NONE;
}

static inline unsigned rig_count(const struct rig *rig, enum otter_event_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < rig->events_count; i++) {
        count += rig->events[i].kind == kind;
    }
    return count;
}

/* The report that came last, behind its id, of 16 digits. */
static inline const char *rig_report(const struct rig *rig)
{
    assert_memory_equal(rig->report, "{\"id\":\"", 7);
    assert_int_equal(strspn(rig->report + 7, "0123456789abcdef"), 16);
    assert_memory_equal(rig->report + 23, "\",", 2);
    return rig->report + 25;
}

static inline void rig_assert_installed(struct rig *rig)
{
    uint8_t *read = malloc(rig->image_len);
    assert_int_equal(otter_area_read(&rig->layout.secondary, 0, read, rig->image_len), 0);
    assert_memory_equal(read, rig->image, rig->image_len);
    free(read);
    assert_int_equal(rig->state.phase, OTTER_PHASE_REQUESTED);
}

#endif
