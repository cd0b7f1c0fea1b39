/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c - what the harnesses share. */
#include "fuzz.h"

#include <unistd.h>

_Noreturn void fuzz_fail(const char *claim, const char *file, int line)
{
    (void)dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, claim);
    abort();
}

void fuzz_quiet(void)
{
    FILE *nowhere = fopen("/dev/null", "w");
    REQUIRE(nowhere != NULL);
    stdout = nowhere;
    stderr = nowhere;
}

uint8_t fuzz_u8(struct fuzz_bytes *bytes)
{
    if (bytes->left == 0) {
        return 0;
    }
    bytes->left--;
    return *bytes->at++;
}

uint32_t fuzz_u16(struct fuzz_bytes *bytes)
{
    uint32_t low = fuzz_u8(bytes);
    return low | (uint32_t)fuzz_u8(bytes) << 8;
}

uint32_t fuzz_u32(struct fuzz_bytes *bytes)
{
    uint32_t low = fuzz_u16(bytes);
    return low | fuzz_u16(bytes) << 16;
}

const uint8_t *fuzz_take(struct fuzz_bytes *bytes, size_t len, size_t *ret_len)
{
    const uint8_t *at = bytes->at;
    len = len < bytes->left ? len : bytes->left;
    bytes->at += len;
    bytes->left -= len;
    *ret_len = len;
    return at;
}

char *fuzz_text(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    REQUIRE(text != NULL);
    if (len > 0) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    return text;
}

/* ---- flash ---- */

static bool inside(const struct fuzz_flash *flash, uint32_t off, size_t len)
{
    return off <= flash->flash.size && len <= flash->flash.size - off;
}

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct fuzz_flash *flash = ctx;
    REQUIRE(inside(flash, off, len));
    if (++flash->reads == flash->fail_read || (off < flash->dead_to && off + len > flash->dead_from)) {
        return OTTER_ERR_IO;
    }
    memcpy(buf, flash->data + off, len);
    return OTTER_OK;
}

static bool fails(struct fuzz_flash *flash, uint32_t off, size_t len)
{
    REQUIRE(inside(flash, off, len) && len > 0);
    REQUIRE(off + len <= flash->protect_from || off >= flash->protect_to);
    bool worn = off < flash->worn_to && off + len > flash->worn_from;
    return ++flash->changes == flash->fail_change || worn;
}

static int flash_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct fuzz_flash *flash = ctx;
    const uint8_t *bytes = buf;
    uint32_t unit = flash->flash.prog_size;
    bool fail = fails(flash, off, len);
    REQUIRE(off % unit == 0 && len % unit == 0);
    for (size_t i = 0; i < len; i++) {
        REQUIRE(!flash->used[off + i] || flash->refuses_twice);
        if (flash->used[off + i]) {
            return OTTER_ERR_IO;
        }
        flash->used[off + i] = 1;
        flash->data[off + i] = fail && i >= len / 2 ? flash->flash.erased : bytes[i];
    }
    return fail ? OTTER_ERR_IO : OTTER_OK;
}

static int flash_erase(void *ctx, uint32_t off, uint32_t size)
{
    struct fuzz_flash *flash = ctx;
    const struct otter_flash *part = &flash->flash;
    bool fail = fails(flash, off, size);
    bool block = part->block_size != 0 && size == part->block_size;
    REQUIRE(size == part->sector_size || block);
    REQUIRE(off % (block ? part->block_size : part->sector_size) == 0);
    memset(flash->data + off, part->erased, fail ? size / 2 : size);
    memset(flash->used + off, fail ? 1 : 0, size);
    return fail ? OTTER_ERR_IO : OTTER_OK;
}

static int flash_write(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct fuzz_flash *flash = ctx;
    bool fail = fails(flash, off, len);
    REQUIRE(off % flash->flash.sector_size == 0 && len % flash->flash.sector_size == 0);
    memcpy(flash->data + off, buf, fail ? len / 2 : len);
    memset(flash->used + off, 1, len);
    return fail ? OTTER_ERR_IO : OTTER_OK;
}

void fuzz_flash_init(struct fuzz_flash *flash, unsigned geometry, uint32_t size)
{
    static const struct {
        uint32_t sector, prog, block;
        uint8_t erased;
        bool row_write;
    } parts[FUZZ_GEOMETRIES] = {{512, 4, 0, 0xff, false},   {512, 512, 0, 0x00, true},
                                {512, 512, 4096, 0x00, true}, {1024, 1, 4096, 0xff, false},
                                {512, 32, 0, 0xff, false},  {1024, 64, 0, 0xff, false},
                                {512, 512, 0, 0xff, false}};
    geometry %= FUZZ_GEOMETRIES;
    REQUIRE(size <= FUZZ_FLASH_MAX);
    flash->flash = (struct otter_flash){.ctx = flash,
                                        .read = flash_read,
                                        .prog = flash_prog,
                                        .erase = flash_erase,
                                        .write = parts[geometry].row_write ? flash_write : NULL,
                                        .size = size,
                                        .sector_size = parts[geometry].sector,
                                        .block_size = parts[geometry].block,
                                        .prog_size = parts[geometry].prog,
                                        .erased = parts[geometry].erased};
    memset(flash->data, flash->flash.erased, size);
    memset(flash->used, 0, size);
    flash->reads = flash->changes = flash->fail_read = flash->fail_change = 0;
    flash->protect_from = flash->protect_to = 0;
    flash->refuses_twice = false;
}

