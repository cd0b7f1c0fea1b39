/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_image.c - takes an image apart: header, TLVs, trailer, and the device's verdict. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tool/inspect.h"
#include "tool/print.h"

static uint16_t load_le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t load_le32(const uint8_t *bytes)
{
    return load_le16(bytes) | (uint32_t)load_le16(bytes + 2) << 16;
}

static bool read_header(struct inspect_image *image)
{
    const uint8_t *raw = image->bytes->data;
    if (image->bytes->len < 32 || load_le32(raw) != OTTER_IMAGE_MAGIC) {
        return false;
    }
    image->load_addr = load_le32(raw + 4);
    image->header_size = load_le16(raw + 8);
    image->protected_size = load_le16(raw + 10);
    image->payload_size = load_le32(raw + 12);
    image->flags = load_le32(raw + 16);
    image->version.major = raw[20];
    image->version.minor = raw[21];
    image->version.revision = load_le16(raw + 22);
    image->version.build = load_le32(raw + 24);
    return true;
}

/* Entries of one area at off, as many as can be read; returns where the area ends, or off. */
static uint64_t read_area(struct inspect_image *image, uint64_t off, uint16_t magic)
{
    const uint8_t *data = image->bytes->data;
    uint64_t len = image->bytes->len;
    if (off + 4 > len || load_le16(data + off) != magic) {
        return off;
    }
    uint64_t end = off + load_le16(data + off + 2);
    end = end < len ? end : len;
    uint64_t at = off + 4;
    while (at + 4 <= end && image->tlvs_count < INSPECT_TLVS_MAX) {
        struct inspect_tlv *tlv = &image->tlvs[image->tlvs_count];
        tlv->in_protected = magic == 0x6908;
        tlv->type = load_le16(data + at);
        tlv->len = load_le16(data + at + 2);
        tlv->off = (uint32_t)at;
        tlv->value = data + at + 4;
        if (at + 4 + tlv->len > end) {
            break;
        }
        image->tlvs_count++;
        at += 4u + tlv->len;
    }
    return end > off + 4 ? end : off + 4;
}

static const char *flag_word(uint8_t value)
{
    return value == 1 ? "set" : value == 0xff || value == 0 ? "unset" : "bad";
}

static const char *swap_word(uint8_t value)
{
    static const char *const words[] = {"none", "none", "test", "permanent", "revert"};
    return value == 0xff ? "none" : (value & 15) <= 4 ? words[value & 15] : "bad";
}

static void read_trailer(struct inspect_image *image)
{
    static const uint8_t magic_8[16] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                                        0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
    static const uint8_t magic_rest[14] = {0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d,
                                           0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
    struct inspect_trailer *trailer = &image->trailer;
    size_t len = image->bytes->len;
    if (len < image->end + 16 || len < 256) {
        return;
    }
    const uint8_t *magic = image->bytes->data + len - 16;
    if (memcmp(magic, magic_8, sizeof magic_8) == 0) {
        trailer->max_align = 8;
    } else if (memcmp(magic + 2, magic_rest, sizeof magic_rest) == 0 &&
               (load_le16(magic) == 16 || load_le16(magic) == 32)) {
        trailer->max_align = load_le16(magic);
    } else {
        return;
    }
    size_t align = trailer->max_align;
    size_t image_ok = len - (align > 16 ? align : 16) - align;
    trailer->found = true;
    trailer->image_ok = flag_word(image->bytes->data[image_ok]);
    trailer->copy_done = flag_word(image->bytes->data[image_ok - align]);
    trailer->swap = swap_word(image->bytes->data[image_ok - 2 * align]);
}

void inspect_image_read(const struct tool_bytes *bytes, struct inspect_image *ret_image)
{
    struct inspect_image *image = ret_image;
    memset(image, 0, sizeof *image);
    image->bytes = bytes;
    image->has_header = read_header(image);
    if (image->has_header) {
        uint64_t off = (uint64_t)image->header_size + image->payload_size;
        off = read_area(image, off, 0x6908);
        image->end = read_area(image, off, 0x6907);
        read_trailer(image);
    }
    struct otter_flash flash;
    struct otter_area area;
    tool_memory_flash(bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    tool_image_judge(&view, NULL, 0, &image->verdict);
    image->accepted = image->verdict.fault == 0 || image->verdict.fault == OTTER_IMAGE_NOT_SIGNED;
    (void)tool_fault_why(image->verdict.fault, bytes, image->why);
}

static const struct {
    uint16_t type;
    const char *name;
} names[] = {
    {0x01, "key hash"},          {0x02, "public key"},      {0x10, "SHA-256"},
    {0x11, "SHA-384"},           {0x12, "SHA-512"},         {0x20, "RSA-2048 signature"},
    {0x22, "ECDSA signature"},   {0x23, "RSA-3072 signature"}, {0x24, "Ed25519 signature"},
    {0x25, "signature is over the image"}, {0x30, "RSA-wrapped AES key"}, {0x31, "AES-wrapped AES key"},
    {0x32, "P-256-wrapped AES key"}, {0x33, "X25519-wrapped AES key"}, {0x34, "X25519-wrapped AES key (SHA-512)"},
    {0x40, "dependency"},        {0x50, "security counter"}, {0x60, "boot record"},
    {0x70, "unpacked size"},     {0x71, "unpacked hash"},   {0x72, "unpacked signature"},
    {0x73, "size before encryption"}, {0x74, "vendor UUID"}, {0x75, "class UUID"},
};

const char *inspect_tlv_name(uint16_t type)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].type == type) {
            return names[i].name;
        }
    }
    return NULL;
}

