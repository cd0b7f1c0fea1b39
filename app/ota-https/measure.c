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
    char toggles[STORY_NUMBER_SIZE];
    char late[STORY_NUMBER_SIZE];
    const char *const values[] = {story_number(led.toggles, toggles), story_number(led.late_max_ms, late)};
    story_say(STORY_LED, values);
}

static void say_memory(void)
{
    struct board_memory memory = board_memory();
    const uint32_t numbers[] = {memory.stack_peak, memory.stack_size, memory.ram_static,
                                transports_arena_peak()};
    char texts[4][STORY_NUMBER_SIZE];
    const char *values[4];
    for (size_t i = 0; i < 4; i++) {
        values[i] = story_number(numbers[i], texts[i]);
    }
    story_say(STORY_MEMORY, values);
}

void measure_say(void)
{
    say_led();
    say_memory();
}
