/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.c - from the bootloader into an application.
 *
 * A jump to what is no program ends in a lock-up that only a power cycle cures, so the two words
 * that the processor starts from are checked first. That they are genuine is checked elsewhere. With the
 * MPU off nothing stops a jump astray, so they are read twice.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

enum { VECTORS_ALIGNMENT = 256 }; /* of 48 vectors, to a power of two (VTOR) */

bool board_startable(const struct otter_layout *layout, const struct otter_view *view,
                     const struct otter_image *image)
{
    uint32_t vectors[2];
    uint32_t base = layout->primary_addr + image->header_size;
    if (base % VECTORS_ALIGNMENT != 0 || otter_view_read(view, image->header_size, vectors, sizeof vectors) < 0) {
        return false;
    }
    uint32_t stack = vectors[0];
    uint32_t first = vectors[1];
    return stack > RAM_START && stack <= RAM_START + RAM_SIZE && stack % 8 == 0 && (first & 1u) != 0 &&
           first > base && first - base < image->payload_size;
}

_Noreturn void board_launch(uint32_t vector_table)
{
    const volatile uint32_t *vectors = (const volatile uint32_t *)vector_table;
    uint32_t stack = vectors[0];
    uint32_t first = vectors[1];
    __asm volatile("cpsid i" : : : "memory");
    SYSTICK.ctrl = 0;
    SCB.icsr = 0x0A000000u; /* PendSV and SysTick are not pending */
    NVIC_DISABLE = UINT32_MAX;
    NVIC_UNPEND = UINT32_MAX;
    MPU.ctrl = 0;
    SCB.vtor = vector_table;
    while (vectors[0] != stack || vectors[1] != first) {
        /* One wrong bit on the way here leads anywhere: the watchdog ends this. */
    }
    __asm volatile("dsb\n\t"
                   "msr control, %2\n\t" /* back to the main stack */
                   "isb\n\t"
                   "msr msp, %0\n\t"
                   "cpsie i\n\t"
                   "bx %1"
                   :
                   : "r"(stack), "r"(first), "r"(0)
                   : "memory");
    __builtin_unreachable();
}
