/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - a device for tests of the bootloader: simulated flash, images, an application.
 *
 * The key's routine takes a signature that is a copy of the hash: the interface is met,
 * and a cut-and-retry test needs no elliptic curves. Real signatures: test_image.c.
 */
#ifndef OTTER_TEST_UNIT_DEVICE_H
#define OTTER_TEST_UNIT_DEVICE_H

#include "otter/boot.h"
#include "otter/result.h"
#include "sim/maps.h"
#include "sim/sim.h"
#include "slot/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_MAX 64u

struct device {
    struct sim_board board;
    struct otter_layout layout;
    struct otter_boot_config config;
    struct otter_boot_choice choice;
    struct otter_boot_event events[EVENTS_MAX];
    unsigned events_count;
    unsigned feeds;
    jmp_buf out; /* where a power cut lands */
    uint32_t buf[2048];
};

static struct device device;

static int test_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                       const uint8_t *sig, size_t sig_len)
{
    (void)key;
    return sig_len == OTTER_HASH_SIZE && memcmp(hash, sig, sig_len) == 0 ? OTTER_OK
                                                                         : OTTER_ERR_AUTH;
}

static const uint8_t test_pubkey[] = "not a secret";
static const struct otter_key test_key = {.type = OTTER_SIG_ECDSA_P256, .verify = test_verify,
                                          .pubkey = test_pubkey,
                                          .pubkey_len = sizeof test_pubkey};

/* An image in memory; free() it. */
struct file {
    uint8_t *bytes;
    uint32_t size;
    struct otter_version version;
    uint8_t hash[OTTER_HASH_SIZE];
};

/* fixed_addr: flagged ROM_FIXED at this address; 0: not flagged. */
static inline struct file file_make_fixed(uint32_t size, uint8_t minor, uint32_t counter,
                                          uint32_t fixed_addr)
{
    struct file file = {malloc(size), size, {1, minor, 0, 0}, {0}};
    uint8_t *raw = file.bytes;
    struct otter_sha256 sha;
    uint64_t random = (uint64_t)minor << 32 | size;
    const uint32_t tlvs = 4 + 3 * (4 + 32);
    const uint32_t guarded = 12;
    const uint32_t body = size - tlvs - guarded;
    assert_true(size > 0x200 + tlvs + guarded);
    memset(raw, 0, 0x200);
    for (uint32_t i = 0x200; i < size; i++) {
        raw[i] = (uint8_t)(sim_random(&random) >> 32);
    }
    store_le32(raw, OTTER_IMAGE_MAGIC);
    store_le32(raw + 4, fixed_addr);
    store_le32(raw + 16, fixed_addr != 0 ? OTTER_IMAGE_ROM_FIXED : 0);
    store_le16(raw + 8, 0x200);
    store_le16(raw + 10, guarded);
    store_le32(raw + 12, body - 0x200);
    raw[20] = 1;
    raw[21] = minor;
    uint8_t *at = raw + body;
    store_le16(at, 0x6908);
    store_le16(at + 2, guarded);
    store_le16(at + 4, 0x50); /* security counter */
    store_le16(at + 6, 4);
    store_le32(at + 8, counter);
    at += guarded;
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, raw, (size_t)(at - raw));
    otter_sha256_finish(&sha, file.hash);
    store_le16(at, 0x6907);
    store_le16(at + 2, tlvs);
    static const uint16_t types[] = {0x10, 0x01, OTTER_SIG_ECDSA_P256};
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *tlv = at + 4 + i * 36;
        store_le16(tlv, types[i]);
        store_le16(tlv + 2, 32);
        memcpy(tlv + 4, file.hash, 32);
        if (types[i] == 0x01) {
            otter_sha256_init(&sha);
            otter_sha256_update(&sha, test_pubkey, sizeof test_pubkey);
            otter_sha256_finish(&sha, tlv + 4);
        }
    }
    return file;
}

static inline struct file file_make(uint32_t size, uint8_t minor, uint32_t counter)
{
    return file_make_fixed(size, minor, counter, 0);
}

static inline void on_lost(void *ctx)
{
    (void)ctx;
    longjmp(device.out, 1);
}

static inline void on_event(void *ctx, const struct otter_boot_event *event)
{
    (void)ctx;
    if (event->kind != OTTER_BOOT_PROGRESS && device.events_count < EVENTS_MAX) {
        device.events[device.events_count++] = *event;
    }
}

static inline void on_feed(void *ctx)
{
    (void)ctx;
    device.feeds++;
}

