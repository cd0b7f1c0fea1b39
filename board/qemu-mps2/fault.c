/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - the processor met what it cannot do: say so, note it, reset.
 *
 * All faults arrive as HardFault. The handler changes to a stack of its own first (the guard
 * between the other two: the MPU is off here), because the fault may be that a stack is full. A
 * fault in here would lock the processor up, so nothing is read that may not be there.
 *
 * One fault is an answer: a semihosting call (BKPT 0xAB) when QEMU offers none. It returns -1.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "part.h"

enum { FRAME_R0 = 0, FRAME_PC = 6, FRAME_SIZE = 32, SEMIHOST_CALL = 0xBEAB };
/* CFSR */
enum { STACKING_FAILED = 0x1010, MMFAR_VALID = 0x80, BFAR_VALID = 0x8000 };

static bool within(uintptr_t addr, uintptr_t start, uintptr_t size)
{
    return addr >= start && addr - start < size;
}

uint32_t fault_frame_pc(const uint32_t *frame)
{
    uintptr_t at = (uintptr_t)frame;
    return within(at, RAM_START, RAM_SIZE - FRAME_SIZE) && (at & 3u) == 0 ? frame[FRAME_PC] : 0;
}

static bool is_semihost_call(uint32_t pc)
{
    return (within(pc, 0, OTP_ADDR) || within(pc, PART_FLASH_FILE, FLASH_FILE_SIZE - 2)) && (pc & 1u) == 0 &&
           *(const volatile uint16_t *)(uintptr_t)pc == SEMIHOST_CALL;
}

static _Noreturn void give_up(uint32_t pc)
{
    uint32_t why = SCB_CFSR;
    struct words_number number, place;
    const char *values[2] = {"an instruction that cannot be executed", NULL};
    if (pc == 0 || (why & STACKING_FAILED) != 0) {
        pc = 0;
        values[0] = "the stack has overflowed";
    } else if ((why & (MMFAR_VALID | BFAR_VALID)) != 0) {
        values[0] = words_hex(&number, (why & MMFAR_VALID) != 0 ? SCB_MMFAR : SCB_BFAR);
    }
    values[1] = words_addr(&place, pc);
    reset_note(CAUSE_FAULT, pc);
    uart_break_line();
    words_say(machine_prefix(), APP_FAULT, values);
    reset_now();
}

__attribute__((used)) static void examine(uint32_t *frame)
{
    uint32_t pc = fault_frame_pc(frame);
    if (pc == 0 || !is_semihost_call(pc)) {
        give_up(pc);
    }
    frame[FRAME_R0] = UINT32_MAX;
    frame[FRAME_PC] = pc + 2;
    SCB_HFSR = SCB_HFSR; /* writing ones clears */
    SCB_CFSR = SCB_CFSR;
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
                   : "i"(examine), "r"(guard_end));
}
