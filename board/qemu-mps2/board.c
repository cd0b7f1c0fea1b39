/* SPDX-License-Identifier: Apache-2.0 */
/* board.c - the board comes up; UART and MPU did before main. */
#include "board/board.h"

#include "board/qemu-mps2/machine.h"

void board_start(void)
{
    clock_start();
    settings_start();
}
