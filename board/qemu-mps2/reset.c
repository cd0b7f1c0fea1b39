/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset.c - why the last reset happened. These machines have no register that says so.
 *
 * A record at the top of RAM, at the same place in every program, survives resets but not power
 * cycles. A life begins with the note that the watchdog ends it (or a person at QEMU's monitor):
 * what ends it otherwise notes that first, and the watchdog's bark adds where the program hangs.
 * Without a record there was no life before: power on.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct record {
    uint32_t cause, pc; /* of the next reset; MARK | enum board_reset */
    uint32_t last, last_pc;
};
__attribute__((section(".noinit.reset"))) static volatile struct record record;

#define MARK 0x0FF1CE00u /* memory does not have it by chance */
#define RESET_REQUEST 0x05FA0004u

void reset_note(enum board_reset cause, uint32_t pc)
{
    record.cause = MARK | cause;
    record.pc = pc;
}

void reset_begin_life(void)
{
    record.last = record.cause;
    record.last_pc = record.pc;
    reset_note(BOARD_RESET_WATCHDOG, 0);
}

enum board_reset board_reset_cause(uint32_t *ret_pc)
{
    uint32_t cause = record.last ^ MARK;
    if (cause > BOARD_RESET_FAULT) {
        cause = BOARD_RESET_POWER_ON;
    }
    *ret_pc = cause == BOARD_RESET_POWER_ON ? 0 : record.last_pc;
    return (enum board_reset)cause;
}

_Noreturn void reset_now(enum board_reset cause, uint32_t pc)
{
    reset_note(cause, pc);
    SCB.aircr = RESET_REQUEST;
    for (;;) {
    }
}

_Noreturn void board_reset(void)
{
    reset_now(BOARD_RESET_SOFTWARE, 0);
}
