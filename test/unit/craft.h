/* SPDX-License-Identifier: Apache-2.0 */
/*
 * craft.h - images put together entry by entry, and the verdict of slot/image.c on them.
 *
 * Signed with the keys of test/keys; the ECDSA "other" key is one that nobody trusts.
 */
#ifndef OTTER_TEST_CRAFT_H
#define OTTER_TEST_CRAFT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otter/image.h"
#include "otter/result.h"
#include "tool/image_file.h"
#include "tool/key.h"

enum { ECDSA, ED25519, RSA2048, RSA3072, OTHER, KEYS };
static struct tool_key keys[KEYS];
static struct otter_key trusted[OTHER]; /* all but OTHER */

/* Flash that knows when it is asked for bytes it does not have, and can fail. */
struct memory {
    const uint8_t *data;
    size_t len;
    size_t reads_until_error; /* 0: never */
    bool out_of_bounds;
};

static inline int memory_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct memory *memory = ctx;
    if (memory->reads_until_error != 0 && --memory->reads_until_error == 0) {
        return OTTER_ERR_IO;
    }
    if (off > memory->len || len > memory->len - off) {
        memory->out_of_bounds = true;
        return OTTER_ERR_ARG;
    }
    memcpy(buf, memory->data + off, len);
    return OTTER_OK;
}

/* Examine, then check with `count` keys: 0, an enum otter_image_fault, or a negative error. */
static inline int judge_with(struct memory *memory, const struct otter_key *list, size_t count)
{
    struct otter_flash flash = {.ctx = memory, .read = memory_read, .size = (uint32_t)memory->len,
                                .sector_size = 1, .prog_size = 1, .erased = 0xff};
    struct otter_area area = {&flash, 0, (uint32_t)memory->len};
    struct otter_view view = otter_view_of(&area);
    struct otter_image image;
    struct otter_image_check check;
    uint8_t buf[OTTER_IMAGE_BUF_MIN + 512]; /* the upper part must stay as it is */
    int result = otter_image_examine(&view, &image);
    if (result != 0) {
        return result;
    }
    memset(buf, 0xa5, sizeof buf);
    otter_image_check_begin(&check, &view, &image, list, count);
    do {
        result = otter_image_check_step(&check, buf, OTTER_IMAGE_BUF_MIN);
    } while (result > 0);
    for (size_t i = OTTER_IMAGE_BUF_MIN; i < sizeof buf; i++) {
        assert_int_equal(buf[i], 0xa5);
    }
    return result == OTTER_ERR_AUTH ? (int)check.fault : result;
}

static inline int judge(const uint8_t *data, size_t len)
{
    struct memory memory = {data, len, 0, false};
    int result = judge_with(&memory, trusted, OTHER);
    assert_false(memory.out_of_bounds);
    assert_true(result >= 0);
    return result;
}

/* An image under construction. */
struct craft {
    uint8_t data[8192];
    size_t len;
    size_t area; /* where the TLV area that is being filled begins */
};

static inline void put(struct craft *craft, const void *data, size_t len)
{
    memcpy(craft->data + craft->len, data, len);
    craft->len += len;
}

static inline void put_16(struct craft *craft, unsigned value)
{
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    put(craft, bytes, 2);
}

static inline void set_16(struct craft *craft, size_t at, unsigned value)
{
    craft->data[at] = (uint8_t)value;
    craft->data[at + 1] = (uint8_t)(value >> 8);
}

static inline void set_32(struct craft *craft, size_t at, uint32_t value)
{
    set_16(craft, at, value & 0xffff);
    set_16(craft, at + 2, value >> 16);
}

/* Header of 32 bytes, version 1.2.3+4, and a payload of 100 bytes. */
static inline void begin(struct craft *craft)
{
    memset(craft, 0, sizeof *craft);
    set_32(craft, 0, OTTER_IMAGE_MAGIC);
    set_16(craft, 8, 32);
    set_32(craft, 12, 100);
    const uint8_t version[8] = {1, 2, 3, 0, 4, 0, 0, 0};
    memcpy(craft->data + 20, version, sizeof version);
    memset(craft->data + 32, 0x5a, 100);
    craft->len = 132;
}

static inline void open_area(struct craft *craft, unsigned magic)
{
    craft->area = craft->len;
    put_16(craft, magic);
    put_16(craft, 4);
}

static inline void close_area(struct craft *craft)
{
    size_t size = craft->len - craft->area;
    set_16(craft, craft->area + 2, (unsigned)size);
    if (craft->data[craft->area] == 0x08) {
        set_16(craft, 10, (unsigned)size);
    }
}

static inline void put_tlv(struct craft *craft, unsigned type, const void *value, size_t len)
{
    put_16(craft, type);
    put_16(craft, (unsigned)len);
    put(craft, value, len);
}

static inline void hash_of(const struct craft *craft, uint8_t hash[OTTER_HASH_SIZE])
{
    assert_int_equal(EVP_Digest(craft->data, craft->area, hash, NULL, EVP_sha256(), NULL), 1);
}

/* Everything before the open unprotected area must be final. */
static inline void put_hash(struct craft *craft)
{
    uint8_t hash[OTTER_HASH_SIZE];
    hash_of(craft, hash);
    put_tlv(craft, 0x10, hash, sizeof hash);
}

static inline size_t make_sig(const struct craft *craft, int key, uint8_t sig[OTTER_SIG_SIZE_MAX])
{
    uint8_t hash[OTTER_HASH_SIZE];
    size_t len = 0;
    hash_of(craft, hash);
    assert_int_equal(tool_key_sign(&keys[key], hash, sig, &len), 0);
    return len;
}

static inline void put_key_hash(struct craft *craft, int key)
{
    put_tlv(craft, 0x01, keys[key].hash, OTTER_HASH_SIZE);
}

static inline void put_sig(struct craft *craft, int key)
{
    uint8_t sig[OTTER_SIG_SIZE_MAX];
    size_t len = make_sig(craft, key, sig);
    put_tlv(craft, (unsigned)keys[key].verify.type, sig, len);
}

static inline void put_bad_sig(struct craft *craft, int key)
{
    uint8_t sig[OTTER_SIG_SIZE_MAX];
    size_t len = make_sig(craft, key, sig);
    sig[len - 1] ^= 1;
    put_tlv(craft, (unsigned)keys[key].verify.type, sig, len);
}

/* A whole image: header and payload as they are, hash, one signature. */
static inline void finish(struct craft *craft, int key)
{
    open_area(craft, 0x6907);
    put_hash(craft);
    put_key_hash(craft, key);
    put_sig(craft, key);
    close_area(craft);
}

static inline int verdict(struct craft *craft)
{
    return judge(craft->data, craft->len);
}

static inline uint8_t *read_built(const char *name, size_t *ret_len)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", OTTER_TEST_IMAGES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *data = malloc(1 << 18);
    assert_non_null(data);
    *ret_len = fread(data, 1, 1 << 18, file);
    (void)fclose(file);
    return data;
}

static inline int set_up(void **state)
{
    static const char *const names[KEYS] = {"ecdsa-p256", "ed25519", "rsa-2048", "rsa-3072",
                                            "ecdsa-p256-other"};
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/test/keys/not-secret-%s.pem", OTTER_SOURCE_DIR, names[i]);
        if (tool_key_read(path, true, &keys[i]) != 0) {
            return -1;
        }
        if (i < OTHER) {
            trusted[i] = keys[i].verify;
        }
    }
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        tool_key_free(&keys[i]);
    }
    return 0;
}

#endif
