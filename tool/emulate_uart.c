/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_uart.c - lines of a board in their context. */
#include <stdio.h>
#include <string.h>

#include "board/board.h"
#include "tool/emulate_line.h"
#include "tool/emulate_uart.h"

void emulate_uart_power_on(struct emulate_uart *uart)
{
    json_decref(uart->hello);
    uart->hello = NULL;
    uart->on = uart->on_trial = uart->bitten = false;
    uart->started[0] = 0;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

/* Every start of the bootloader but the first since power-on is a reset. */
static void tell_start(struct emulate_uart *uart, const char *cause)
{
    if (uart->on) {
        json_t *event = json_pack("{s:s, s:s, s:s}", "from", "board", "event", "reset", "cause", cause);
        if (strcmp(cause, "watchdog") == 0) {
            (void)json_object_set_new(event, "watchdog_ms", json_integer(BOARD_WATCHDOG_MS));
        }
        if (uart->bitten) {
            (void)json_object_set_new(event, "qemu", json_string("watchdog"));
        }
        uart->bitten = false;
        uart->on_event(uart->ctx, event);
    }
    uart->on = true;
    uart->on_trial = false;
    uart->started[0] = 0;
    uart->on_event(uart->ctx, uart->hello);
    uart->hello = NULL;
}

void emulate_uart_flush(struct emulate_uart *uart)
{
    if (uart->hello) {
        tell_start(uart, "unknown");
    }
}

/* The version in the image's header counts; what the application calls itself is kept, too. */
static void add_start(const struct emulate_uart *uart, json_t *event)
{
    (void)json_object_set_new(event, "on_trial", json_boolean(uart->on_trial));
    if (uart->started[0]) {
        (void)json_object_set(event, "calls_itself", json_object_get(event, "version"));
        (void)json_object_set_new(event, "version", json_string(uart->started));
    }
}

static void take_boot(struct emulate_uart *uart, const json_t *event, const char *name)
{
    uart->on_trial = uart->on_trial || strcmp(name, "trial") == 0;
    if (strcmp(name, "start") == 0) {
        (void)snprintf(uart->started, sizeof uart->started, "%s", text_of(event, "version"));
    }
}

void emulate_uart_line(struct emulate_uart *uart, const char *line)
{
    json_t *event = *line ? emulate_line_event(line) : NULL;
    if (!event) {
        return;
    }
    const char *name = text_of(event, "event");
    if (uart->hello) {
        tell_start(uart, strcmp(name, "cause") == 0 ? text_of(event, "cause") : "unknown");
    }
    if (strcmp(name, "hello") == 0) {
        uart->hello = event;
        return;
    }
    if (strcmp(text_of(event, "from"), "boot") == 0) {
        take_boot(uart, event, name);
    } else if (strcmp(name, "started") == 0) {
        add_start(uart, event);
    }
    uart->on_event(uart->ctx, event);
}
