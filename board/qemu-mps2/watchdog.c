/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog.c - the CMSDK watchdog: not fed for half its time it barks (an NMI), for all of it it
 * bites (a reset). The bark notes where the program is: that is where it hangs.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct watchdog {
    uint32_t load, value, ctrl, feed;
};
#define WATCHDOG (*(volatile struct watchdog *)0x40008000u)
#define WATCHDOG_LOCK MACHINE_REGISTER(0x40008C00u)
enum { UNLOCK = 0x1ACCE551, LOCK = 0, BARKS_AND_BITES = 3 };

void board_watchdog_start(void)
{
    reset_begin_life();
    WATCHDOG_LOCK = UNLOCK;
    WATCHDOG.load = BOARD_WATCHDOG_MS / 2u * (MACHINE_HZ / 1000u);
    WATCHDOG.ctrl = BARKS_AND_BITES;
    WATCHDOG_LOCK = LOCK;
}

void board_watchdog_feed(void)
{
    WATCHDOG_LOCK = UNLOCK;
    WATCHDOG.feed = 1;
    WATCHDOG_LOCK = LOCK;
}

/* NMI. The watchdog runs on: what feeds it now has only been slow. */
__attribute__((used)) static void bark(const uint32_t *frame)
{
    reset_note(BOARD_RESET_WATCHDOG, fault_frame_fits(frame) ? frame[FRAME_PC] : 0);
}

__attribute__((naked)) void bark_handler(void)
{
    __asm volatile("tst lr, #4\n\t" /* who was interrupted: thread (PSP) or a handler (MSP) */
                   "ite eq\n\t"
                   "mrseq r0, msp\n\t"
                   "mrsne r0, psp\n\t"
                   "b %0"
                   :
                   : "i"(bark));
}
