/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - how much RAM is in use: what the linker placed, and how deep the stack ever went. */
#include "board/qemu-mps2/memory.h"

#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct board_memory board_memory(void)
{
    const uint8_t *deepest = (const uint8_t *)stack_start;
    const uint8_t *top = (const uint8_t *)stack_end;
    uint32_t size = (uint32_t)(top - deepest);
    while (deepest < top && *deepest == MEMORY_PAINT) {
        deepest++;
    }
    return (struct board_memory){
        .ram_static = (uint32_t)((uintptr_t)bss_end - (uintptr_t)data_start),
        .stack_size = size,
        .stack_peak = (uint32_t)(top - deepest),
    };
}
