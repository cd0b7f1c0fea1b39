/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - a board to copy: all of board/board.h, with marked places for your part.
 *
 *   1. cp -r board/template board/mine, then make the changes in board.cmake: processor, flash map.
 *   2. Fill in the places marked UNFINISHED, in the order of this list:
 *        part.h, bootloader.ld, application.ld   clock, RAM
 *        board.c                                 UART first: everything else is seen through it
 *        flash.c                                 flash drivers, the public key
 *        reset.c                                 watchdog, why the last reset happened
 *        timer.c                                 LED, timer
 *        network.c                               frames in and out
 *      launch.c, memory.c and start.c are for every Cortex-M: read them, and leave them.
 *   3. make check-board BOARD=board/mine         which function is missing, or declared otherwise
 *      make board BOARD=board/mine               bootloader and application
 *
 * A place that is not filled in returns an error, or stops with its name in `stopped_at`
 * (start.c): no place says that something was done which was not. docs/porting.md tells more.
 */
#include "board/board.h"

#include "otter/result.h"
#include "part.h"

void board_start(void)
{
    SCB_VTOR = (uint32_t)board_vectors;
    /* UNFINISHED: clocks up to PART_CLOCK_HZ, UART to 115200 8N1. A watchdog that runs already
     * (the application is started under one) is left running. */
    unfinished("board_start: clocks and UART");
}

void board_write(const char *text, size_t len)
{
    (void)text;
    (void)len;
    /* UNFINISHED: send each byte, and wait until the last one is out. */
    unfinished("board_write");
}

/* UNFINISHED: your part's true random number generator, with its own health tests, best under a
 * CTR_DRBG. Return an error when it fails; never fall back to timers or serial numbers. */
int board_random(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    (void)len;
    return OTTER_ERR_IO;
}

/* UNFINISHED: a clock that keeps its time without power, and was set. Without one "false" is the
 * right answer: certificates are then checked without their dates. */
bool board_time(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    (void)ret_unix;
    return false;
}

/* UNFINISHED: what your production line writes, from wherever it writes it. Without it the
 * application has no server to ask. */
const char *board_setting(const char *name, size_t index, size_t *ret_len)
{
    (void)name;
    (void)index;
    (void)ret_len;
    return NULL;
}
