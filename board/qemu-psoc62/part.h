/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - what is particular to the emulated PSOC 6: QEMU's mps2-an386, a Cortex-M4. */
#ifndef OTTER_BOARD_PART_H
#define OTTER_BOARD_PART_H

#include "otter_map.h"

#define PART_FLASH_FILE 0x21000000u /* PSRAM: the flash file, 16 MiB */
#define PART_LAN9118 0x40200000u

/* Those that maps use. DEVICE(NAME, ...): NAME as in otter_map.h; microseconds to erase a sector or
 * block, and to program a unit: typical times (sim/parts.c). */
#define PART_FLASH_DEVICES(DEVICE) \
    DEVICE(INTERNAL, 11000, 5000) /* 512-byte row; a 4 KiB subsector takes no longer to erase */ \
    DEVICE(EXTERNAL, 520000, 340) /* S25HS256T: 512-byte page */

#define PART_LAYOUT(of) OTTER_MAP_LAYOUT(of(INTERNAL), of(EXTERNAL))

#endif
