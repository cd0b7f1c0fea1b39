/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - private to board/qemu-mps2: what start.c paints the stack with. */
#ifndef OTTER_BOARD_MEMORY_H
#define OTTER_BOARD_MEMORY_H

#define MEMORY_PAINT 0xA5

#endif
