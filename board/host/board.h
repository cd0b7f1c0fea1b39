/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.h - the host board: power supply, reset line and watchdog of a simulated chip.
 *
 * The board is this process; the chip is a child process, a new one after every reset,
 * so that nothing but flash survives. The chip program ends only by one of the
 * host_chip_* calls below, by the watchdog, or with the board itself: when this process
 * dies, the chip dies at once, and its flash file is left as a power cut leaves flash.
 * The board knows nothing of flash, images or networks.
 */
#ifndef OTTER_BOARD_HOST_H
#define OTTER_BOARD_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_reset {
    HOST_RESET_POWER_ON,
    HOST_RESET_SOFTWARE,  /* the program asked for it */
    HOST_RESET_WATCHDOG,  /* not fed in time */
    HOST_RESET_POWER_CUT, /* in the middle of a flash operation */
    HOST_RESET_FAULT      /* the program crashed */
};
const char *host_reset_str(enum host_reset reset);

/* What the chip's program sees of its board. Valid in the child only. */
struct host_chip {
    enum host_reset cause;            /* of the reset that started this cycle */
    uint32_t cycle;                   /* counts from 1 */
    struct host_shared *shared;       /* private to board.c */
    int events;                       /* private: pipe to the board */
};

/* The watchdog runs from the first instruction on and cannot be switched off. */
void host_chip_feed(struct host_chip *chip);

/* One line of text, without its newline, to the board's on_line. */
void host_chip_say(struct host_chip *chip, const char *line);

_Noreturn void host_chip_reset(struct host_chip *chip);
_Noreturn void host_chip_power_cut(struct host_chip *chip);
_Noreturn void host_chip_halt(struct host_chip *chip); /* nothing to run: stays off */
_Noreturn void host_chip_hang(struct host_chip *chip); /* an endless loop, for ever */

enum host_end {
    HOST_END_DONE,    /* on_line or on_reset asked for it */
    HOST_END_TIMEOUT, /* run_ms is over */
    HOST_END_HALTED,  /* the chip found nothing to run */
    HOST_END_SIGNAL,  /* this process was asked to stop (SIGINT, SIGTERM, SIGHUP) */
    HOST_END_ERROR    /* no memory, no process: errno says which */
};

/* Borrowed during host_board_run. ctx is handed to every function. */
struct host_board {
    void *ctx;
    void (*program)(void *ctx, struct host_chip *chip);    /* in the child; a return is a reset */
    bool (*on_line)(void *ctx, const char *line);          /* true: switch off now */
    bool (*on_reset)(void *ctx, enum host_reset cause);    /* before the next cycle; true: switch off */
    uint32_t watchdog_ms;
    uint32_t run_ms; /* 0: no limit */
};

/* Power on, and run until something ends it. No child is left when it returns. */
enum host_end host_board_run(const struct host_board *board);

/* Milliseconds of a monotonic clock, the board's and the chip's alike. */
uint64_t host_clock_ms(void);

#endif
