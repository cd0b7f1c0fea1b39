/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset.c - the watchdog, and why the last reset happened.
 *
 * The verdict over a new image hangs on this file: a watchdog that does not bite leaves a
 * device that hangs, and a cause that is told wrongly reverts a good image or keeps a bad one.
 */
#include "board/board.h"

#include "part.h"

/* UNFINISHED: read your part's reset cause register. Many must be cleared after reading: then the
 * bootloader keeps the answer in RAM that survives the jump, for the application. A watchdog that
 * can interrupt before it resets may note the program counter there, too. */
enum board_reset board_reset_cause(uint32_t *ret_pc)
{
    (void)ret_pc;
    unfinished("board_reset_cause");
}

/* UNFINISHED: start it with BOARD_WATCHDOG_MS, so that no program can stop it again. */
void board_watchdog_start(void)
{
    unfinished("board_watchdog_start");
}

void board_watchdog_feed(void)
{
    unfinished("board_watchdog_feed"); /* UNFINISHED */
}

_Noreturn void board_reset(void)
{
    __asm volatile("dsb" : : : "memory");
    SCB_AIRCR = AIRCR_RESET;
    for (;;) { /* until it takes effect */
    }
}
