/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle.c - sleep until an interrupt, or until timer 1 (CMSDK) says that the time is up.
 *
 * Interrupts are masked between the last look and the sleep: one that comes then still ends it.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

#define TIMER_CTRL MACHINE_REGISTER(0x40001000u)
#define TIMER_VALUE MACHINE_REGISTER(0x40001004u)
#define TIMER_RELOAD MACHINE_REGISTER(0x40001008u)
#define TIMER_CLEAR MACHINE_REGISTER(0x4000100Cu)
enum { TIMER_IRQ = 9, PRIORITY = 7, OFF = 0, RUNS_AND_INTERRUPTS = 9, LONGEST_MS = 60000 };

static bool (*is_pending)(void);

static void handle(void)
{
    TIMER_CTRL = OFF;
    TIMER_CLEAR = 1;
}

void idle_watch(bool (*pending)(void))
{
    is_pending = pending;
}

void board_idle(uint32_t ms)
{
    if (ms == 0) {
        return;
    }
    uint32_t ticks = (ms < LONGEST_MS ? ms : LONGEST_MS) * (MACHINE_HZ / 1000u);
    handle();
    TIMER_RELOAD = ticks;
    TIMER_VALUE = ticks;
    interrupt_start(TIMER_IRQ, PRIORITY, handle);
    TIMER_CTRL = RUNS_AND_INTERRUPTS;
    __asm volatile("cpsid i" : : : "memory");
    if (is_pending == NULL || !is_pending()) {
        __asm volatile("dsb\n\twfi" : : : "memory");
    }
    __asm volatile("cpsie i" : : : "memory");
    handle();
}