void inspect_tlv_value(const struct inspect_tlv *tlv, char ret_text[INSPECT_VALUE_SIZE])
{
    enum { SHOWN = 32 };
    if (tlv->type == 0x40 && tlv->len == 12) {
        const uint8_t *at = tlv->value + 4;
        struct otter_version version = {at[0], at[1], load_le16(at + 2), load_le32(at + 4)};
        char text[TOOL_VERSION_SIZE];
        (void)snprintf(ret_text, INSPECT_VALUE_SIZE, "image %u, version %s or newer", tlv->value[0],
                       tool_version_text(&version, text));
    } else if ((tlv->type == 0x50 || tlv->type == 0x70 || tlv->type == 0x73) && tlv->len == 4) {
        (void)snprintf(ret_text, INSPECT_VALUE_SIZE, "%lu", (unsigned long)load_le32(tlv->value));
    } else {
        size_t len = tlv->len < SHOWN ? tlv->len : SHOWN;
        size_t printable = 0;
        while (printable < len && isprint(tlv->value[printable])) {
            printable++;
        }
        (void)tool_hex(tlv->value, len, ret_text);
        size_t end = 2 * len;
        end += (size_t)snprintf(ret_text + end, INSPECT_VALUE_SIZE - end, "%s", len < tlv->len ? "..." : "");
        if (len != 0 && printable == len) {
            (void)snprintf(ret_text + end, INSPECT_VALUE_SIZE - end, " \"%.*s\"", (int)len,
                           (const char *)tlv->value);
        }
    }
}

void inspect_flags_text(uint32_t flags, char ret_text[INSPECT_VALUE_SIZE])
{
    static const struct {
        uint32_t bit;
        const char *name;
    } bits[] = {{0x1, "position independent"}, {0x4, "encrypted (AES-128)"}, {0x8, "encrypted (AES-256)"},
                {0x10, "not bootable"},        {0x20, "load to RAM"},        {0x100, "fixed address"},
                {0x200, "compressed (LZMA1)"}, {0x400, "compressed (LZMA2)"}, {0x800, "compressed (Arm Thumb filter)"}};
    size_t len = 0;
    ret_text[0] = 0;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if ((flags & bits[i].bit) != 0 && len < INSPECT_VALUE_SIZE) {
            len += (size_t)snprintf(ret_text + len, INSPECT_VALUE_SIZE - len, "%s%s", len ? ", " : "",
                                    bits[i].name);
            flags &= ~bits[i].bit;
        }
    }
    if (flags != 0 && len < INSPECT_VALUE_SIZE) {
        (void)snprintf(ret_text + len, INSPECT_VALUE_SIZE - len, "%sunknown 0x%lx", len ? ", " : "",
                       (unsigned long)flags);
    } else if (len == 0) {
        (void)snprintf(ret_text, INSPECT_VALUE_SIZE, "none");
    }
}
