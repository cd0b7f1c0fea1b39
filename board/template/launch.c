/* SPDX-License-Identifier: Apache-2.0 */
/* launch.c - from the bootloader into the application, on any Cortex-M with Armv7-M. */
#include "board/board.h"

#include "otter/result.h"
#include "part.h"

/* The first two words of a program: its stack pointer, and where it begins (bit 0 set: Thumb). */
bool board_startable(const struct otter_layout *layout, const struct otter_view *view,
                     const struct otter_image *image)
{
    uint32_t words[2];
    if (image->payload_size < sizeof words ||
        otter_view_read(view, image->header_size, words, sizeof words) != OTTER_OK) {
        return false;
    }
    uint32_t begin = layout->primary_addr + image->header_size;
    bool stack_in_ram = words[0] > (uint32_t)board_ram_start && words[0] <= (uint32_t)board_ram_end &&
                        words[0] % 8 == 0;
    bool entry_in_image = words[1] % 2 == 1 && words[1] - begin < image->payload_size;
    return stack_in_ram && entry_in_image;
}

_Noreturn void board_launch(uint32_t vector_table)
{
    __asm volatile("cpsid i" : : : "memory");
    SYSTICK_CTRL = 0;
    for (uint32_t word = 0; word < NVIC_WORDS; word++) {
        NVIC_DISABLE(word) = 0xFFFFFFFFu;
        NVIC_UNPEND(word) = 0xFFFFFFFFu;
    }
    SCB_ICSR = ICSR_UNPEND_SYSTICK | ICSR_UNPEND_PENDSV;
    SCB_SHCSR = 0;
    /* UNFINISHED where your board_start switched on more: DMA, timers, caches, a memory
     * protection unit. The watchdog runs on. */
    SCB_VTOR = vector_table;
    const volatile uint32_t *table = (const volatile uint32_t *)vector_table;
    uint32_t stack = table[0];
    uint32_t entry = table[1];
    __asm volatile("dsb\n\tisb\n\tmsr msp, %0\n\tcpsie i\n\tbx %1" : : "r"(stack), "r"(entry) : "memory");
    for (;;) {
    }
}

_Noreturn void board_halt(void)
{
    for (;;) {
        board_watchdog_feed();
    }
}
