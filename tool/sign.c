/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c - `otter sign`: a program file in, an MCUboot image out.
 *
 * Same inputs, same bytes as imgtool (test/interop/images.py compares them).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/firmware.h"
#include "tool/print.h"
#include "tool/sign.h"
#include "tool/sign_options.h"

/* A padded slot in memory: image, erased bytes, the trailer's end. */
static int pad_slot(const struct tool_sign *sign, struct tool_bytes *image)
{
    uint8_t end[TOOL_TRAILER_END_MAX];
    size_t end_len = tool_trailer_end(sign, end);
    uint8_t *slot = malloc((size_t)sign->slot_size);
    if (!slot) {
        return tool_refuse("out of memory");
    }
    memset(slot, sign->erased, (size_t)sign->slot_size);
    memcpy(slot, image->data, image->len);
    memcpy(slot + sign->slot_size - end_len, end, end_len);
    free(image->data);
    image->data = slot;
    image->len = (size_t)sign->slot_size;
    return 0;
}

/* As imgtool: a HEX file of a padded slot holds the image and the trailer's end, nothing between;
 * a magic that is longer than 16 bytes leaves a hole above image_ok too. */
static int write_hex(const struct tool_sign *sign, const char *path, uint64_t address,
                     const struct tool_bytes *image)
{
    enum { MAGIC_SIZE = 16 };
    uint8_t end[TOOL_TRAILER_END_MAX];
    size_t len = tool_trailer_end(sign, end);
    uint64_t end_at = address + sign->slot_size - len;
    size_t flag_len = len == 64 ? 32 : len - MAGIC_SIZE;
    struct tool_part parts[3] = {{address, image->data, image->len}};
    size_t count = 1;
    if (sign->pad && (sign->test || sign->confirm) && !sign->overwrite_only) {
        bool hole = flag_len + MAGIC_SIZE != len;
        parts[count++] = (struct tool_part){end_at, end, hole ? flag_len : len};
        flag_len = hole ? flag_len : len;
    }
    if (sign->pad && flag_len != len) {
        parts[count++] = (struct tool_part){end_at + len - MAGIC_SIZE, end + len - MAGIC_SIZE, MAGIC_SIZE};
    }
    return tool_hex_write(path, parts, count);
}

static int hex_address(const struct sign_options *options, const struct tool_firmware *input,
                       uint64_t *ret_address)
{
    const struct tool_sign *sign = &options->sign;
    if (options->has_hex_addr) {
        *ret_address = options->hex_addr;
        return 0;
    }
    if (!input->has_address) {
        return tool_refuse("'%s' has no address for the .hex file: give --hex-addr", options->input);
    }
    uint64_t room = sign->pad_header && input->address != 0 ? sign->header_size : 0;
    if (input->address < room) {
        return tool_refuse("'%s' begins at 0x%llx, which leaves no room for a header of 0x%x below it: "
                           "give --hex-addr", options->input, (unsigned long long)input->address,
                           (unsigned)sign->header_size);
    }
    *ret_address = input->address - room;
    return 0;
}

/* An .elf or .hex knows its address; linked for another slot it would crash in this one. */
static int check_place(const struct sign_options *options, const struct tool_firmware *input)
{
    const struct tool_sign *sign = &options->sign;
    uint64_t wanted = (uint64_t)options->slot_addr + (sign->pad_header ? sign->header_size : 0);
    if (options->slot_addr == 0 || !input->has_address || input->address == wanted) {
        return 0;
    }
    return tool_refuse("'%s' is linked for 0x%llx, but in the primary slot it will lie at 0x%llx: is it for another flash "
                       "map, header size, or --board?", options->input, (unsigned long long)input->address,
                       (unsigned long long)wanted);
}

static void print_summary(const struct sign_options *options, size_t size)
{
    const struct tool_sign *sign = &options->sign;
    char version[TOOL_VERSION_SIZE];
    printf("%s: version %s, %zu bytes, ", options->output, tool_version_text(&sign->version, version),
           size);
    if (sign->key) {
        fputs("signed with ", stdout);
        fputs(sign->key->name, stdout);
        fputs(" key ", stdout);
        tool_print_hex(stdout, sign->key->hash, 8);
    } else {
        fputs("NOT signed", stdout);
    }
    if (sign->pad) {
        printf(", padded to 0x%llx%s", (unsigned long long)sign->slot_size,
               sign->confirm && !sign->overwrite_only ? ", confirmed" : "");
    }
    putchar('\n');
    const char *origin = sign->key ? tool_key_known_origin(sign->key) : NULL;
    if (origin) {
        printf("for tests only: the key is %s, which everybody has\n", origin);
    }
}

static int sign_file(struct sign_options *options)
{
    struct tool_firmware input;
    struct tool_bytes image;
    uint64_t address = 0;
    bool hex = tool_firmware_kind(options->output) == TOOL_HEX;
    int rc = tool_firmware_read(options->input, &input);
    if (rc != 0) {
        return rc;
    }
    rc = check_place(options, &input);
    if (rc == 0 && hex) {
        rc = hex_address(options, &input, &address);
    }
    if (rc == 0) {
        rc = tool_sign_image(&options->sign, &input.bytes, &image);
    }
    tool_bytes_free(&input.bytes);
    if (rc != 0) {
        return rc;
    }
    size_t size = image.len;
    rc = tool_sign_fits(&options->sign, size);
    if (rc == 0 && options->image_size_max != 0 && size > options->image_size_max) {
        rc = tool_refuse("the image has %zu bytes, but the flash map takes at most %u: %zu too many", size,
                         (unsigned)options->image_size_max, size - options->image_size_max);
    }
    if (rc == 0 && !hex && options->sign.pad) {
        rc = pad_slot(&options->sign, &image);
    }
    if (rc == 0) {
        rc = hex ? write_hex(&options->sign, options->output, address, &image)
                 : tool_write_file(options->output, image.data, image.len, 0644);
    }
    if (rc == 0) {
        print_summary(options, size);
    }
    tool_bytes_free(&image);
    return rc;
}

int tool_sign(int argc, const char **argv)
{
    struct sign_options options;
    int rc;
    if (sign_options_read(argc, argv, &options, &rc)) {
        rc = sign_file(&options);
    }
    sign_options_free(&options);
    return rc;
}
