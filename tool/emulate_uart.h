/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_uart.h - what a board says, with what only its earlier lines tell.
 *
 * A line alone does not say that the board was reset, whether the application that starts is on
 * trial, or which version the bootloader started: this remembers it.
 */
#ifndef OTTER_TOOL_EMULATE_UART_H
#define OTTER_TOOL_EMULATE_UART_H

#include <jansson.h>
#include <stdbool.h>

/* Zero-initialise; emulate_uart_power_on before each power-on. */
struct emulate_uart {
    void *ctx;
    void (*on_event)(void *ctx, json_t *event); /* takes it over */
    bool on;               /* the bootloader was heard since power-on */
    bool on_trial;         /* the bootloader said so since the last reset */
    bool bitten;           /* QEMU's watchdog fired since the last reset */
    char started[32];      /* the version that the bootloader started; "": not heard */
    json_t *hello;         /* held back until the next line, which says why it started */
};

void emulate_uart_power_on(struct emulate_uart *uart);
void emulate_uart_line(struct emulate_uart *uart, const char *line);

/* Hand over what is held back. */
void emulate_uart_flush(struct emulate_uart *uart);

#endif
