/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_file.c - images in memory, read by the device's own slot/image.c, and its verdicts in
 * words.
 */
#include <string.h>

#include "otter/result.h"
#include "tool/image_file.h"

static int memory_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct tool_bytes *bytes = ctx;
    if (off > bytes->len || len > bytes->len - off) {
        return OTTER_ERR_ARG;
    }
    memcpy(buf, bytes->data + off, len);
    return OTTER_OK;
}

static int memory_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    (void)ctx;
    (void)off;
    (void)buf;
    (void)len;
    return OTTER_ERR_ARG;
}

static int memory_erase(void *ctx, uint32_t off, uint32_t size)
{
    (void)ctx;
    (void)off;
    (void)size;
    return OTTER_ERR_ARG;
}

void tool_memory_flash(const struct tool_bytes *bytes, struct otter_flash *ret_flash,
                       struct otter_area *ret_area)
{
    union {
        const struct tool_bytes *from;
        void *to;
    } ctx = {.from = bytes}; /* read only: prog and erase refuse */
    *ret_flash = (struct otter_flash){.ctx = ctx.to,
                                      .read = memory_read,
                                      .prog = memory_prog,
                                      .erase = memory_erase,
                                      .size = (uint32_t)bytes->len,
                                      .sector_size = 1,
                                      .prog_size = 1,
                                      .erased = 0xff};
    *ret_area = (struct otter_area){.flash = ret_flash, .base = 0, .size = (uint32_t)bytes->len};
}

static const struct {
    const char *name;
    const char *why;
} faults[] = {
    [0] = {"none", "good"},
    [OTTER_IMAGE_NO_MAGIC] = {"no-magic", "not an MCUboot image: the first four bytes are not 3d b8 f3 96"},
    [OTTER_IMAGE_HEADER_SIZE] = {"header-size", "the header says that it is smaller than 32 bytes"},
    [OTTER_IMAGE_NO_PAYLOAD] = {"no-payload", "the image has no payload"},
    [OTTER_IMAGE_NO_TLVS] = {"no-tlvs", "there is no TLV area where the header says it is: the file is cut "
                                        "short, or was changed after signing"},
    [OTTER_IMAGE_TLV_OVERRUN] = {"tlv-overrun", "a TLV does not end inside its area"},
    [OTTER_IMAGE_TLV_PLACE] = {"tlv-place", "a TLV is in the wrong area: what is not signed may hold only "
                                            "hash, key and signature, and these may not be elsewhere"},
    [OTTER_IMAGE_TLV_LENGTH] = {"tlv-length", "a hash, key hash or security counter has the wrong length"},
    [OTTER_IMAGE_TLV_TWICE] = {"tlv-twice", "the hash or the security counter is there twice"},
    [OTTER_IMAGE_TOO_LARGE] = {"too-large", "the image reaches beyond the end of the file or slot"},
    [OTTER_IMAGE_FLAGS] = {"flags", "the header's flags ask for something that is not done here"},
    [OTTER_IMAGE_OTHER_HASH] = {"other-hash", "signed over SHA-384, SHA-512 or the whole image; only SHA-256 "
                                              "is taken here (imgtool sign --sha 256, without --pure)"},
    [OTTER_IMAGE_NO_HASH] = {"no-hash", "the image has no SHA-256"},
    [OTTER_IMAGE_HASH_WRONG] = {"hash-wrong", "the SHA-256 does not match: the image was changed after signing, "
                                              "or damaged on the way"},
    [OTTER_IMAGE_NOT_SIGNED] = {"not-signed", "not signed by any of the keys given"},
    [OTTER_IMAGE_SIGNATURE_WRONG] = {"signature-wrong", "the signature is wrong: it names the key but was not "
                                                        "made with it"},
    [OTTER_IMAGE_SIGNATURES_MANY] = {"signatures-many", "more signatures by trusted keys than there are keys"},
};

const char *tool_fault_name(int fault)
{
    bool known = fault >= 0 && (size_t)fault < sizeof faults / sizeof faults[0];
    return known ? faults[fault].name : "unreadable";
}

static const char *flags_why(uint32_t flags)
{
    if ((flags & 0x0c) != 0) {
        return "the image is encrypted: Otter does not install encrypted images; sign it without "
               "--encrypt";
    }
    if ((flags & 0xe00) != 0) {
        return "the image is compressed: Otter does not install compressed images; sign it without "
               "--compression";
    }
    if ((flags & 0x10) != 0) {
        return "the image is marked not bootable: sign it without --non-bootable";
    }
    return faults[OTTER_IMAGE_FLAGS].why;
}

static uint32_t load_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

const char *tool_fault_why(int fault, const struct tool_bytes *bytes, char ret_text[TOOL_WHY_SIZE])
{
    const uint8_t big[4] = {0x96, 0xf3, 0xb8, 0x3d};
    const char *why = "the image could not be read";
    if (fault >= 0 && (size_t)fault < sizeof faults / sizeof faults[0]) {
        why = faults[fault].why;
    }
    if (fault == OTTER_IMAGE_FLAGS) {
        why = flags_why(load_le32(bytes->data + 16));
    } else if (fault == OTTER_IMAGE_NO_MAGIC && bytes->len >= 4 && memcmp(bytes->data, big, 4) == 0) {
        why = "a big-endian image: sign it with --endian little";
    }
    (void)snprintf(ret_text, TOOL_WHY_SIZE, "%s", why);
    return ret_text;
}

void tool_image_judge(const struct otter_view *view, const struct otter_key *keys, size_t keys_count,
                      struct tool_verdict *ret_verdict)
{
    memset(ret_verdict, 0, sizeof *ret_verdict);
    ret_verdict->fault = otter_image_examine(view, &ret_verdict->image);
    ret_verdict->parsed = ret_verdict->fault == 0;
    if (!ret_verdict->parsed) {
        return;
    }
    uint8_t buf[4096];
    struct otter_image_check check;
    otter_image_check_begin(&check, view, &ret_verdict->image, keys, keys_count);
    int more;
    do {
        more = otter_image_check_step(&check, buf, sizeof buf);
    } while (more > 0);
    ret_verdict->fault = more == OTTER_ERR_AUTH ? (int)check.fault : more;
    ret_verdict->hash_good = more == 0 || (more == OTTER_ERR_AUTH && check.fault > OTTER_IMAGE_HASH_WRONG);
    ret_verdict->signer = check.signer;
}

int tool_image_accepts(const char *path, const struct tool_bytes *bytes, const struct tool_key *key)
{
    struct otter_flash flash;
    struct otter_area area;
    struct tool_verdict verdict;
    char why[TOOL_WHY_SIZE];
    tool_memory_flash(bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    tool_image_judge(&view, key ? &key->verify : NULL, key ? 1 : 0, &verdict);
    if (verdict.fault == 0 || (!key && verdict.fault == OTTER_IMAGE_NOT_SIGNED)) {
        return 0;
    }
    return path ? tool_refuse("'%s': %s", path, tool_fault_why(verdict.fault, bytes, why))
                : tool_refuse("%s", tool_fault_why(verdict.fault, bytes, why));
}
