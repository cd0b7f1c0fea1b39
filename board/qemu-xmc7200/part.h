/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - what is particular to the emulated XMC7200: QEMU's mps2-an500, a Cortex-M7. */
#ifndef OTTER_BOARD_PART_H
#define OTTER_BOARD_PART_H

#include "otter_map.h"

#define PART_FLASH_FILE 0x60000000u /* PSRAM: the flash file, 16 MiB */
#define PART_LAN9118 0xA0000000u

/* DEVICE(NAME, times): NAME as in otter_map.h. Times in microseconds, typical (sim/parts.c):
 * sector erase, block erase, row write, program of a page; then the page in bytes. */
#define PART_FLASH_DEVICES(DEVICE) \
    DEVICE(CODE_LARGE, 45000, 0, 0, 300, 512) \
    DEVICE(CODE_SMALL, 15000, 0, 0, 300, 512) \
    DEVICE(WORK_LARGE, 80000, 0, 0, 30, 4) \
    DEVICE(WORK_SMALL, 5000, 0, 0, 30, 4)

#if OTTER_MAP_SWAP
#define PART_LAYOUT(of) OTTER_MAP_LAYOUT(of(CODE_LARGE), of(WORK_LARGE), of(WORK_SMALL))
#else
#define PART_LAYOUT(of) OTTER_MAP_LAYOUT(of(CODE_LARGE), of(WORK_SMALL))
#endif

#endif
