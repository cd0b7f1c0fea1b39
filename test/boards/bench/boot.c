/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.c - what the bootloader computes before it starts an image, measured: with the
 * bootloader's own hash and signature code, on this very image in the primary slot.
 */
#include "board/board.h"
#include "otter/result.h"
#include "test/boards/bench/bench.h"

#define HASH_KIB 16u

static uint32_t hash_ticks(uint32_t kib)
{
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    const uint8_t *bytes = (const uint8_t *)board_layout()->primary_addr;
    uint32_t begun = bench_ticks();
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, bytes, kib * 1024u);
    otter_sha256_finish(&sha, hash);
    return bench_ticks() - begun;
}

static void measure_hash(void)
{
    uint32_t less = hash_ticks(HASH_KIB);
    uint32_t more = hash_ticks(2 * HASH_KIB);
    bench_line("sha256");
    bench_number("ticks_per_kib", (more - less) / HASH_KIB);
    bench_line_end();
}

/* The image's own signature, over its own hash. */
static void measure_signature(const struct otter_view *view, const struct otter_image *image,
                              const struct otter_key *key)
{
    uint8_t sig[128];
    uint32_t off;
    uint16_t len;
    int err = otter_image_tlv(view, image, OTTER_SIG_ECDSA_P256, 0, &off, &len);
    if (err < 0 || len > sizeof sig || otter_view_read(view, off, sig, len) < 0) {
        bench_fail("no signature");
    }
    uint32_t begun = bench_ticks();
    err = key->verify(key, image->hash, sig, len);
    uint32_t ticks = bench_ticks() - begun;
    if (err < 0) {
        bench_fail("the signature does not verify");
    }
    bench_line("p256-verify");
    bench_number("ticks", ticks);
    bench_line_end();
}

static void measure_verify(const struct otter_view *view, const struct otter_key *keys, size_t count)
{
    struct otter_image image;
    uint32_t begun = bench_ticks();
    int err = otter_image_parse(view, &image);
    if (err == OTTER_OK) {
        err = otter_image_verify(view, &image, keys, count, NULL, NULL);
    }
    uint32_t ticks = bench_ticks() - begun;
    if (err < 0) {
        bench_fail("the image does not verify");
    }
    bench_line("boot-verify");
    bench_number("bytes", image.size);
    bench_number("ticks", ticks);
    bench_line_end();
}

int main(void)
{
    struct otter_key keys[2];
    struct otter_image image;
    bench_start("boot");
    size_t count = board_keys(keys, 2);
    struct otter_view view = otter_view_of(&board_layout()->primary);
    if (count == 0 || otter_image_parse(&view, &image) < 0) {
        bench_fail("no key or no image");
    }
    measure_hash();
    measure_signature(&view, &image, &keys[0]);
    measure_verify(&view, keys, count);
    bench_done();
}
