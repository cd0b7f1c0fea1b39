/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - what the two measuring programs share: a fast counter, and lines on the UART.
 *
 * They are linked and started like any application, on the emulated boards only. The counter
 * has 25 MHz; under `-icount shift=0` an instruction takes 1 ns, so a tick is 40 of them.
 * A line is "bench NAME key=value key=value ..."; test/boards/bench.py reads them.
 */
#ifndef OTTER_TEST_BENCH_H
#define OTTER_TEST_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_TICK_NS 40u

/* Board, counter; the first line says which program this is. */
void bench_start(const char *program);

uint32_t bench_ticks(void); /* counts up, wraps after 171 s */

/* One line, piece by piece. */
void bench_line(const char *name);
void bench_text(const char *key, const char *value);
void bench_number(const char *key, uint32_t value);
void bench_line_end(void);

/* "bench failed what=...": nothing after it counts. Feeds the watchdog for ever. */
_Noreturn void bench_fail(const char *what);
_Noreturn void bench_done(void);

#endif
