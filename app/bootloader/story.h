/* SPDX-License-Identifier: Apache-2.0 */
/* story.h - what the bootloader tells on the UART: the lines of board/words.def. */
#ifndef OTTER_APP_BOOTLOADER_STORY_H
#define OTTER_APP_BOOTLOADER_STORY_H

#include "board/board.h"
#include "otter/boot.h"

/* Who speaks, and why it was reset. */
void story_begin(enum board_reset cause, uint32_t pc);

/* An on_event of struct otter_boot_config; progress at most every 5 %. ctx: not used. */
void story_tell(void *ctx, const struct otter_boot_event *event);

/* Why nothing is started. */
void story_end(size_t keys, int err);

#endif
