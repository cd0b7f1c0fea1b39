/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - how much RAM is in use: static data by the linker's word, stack by its marks. */
#include "board/board.h"

#include "part.h"

#define STACK_FILL 0xA5A5A5A5u /* start.c filled the stack with it */

static uint32_t bytes(const uint32_t *from, const uint32_t *to)
{
    return (uint32_t)to - (uint32_t)from;
}

struct board_memory board_memory(void)
{
    const uint32_t *used = board_stack_bottom;
    while (used < board_stack_top && *used == STACK_FILL) {
        used++;
    }
    return (struct board_memory){
        .ram_static = bytes(board_data_start, board_data_end) + bytes(board_bss_start, board_bss_end),
        .stack_size = bytes(board_stack_bottom, board_stack_top),
        .stack_peak = bytes(used, board_stack_top),
    };
}
