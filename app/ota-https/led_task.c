/* SPDX-License-Identifier: Apache-2.0 */
/*
 * led_task.c - the LED, from the timer's interrupt.
 *
 * Only the interrupt writes what is below; others read whole words of it.
 */
#include "app/ota-https/led_task.h"
#include "board/board.h"

struct led {
    uint32_t period_ms;
    uint32_t last_ms; /* the newest step; at first the start */
    volatile uint32_t toggles, late_ms, late_max_ms;
};

static struct led led;

/* Interrupt. */
static void toggle(void *ctx)
{
    (void)ctx;
    uint32_t now_ms = board_millis();
    uint32_t step_ms = now_ms - led.last_ms;
    uint32_t late_ms = step_ms > led.period_ms ? step_ms - led.period_ms : led.period_ms - step_ms;
    led.last_ms = now_ms;
    led.late_ms = late_ms;
    led.late_max_ms = late_ms > led.late_max_ms ? late_ms : led.late_max_ms;
    uint32_t toggles = led.toggles + 1;
    board_led(toggles % 2 != 0);
    led.toggles = toggles;
}

void led_task_start(uint32_t period_ms)
{
    led = (struct led){.period_ms = period_ms, .last_ms = board_millis()};
    board_led(false);
    board_timer_start(period_ms, toggle, NULL);
}

struct led_times led_task_times(void)
{
    return (struct led_times){led.toggles, led.late_ms, led.late_max_ms};
}
