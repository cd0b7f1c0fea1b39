/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.h - what a board supplies to app/bootloader and app/ota-https.
 *
 * A board is a folder that implements every function below, start-up code and two linker
 * scripts; copy board/template. The applications know nothing else of the hardware.
 * Functions are called from thread mode unless they say otherwise.
 */
#ifndef OTTER_BOARD_H
#define OTTER_BOARD_H

#include "otter/state.h"

/* ---- both programs ---- */

/* Clocks, UART (115200 8N1), flash. First thing in main. Keeps a running watchdog running. */
void board_start(void);

/* From `otter flashmap header` and the board's flash drivers. */
const struct otter_layout *board_layout(void);

/* The public keys that may have signed an image; returns how many (at most `count`). What the
 * keys point to stays valid. 0: none, and then nothing can be started. */
size_t board_keys(struct otter_key *ret_keys, size_t count);

/* Bytes to the UART; waits until they are out. */
void board_write(const char *text, size_t len);

enum board_reset {
    BOARD_RESET_POWER_ON,
    BOARD_RESET_SOFTWARE, /* board_reset */
    BOARD_RESET_WATCHDOG, /* not fed in time */
    BOARD_RESET_FAULT     /* the processor met what it cannot do */
};

/* Why the last reset happened, and, for WATCHDOG and FAULT, at which instruction the program
 * was then (0: not known). The same in the bootloader and in the application it starts. */
enum board_reset board_reset_cause(uint32_t *ret_pc);

void board_watchdog_feed(void);  /* its time begins anew; nothing while it does not run */
_Noreturn void board_reset(void); /* at once; the cause is SOFTWARE then */

/* True when the processor could start the image where the primary slot is: its stack pointer
 * lies in RAM, its first instruction in the image. An otter_startable_fn (otter/state.h). */
bool board_startable(const struct otter_layout *layout, const struct otter_view *view,
                     const struct otter_image *image);

/* What was provisioned at the factory under this name, the index-th such value; NUL-terminated
 * and valid for ever; NULL: none. ret_len may be NULL. docs/boards.md lists the names. */
const char *board_setting(const char *name, size_t index, size_t *ret_len);

/* ---- bootloader ---- */

/* Not fed for this long is a reset. Runs until the next reset, whoever runs. */
#define BOARD_WATCHDOG_MS 4000u
void board_watchdog_start(void);

/* Leave no interrupt, timer or exception of this program behind, and start the one whose
 * vector table is at this address. The watchdog runs on. */
_Noreturn void board_launch(uint32_t vector_table);

/* Nothing can be started: stop here, with the watchdog fed or off, until power is cycled. */
_Noreturn void board_halt(void);

/* ---- application ---- */

uint32_t board_millis(void); /* monotonic, wraps */

/* Fill buf with random bytes fit for keys: OTTER_OK, or a negative error; never weak ones. */
int board_random(void *ctx, void *buf, size_t len);

/* Seconds since 1970 if this board has a clock that can be trusted, else false. */
bool board_time(void *ctx, int64_t *ret_unix);

void board_led(bool on); /* also from the timer's interrupt */

/* Call tick(ctx) every period_ms from an interrupt that nothing holds up; again: new period. */
void board_timer_start(uint32_t period_ms, void (*tick)(void *ctx), void *ctx);

/* Sleep until something happens, for at most `ms`. */
void board_idle(uint32_t ms);

/* Network: start it, poll often. The byte streams are those of port/lwip, or of the board's
 * own stack. */
int board_network_start(void);  /* OTTER_OK; or a negative error: then it may be called again */
void board_network_poll(void);  /* frames that came, timers of the stack; never waits */
const char *board_network_address(void); /* in words, for the log; NULL while there is none */

struct board_memory { /* bytes */
    uint32_t ram_static;             /* data and bss, without the stack */
    uint32_t stack_size, stack_peak; /* peak: the most that was ever in use since this reset */
};
struct board_memory board_memory(void); /* for the report at the end of a check */

#endif
