/* SPDX-License-Identifier: Apache-2.0 */
/* uart.c - UART 0 (CMSDK): output only, without interrupts, so that fault handlers can use it. */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct uart {
    uint32_t data, state, ctrl, interrupts, divider;
};
#define UART (*(volatile struct uart *)0x40004000u)
enum { BAUD = 115200, STATE_FULL = 1, CTRL_SEND = 1 };

static volatile bool mid_line;

void uart_start(void)
{
    UART.divider = MACHINE_HZ / BAUD;
    UART.ctrl = CTRL_SEND;
}

void board_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        UART.data = (uint8_t)text[i];
        while ((UART.state & STATE_FULL) != 0) {
        }
        mid_line = text[i] != '\n';
    }
}

void uart_break_line(void)
{
    if (mid_line) {
        board_write("\r\n", 2);
    }
}
