/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - MCUboot images: what an image claims, and whether it is genuine.
 *
 * Layout: header region, payload, [protected TLVs], unprotected TLVs. The hash covers all
 * but the last; the signature covers the hash. So nothing in the unprotected area is
 * believed except as a hash, a key's name or a signature, and each of these is checked.
 * The rules, with their reasons: SPEC.md, "Image".
 *
 * Internally a positive result is an enum otter_image_fault, a negative one is
 * OTTER_ERR_IO from flash.
 */
#include <stddef.h>
#include <string.h>

#include "otter/image.h"
#include "otter/result.h"
#include "slot/bytes.h"

enum {
    HEADER_SIZE = 32,
    TLV_INFO_SIZE = 4,
    TLV_HEADER_SIZE = 4,
    MAGIC_PROTECTED = 0x6908,
    MAGIC_UNPROTECTED = 0x6907,
    FLAG_RAM_LOAD = 0x20 /* vendor scripts set it on images that run in place */
};

enum tlv_type {
    TLV_KEY_HASH = 0x01,
    TLV_KEY_FULL = 0x02,
    TLV_SHA256 = 0x10,
    TLV_SHA384 = 0x11,
    TLV_SHA512 = 0x12,
    TLV_SIG_FIRST = 0x20,
    TLV_SIG_LAST = 0x24,
    TLV_SIG_PURE = 0x25,
    TLV_ENC_FIRST = 0x30,
    TLV_PROTECTED_FIRST = 0x40, /* smaller types: unprotected area only */
    TLV_SECURITY_COUNTER = 0x50
};

/* One TLV area, and the entry that was read last. */
struct walk {
    const struct otter_view *view;
    uint32_t off; /* of the next entry */
    uint32_t end;
    uint32_t data; /* of the entry's value */
    uint16_t type;
    uint16_t len;
};

int otter_version_compare(const struct otter_version *a, const struct otter_version *b)
{
    if (a->major != b->major) {
        return a->major < b->major ? -1 : 1;
    }
    if (a->minor != b->minor) {
        return a->minor < b->minor ? -1 : 1;
    }
    if (a->revision != b->revision) {
        return a->revision < b->revision ? -1 : 1;
    }
    return (a->build > b->build) - (a->build < b->build);
}

static int walk_begin(struct walk *walk, const struct otter_view *view, uint32_t off,
                      uint16_t magic)
{
    uint8_t raw[TLV_INFO_SIZE];
    int err = otter_view_read(view, off, raw, sizeof raw);
    if (err < 0) {
        return err;
    }
    uint32_t size = load_le16(raw + 2);
    if (load_le16(raw) != magic || size < TLV_INFO_SIZE) {
        return OTTER_IMAGE_NO_TLVS;
    }
    if (size > otter_view_size(view) - off) {
        return OTTER_IMAGE_TOO_LARGE;
    }
    walk->view = view;
    walk->off = off + TLV_INFO_SIZE;
    walk->end = off + size;
    return 0;
}

/* Only while walk->off != walk->end. */
static int walk_next(struct walk *walk)
{
    uint8_t raw[TLV_HEADER_SIZE];
    if (walk->end - walk->off < sizeof raw) {
        return OTTER_IMAGE_TLV_OVERRUN;
    }
    int err = otter_view_read(walk->view, walk->off, raw, sizeof raw);
    if (err < 0) {
        return err;
    }
    walk->type = (uint16_t)load_le16(raw);
    walk->len = (uint16_t)load_le16(raw + 2);
    walk->data = walk->off + TLV_HEADER_SIZE;
    if (walk->len > walk->end - walk->data) {
        return OTTER_IMAGE_TLV_OVERRUN;
    }
    walk->off = walk->data + walk->len;
    return 0;
}

