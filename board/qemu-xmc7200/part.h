/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - what is particular to the emulated XMC7200: QEMU's mps2-an500, a Cortex-M7. */
#ifndef OTTER_BOARD_PART_H
#define OTTER_BOARD_PART_H

#include "otter_map.h"

#define PART_FLASH_FILE 0x60000000u /* PSRAM: the flash file, 16 MiB */
#define PART_LAN9118 0xA0000000u

/* Those that maps use. DEVICE(NAME, ...): NAME as in otter_map.h; microseconds to erase a sector or
 * block, and to program a unit: typical times (sim/parts.c). */
#define PART_FLASH_DEVICES(DEVICE) \
    DEVICE(CODE_LARGE, 45000, 19) /* 300 us for 512 bytes */ \
    DEVICE(WORK_LARGE, 80000, 30) \
    DEVICE(WORK_SMALL, 5000, 30)

#if OTTER_MAP_SWAP
#define PART_LAYOUT(of) OTTER_MAP_LAYOUT(of(CODE_LARGE), of(WORK_LARGE), of(WORK_SMALL))
#else
#define PART_LAYOUT(of) OTTER_MAP_LAYOUT(of(CODE_LARGE), of(WORK_SMALL))
#endif

#endif
