/* SPDX-License-Identifier: Apache-2.0 */
/* delta_file.c - what a patch is made from: a signed image, or any other file. */
#include <openssl/evp.h>
#include <string.h>

#include "tool/delta_file.h"
#include "tool/firmware.h"
#include "tool/image_file.h"

enum { FLAG_RAM_LOAD = 0x20 };

/* Where the first signature begins. */
static uint32_t signature_off(const struct otter_view *view, const struct otter_image *image)
{
    static const uint16_t types[] = {OTTER_SIG_RSA2048_PSS, OTTER_SIG_ECDSA_P256, OTTER_SIG_RSA3072_PSS, OTTER_SIG_ED25519};
    enum { TLV_HEADER = 4 };
    uint32_t first = image->size;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint32_t off = 0;
        uint16_t len = 0;
        if (otter_image_tlv(view, image, types[i], 0, &off, &len) == 0 && off - TLV_HEADER < first) {
            first = off - TLV_HEADER;
        }
    }
    return first;
}

/* A base must be what its hash says: that is how a device tells whether it runs it. */
static int take_image(struct delta_file *file, enum delta_file_use use, const struct otter_view *view)
{
    struct tool_verdict verdict;
    tool_image_judge(view, NULL, 0, &verdict);
    if (!verdict.parsed) {
        return 0; /* any other file: also an image that is encrypted */
    }
    if (!verdict.hash_good && use == DELTA_FILE_BASE) {
        return tool_refuse("'%s' was changed after signing, or damaged: its SHA-256 does not match, so no device runs it", file->path);
    }
    file->is_image = true;
    file->image = verdict.image;
    memcpy(file->base, verdict.image.hash, sizeof file->base);
    if ((verdict.image.flags & (FLAG_RAM_LOAD | OTTER_IMAGE_ROM_FIXED)) != 0 && verdict.image.load_addr != 0) {
        file->has_address = true;
        file->address = verdict.image.load_addr;
    }
    if (use == DELTA_FILE_BASE) {
        file->bytes.len = signature_off(view, &verdict.image);
    }
    return 0;
}

int delta_file_take(const char *path, struct tool_bytes bytes, enum delta_file_use use, struct delta_file *ret_file)
{
    struct otter_flash flash;
    struct otter_area area;
    *ret_file = (struct delta_file){.path = path, .bytes = bytes};
    if (EVP_Digest(bytes.data, bytes.len, ret_file->base, NULL, EVP_sha256(), NULL) != 1) {
        return tool_refuse("OpenSSL could not hash");
    }
    tool_memory_flash(&ret_file->bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    return take_image(ret_file, use, &view);
}

int delta_file_read(const char *path, enum delta_file_use use, struct delta_file *ret_file)
{
    struct tool_firmware firmware = {.has_address = false};
    memset(ret_file, 0, sizeof *ret_file);
    int rc = tool_firmware_read(path, &firmware);
    rc = rc == 0 ? delta_file_take(path, firmware.bytes, use, ret_file) : rc;
    if (rc == 0 && firmware.has_address && firmware.address <= UINT32_MAX) {
        ret_file->has_address = true;
        ret_file->address = (uint32_t)firmware.address;
    }
    return rc;
}

void delta_file_free(struct delta_file *file)
{
    tool_bytes_free(&file->bytes);
}
