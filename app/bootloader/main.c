/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the bootloader: starts what otter_boot chose, or says why nothing can be started.
 *
 * The watchdog is started first and never stopped: a swap feeds it between flash operations,
 * then the application must. Where flash fails, all is tried again a few times, as the failure
 * may be a passing one, and not for ever, as tries wear flash; then only a power cycle helps.
 */
#include "app/bootloader/story.h"
#include "board/board.h"
#include "board/words.h"
#include "otter/boot.h"
#include "otter/result.h"

enum { KEYS_MAX = 4, TRIES = 3, WORK_SIZE = 4096 };

static void feed(void *ctx)
{
    (void)ctx;
    board_watchdog_feed();
}

int main(void)
{
    static uint32_t work[WORK_SIZE / sizeof(uint32_t)];
    struct otter_key keys[KEYS_MAX];
    static struct otter_boot_choice choice; /* no address in it but that of a verified image */
    uint32_t pc;
    board_start();
    board_watchdog_start();
    enum board_reset cause = board_reset_cause(&pc);
    story_begin(cause, pc);
    struct otter_boot_config config = {
        .layout = board_layout(),
        .keys = keys,
        .keys_count = board_keys(keys, KEYS_MAX),
        .trial_boots = (uint8_t)words_value(board_setting("trial-boots", 0, NULL)),
        .reset_by_watchdog = cause == BOARD_RESET_WATCHDOG,
        .startable = board_startable,
        .buf = work,
        .buf_size = sizeof work,
        .feed = feed,
        .on_event = story_tell,
    };
    int err = OTTER_ERR_IO;
    for (unsigned i = 0; config.keys_count != 0 && err == OTTER_ERR_IO && i < TRIES; i++) {
        err = otter_boot(&config, &choice);
    }
    if (err < 0) {
        story_end(config.keys_count, err);
        board_halt();
    }
    board_launch(choice.entry_addr);
}
