/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_board.h - a board for tests of app/ota-https: every function of board/board.h, over
 * one struct. Time passes when the test says so; its timer ticks exactly then.
 */
#ifndef OTTER_TEST_UNIT_APP_BOARD_H
#define OTTER_TEST_UNIT_APP_BOARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/board.h"
#include "otter/result.h"

#define BOARD_SETTINGS_MAX 48u

struct fake_board {
    struct {
        const char *name, *value;
    } settings[BOARD_SETTINGS_MAX];
    size_t settings_count;
    char uart[65536];
    size_t uart_len;
    uint32_t now_ms;
    uint32_t period_ms, due_ms; /* period 0: the timer is off */
    void (*tick)(void *ctx);
    void *tick_ctx;
    bool timer_broken, no_entropy, led_on;
    unsigned led_writes;
    int network_err;
    const char *address;
    const struct otter_layout *layout;
    const struct otter_key *keys;
    size_t keys_count;
    jmp_buf reset; /* where board_reset goes */
};

static struct fake_board fake;

static inline void fake_set(const char *name, const char *value)
{
    assert_true(fake.settings_count < BOARD_SETTINGS_MAX);
    fake.settings[fake.settings_count].name = name;
    fake.settings[fake.settings_count++].value = value;
}

/* Time goes on, the timer's interrupts in it. */
static inline void fake_pass(uint32_t ms)
{
    for (uint32_t end_ms = fake.now_ms + ms; fake.now_ms != end_ms;) {
        fake.now_ms++;
        if (fake.period_ms != 0 && !fake.timer_broken && fake.now_ms == fake.due_ms) {
            fake.due_ms += fake.period_ms;
            fake.tick(fake.tick_ctx);
        }
    }
}

/* Is this, with its end of line, among what was said? */
static inline bool fake_said(const char *line)
{
    char whole[512];
    assert_true(strlen(line) + 9 < sizeof whole);
    strcpy(whole, "app   ");
    strcat(whole, line);
    strcat(whole, "\r\n");
    return strstr(fake.uart, whole) != NULL;
}

static inline unsigned fake_count(const char *text)
{
    unsigned count = 0;
    for (const char *at = fake.uart; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static inline void fake_hush(void)
{
    fake.uart_len = 0;
    fake.uart[0] = 0;
}

void board_start(void)
{
}

const struct otter_layout *board_layout(void)
{
    return fake.layout;
}

size_t board_keys(struct otter_key *ret_keys, size_t count)
{
    count = fake.keys_count < count ? fake.keys_count : count;
    for (size_t i = 0; i < count; i++) {
        ret_keys[i] = fake.keys[i];
    }
    return count;
}

void board_write(const char *text, size_t len)
{
    assert_true(fake.uart_len + len < sizeof fake.uart);
    memcpy(fake.uart + fake.uart_len, text, len);
    fake.uart_len += len;
    fake.uart[fake.uart_len] = 0;
}

_Noreturn void board_reset(void)
{
    longjmp(fake.reset, 1);
}

bool board_startable(const struct otter_layout *layout, const struct otter_view *view,
                     const struct otter_image *image)
{
    (void)layout;
    (void)view;
    (void)image;
    return true;
}

uint32_t board_millis(void)
{
    return fake.now_ms;
}

int board_random(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x5a, len);
    return fake.no_entropy ? OTTER_ERR_IO : OTTER_OK;
}

bool board_time(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    (void)ret_unix;
    return false;
}

void board_led(bool on)
{
    fake.led_on = on;
    fake.led_writes++;
}

void board_timer_start(uint32_t period_ms, void (*tick)(void *ctx), void *ctx)
{
    fake.period_ms = period_ms;
    fake.due_ms = fake.now_ms + period_ms;
    fake.tick = tick;
    fake.tick_ctx = ctx;
}

const char *board_setting(const char *name, size_t index, size_t *ret_len)
{
    for (size_t i = 0; i < fake.settings_count; i++) {
        if (strcmp(fake.settings[i].name, name) == 0 && index-- == 0) {
            *ret_len = strlen(fake.settings[i].value);
            return fake.settings[i].value;
        }
    }
    return NULL;
}

int board_network_start(void)
{
    return fake.network_err;
}

void board_network_poll(void)
{
}

const char *board_network_address(void)
{
    return fake.address;
}

struct board_memory board_memory(void)
{
    return (struct board_memory){.ram_static = 150000, .stack_size = 16384, .stack_peak = 4000};
}

#endif
