/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign_image.c - header, payload and TLVs of an image; the trailer of a padded slot.
 *
 * The order of everything is imgtool's. What this writes must pass slot/image.c: the last step
 * here asks it, so that no command can write an image that a device would refuse.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tool/image_file.h"
#include "tool/sign.h"

enum {
    MAGIC_PROTECTED = 0x6908,
    MAGIC_UNPROTECTED = 0x6907,
    TLV_KEY_HASH = 0x01,
    TLV_KEY_FULL = 0x02,
    TLV_SHA256 = 0x10,
    TLV_SECURITY_COUNTER = 0x50,
    FLAG_RAM_LOAD = 0x20,
    FLAG_ROM_FIXED = 0x100,
    HEADER_MIN = 32,
    UNPROTECTED_MAX = 4 + 3 * 4 + OTTER_HASH_SIZE + 512 + OTTER_SIG_SIZE_MAX,
    MAGIC_SIZE = 16
};

/* A cursor over memory that was sized before; it never reaches the end. */
struct out {
    uint8_t *data;
    size_t len;
};

static void put(struct out *out, const void *data, size_t len)
{
    if (len != 0) {
        memcpy(out->data + out->len, data, len);
        out->len += len;
    }
}

static void put_le16(struct out *out, uint32_t value)
{
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    put(out, bytes, sizeof bytes);
}

static void put_le32(struct out *out, uint32_t value)
{
    put_le16(out, value & 0xffff);
    put_le16(out, value >> 16);
}

static void put_tlv(struct out *out, uint16_t type, const void *data, size_t len)
{
    put_le16(out, type);
    put_le16(out, (uint32_t)len);
    put(out, data, len);
}

static size_t protected_size(const struct tool_sign *sign)
{
    size_t size = sign->has_counter ? 8 : 0;
    for (size_t i = 0; i < sign->extras_count; i++) {
        size += 4 + sign->extras[i].value.len;
    }
    return size == 0 ? 0 : 4 + size;
}

static void put_header(struct out *out, const struct tool_sign *sign, size_t payload_size)
{
    uint32_t flags = (sign->load_addr ? FLAG_RAM_LOAD : 0) | (sign->rom_fixed ? FLAG_ROM_FIXED : 0);
    put_le32(out, OTTER_IMAGE_MAGIC);
    put_le32(out, sign->rom_fixed ? sign->rom_fixed : sign->load_addr);
    put_le16(out, sign->header_size);
    put_le16(out, (uint32_t)protected_size(sign));
    put_le32(out, (uint32_t)payload_size);
    put_le32(out, flags);
    put(out, &sign->version.major, 1);
    put(out, &sign->version.minor, 1);
    put_le16(out, sign->version.revision);
    put_le32(out, sign->version.build);
    put_le32(out, 0);
}

static void put_protected(struct out *out, const struct tool_sign *sign)
{
    size_t size = protected_size(sign);
    if (size == 0) {
        return;
    }
    put_le16(out, MAGIC_PROTECTED);
    put_le16(out, (uint32_t)size);
    if (sign->has_counter) {
        put_le16(out, TLV_SECURITY_COUNTER);
        put_le16(out, 4);
        put_le32(out, sign->counter);
    }
    for (size_t i = 0; i < sign->extras_count; i++) {
        put_tlv(out, sign->extras[i].type, sign->extras[i].value.data, sign->extras[i].value.len);
    }
}

static int put_unprotected(struct out *out, const struct tool_sign *sign)
{
    uint8_t hash[OTTER_HASH_SIZE];
    uint8_t sig[OTTER_SIG_SIZE_MAX];
    size_t sig_len;
    if (EVP_Digest(out->data, out->len, hash, NULL, EVP_sha256(), NULL) != 1) {
        return tool_refuse("OpenSSL could not hash");
    }
    size_t info = out->len;
    put_le16(out, MAGIC_UNPROTECTED);
    put_le16(out, 0);
    put_tlv(out, TLV_SHA256, hash, sizeof hash);
    if (sign->key) {
        int rc = tool_key_sign(sign->key, hash, sig, &sig_len);
        if (rc != 0) {
            return rc;
        }
        if (sign->full_key) {
            put_tlv(out, TLV_KEY_FULL, sign->key->der.data, sign->key->der.len);
        } else {
            put_tlv(out, TLV_KEY_HASH, sign->key->hash, sizeof sign->key->hash);
        }
        put_tlv(out, (uint16_t)sign->key->verify.type, sig, sig_len);
    }
    struct out size = {out->data, info + 2};
    put_le16(&size, (uint32_t)(out->len - info));
    return 0;
}

