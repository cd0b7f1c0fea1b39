/* SPDX-License-Identifier: Apache-2.0 */
/*
 * led_task.h - the LED task: toggles the LED in equal steps, and watches how equal they are.
 *
 * It runs in the timer's interrupt, above everything else, and knows nothing of updates:
 * whatever they compute or wait for, the LED keeps its time.
 */
#ifndef OTTER_APP_LED_TASK_H
#define OTTER_APP_LED_TASK_H

#include <stdint.h>

void led_task_start(uint32_t period_ms); /* between two toggles; the LED is off until the first */

struct led_times {
    uint32_t toggles;     /* since the start; wraps */
    uint32_t late_ms;     /* how far the newest step was off the period, early or late */
    uint32_t late_max_ms; /* the worst of all steps */
};
struct led_times led_task_times(void);

#endif
