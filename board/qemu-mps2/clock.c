/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - milliseconds, from the free-running counter of the FPGA's I/O block.
 *
 * Not from SysTick interrupts: an emulator whose host is busy loses some of those.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

#define COUNTER MACHINE_REGISTER(0x40028018u)
#define PRESCALE MACHINE_REGISTER(0x4002801Cu)

void clock_start(void)
{
    PRESCALE = MACHINE_HZ / 1000u - 1u;
}

uint32_t board_millis(void)
{
    return COUNTER;
}
