/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - from reset to main.
 *
 * main runs on the thread's stack (PSP), exceptions on the interrupts' (MSP): an exception that
 * reports the overflow of one has the other to stand on.
 */
#include "board/qemu-mps2/machine.h"

#include <string.h>

#include "board/qemu-mps2/memory.h"

void start(void);

/* The processor reads its first stack pointer and the handlers here. Nothing but the watchdog's
 * warning is expected: everything else is a fault. Interrupts: interrupt.c. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {interrupt_stack_end,
             {start, bark_handler, fault_handler, fault_handler, fault_handler, fault_handler,
              fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
              fault_handler, fault_handler, fault_handler, fault_handler}};

static size_t span(const uint32_t *from, const uint32_t *to)
{
    return (size_t)((uintptr_t)to - (uintptr_t)from);
}

void start(void)
{
    fault_expect(NULL);
    uart_start();
    mpu_start(); /* from here on what goes astray is a fault that is reported: filling RAM too */
    memcpy(data_start, data_load, span(data_start, data_end));
    memset(bss_start, 0, span(bss_start, bss_end));
    memset(stack_start, MEMORY_PAINT, span(stack_start, stack_end));
    __asm volatile("msr psp, %0\n\tmsr control, %1\n\tisb" : : "r"(stack_end), "r"(2) : "memory");
    (void)main();
    reset_now(BOARD_RESET_FAULT, 0); /* programs do not end */
}
