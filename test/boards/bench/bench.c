/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - the counter is the first of the CMSDK dual timer, which nobody else uses. */
#include "test/boards/bench/bench.h"

#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "board/words.h"

#define TIMER_LOAD MACHINE_REGISTER(0x40002000u)
#define TIMER_VALUE MACHINE_REGISTER(0x40002004u)
#define TIMER_CONTROL MACHINE_REGISTER(0x40002008u)
#define TIMER_ON_32_BITS 0x82u

static void write(const char *text)
{
    board_write(text, strlen(text));
}

uint32_t bench_ticks(void)
{
    return UINT32_MAX - TIMER_VALUE; /* it counts down */
}

void bench_line(const char *name)
{
    write("bench ");
    write(name);
}

void bench_text(const char *key, const char *value)
{
    write(" ");
    write(key);
    write("=");
    write(value);
}

void bench_number(const char *key, uint32_t value)
{
    struct words_number number;
    bench_text(key, words_decimal(&number, value));
}

void bench_line_end(void)
{
    write("\r\n");
    board_watchdog_feed();
}

void bench_start(const char *program)
{
    board_start();
    TIMER_LOAD = UINT32_MAX;
    TIMER_CONTROL = TIMER_ON_32_BITS;
    bench_line("start");
    bench_text("program", program);
    bench_line_end();
}

static _Noreturn void rest(void)
{
    for (;;) {
        board_watchdog_feed();
        board_idle(1000);
    }
}

void bench_fail(const char *what)
{
    bench_line("failed what='");
    write(what);
    write("'");
    bench_line_end();
    rest();
}

void bench_done(void)
{
    bench_line("done");
    bench_line_end();
    rest();
}
