/* SPDX-License-Identifier: Apache-2.0 */
/* boot.c - a complete bootloader: everything, and the jump. */
#include "otter/boot.h"
#include "test/sizes/board.h"

int main(void)
{
    static uint32_t buf[1024 / sizeof(uint32_t)];
    struct otter_boot_config config = {.layout = &board_layout,
                                       .keys = &board_key,
                                       .keys_count = 1,
                                       .buf = buf,
                                       .buf_size = sizeof buf,
                                       .feed = board_feed};
    struct otter_boot_choice choice = {.entry_addr = 0};
    if (otter_boot(&config, &choice) == 0) {
        board_jump(choice.entry_addr);
    }
    return 0;
}
