/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer.c - milliseconds, sleep, the LED and the timer that drives it.
 *
 * Milliseconds are counted by the processor's SysTick. The LED's timer must be another one, at
 * a higher priority than anything that the agent uses: an application goes on while TLS works.
 */
#include "board/board.h"

#include "part.h"

static volatile uint32_t now_ms;

void board_systick(void)
{
    now_ms++;
}

uint32_t board_millis(void)
{
    if (PART_CLOCK_HZ == 0) {
        unfinished("PART_CLOCK_HZ in part.h");
    }
    if ((SYSTICK_CTRL & SYSTICK_RUN) == 0) { /* the first call */
        SYSTICK_LOAD = PART_CLOCK_HZ / 1000u - 1u;
        SYSTICK_VALUE = 0;
        SYSTICK_CTRL = SYSTICK_RUN;
    }
    return now_ms;
}

void board_idle(uint32_t ms)
{
    if (ms > 0) {
        (void)board_millis(); /* SysTick runs: within a millisecond something happens */
        __asm volatile("wfi" : : : "memory");
    }
}

void board_led(bool on)
{
    (void)on;
    unfinished("board_led"); /* UNFINISHED: a pin */
}

/* UNFINISHED: a timer whose interrupt calls tick(ctx) every period_ms. */
void board_timer_start(uint32_t period_ms, void (*tick)(void *ctx), void *ctx)
{
    (void)period_ms;
    (void)tick;
    (void)ctx;
    unfinished("board_timer_start");
}
