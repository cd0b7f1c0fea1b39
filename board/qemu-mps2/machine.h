/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - private to board/qemu-mps2: registers, and what its files ask of each other.
 *
 * Addresses: Arm AN386 and AN500 (FPGA images for the MPS2), as far as QEMU models them, and
 * the ARMv7-M Architecture Reference Manual. All clocks are 25 MHz.
 *
 * Memory, from the bottom of RAM (ram.ld): the thread's stack, so that what overflows it leaves
 * RAM and faults; a guard that nothing may touch; the interrupts' stack, which overflows into
 * that; the fault handler's; data; and at the top the record that survives a reset.
 */
#ifndef OTTER_BOARD_MACHINE_H
#define OTTER_BOARD_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "board/board.h"
#include "board/words.h"

#define MACHINE_HZ 25000000u
#define MACHINE_REGISTER(addr) (*(volatile uint32_t *)(addr))

/* Arm's system control space. One structure for each block: shorter code than an address for each. */
struct machine_systick {
    uint32_t ctrl, load;
};
struct machine_scb {
    uint32_t cpuid, icsr, vtor, aircr, scr, ccr, shpr[3], shcsr, cfsr, hfsr, dfsr, mmfar, bfar;
};
struct machine_mpu {
    uint32_t type, ctrl, rnr, rbar, rasr;
};
#define SYSTICK (*(volatile struct machine_systick *)0xE000E010u)
#define SCB (*(volatile struct machine_scb *)0xE000ED00u)
#define MPU (*(volatile struct machine_mpu *)0xE000ED90u)
#define NVIC_ENABLE MACHINE_REGISTER(0xE000E100u) /* interrupts 0 to 31: these machines have no more */
#define NVIC_DISABLE MACHINE_REGISTER(0xE000E180u)
#define NVIC_UNPEND MACHINE_REGISTER(0xE000E280u)
#define NVIC_PRIORITY ((volatile uint8_t *)0xE000E400u)

/* Where things lie: every program's linker script says it (ram.ld). */
extern uint32_t stack_start[], stack_end[], guard_start[], interrupt_stack_end[], fault_stack_end[];
extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];
extern const uint8_t flash_never_runs[]; /* its address: the MPU's attribute that says so, or 0 */
extern const uint8_t null_bits[]; /* its address: 2 to this power bytes from 0 are out of bounds */

#define RAM_START 0x20000000u
#define RAM_SIZE 0x40000u /* the smallest of the real parts has so much; the machines have more */
#define RAM_BITS 18u
#define OTP_ADDR 0x00300000u /* factory settings: tool/board.c */
#define OTP_SIZE 0x10000u
#define FLASH_FILE_SIZE 0x1000000u
#define FLASH_FILE_BITS 24u
#define FLASH_USED_OFF 0xE00000u /* notes of the flash driver: tool/board.c */

#define MACHINE_SYNC() __asm volatile("dsb\n\tisb" : : : "memory")

int main(void);

/* Which program this is: the bootloader's vector table is at 0. */
static inline const char *machine_prefix(void)
{
    return SCB.vtor == 0 ? WORDS_BOOT : WORDS_APP;
}

void uart_start(void);
void uart_break_line(void); /* what comes next begins a line */
void clock_start(void);
void mpu_start(void);
void settings_start(void);
void mpu_flash_writable(bool writable); /* only while the driver changes flash */

/* reset.c: the cause that the next reset will have, and where the program is then (0: not known). */
void reset_note(enum board_reset cause, uint32_t pc);
void reset_begin_life(void);                             /* the noted cause becomes the last reset's */
_Noreturn void reset_now(enum board_reset cause, uint32_t pc);

/* fault.c: can there be an exception frame, in RAM? */
bool fault_frame_fits(const uint32_t *frame);
void fault_handler(void);
void bark_handler(void);

/* Ask this first about a fault: true when it was meant and the program goes on with the frame as
 * it is now. NULL: nothing is meant. */
enum { FRAME_R0, FRAME_LR = 5, FRAME_PC = 6, FRAME_WORDS = 8 };
void fault_expect(bool (*meant)(uint32_t *frame));

/* Call `handler` on this interrupt, 0 to 31; priority 0 is served first, 7 last. Applications only. */
void interrupt_start(unsigned irq, unsigned priority, void (*handler)(void));

/* idle.c: board_idle asks `pending` before it sleeps, and stays awake when it says so; pending also
 * makes sure that an interrupt comes with the next such event. */
void idle_watch(bool (*pending)(void));

/* semihost.c: one request to QEMU; -1 when it was started without semihosting. */
int semihost(uint32_t request, const void *arguments);

#endif
