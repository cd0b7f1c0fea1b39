/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part.h - the processor's registers, and what is to be filled in about your part.
 *
 * The registers below are those of every Cortex-M (Armv7-M). Your part's own ones go here
 * too, or include your vendor's header.
 */
#ifndef OTTER_BOARD_TEMPLATE_PART_H
#define OTTER_BOARD_TEMPLATE_PART_H

#include <stdint.h>

/* UNFINISHED: the processor's clock once board_start is through, in Hz. */
#define PART_CLOCK_HZ 0u

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYSTICK_CTRL REGISTER(0xE000E010u)
#define SYSTICK_LOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)
#define NVIC_DISABLE(word) REGISTER(0xE000E180u + 4u * (word))
#define NVIC_UNPEND(word) REGISTER(0xE000E280u + 4u * (word))
#define NVIC_WORDS 8u
#define SCB_ICSR REGISTER(0xE000ED04u)
#define SCB_VTOR REGISTER(0xE000ED08u)
#define SCB_AIRCR REGISTER(0xE000ED0Cu)
#define SCB_SHCSR REGISTER(0xE000ED24u)
#define SCB_CPACR REGISTER(0xE000ED88u)

#define ICSR_UNPEND_SYSTICK (1u << 25)
#define ICSR_UNPEND_PENDSV (1u << 27)
#define AIRCR_RESET 0x05FA0004u
#define SYSTICK_RUN 7u /* the processor's clock, interrupt, on */

/* Of the linker scripts; only their addresses mean anything. */
extern uint32_t board_data_load[], board_data_start[], board_data_end[];
extern uint32_t board_bss_start[], board_bss_end[];
extern uint32_t board_stack_bottom[], board_stack_top[];
extern uint32_t board_ram_start[], board_ram_end[];

extern const uint32_t board_vectors[]; /* where the vector table of this program lies */

void board_systick(void);

/* This place of the template is not filled in: stop, so that a debugger shows which one it is.
 * Nothing is ever reported as done that was not done. */
_Noreturn void unfinished(const char *place);

#endif
