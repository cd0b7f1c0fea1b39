/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - what is particular to the emulated PSOC 6: QEMU's mps2-an386, a Cortex-M4. */
#ifndef OTTER_BOARD_PART_H
#define OTTER_BOARD_PART_H

#include "otter_map.h"

#define PART_FLASH_FILE 0x21000000u /* PSRAM: the flash file, 16 MiB */
#define PART_LAN9118 0x40200000u

/* DEVICE(NAME, times): NAME as in otter_map.h. Times in microseconds, typical (sim/parts.c):
 * sector erase, block erase, row write, program of a page; then the page in bytes. */
#define PART_FLASH_DEVICES(DEVICE) \
    DEVICE(INTERNAL, 11000, 11000, 16000, 5000, 512) /* row of a PSOC 6 */ \
    DEVICE(EXTERNAL, 520000, 0, 0, 340, 512)         /* S25HS256T */

#define PART_LAYOUT(of) OTTER_MAP_LAYOUT(of(INTERNAL), of(EXTERNAL))

#endif
