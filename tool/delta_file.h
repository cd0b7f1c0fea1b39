/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_file.h - what a patch is made from: a signed image, or any other file.
 */
#ifndef OTTER_TOOL_DELTA_FILE_H
#define OTTER_TOOL_DELTA_FILE_H

#include "otter/image.h"
#include "tool/tool.h"

#define DELTA_FILE_MAX (64u << 20)

struct delta_file {
    const char *path;        /* borrowed */
    struct tool_bytes bytes; /* as they lie in a slot, from its first byte */
    bool is_image;           /* `image` holds what its header says */
    struct otter_image image;
    uint8_t base[32];        /* the hash that patches from it name: the image's own, else the file's */
    bool has_address;        /* the file itself says where byte 0 runs: .hex, .elf, an image's header */
    uint32_t address;
};

/* A base is cut before its signature: a program that was signed twice has one hash, by which a device
 * knows it, and two signatures; and padding or a trailer behind differs between devices. (What is
 * left is the length of the TLVs, two bytes: where an ECDSA signature is a byte longer on a device,
 * the result's hash is wrong, and it takes the whole image.) An image whose hash is wrong is on no device. 0, or TOOL_REFUSED after saying why.
 * Release with delta_file_free in both cases. */
enum delta_file_use { DELTA_FILE_BASE, DELTA_FILE_RESULT };
int delta_file_read(const char *path, enum delta_file_use use, struct delta_file *ret_file);
void delta_file_free(struct delta_file *file);

/* The same from bytes in memory, which it takes. */
int delta_file_take(const char *path, struct tool_bytes bytes, enum delta_file_use use, struct delta_file *ret_file);

#endif