/* The room for the header: ours to add, or zeros that the input brings. */
static int check_room(const struct tool_sign *sign, const struct tool_bytes *input)
{
    for (size_t i = 0; !sign->pad_header && i < sign->header_size; i++) {
        if (i >= input->len || input->data[i] != 0) {
            return tool_refuse("the input does not begin with 0x%x zero bytes as room for the header: "
                               "link it so, or give --pad-header", (unsigned)sign->header_size);
        }
    }
    if (protected_size(sign) > UINT16_MAX) {
        return tool_refuse("dependencies and custom TLVs are larger than 64 KiB together");
    }
    return 0;
}

int tool_sign_image(const struct tool_sign *sign, const struct tool_bytes *input,
                    struct tool_bytes *ret_image)
{
    int rc = check_room(sign, input);
    if (rc != 0) {
        return rc;
    }
    size_t skip = sign->pad_header ? 0 : sign->header_size;
    size_t payload_size = input->len - skip;
    struct out out = {malloc(sign->header_size + payload_size + protected_size(sign) + UNPROTECTED_MAX),
                      0};
    if (!out.data) {
        return tool_refuse("out of memory");
    }
    memset(out.data, sign->pad_header ? sign->erased : 0, sign->header_size);
    put_header(&out, sign, payload_size);
    out.len = sign->header_size;
    put(&out, input->data + skip, payload_size);
    put_protected(&out, sign);
    rc = put_unprotected(&out, sign);
    struct tool_bytes image = {out.data, out.len};
    if (rc == 0) {
        rc = tool_image_accepts(NULL, &image, sign->key);
    }
    if (rc != 0) {
        free(out.data);
        return rc;
    }
    *ret_image = image;
    return 0;
}

static uint32_t max_align_of(const struct tool_sign *sign)
{
    return sign->max_align ? sign->max_align : sign->align > 8 ? sign->align : 8;
}

static uint32_t magic_room(const struct tool_sign *sign)
{
    uint32_t align = max_align_of(sign);
    return align > MAGIC_SIZE ? align : MAGIC_SIZE;
}

uint32_t tool_trailer_size(const struct tool_sign *sign)
{
    if (sign->overwrite_only) {
        return 2 * max_align_of(sign) + magic_room(sign);
    }
    return sign->max_sectors * 3 * sign->align + 4 * max_align_of(sign) + magic_room(sign);
}

int tool_sign_fits(const struct tool_sign *sign, size_t image_size)
{
    uint64_t needed = (uint64_t)image_size + tool_trailer_size(sign);
    if (sign->slot_size == 0 || needed <= sign->slot_size) {
        return 0;
    }
    return tool_refuse("the image (%zu bytes) and MCUboot's trailer (%u bytes) do not fit the slot of "
                       "0x%llx: %llu bytes too many", image_size, (unsigned)tool_trailer_size(sign),
                       (unsigned long long)sign->slot_size,
                       (unsigned long long)(needed - sign->slot_size));
}

/* image_ok in its own unit below the magic, which lies at the very end. */
size_t tool_trailer_end(const struct tool_sign *sign, uint8_t ret_end[TOOL_TRAILER_END_MAX])
{
    static const uint8_t magic_8[MAGIC_SIZE] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                                                0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
    static const uint8_t magic_rest[MAGIC_SIZE - 2] = {0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d,
                                                       0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
    uint32_t align = max_align_of(sign);
    size_t len = magic_room(sign) + align;
    memset(ret_end, sign->erased, len);
    if (sign->confirm && !sign->overwrite_only) {
        ret_end[0] = 1;
    }
    struct out out = {ret_end, len - MAGIC_SIZE};
    if (align == 8) {
        put(&out, magic_8, sizeof magic_8);
    } else {
        put_le16(&out, align);
        put(&out, magic_rest, sizeof magic_rest);
    }
    return len;
}
