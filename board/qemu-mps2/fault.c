/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - the processor met what it cannot do: say so, note it, reset.
 *
 * All faults arrive as HardFault, where the MPU is off. The handler changes to a stack of its own
 * first, because the fault may be that a stack is full. A fault in here would lock the processor
 * up, so nothing is read that may not be there.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"

enum { /* CFSR */
    NOT_AN_INSTRUCTION_THERE = 0x20101, /* no execution, no memory, an even address: after a jump */
    STACKING_FAILED = 0x1010,
    MMFAR_VALID = 0x80,
    BFAR_VALID = 0x8000
};

static bool (*is_meant)(uint32_t *frame);

void fault_expect(bool (*meant)(uint32_t *frame))
{
    is_meant = meant;
}

bool fault_frame_fits(const uint32_t *frame)
{
    uintptr_t off = (uintptr_t)frame - RAM_START;
    return off < RAM_SIZE - FRAME_WORDS * sizeof *frame;
}

__attribute__((used)) static void examine(uint32_t *frame)
{
    uint32_t why = SCB.cfsr;
    bool fits = fault_frame_fits(frame) && (why & STACKING_FAILED) == 0;
    if (fits && is_meant != NULL && is_meant(frame)) {
        return;
    }
    struct words_number number, place;
    const char *values[2] = {"stack overflow", NULL};
    uint32_t pc = fits ? frame[FRAME_PC] : 0;
    if (fits && (why & NOT_AN_INSTRUCTION_THERE) != 0) {
        values[0] = "jump into nowhere";
        pc = frame[FRAME_LR] & ~1u; /* most likely called from just before this */
    } else if (fits && (why & (MMFAR_VALID | BFAR_VALID)) != 0) {
        values[0] = words_hex(&number, (why & MMFAR_VALID) != 0 ? SCB.mmfar : SCB.bfar);
    } else if (fits) {
        values[0] = "bad instruction";
    }
    values[1] = words_addr(&place, pc);
    uart_break_line();
    words_say(machine_prefix(), APP_FAULT, values);
    reset_now(BOARD_RESET_FAULT, pc);
}

__attribute__((naked)) void fault_handler(void)
{
    __asm volatile("mrs r1, msp\n\t"
                   "msr msp, %1\n\t"
                   "tst lr, #4\n\t" /* who was interrupted: thread (PSP) or a handler (MSP) */
                   "ite eq\n\t"
                   "moveq r0, r1\n\t"
                   "mrsne r0, psp\n\t"
                   "push {r1, lr}\n\t"
                   "bl %0\n\t"
                   "pop {r1, lr}\n\t"
                   "msr msp, r1\n\t"
                   "bx lr"
                   :
                   : "i"(examine), "r"(fault_stack_end));
}
