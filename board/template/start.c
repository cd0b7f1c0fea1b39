/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - the first instructions of both programs, and their vector table.
 *
 * What the Arm architecture fixes is finished; the interrupts of your part are added at the
 * end of the table.
 */
#include "part.h"

#include <stddef.h>

#define STACK_FILL 0xA5A5A5A5u /* board_memory looks for it */

int main(void);
_Noreturn void board_entry(void);

_Noreturn void unfinished(const char *place)
{
    volatile const char *stopped_at = place; /* look here with the debugger */
    (void)stopped_at;
    __asm volatile("cpsid i" : : : "memory");
    for (;;) {
    }
}

_Noreturn void board_entry(void)
{
    SCB_CPACR |= 0xFu << 20; /* floating point on: a program before this one may have left it off */
    __asm volatile("dsb\n\tisb" : : : "memory");
    uint32_t *here;
    __asm volatile("mov %0, sp" : "=r"(here));
    for (uint32_t *word = board_stack_bottom; word < here - 16; word++) {
        *word = STACK_FILL;
    }
    const uint32_t *from = board_data_load;
    for (uint32_t *to = board_data_start; to < board_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = board_bss_start; to < board_bss_end; to++) {
        *to = 0;
    }
    (void)main();
    unfinished("main returned");
}

/* A fault, or an interrupt that nobody expects. UNFINISHED: for board_reset_cause, note in RAM
 * that survives a reset that it was a fault, and the stacked pc; then board_reset(). */
static void unexpected(void)
{
    unfinished("fault, or an interrupt without a handler");
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {
    board_stack_top,
    {[0] = board_entry,
     [1] = unexpected, /* NMI */
     [2] = unexpected, /* HardFault */
     [3] = unexpected, /* MemManage */
     [4] = unexpected, /* BusFault */
     [5] = unexpected, /* UsageFault */
     [10] = unexpected, /* SVCall */
     [11] = unexpected, /* DebugMonitor */
     [13] = unexpected, /* PendSV */
     [14] = board_systick},
};
