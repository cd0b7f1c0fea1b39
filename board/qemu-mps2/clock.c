/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - milliseconds, from the free-running counter of the FPGA's I/O block.
 *
 * Not from SysTick interrupts: an emulator whose host is busy loses some of those.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct counter {
    uint32_t count, prescale;
};
#define COUNTER (*(volatile struct counter *)0x40028018u)

void clock_start(void)
{
    COUNTER.prescale = MACHINE_HZ / 1000u - 1u;
}

uint32_t board_millis(void)
{
    return COUNTER.count;
}
