/* SPDX-License-Identifier: Apache-2.0 */
/* halt.c - nothing can be started: sleep, and feed the watchdog, until power is cycled. */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

enum { LONGEST = 0xFFFFFF, RUNS_AND_INTERRUPTS = 7 };

_Noreturn void board_halt(void)
{
    __asm volatile("cpsid i" : : : "memory"); /* SysTick ends a sleep, but has no handler */
    SYSTICK.load = LONGEST;                   /* 0.67 s */
    SYSTICK.ctrl = RUNS_AND_INTERRUPTS;
    for (;;) {
        board_watchdog_feed();
        __asm volatile("dsb\n\twfi" : : : "memory");
        SCB.icsr = 0x02000000u; /* SysTick is not pending */
    }
}