static int take_header(const struct otter_view *view, struct otter_image *image)
{
    uint8_t raw[HEADER_SIZE];
    uint32_t room = otter_view_size(view);
    if (room < sizeof raw) {
        return OTTER_IMAGE_NO_MAGIC;
    }
    int err = otter_view_read(view, 0, raw, sizeof raw);
    if (err < 0) {
        return err;
    }
    if (load_le32(raw) != OTTER_IMAGE_MAGIC) {
        return OTTER_IMAGE_NO_MAGIC;
    }
    image->load_addr = load_le32(raw + 4);
    image->header_size = load_le16(raw + 8);
    uint32_t protected_size = load_le16(raw + 10);
    image->payload_size = load_le32(raw + 12);
    image->flags = load_le32(raw + 16);
    image->version.major = raw[20];
    image->version.minor = raw[21];
    image->version.revision = (uint16_t)load_le16(raw + 22);
    image->version.build = load_le32(raw + 24);
    if (image->header_size < HEADER_SIZE) {
        return OTTER_IMAGE_HEADER_SIZE;
    }
    if (image->payload_size == 0) {
        return OTTER_IMAGE_NO_PAYLOAD;
    }
    if (image->payload_size > room ||
        image->header_size + protected_size + TLV_INFO_SIZE > room - image->payload_size) {
        return OTTER_IMAGE_TOO_LARGE;
    }
    image->tlv_off = image->header_size + image->payload_size + protected_size;
    image->hashed_size = image->tlv_off;
    if ((image->flags & ~(FLAG_RAM_LOAD | OTTER_IMAGE_ROM_FIXED)) != 0) {
        return OTTER_IMAGE_FLAGS;
    }
    return 0;
}

static int take_counter(const struct walk *walk, struct otter_image *image)
{
    uint8_t raw[sizeof image->security_counter] = {0};
    if (walk->len != sizeof raw) {
        return OTTER_IMAGE_TLV_LENGTH;
    }
    if (image->has_security_counter) {
        return OTTER_IMAGE_TLV_TWICE;
    }
    int err = otter_view_read(walk->view, walk->data, raw, sizeof raw);
    image->security_counter = load_le32(raw);
    image->has_security_counter = true;
    return err;
}

static int take_protected(const struct otter_view *view, struct otter_image *image)
{
    struct walk walk;
    uint32_t off = image->header_size + image->payload_size;
    if (off == image->hashed_size) {
        return 0; /* no protected area */
    }
    int fault = walk_begin(&walk, view, off, MAGIC_PROTECTED);
    if (fault == 0 && walk.end != image->hashed_size) {
        fault = OTTER_IMAGE_NO_TLVS;
    }
    while (fault == 0 && walk.off != walk.end) {
        fault = walk_next(&walk);
        if (fault != 0) {
            break;
        }
        if (walk.type < TLV_PROTECTED_FIRST) {
            fault = OTTER_IMAGE_TLV_PLACE;
        } else if (walk.type == TLV_SECURITY_COUNTER) {
            fault = take_counter(&walk, image);
        }
    }
    return fault;
}

/* Bit n % 32 of word n / 32: may type n stand in the unprotected area? */
static const uint32_t allowed[2] = {
    1u << TLV_KEY_HASH | 1u << TLV_KEY_FULL | 1u << TLV_SHA256,
    0x1fu << (TLV_SIG_FIRST - 32) | 0x1fu << (TLV_ENC_FIRST - 32),
};

static int check_unprotected(const struct walk *walk)
{
    unsigned type = walk->type;
    if (type == TLV_SHA384 || type == TLV_SHA512 || type == TLV_SIG_PURE) {
        return OTTER_IMAGE_OTHER_HASH;
    }
    if (type >= TLV_PROTECTED_FIRST || (allowed[type / 32] >> type % 32 & 1) == 0) {
        return OTTER_IMAGE_TLV_PLACE;
    }
    if ((type == TLV_SHA256 || type == TLV_KEY_HASH) && walk->len != OTTER_HASH_SIZE) {
        return OTTER_IMAGE_TLV_LENGTH;
    }
    return 0;
}

