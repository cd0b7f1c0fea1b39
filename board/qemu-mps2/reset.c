/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset.c - why the last reset happened. These machines have no register that says so.
 *
 * A record at the top of RAM, at the same place in every program, survives resets but not power
 * cycles. A program that is reset notes why beforehand; the watchdog's bark does so for one that
 * hangs. When a life ends without a note, only the watchdog can have ended it (or a person at
 * QEMU's monitor); and without a record there was no life before: power on.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

struct record {
    uint32_t cause, pc; /* of the next reset */
    uint32_t check;     /* of those two */
    uint32_t last, last_pc;
};
__attribute__((section(".noinit"))) static volatile struct record record;

#define RESET_REQUEST 0x05FA0004u

static uint32_t check_of(uint32_t cause, uint32_t pc)
{
    return ~(cause ^ (pc << 1 | pc >> 31));
}

void reset_note(enum machine_cause cause, uint32_t pc)
{
    record.cause = cause;
    record.pc = pc;
    record.check = check_of(cause, pc);
}

void reset_begin_life(void)
{
    bool valid = record.check == check_of(record.cause, record.pc);
    record.last = valid ? record.cause : 0;
    record.last_pc = record.pc;
    reset_note(CAUSE_RUNNING, 0);
}

void reset_fed(void)
{
    if (record.cause == CAUSE_BARKED) {
        reset_note(CAUSE_RUNNING, 0);
    }
}

enum board_reset board_reset_cause(uint32_t *ret_pc)
{
    *ret_pc = 0;
    if (record.last == CAUSE_SOFTWARE) {
        return BOARD_RESET_SOFTWARE;
    }
    if (record.last != CAUSE_RUNNING && record.last != CAUSE_BARKED && record.last != CAUSE_FAULT) {
        return BOARD_RESET_POWER_ON;
    }
    *ret_pc = record.last_pc;
    return record.last == CAUSE_FAULT ? BOARD_RESET_FAULT : BOARD_RESET_WATCHDOG;
}

_Noreturn void reset_now(void)
{
    SCB_AIRCR = RESET_REQUEST;
    for (;;) {
    }
}

_Noreturn void board_reset(void)
{
    reset_note(CAUSE_SOFTWARE, 0);
    reset_now();
}
