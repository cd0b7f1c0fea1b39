/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - the interrupts of an application. The bootloader has none. */
#include "board/qemu-mps2/machine.h"

enum { INTERRUPTS = 32, PRIORITY_SHIFT = 5, FIRST = 16 };

static void (*handlers[INTERRUPTS])(void);

static void dispatch(void)
{
    uint32_t number;
    __asm volatile("mrs %0, ipsr" : "=r"(number));
    handlers[number - FIRST](); /* only those are enabled that have one */
}

/* Behind the vectors of start.c; application.ld asks for it. */
extern void (*const interrupt_vectors[INTERRUPTS])(void);
__attribute__((section(".vectors.interrupts"), used)) void (*const interrupt_vectors[INTERRUPTS])(void) = {
    dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch,
    dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch,
    dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch,
    dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch, dispatch};

void interrupt_start(unsigned irq, unsigned priority, void (*handler)(void))
{
    handlers[irq] = handler;
    NVIC_PRIORITY[irq] = (uint8_t)(priority << PRIORITY_SHIFT);
    NVIC_UNPEND = 1u << irq;
    NVIC_ENABLE = 1u << irq;
}
