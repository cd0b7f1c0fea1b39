/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_firmware.h - built firmware of the emulated boards: found, or built.
 *
 * A folder of firmware has bootloader-MAP.elf and ota-https-MAP-VERSION.bin. Without one named,
 * it is build/BOARD of the source tree that this tool was built from, built there when a file is
 * missing or a source is newer.
 */
#ifndef OTTER_TOOL_EMULATE_FIRMWARE_H
#define OTTER_TOOL_EMULATE_FIRMWARE_H

#include "tool/board.h"
#include "tool/key.h"

/* "FOLDER/bootloader-MAP.elf" for --firmware=FOLDER (NULL: the source tree's) and --bootloader=FILE
 * (NULL: the folder's). Strings are the caller's to free. 0, or TOOL_REFUSED after saying why. */
int emulate_firmware_find(const struct board_kind *board, const char *map, const char *folder, const char *bootloader,
                          char **ret_folder, char **ret_bootloader);

/* The example application 1.0.0 of a folder, signed: 0, or TOOL_REFUSED. */
int emulate_firmware_image(const char *folder, const char *map, const struct tool_key *key,
                           struct tool_bytes *ret_image);

/* The repository's key for tests, whose private half everybody has; the caller frees it. NULL:
 * the source tree is gone. */
char *emulate_firmware_test_key(void);

#endif
