/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_file.h - images in memory, read by the device's own slot/image.c.
 */
#ifndef OTTER_TOOL_IMAGE_FILE_H
#define OTTER_TOOL_IMAGE_FILE_H

#include "otter/image.h"
#include "tool/key.h"
#include "tool/tool.h"

/* A read-only flash device over bytes, and the area that covers all of it. Borrows both. */
void tool_memory_flash(const struct tool_bytes *bytes, struct otter_flash *ret_flash,
                       struct otter_area *ret_area);

/* The short name of a fault ("tlv-overrun"), for --json; and what it means for a person, in
 * ret_text. `bytes` may be anything, also not an image. */
#define TOOL_WHY_SIZE 240
const char *tool_fault_name(int fault);
const char *tool_fault_why(int fault, const struct tool_bytes *bytes, char ret_text[TOOL_WHY_SIZE]);

/* What slot/image.c says of an image: fault 0 and the signer, or what is wrong. */
struct tool_verdict {
    struct otter_image image; /* when `parsed` */
    bool parsed;
    int fault;                    /* enum otter_image_fault; 0: good */
    bool hash_good;
    const struct otter_key *signer; /* one of the keys given */
};
void tool_image_judge(const struct otter_view *view, const struct otter_key *keys, size_t keys_count,
                      struct tool_verdict *ret_verdict);

/* 0 when a device with this key takes the image (NULL: all but a signature is right), or
 * TOOL_REFUSED after saying why not. path: where the bytes are from; NULL: no file. */
int tool_image_accepts(const char *path, const struct tool_bytes *bytes, const struct tool_key *key);

#endif
