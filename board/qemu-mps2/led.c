/* SPDX-License-Identifier: Apache-2.0 */
/* led.c - USERLED0. */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

#define LEDS MACHINE_REGISTER(0x40028000u)

void board_led(bool on)
{
    LEDS = on ? 1u : 0u;
}
