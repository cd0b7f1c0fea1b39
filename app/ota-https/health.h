/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.h - the health check: is this image fit to stay? A product checks more than an LED.
 */
#ifndef OTTER_APP_HEALTH_H
#define OTTER_APP_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ota-https/led_task.h"

#define HEALTH_LATE_MS 250u    /* a step of the LED so far off its period is no good sign */
#define HEALTH_SILENT_MS 5000u /* beside its period: so long without a toggle is a failure */

enum health_verdict { HEALTH_NOT_YET, HEALTH_GOOD, HEALTH_BAD };

struct health {
    uint32_t led_ms;   /* the LED's period */
    uint32_t check_ms; /* the check takes this long */
    bool sick;         /* it is to fail then (setting `sick`) */
    uint32_t age_ms;   /* of this check */
    uint32_t last_ms;
    uint32_t toggles, silent_ms; /* the newest toggle, and how long ago that was */
};

void health_begin(struct health *health, uint32_t now_ms, uint32_t led_ms, uint32_t check_ms, bool sick);

/* Call it in every turn of the loop. GOOD: check_ms are over, and the LED's newest step was
 * in time. BAD: sick, or the LED stands still while the loop goes round. */
enum health_verdict health_check(struct health *health, uint32_t now_ms, const struct led_times *led);

#endif
