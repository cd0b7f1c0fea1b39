/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - the bytes of an image, in one piece or two: parse, examine, look for TLVs, verify.
 *
 * Input: flags, split (u16), then the image. Flag 1: it lies in two areas; 2: the SHA-256 TLV is
 * made right first, so that signatures are reached; 4: reading fails at a place; 8: no keys.
 */
#include "fuzz.h"

enum { TWO_PIECES = 1, REPAIR = 2, BROKEN = 4, NO_KEYS = 8, SIZE = 0x10000 };

static uint8_t memory[2][SIZE];
struct piece {
    uint8_t *data;
    size_t len;
};
static uint32_t reads, fail_at;

static int piece_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct piece *piece = ctx;
    REQUIRE(off <= piece->len && len <= piece->len - off && len > 0);
    if (++reads == fail_at) {
        return OTTER_ERR_IO;
    }
    memcpy(buf, piece->data + off, len);
    return OTTER_OK;
}

/* Two keys with short names, and signatures that say of themselves whether they are good. */
static int say_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                      const uint8_t *sig, size_t sig_len)
{
    (void)hash;
    return sig_len > 0 && sig[0] == key->pubkey[0] ? OTTER_OK : OTTER_ERR_AUTH;
}
static const uint8_t pub_a[] = {'A'};
static const uint8_t pub_b[] = {'B', 'b'};
static const struct otter_key keys[] = {
    {OTTER_SIG_ED25519, say_verify, pub_a, sizeof pub_a},
    {OTTER_SIG_ECDSA_P256, say_verify, pub_b, sizeof pub_b},
    {OTTER_SIG_ED25519, say_verify, pub_a, sizeof pub_a}}; /* the same key twice does no harm */
enum { KEYS = sizeof keys / sizeof keys[0] };

static void check_tlvs(const struct otter_view *view, const struct otter_image *image)
{
    static const uint16_t types[] = {0x01, 0x02, 0x10, 0x20, 0x22, 0x24, 0x30, 0x40, 0x50, 0xa0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint32_t last = 0;
        uint32_t off = 0;
        uint16_t len = 0;
        for (uint32_t index = 0; otter_image_tlv(view, image, types[i], index, &off, &len) == 0; index++) {
            REQUIRE(off > last && off <= image->size && len <= image->size - off);
            REQUIRE((types[i] >= 0x40) == (off < image->tlv_off));
            last = off;
        }
    }
}

/* In one piece: put the digest that the bytes have where they claim one. */
static void repair(const struct otter_view *view, const struct otter_image *image)
{
    uint8_t hash[OTTER_HASH_SIZE];
    struct otter_sha256 sha;
    uint32_t off;
    uint16_t len;
    const struct piece *piece = view->low.flash->ctx;
    if (otter_image_tlv(view, image, 0x10, 0, &off, &len) == 0) {
        otter_sha256_init(&sha);
        otter_sha256_update(&sha, piece->data, image->hashed_size);
        otter_sha256_finish(&sha, hash);
        memcpy(piece->data + off, hash, sizeof hash);
    }
}

static int judge(const struct otter_view *view, const struct otter_image *image, size_t keys_count,
                 size_t step, enum otter_image_fault *ret_fault)
{
    struct otter_image_check check;
    uint8_t *buf = malloc(step);
    uint32_t steps = 0;
    int more;
    REQUIRE(buf != NULL);
    otter_image_check_begin(&check, view, image, keys, keys_count);
    do {
        more = otter_image_check_step(&check, buf, step);
        REQUIRE(++steps <= image->hashed_size / step + 2);
    } while (more > 0);
    REQUIRE(more == 0 || more == OTTER_ERR_AUTH || more == OTTER_ERR_IO);
    REQUIRE((more == OTTER_ERR_AUTH) == (check.fault >= OTTER_IMAGE_HASH_WRONG));
    REQUIRE((more == 0) == (check.signer != NULL && check.fault == 0) || more < 0);
    *ret_fault = check.fault;
    free(buf);
    return more;
}

static void check_verdicts(const struct otter_view *view, const struct otter_image *image, unsigned flags)
{
    size_t count = (flags & NO_KEYS) != 0 ? 0 : KEYS;
    enum otter_image_fault small;
    enum otter_image_fault large;
    uint32_t before = reads;
    int first = judge(view, image, count, OTTER_IMAGE_BUF_MIN, &small);
    REQUIRE(reads - before <= image->hashed_size / OTTER_IMAGE_BUF_MIN * 2 + 2 * (SIZE / 4) + 8);
    int second = judge(view, image, count, 4096, &large);
    if (first != OTTER_ERR_IO && second != OTTER_ERR_IO) {
        REQUIRE(first == second && small == large);
    }
    REQUIRE(count > 0 || first < 0);
    if (first == 0) {
        REQUIRE(otter_image_verify(view, image, fuzz_keys, 1, NULL, NULL) < 0);
    }
}

static int expected(int fault)
{
    return fault <= 0                       ? fault
           : fault < OTTER_IMAGE_TOO_LARGE  ? OTTER_ERR_CORRUPT
           : fault == OTTER_IMAGE_TOO_LARGE ? OTTER_ERR_NOSPACE
                                            : OTTER_ERR_REFUSED;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    size_t split = fuzz_u16(&bytes);
    struct otter_image image;
    struct otter_image same;
    if (bytes.left > SIZE) {
        return 0;
    }
    if ((flags & TWO_PIECES) == 0 || split > bytes.left) {
        split = bytes.left;
    }
    struct piece pieces[2] = {{memory[0], split}, {memory[1], bytes.left - split}};
    memcpy(memory[0], bytes.at, split);
    memcpy(memory[1], bytes.at + split, bytes.left - split);
    const struct otter_flash flash[2] = {{.ctx = &pieces[0], .read = piece_read, .size = (uint32_t)split},
                                         {.ctx = &pieces[1], .read = piece_read, .size = (uint32_t)(bytes.left - split)}};
    const struct otter_area low = {&flash[0], 0, flash[0].size};
    struct otter_view view = otter_view_of(&low);
    if ((flags & TWO_PIECES) != 0) {
        view.high = (struct otter_area){&flash[1], 0, flash[1].size};
    }
    reads = 0;
    fail_at = (flags & BROKEN) != 0 ? 1 + (uint32_t)split % 64 : 0;
    REQUIRE(otter_view_size(&view) == bytes.left);
    int fault = otter_image_examine(&view, &image);
    REQUIRE(reads <= SIZE / 4 + 8);
    if (fail_at == 0) {
        REQUIRE(fault >= 0 && fault < OTTER_IMAGE_HASH_WRONG);
        REQUIRE(otter_image_parse(&view, &same) == expected(fault));
    }
    if (fault != 0) {
        return 0;
    }
    REQUIRE(image.size <= bytes.left && image.tlv_off < image.size && image.hashed_size <= image.tlv_off);
    REQUIRE(image.header_size + image.payload_size <= image.tlv_off && image.header_size >= 32);
    check_tlvs(&view, &image);
    if ((flags & (REPAIR | TWO_PIECES)) == REPAIR) {
        repair(&view, &image);
        fault = otter_image_examine(&view, &image);
        REQUIRE(fault <= 0);
    }
    if (fault == 0) {
        check_verdicts(&view, &image, flags);
    }
    return 0;
}
