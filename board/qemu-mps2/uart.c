/* SPDX-License-Identifier: Apache-2.0 */
/* uart.c - UART 0 (CMSDK): output only, without interrupts, so that fault handlers can use it. */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

#define UART_DATA MACHINE_REGISTER(0x40004000u)
#define UART_STATE MACHINE_REGISTER(0x40004004u)
#define UART_CTRL MACHINE_REGISTER(0x40004008u)
#define UART_DIVIDER MACHINE_REGISTER(0x40004010u)
enum { BAUD = 115200, STATE_FULL = 1, CTRL_SEND = 1 };

static volatile bool mid_line;

void uart_start(void)
{
    UART_DIVIDER = MACHINE_HZ / BAUD;
    UART_CTRL = CTRL_SEND;
}

void board_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        UART_DATA = (uint8_t)text[i];
        while ((UART_STATE & STATE_FULL) != 0) {
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
