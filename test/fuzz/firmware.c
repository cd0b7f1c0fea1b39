/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firmware.c - Intel HEX and ELF files, and `otter inspect` on what comes out.
 *
 * Input: kind (0: HEX, 1: ELF, 2: an image as it is), then the file.
 */
#include "fuzz.h"

#include "tool/firmware.h"
#include "tool/inspect.h"

static struct inspect_image shown;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    return 0;
}

static void look(const struct tool_bytes *bytes)
{
    char text[INSPECT_VALUE_SIZE];
    inspect_image_read(bytes, &shown);
    REQUIRE(shown.tlvs_count <= INSPECT_TLVS_MAX);
    for (size_t i = 0; i < shown.tlvs_count; i++) {
        const struct inspect_tlv *tlv = &shown.tlvs[i];
        REQUIRE(tlv->value >= bytes->data && tlv->len <= bytes->len);
        REQUIRE((size_t)(tlv->value - bytes->data) <= bytes->len - tlv->len);
        inspect_tlv_value(tlv, text);
    }
    if (shown.has_header) {
        inspect_image_print("image.bin", &shown);
    }
    json_t *json = inspect_image_json(&shown);
    REQUIRE(json != NULL);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned kind = fuzz_u8(&bytes) % 3;
    struct tool_firmware firmware = {.has_address = false};
    struct tool_bytes file = {(uint8_t *)fuzz_text(bytes.at, bytes.left), bytes.left};
    int rc = 0;
    if (kind == 0) {
        rc = tool_hex_parse("x.hex", &file, &firmware);
    } else if (kind == 1) {
        rc = tool_elf_parse("x.elf", &file, &firmware);
    } else {
        look(&file);
    }
    REQUIRE(rc == 0 || rc == TOOL_REFUSED);
    if (kind < 2 && rc == 0) {
        REQUIRE(firmware.has_address && firmware.bytes.len > 0 && firmware.bytes.len <= TOOL_FIRMWARE_SIZE_MAX);
        if (firmware.bytes.len < 4096) {
            look(&firmware.bytes);
        }
        tool_bytes_free(&firmware.bytes);
    } else {
        REQUIRE(firmware.bytes.data == NULL);
    }
    tool_bytes_free(&file);
    return 0;
}