void fuzz_flash_put(struct fuzz_flash *flash, uint32_t off, const void *data, size_t len)
{
    uint32_t unit = flash->flash.prog_size;
    REQUIRE(inside(flash, off, len));
    if (len > 0) {
        size_t first = off - off % unit;
        size_t last = (off + len + unit - 1) / unit * unit;
        memcpy(flash->data + off, data, len);
        memset(flash->used + first, 1, last - first);
    }
}

struct otter_layout fuzz_layout(struct fuzz_flash *flash)
{
    const struct otter_flash *part = &flash->flash;
    uint32_t cells = part->prog_size > 32 ? 26 * part->prog_size : 0; /* at least 12 in a half */
    uint32_t journal = (cells > 12 * part->sector_size ? cells : 12 * part->sector_size);
    journal += (part->sector_size - journal % part->sector_size) % part->sector_size;
    uint32_t at = 2 * FUZZ_SLOT_SIZE;
    return (struct otter_layout){.primary = {part, 0, FUZZ_SLOT_SIZE},
                                 .secondary = {part, FUZZ_SLOT_SIZE, FUZZ_SLOT_SIZE},
                                 .scratch = {part, at, 2 * part->sector_size},
                                 .journal = {part, at + 2 * part->sector_size, journal},
                                 .mode = OTTER_MODE_SWAP,
                                 .image_size_max = FUZZ_IMAGE_MAX,
                                 .unit_max = 4 * part->sector_size};
}

/* ---- images ---- */

static int verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                  const uint8_t *sig, size_t sig_len)
{
    REQUIRE(key == fuzz_keys);
    if (sig_len != OTTER_HASH_SIZE) {
        return OTTER_ERR_AUTH;
    }
    for (size_t i = 0; i < OTTER_HASH_SIZE; i++) {
        if (sig[i] != hash[OTTER_HASH_SIZE - 1 - i]) {
            return OTTER_ERR_AUTH;
        }
    }
    return OTTER_OK;
}

static const uint8_t pubkey[] = {'f', 'u', 'z', 'z'};
const struct otter_key fuzz_keys[1] = {
    {.type = OTTER_SIG_ED25519, .verify = verify, .pubkey = pubkey, .pubkey_len = sizeof pubkey}};

static uint8_t *put_le(uint8_t *at, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
    return at + size;
}

static void hash_of(const void *data, size_t len, uint8_t *ret_hash)
{
    struct otter_sha256 sha;
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, data, len);
    otter_sha256_finish(&sha, ret_hash);
}

static uint8_t *put_tlv(uint8_t *at, uint32_t type, const uint8_t *value)
{
    at = put_le(put_le(at, type, 2), OTTER_HASH_SIZE, 2);
    memcpy(at, value, OTTER_HASH_SIZE);
    return at + OTTER_HASH_SIZE;
}

enum { TLVS_SIZE = 4 + 3 * 36 }; /* hash, key, signature */

void fuzz_sign_image(uint8_t *image, size_t size)
{
    uint8_t hash[OTTER_HASH_SIZE];
    uint8_t name[OTTER_HASH_SIZE];
    uint8_t sig[OTTER_HASH_SIZE];
    uint8_t *at = image + size - TLVS_SIZE;
    hash_of(image, size - TLVS_SIZE, hash);
    hash_of(pubkey, sizeof pubkey, name);
    for (size_t i = 0; i < sizeof sig; i++) {
        sig[i] = hash[sizeof hash - 1 - i];
    }
    at = put_le(put_le(at, 0x6907, 2), TLVS_SIZE, 2);
    at = put_tlv(put_tlv(put_tlv(at, 0x10, hash), 0x01, name), OTTER_SIG_ED25519, sig);
    REQUIRE(at == image + size);
}

void fuzz_make_image(struct otter_version version, uint32_t counter, uint8_t *image, size_t size)
{
    uint32_t payload = (uint32_t)size - 32 - 12 - TLVS_SIZE;
    REQUIRE(size >= FUZZ_IMAGE_MIN);
    memset(image, 0, size);
    uint8_t *at = put_le(put_le(image, OTTER_IMAGE_MAGIC, 4), 0, 4);
    at = put_le(put_le(put_le(put_le(at, 32, 2), 12, 2), payload, 4), 0, 4);
    at = put_le(put_le(at, version.major, 1), version.minor, 1);
    (void)put_le(put_le(at, version.revision, 2), version.build, 4);
    for (uint32_t i = 0; i < payload; i++) {
        image[32 + i] = (uint8_t)(i * 2654435761u >> 13 ^ version.minor);
    }
    at = put_le(put_le(image + 32 + payload, 0x6908, 2), 12, 2);
    at = put_le(put_le(put_le(at, 0x50, 2), 4, 2), counter, 4);
    REQUIRE(at == image + size - TLVS_SIZE);
    fuzz_sign_image(image, size);
}

bool fuzz_is_genuine(const struct otter_area *area, struct otter_image *ret_image)
{
    uint8_t hash[OTTER_HASH_SIZE];
    struct otter_view view = otter_view_of(area);
    if (otter_image_parse(&view, ret_image) != OTTER_OK ||
        otter_image_verify(&view, ret_image, fuzz_keys, 1, NULL, NULL) != OTTER_OK) {
        return false;
    }
    uint8_t *bytes = malloc(ret_image->hashed_size);
    REQUIRE(bytes != NULL && otter_view_read(&view, 0, bytes, ret_image->hashed_size) == OTTER_OK);
    hash_of(bytes, ret_image->hashed_size, hash);
    free(bytes);
    REQUIRE(memcmp(hash, ret_image->hash, sizeof hash) == 0);
    return true;
}
