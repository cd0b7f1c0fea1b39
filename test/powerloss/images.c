/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images.c - signed images with a stand-in signature.
 */
#include "test/powerloss/images.h"

#include "otter/result.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 32, SIGNATURE = 8, PROTECTED = 4 + 4 + 4, TLVS = 4 + 36 + 36 + 4 + SIGNATURE };
_Static_assert(IMAGE_OVERHEAD == HEADER + TLVS, "the overhead is what image_make writes");
_Static_assert(IMAGE_OVERHEAD_MOST == IMAGE_OVERHEAD + PROTECTED, "the same, with a counter");

static const uint8_t public_key[] = "not a key: the stand-in of the power-cut tests";

static void stand_in_sign(const uint8_t hash[OTTER_HASH_SIZE], uint8_t sig[SIGNATURE])
{
    for (unsigned i = 0; i < SIGNATURE; i++) {
        sig[i] = (uint8_t)(hash[i] ^ hash[31 - i] ^ 0xa5);
    }
}

static int stand_in_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                           const uint8_t *sig, size_t sig_len)
{
    uint8_t want[SIGNATURE];
    (void)key;
    stand_in_sign(hash, want);
    return sig_len == SIGNATURE && memcmp(sig, want, SIGNATURE) == 0 ? OTTER_OK : OTTER_ERR_AUTH;
}

const struct otter_key test_key = {
    .type = OTTER_SIG_ECDSA_P256,
    .verify = stand_in_verify,
    .pubkey = public_key,
    .pubkey_len = sizeof public_key,
};

static void store_le(uint8_t *to, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint8_t *put_tlv(uint8_t *to, uint16_t type, const uint8_t *data, uint16_t len)
{
    store_le(to, type, 2);
    store_le(to + 2, len, 2);
    memcpy(to + 4, data, len);
    return to + 4 + len;
}

static int memory_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, (const uint8_t *)ctx + off, len);
    return 0;
}

/* Header, hash, signature around the payload that is already there. */
static void seal(struct test_image *image, uint8_t major, uint32_t counter)
{
    uint8_t *bytes = image->bytes;
    uint32_t extra = counter == 0 ? 0 : PROTECTED;
    uint32_t payload = image->size - IMAGE_OVERHEAD - extra;
    uint8_t *at = bytes + HEADER + payload;
    uint8_t hash[OTTER_HASH_SIZE], name[OTTER_HASH_SIZE], sig[SIGNATURE];
    struct otter_sha256 sha;
    memset(bytes, 0, HEADER);
    store_le(bytes, OTTER_IMAGE_MAGIC, 4);
    store_le(bytes + 8, HEADER, 2);
    store_le(bytes + 10, extra, 2);
    store_le(bytes + 12, payload, 4);
    bytes[20] = major;
    if (extra != 0) {
        uint8_t value[4];
        store_le(value, counter, 4);
        store_le(at, 0x6908, 2);
        store_le(at + 2, PROTECTED, 2);
        at = put_tlv(at + 4, 0x50, value, sizeof value);
    }
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, bytes, HEADER + payload + extra);
    otter_sha256_finish(&sha, hash);
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, public_key, sizeof public_key);
    otter_sha256_finish(&sha, name);
    stand_in_sign(hash, sig);
    store_le(at, 0x6907, 2);
    store_le(at + 2, TLVS, 2);
    at = put_tlv(at + 4, 0x10, hash, sizeof hash);
    at = put_tlv(at, 0x01, name, sizeof name);
    (void)put_tlv(at, OTTER_SIG_ECDSA_P256, sig, sizeof sig);
    struct otter_flash flash = {.ctx = bytes, .read = memory_read, .size = image->size};
    struct otter_area area = {.flash = &flash, .base = 0, .size = image->size};
    struct otter_view view = otter_view_of(&area);
    if (otter_image_parse(&view, &image->parsed) != 0 || image->parsed.size != image->size ||
        otter_image_verify(&view, &image->parsed, &test_key, 1, NULL, NULL) != 0) {
        fprintf(stderr, "images: a test image of %u bytes does not verify\n", image->size);
        abort();
    }
}

static void allocate(struct test_image *image, uint32_t size)
{
    image->size = size;
    image->bytes = size > IMAGE_OVERHEAD ? malloc(size) : NULL;
    if (image->bytes == NULL) {
        fprintf(stderr, "images: no image of %u bytes\n", size);
        abort();
    }
}

void image_make(struct test_image *image, uint32_t size, uint8_t major, uint32_t counter,
                uint64_t seed)
{
    allocate(image, size);
    for (uint32_t i = 0; i < size; i += 8) {
        uint64_t r = sim_random(&seed);
        memcpy(image->bytes + i, &r, size - i < 8 ? size - i : 8);
    }
    seal(image, major, counter);
}

void image_derive(struct test_image *image, const struct test_image *base, uint8_t major,
                  uint32_t block, uint64_t seed)
{
    allocate(image, base->size);
    memcpy(image->bytes, base->bytes, base->size);
    for (uint32_t off = 0; off < base->size; off += block) {
        uint32_t len = base->size - off < block ? base->size - off : block;
        if (sim_random(&seed) % 10 < 3) {
            for (uint32_t i = 0; i < len; i++) {
                image->bytes[off + i] = (uint8_t)sim_random(&seed);
            }
        }
    }
    seal(image, major, 0);
}

void image_free(struct test_image *image)
{
    free(image->bytes);
    memset(image, 0, sizeof *image);
}
