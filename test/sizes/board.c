/* SPDX-License-Identifier: Apache-2.0 */
/* board.c - the imaginary part of board.h. */
#include <string.h>

#include "test/sizes/board.h"

struct registers {
    volatile uint32_t command, address, status, feed;
};
static struct registers *const internal = (struct registers *)0x40240000;
static struct registers *const external = (struct registers *)0x40250000;

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
void reset_handler(void);

void reset_handler(void)
{
    memcpy(data_start, data_load, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
    memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
    (void)main();
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const struct {
    const uint32_t *stack;
    void (*reset)(void);
} vectors = {stack_top, reset_handler};

static int run(struct registers *registers, uint32_t command, uint32_t off)
{
    registers->address = off;
    registers->command = command;
    while ((registers->status & 1) != 0) {
    }
    return registers->status == 0 ? 0 : -1;
}

static int board_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, (const uint8_t *)(ctx == internal ? 0x10000000u : 0x18000000u) + off, len);
    return 0;
}

static int board_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct registers *registers = ctx;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)buf + i, sizeof word);
        registers->status = word;
    }
    return run(registers, 1, off);
}

static int board_erase(void *ctx, uint32_t off, uint32_t size)
{
    return run(ctx, size, off);
}

static const struct otter_flash flash_internal = {
    .ctx = (void *)0x40240000, .read = board_read, .prog = board_prog, .erase = board_erase, .write = board_prog,
    .size = 0x200000, .sector_size = 512, .prog_size = 512, .erased = 0};
static const struct otter_flash flash_external = {
    .ctx = (void *)0x40250000, .read = board_read, .prog = board_prog, .erase = board_erase,
    .size = 0x4000000, .sector_size = 0x40000, .prog_size = 512, .erased = 0xff};

const struct otter_layout board_layout = {
    .primary = {&flash_internal, 0x18000, 0x1c0000},
    .secondary = {&flash_external, 0, 0x1c0000},
    .scratch = {&flash_external, 0x440000, 0x80000},
    .journal = {&flash_internal, 0x1d8000, 0x3800},
    .mode = OTTER_MODE_SWAP,
    .image_size_max = 0x1c0000,
    .primary_addr = 0x10018000};

void board_feed(void *ctx)
{
    (void)ctx;
    internal->feed = 1;
    external->feed = 1;
}

_Noreturn void board_jump(uint32_t vector_table)
{
    const uint32_t *table = (const uint32_t *)vector_table;
    uint32_t stack = table[0];
    uint32_t start = table[1];
    __asm volatile("msr msp, %0\n\tbx %1" : : "r"(stack), "r"(start));
    for (;;) {
    }
}
