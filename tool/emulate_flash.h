/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_flash.h - the file behind an emulated board's flash.
 *
 * A new one is as a factory leaves it: every device erased, the first image in the primary
 * slot, nothing noted as programmed. One board at a time holds its lock; QEMU holds it too.
 */
#ifndef OTTER_TOOL_EMULATE_FLASH_H
#define OTTER_TOOL_EMULATE_FLASH_H

#include "tool/board.h"
#include "tool/tool.h"

struct emulate_flash {
    int fd;   /* -1: closed; not closed on exec, so that the lock outlives a killed otter */
    bool made; /* new: the image was put in */
};

/* The 16 MiB of a new board; `image` may be empty. `map` was placed on `board`. 0, or
 * TOOL_REFUSED: out of memory. */
int emulate_flash_make(const struct board_kind *board, const struct flashmap *map, const struct tool_bytes *image,
                       struct tool_bytes *ret_flash);

/* Is there such a file? Then its contents count and no image is needed. NULL path: false. */
bool emulate_flash_exists(const char *path);

/* Open and lock `path`, made from `image` when it is missing; NULL: a file without a name that
 * is gone with its last user. 0, or TOOL_REFUSED after saying why. */
int emulate_flash_open(const char *path, const struct board_kind *board, const struct flashmap *map,
                       const struct tool_bytes *image, struct emulate_flash *ret_flash);
void emulate_flash_close(struct emulate_flash *flash);

#endif
