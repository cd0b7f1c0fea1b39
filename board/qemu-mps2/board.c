/* SPDX-License-Identifier: Apache-2.0 */
/* board.c - the board comes up. */
#include "board/board.h"

#include "board/qemu-mps2/machine.h"

void board_start(void)
{
    clock_start();
    uart_start();
    mpu_start();
    settings_start();
}
