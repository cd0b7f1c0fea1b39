/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - timer 0 (CMSDK): a call every so many milliseconds, before any other interrupt. */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

#define TIMER_CTRL MACHINE_REGISTER(0x40000000u)
#define TIMER_VALUE MACHINE_REGISTER(0x40000004u)
#define TIMER_RELOAD MACHINE_REGISTER(0x40000008u)
#define TIMER_CLEAR MACHINE_REGISTER(0x4000000Cu)
enum { TIMER_IRQ = 8, OFF = 0, RUNS_AND_INTERRUPTS = 9 };

static void (*on_tick)(void *ctx);
static void *on_tick_ctx;

static void handle(void)
{
    TIMER_CLEAR = 1;
    on_tick(on_tick_ctx);
}

void board_timer_start(uint32_t period_ms, void (*tick)(void *ctx), void *ctx)
{
    uint32_t ticks = period_ms * (MACHINE_HZ / 1000u); /* 171 s at most */
    TIMER_CTRL = OFF;
    TIMER_CLEAR = 1;
    on_tick = tick;
    on_tick_ctx = ctx;
    TIMER_RELOAD = ticks - 1;
    TIMER_VALUE = ticks - 1;
    interrupt_start(TIMER_IRQ, 0, handle);
    TIMER_CTRL = RUNS_AND_INTERRUPTS;
}