static int take_unprotected(const struct otter_view *view, struct otter_image *image)
{
    struct walk walk;
    bool hash_seen = false;
    int fault = walk_begin(&walk, view, image->tlv_off, MAGIC_UNPROTECTED);
    while (fault == 0 && walk.off != walk.end) {
        fault = walk_next(&walk);
        if (fault == 0) {
            fault = check_unprotected(&walk);
        }
        if (fault != 0 || walk.type != TLV_SHA256) {
            continue;
        }
        if (hash_seen) {
            return OTTER_IMAGE_TLV_TWICE;
        }
        hash_seen = true;
        fault = otter_view_read(view, walk.data, image->hash, OTTER_HASH_SIZE);
    }
    if (fault != 0) {
        return fault;
    }
    image->size = walk.end;
    return hash_seen ? 0 : OTTER_IMAGE_NO_HASH;
}

int otter_image_examine(const struct otter_view *view, struct otter_image *ret_image)
{
    struct otter_image image;
    memset(&image, 0, sizeof image);
    int fault = take_header(view, &image);
    if (fault == 0) {
        fault = take_protected(view, &image);
    }
    if (fault == 0) {
        fault = take_unprotected(view, &image);
    }
    if (fault == 0) {
        *ret_image = image;
    }
    return fault;
}

int otter_image_parse(const struct otter_view *view, struct otter_image *ret_image)
{
    int fault = otter_image_examine(view, ret_image);
    if (fault <= 0) {
        return fault;
    }
    if (fault < OTTER_IMAGE_TOO_LARGE) {
        return OTTER_ERR_CORRUPT;
    }
    return fault == OTTER_IMAGE_TOO_LARGE ? OTTER_ERR_NOSPACE : OTTER_ERR_REFUSED;
}

int otter_image_tlv(const struct otter_view *view, const struct otter_image *image,
                    uint16_t type, uint32_t index, uint32_t *ret_off, uint16_t *ret_len)
{
    struct walk walk;
    uint32_t off = image->tlv_off;
    uint16_t magic = MAGIC_UNPROTECTED;
    if (type >= TLV_PROTECTED_FIRST) {
        off = image->header_size + image->payload_size;
        magic = MAGIC_PROTECTED;
        if (off == image->tlv_off) {
            return OTTER_ERR_CORRUPT; /* no protected area */
        }
    }
    int fault = walk_begin(&walk, view, off, magic);
    while (fault == 0 && walk.off != walk.end) {
        fault = walk_next(&walk);
        if (fault == 0 && walk.type == type && index-- == 0) {
            *ret_off = walk.data;
            *ret_len = walk.len;
            return OTTER_OK;
        }
    }
    return fault < 0 ? fault : OTTER_ERR_CORRUPT;
}

void otter_image_check_begin(struct otter_image_check *check, const struct otter_view *view,
                             const struct otter_image *image, const struct otter_key *keys,
                             size_t keys_count)
{
    memset(check, 0, sizeof *check);
    check->view = *view;
    check->image = image;
    check->keys = keys;
    check->keys_count = keys_count;
    otter_sha256_init(&check->sha);
}

/* Is this the key of a key TLV, whose value is in buf: named by its hash, or in full? */
static bool is_named(struct otter_image_check *check, const struct otter_key *key,
                     const struct walk *walk, const uint8_t *buf)
{
    uint8_t hash[OTTER_HASH_SIZE];
    if (walk->type == TLV_KEY_FULL) {
        return walk->len == key->pubkey_len && memcmp(buf, key->pubkey, walk->len) == 0;
    }
    otter_sha256_init(&check->sha);
    otter_sha256_update(&check->sha, key->pubkey, key->pubkey_len);
    otter_sha256_finish(&check->sha, hash);
    return memcmp(buf, hash, sizeof hash) == 0;
}

/* The trusted key that a key TLV names; NULL: none of ours. */
static int find_key(struct otter_image_check *check, const struct walk *walk, uint8_t *buf,
                    const struct otter_key **ret_key)
{
    *ret_key = NULL;
    if (walk->len > OTTER_IMAGE_BUF_MIN) {
        return 0; /* longer than any key of ours */
    }
    int err = otter_view_read(&check->view, walk->data, buf, walk->len);
    for (size_t i = 0; err == 0 && i < check->keys_count; i++) {
        if (is_named(check, &check->keys[i], walk, buf)) {
            *ret_key = &check->keys[i];
        }
    }
    return err;
}