static inline void device_create(const struct sim_map *map)
{
    memset(&device, 0, sizeof device);
    assert_int_equal(sim_map_build(map, &device.board, 1, NULL, &device.layout), 0);
    device.board.power.lost = on_lost;
    device.config = (struct otter_boot_config){
        .layout = &device.layout, .keys = &test_key, .keys_count = 1, .buf = device.buf,
        .buf_size = sizeof device.buf, .feed = on_feed, .on_event = on_event,
    };
}

static inline void device_close(void)
{
    sim_board_close(&device.board);
}

static inline int device_boot(void)
{
    device.events_count = 0;
    return otter_boot(&device.config, &device.choice);
}

/* The event of this kind in the last boot, or NULL. */
static inline const struct otter_boot_event *device_event(enum otter_boot_event_kind kind)
{
    for (unsigned i = 0; i < device.events_count; i++) {
        if (device.events[i].kind == kind) {
            return &device.events[i];
        }
    }
    return NULL;
}

static inline void device_factory(const struct file *file)
{
    struct otter_area *primary = &device.layout.primary;
    sim_flash_poke(sim_flash_of(primary), primary->base, file->bytes, file->size);
}

/* As an agent does: erase each step, program it. */
static inline void device_download(const struct file *file)
{
    const struct otter_area *slot = &device.layout.secondary;
    uint32_t prog = slot->flash->prog_size;
    uint8_t unit[OTTER_PROG_SIZE_MAX];
    for (uint32_t off = 0; off < file->size;) {
        uint32_t size;
        uint32_t first = otter_area_step(slot, off, slot->size, &size);
        assert_int_equal(otter_area_erase(slot, first, size), 0);
        uint32_t end = first + size < file->size ? first + size : file->size;
        uint32_t whole = (end - off) / prog * prog;
        assert_int_equal(otter_area_prog(slot, off, file->bytes + off, whole), 0);
        if (off + whole < end) {
            memset(unit, slot->flash->erased, sizeof unit);
            memcpy(unit, file->bytes + off + whole, end - off - whole);
            assert_int_equal(otter_area_prog(slot, off + whole, unit, prog), 0);
        }
        off = end;
    }
}

static inline int device_request(bool permanent)
{
    struct otter_state state;
    struct otter_image image;
    struct otter_view view = otter_view_of(&device.layout.secondary);
    int err = otter_state_open(&state, &device.layout);
    if (err == OTTER_OK) {
        err = otter_image_parse(&view, &image);
    }
    return err == OTTER_OK ? otter_state_request_swap(&state, &image, permanent) : err;
}

static inline void device_install(const struct file *file, bool permanent)
{
    device_download(file);
    assert_int_equal(device_request(permanent), 0);
}

static inline int device_confirm(void)
{
    struct otter_state state;
    int err = otter_state_open(&state, &device.layout);
    return err == OTTER_OK ? otter_state_confirm(&state, &device.choice.image) : err;
}

static inline bool device_holds(const struct otter_area *slot, const struct file *file)
{
    uint8_t *back = malloc(file->size);
    sim_flash_peek(sim_flash_of(slot), slot->base, back, file->size);
    bool same = memcmp(back, file->bytes, file->size) == 0 &&
                !sim_flash_marginal(sim_flash_of(slot), slot->base, file->size, NULL);
    free(back);
    return same;
}

static inline bool device_runs(const struct file *file)
{
    return device_holds(&device.layout.primary, file) &&
           memcmp(device.choice.image.hash, file->hash, sizeof file->hash) == 0;
}

/* The 512K map in small. */
static inline struct sim_map small_map(enum otter_mode mode)
{
    return (struct sim_map){
        .name = "small",
        .parts = {{.name = "nor", .size = 0x40000, .sector_size = 0x1000, .prog_size = 16,
                   .page_size = 256, .erased = 0xff},
                  {.name = "rows", .size = 512 * 32, .sector_size = 512, .prog_size = 512,
                   .page_size = 512, .erased = 0x00, .row_write = true}},
        .parts_count = 2,
        .primary = {0, 0, 0x10000}, .secondary = {0, 0x10000, 0x10000},
        .scratch = {0, 0x30000, 0x2000}, .journal = {1, 0, 512 * 32},
        .mode = mode,
        .image_size_max = 0x10000,
    };
}

static inline struct otter_state read_state(void)
{
    struct otter_state state;
    assert_int_equal(otter_state_open(&state, &device.layout), 0);
    return state;
}

/* Flip a bit. */
static inline void spoil(const struct otter_area *slot, uint32_t off)
{
    uint8_t byte;
    sim_flash_peek(sim_flash_of(slot), slot->base + off, &byte, 1);
    byte ^= 1;
    sim_flash_poke(sim_flash_of(slot), slot->base + off, &byte, 1);
}

#endif
