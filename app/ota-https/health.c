/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.c - the LED's interrupt is the patient.
 *
 * Time between two calls counts for at most TURN_MS: when the whole processor stood still
 * (a debugger, a paused emulator), the LED is not to blame.
 */
#include "app/ota-https/health.h"

#define TURN_MS 1000u

void health_begin(struct health *health, uint32_t now_ms, uint32_t led_ms, uint32_t check_ms, bool sick)
{
    *health = (struct health){.led_ms = led_ms, .check_ms = check_ms, .sick = sick, .last_ms = now_ms};
}

enum health_verdict health_check(struct health *health, uint32_t now_ms, const struct led_times *led)
{
    uint32_t turn_ms = now_ms - health->last_ms;
    turn_ms = turn_ms < TURN_MS ? turn_ms : TURN_MS;
    health->last_ms = now_ms;
    health->age_ms += health->age_ms < health->check_ms ? turn_ms : 0;
    health->silent_ms += turn_ms;
    if (led->toggles != health->toggles) {
        health->toggles = led->toggles;
        health->silent_ms = 0;
    }
    if (health->silent_ms > health->led_ms + HEALTH_SILENT_MS) {
        return HEALTH_BAD;
    }
    if (health->age_ms < health->check_ms) {
        return HEALTH_NOT_YET;
    }
    if (health->sick) {
        return HEALTH_BAD;
    }
    return led->toggles > 0 && led->late_ms <= HEALTH_LATE_MS ? HEALTH_GOOD : HEALTH_NOT_YET;
}