static int check_signature(struct otter_image_check *check, const struct walk *walk,
                           const struct otter_key *key, uint8_t *buf)
{
    if (walk->type != (uint16_t)key->type || walk->len > OTTER_SIG_SIZE_MAX) {
        return OTTER_IMAGE_SIGNATURE_WRONG;
    }
    int err = otter_view_read(&check->view, walk->data, buf, walk->len);
    if (err < 0) {
        return err;
    }
    if (key->verify(key, check->image->hash, buf, walk->len) != 0) {
        return OTTER_IMAGE_SIGNATURE_WRONG;
    }
    check->signer = key;
    return 0;
}

static bool is_key(const struct walk *walk)
{
    return walk->type == TLV_KEY_HASH || walk->type == TLV_KEY_FULL;
}

static bool is_signature(const struct walk *walk)
{
    return walk->type >= TLV_SIG_FIRST && walk->type <= TLV_SIG_LAST;
}

/* A signature belongs to the key named last before it; a name serves one signature.
 * Signatures of strangers are skipped. Ours must all be right, and are at most one per key:
 * that bounds the time a stranger can make a bootloader spend here. */
static int check_signatures(struct otter_image_check *check, uint8_t *buf)
{
    struct walk walk;
    const struct otter_key *key = NULL;
    size_t count = 0;
    int fault = walk_begin(&walk, &check->view, check->image->tlv_off, MAGIC_UNPROTECTED);
    while (fault == 0 && walk.off != walk.end) {
        fault = walk_next(&walk);
        if (fault != 0) {
            break;
        }
        if (is_key(&walk)) {
            fault = find_key(check, &walk, buf, &key);
        } else if (key && is_signature(&walk)) {
            fault = count++ < check->keys_count ? check_signature(check, &walk, key, buf)
                                                : OTTER_IMAGE_SIGNATURES_MANY;
            key = NULL;
        }
    }
    return fault == 0 && count == 0 ? OTTER_IMAGE_NOT_SIGNED : fault;
}

/* What was parsed has to be what was hashed: versions and sizes are acted upon. */
static int parsed_again(const struct otter_image_check *check)
{
    struct otter_image again;
    int fault = otter_image_examine(&check->view, &again);
    if (fault == 0 && memcmp(check->image, &again, offsetof(struct otter_image, has_security_counter)) != 0) {
        fault = OTTER_ERR_IO;
    }
    return fault;
}

int otter_image_check_step(struct otter_image_check *check, void *buf, size_t len)
{
    uint32_t left = check->image->hashed_size - check->off;
    if (left != 0) {
        size_t now = left < len ? left : len;
        int err = otter_view_read(&check->view, check->off, buf, now);
        if (err < 0) {
            return err;
        }
        otter_sha256_update(&check->sha, buf, now);
        check->off += (uint32_t)now;
        return now == 0 ? OTTER_ERR_ARG : 1; /* no room: there would be no end */
    }
    uint8_t hash[OTTER_HASH_SIZE];
    otter_sha256_finish(&check->sha, hash);
    int fault = OTTER_IMAGE_HASH_WRONG;
    if (memcmp(hash, check->image->hash, sizeof hash) == 0) {
        fault = check_signatures(check, buf);
    }
    if (fault == 0) {
        fault = parsed_again(check);
    }
    if (fault > 0) {
        check->fault = (enum otter_image_fault)fault;
        return OTTER_ERR_AUTH;
    }
    return fault;
}

int otter_image_verify(const struct otter_view *view, const struct otter_image *image,
                       const struct otter_key *keys, size_t keys_count,
                       void (*feed)(void *ctx), void *ctx)
{
    uint8_t buf[OTTER_IMAGE_BUF_MIN];
    struct otter_image_check check;
    otter_image_check_begin(&check, view, image, keys, keys_count);
    int more;
    do {
        if (feed) {
            feed(ctx);
        }
        more = otter_image_check_step(&check, buf, sizeof buf);
    } while (more > 0);
    return more;
}
