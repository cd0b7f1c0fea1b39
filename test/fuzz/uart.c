/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uart.c - what an emulated board says: lines of any bytes, read as events in their context.
 *
 * Input: lines. 0xfe at the start of one is a power-on.
 */
#include "fuzz.h"

#include "tool/emulate_line.h"
#include "tool/emulate_uart.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    return 0;
}

static void take(void *ctx, json_t *event)
{
    unsigned *events = ctx;
    const char *name = json_string_value(json_object_get(event, "event"));
    REQUIRE(name != NULL && json_string_value(json_object_get(event, "from")) != NULL);
    REQUIRE(emulate_line_is(event, name));
    char *text = json_dumps(event, JSON_COMPACT);
    REQUIRE(text != NULL && strpbrk(text, "\n\r\033") == NULL);
    free(text);
    json_decref(event);
    ++*events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned events = 0;
    unsigned lines = 0;
    struct emulate_uart uart = {.ctx = &events, .on_event = take};
    if (size > 4096) {
        return 0;
    }
    emulate_uart_power_on(&uart);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        size_t now = len < EMULATE_LINE_SIZE - 1 ? len : EMULATE_LINE_SIZE - 1;
        char *line = fuzz_text(data, now);
        if (*data == 0xfe) {
            emulate_uart_power_on(&uart);
        } else {
            emulate_uart_line(&uart, line);
        }
        (void)emulate_line_knows(line, now);
        free(line);
        lines++;
        len += end ? 1 : 0;
        data += len;
        size -= len;
    }
    emulate_uart_flush(&uart);
    emulate_uart_power_on(&uart);
    REQUIRE(events <= 2 * lines);
    return 0;
}
