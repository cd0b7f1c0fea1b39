/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.h - the emulated boards: which machine of QEMU each is, and where its flash lies.
 *
 * A machine has 16 MiB of memory that a file backs: that file is the flash. Devices of a flash
 * map are placed in it here, and nowhere else: firmware gets the addresses from `otter
 * flashmap header --board`.
 */
#ifndef OTTER_TOOL_BOARD_H
#define OTTER_TOOL_BOARD_H

#include "tool/flashmap.h"

#define BOARD_FLASH_FILE_SIZE 0x1000000u
#define BOARD_DEVICES_MAX 4u

struct board_window {
    const char *device; /* the flash map's name for it */
    uint32_t off;       /* in the flash file */
    uint32_t size;      /* of the device, as far as this board has it */
};

struct board_kind {
    const char *name;    /* "qemu-psoc62" */
    const char *machine; /* of QEMU */
    const char *cpu;     /* in words */
    const char *platforms[3];
    uint32_t flash_addr; /* where the processor sees the flash file */
    uint32_t used_off;   /* in the flash file: what the drivers note about programmed units */
    uint32_t otp_addr;   /* factory settings, read-only; at most otp_size bytes */
    uint32_t otp_size;
    struct board_window windows[BOARD_DEVICES_MAX];
};

extern const struct board_kind board_kinds[]; /* the last has no name */

const struct board_kind *board_by_name(const char *name);         /* NULL: none */
const struct board_kind *board_of_map(const struct flashmap *map); /* by platform; NULL: none */

/* Move every device and area of the map to where this board has it; the bootloader goes to
 * address 0. 0, or TOOL_REFUSED after saying what does not fit the board. */
int board_place(const struct board_kind *board, struct flashmap *map);

/* Flash file offset of a byte of an area of a map that board_place moved. */
uint32_t board_file_off(const struct board_kind *board, const struct flashmap_area *area, uint32_t off);

#endif
