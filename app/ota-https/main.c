/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the example application: an LED task and an OTA task that know nothing of each other.
 *
 * The LED runs in an interrupt; the OTA task takes turns in the loop below it. The watchdog
 * that the bootloader started is never switched off, and only this loop feeds it: whatever
 * hangs, the loop no longer goes round, and an image on trial is taken back.
 */
#include "app/ota-https/led_task.h"
#include "app/ota-https/ota_task.h"
#include "app/ota-https/story.h"
#include "app/ota-https/version.h"
#include "board/board.h"

#define NAP_MAX_MS 250u

static void say_started(void)
{
    struct words_number led_ms;
    const char *const values[] = {app_version, words_decimal(&led_ms, app_led_ms)};
    story_say(APP_STARTED, values);
}

static _Noreturn void hang(void)
{
    story_say(APP_HANG, NULL);
    for (;;) {
    }
}

int main(void)
{
    static struct ota_task ota; /* large */
    board_start();
    say_started();
    if (app_hangs) {
        hang();
    }
    led_task_start(app_led_ms);
    ota_task_start(&ota);
    for (;;) {
        board_watchdog_feed();
        uint32_t wait_ms = ota_task_step(&ota);
        if (wait_ms > 0) {
            board_idle(wait_ms < NAP_MAX_MS ? wait_ms : NAP_MAX_MS);
        }
    }
}
