/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - the board around the processor: QEMU's mps2-an386 as far as a bootloader sees it.
 *
 * Memory: ROM at 0 and factory settings, both read-only; RAM; the flash file. The MPU is there,
 * because it decides what a wild store or jump does. A struct machine is copied to begin a trial;
 * the flash file is shared, and every store to it can be taken back.
 */
#ifndef GLITCH_MACHINE_H
#define GLITCH_MACHINE_H

#include <stddef.h>

#include "test/glitch/cpu.h"
#include "test/glitch/memo.h"

enum {
    ROM_SIZE = 0x28000,
    OTP_ADDR = 0x300000,
    OTP_SIZE = 0x10000,
    RAM_SIZE = 0x40000,
    FLASH_SIZE = 0x1000000,
    UART_MAX = 4096,
    HZ = 25000000 /* and an instruction takes one cycle here */
};
#define RAM_ADDR 0x20000000u
#define FLASH_ADDR 0x21000000u

struct undo {
    uint32_t off, before; /* a word of the flash file */
};

/* What all machines of a process share. */
struct board {
    uint8_t rom[ROM_SIZE], otp[OTP_SIZE];
    uint8_t *flash;
    struct undo *undos;
    size_t undos_count, undos_max;
    uint64_t flash_hash; /* of all that differs from the beginning */
    struct memos memos;
};

struct machine {
    struct cpu cpu; /* first */
    struct board *board;
    uint64_t fed; /* cpu.count when the watchdog was fed last */
    uint64_t until; /* cpu.count at which it hangs, fed or not; 0: never */
    bool watchdog_open, watchdog_on;
    uint32_t prescale;
    uint32_t mpu_ctrl, rnr, rbar[8], rasr[8], vtor;
    uint8_t access[RAM_SIZE / 1024 + 2]; /* what the MPU says, as far as it was asked */
    char uart[UART_MAX];
    uint32_t uart_len;
    uint8_t ram[RAM_SIZE];
};

void machine_power_on(struct machine *machine, struct board *board); /* RAM: zero */
void machine_reset(struct machine *machine);                         /* RAM stays */

/* Go on until an end; `patience`: instructions without feeding the watchdog before it is one. */
void machine_run(struct machine *machine, uint64_t patience);

/* The same, but only to the entry of a function of memo.h, or to this address with this stack (0: to none). */
void machine_run_to(struct machine *machine, uint64_t patience, uint32_t pc, uint32_t sp);
/* `size` readable bytes; NULL: there are none. */
const uint8_t *machine_peek(struct machine *machine, uint32_t addr, uint32_t size);
uint8_t *machine_poke(struct machine *machine, uint32_t addr, uint32_t size); /* the same, to be written; RAM only */

/* Take back the stores to flash since there were `count` of them. */
void board_flash_back(struct board *board, size_t count);
/* From outside. */
void board_flash_store(struct board *board, uint32_t off, uint32_t word);

#endif
