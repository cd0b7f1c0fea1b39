/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - how regularly the LED toggled, and how much memory was in use at most. */
#include "app/ota-https/led_task.h"
#include "app/ota-https/measure.h"
#include "app/ota-https/story.h"
#include "app/ota-https/transports.h"
#include "board/board.h"

static void say_led(void)
{
    struct led_times led = led_task_times();
    struct words_number toggles;
    struct words_number late;
    const char *const values[] = {words_decimal(&toggles, led.toggles), words_decimal(&late, led.late_max_ms)};
    story_say(APP_LED, values);
}

static void say_memory(void)
{
    struct board_memory memory = board_memory();
    const uint32_t numbers[] = {memory.stack_peak, memory.stack_size, memory.ram_static,
                                transports_arena_peak()};
    struct words_number texts[4];
    const char *values[4];
    for (size_t i = 0; i < 4; i++) {
        values[i] = words_decimal(&texts[i], numbers[i]);
    }
    story_say(APP_MEMORY, values);
}

void measure_say(void)
{
    say_led();
    say_memory();
}
