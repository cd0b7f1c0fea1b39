/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - memory, MPU, UART, watchdog and clock around the processor. */
#include <stdlib.h>
#include <string.h>

#include "test/glitch/machine.h"

enum { MAY_READ = 1, MAY_WRITE = 2, MAY_RUN = 4, KNOWN = 128 };
enum { ACCESS_ROM = RAM_SIZE / 1024, ACCESS_FLASH };

static struct machine *machine_of(struct cpu *cpu)
{
    return (struct machine *)(void *)cpu;
}

/* What the MPU allows at an address: the last region that holds it decides. */
static unsigned asked(const struct machine *machine, uint32_t addr)
{
    enum { ON = 1, REGION_ON = 1, AP_NONE = 0, AP_RW = 3, AP_RO = 6 };
    if ((machine->mpu_ctrl & ON) != 0) {
        for (unsigned i = 8; i-- > 0;) {
            uint32_t attributes = machine->rasr[i];
            uint32_t bits = (attributes >> 1 & 31) + 1;
            uint32_t mask = bits >= 32 ? 0 : UINT32_MAX << bits;
            if ((attributes & REGION_ON) == 0 || ((machine->rbar[i] ^ addr) & mask) != 0) {
                continue;
            }
            unsigned permission = attributes >> 24 & 7, may = 0;
            if (permission == AP_RW) {
                may = MAY_READ | MAY_WRITE;
            } else if (permission == AP_RO || permission == AP_RO + 1) {
                may = MAY_READ;
            }
            return may == 0 || (attributes >> 28 & 1) != 0 ? may : may | MAY_RUN;
        }
    }
    return MAY_READ | MAY_WRITE | MAY_RUN;
}

static unsigned remembered(struct machine *machine, unsigned index, uint32_t addr)
{
    if ((machine->access[index] & KNOWN) == 0) {
        machine->access[index] = (uint8_t)(asked(machine, addr) | KNOWN);
    }
    return machine->access[index];
}

/* Memory of `size` bytes at addr that may be used like this; NULL: there is none. */
static uint8_t *memory_at(struct machine *machine, uint32_t addr, uint32_t size, unsigned how)
{
    struct board *board = machine->board;
    if (addr - RAM_ADDR < RAM_SIZE - size + 1) {
        uint32_t off = addr - RAM_ADDR;
        return (remembered(machine, off >> 10, addr) & how) != 0 ? machine->ram + off : NULL;
    }
    if (addr < ROM_SIZE - size + 1) {
        unsigned may = addr < 1024 ? asked(machine, addr) : remembered(machine, ACCESS_ROM, addr);
        return (may & how) != 0 && how != MAY_WRITE ? board->rom + addr : NULL;
    }
    if (addr - FLASH_ADDR < FLASH_SIZE - size + 1) {
        return (remembered(machine, ACCESS_FLASH, addr) & how) != 0 ? board->flash + (addr - FLASH_ADDR) : NULL;
    }
    if (addr - OTP_ADDR < OTP_SIZE - size + 1) {
        return (asked(machine, addr) & how) != 0 && how == MAY_READ ? board->otp + (addr - OTP_ADDR) : NULL;
    }
    return NULL;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

void board_flash_store(struct board *board, uint32_t off, uint32_t word)
{
    struct undo undo = {.off = off};
    memcpy(&undo.before, board->flash + off, 4);
    if (undo.before == word) {
        return;
    }
    if (board->undos_count == board->undos_max) {
        board->undos_max = board->undos_max * 2 + 1024;
        board->undos = realloc(board->undos, board->undos_max * sizeof *board->undos);
        if (board->undos == NULL) {
            abort();
        }
    }
    board->undos[board->undos_count++] = undo;
    board->flash_hash ^= mix((uint64_t)off << 32 | undo.before) ^ mix((uint64_t)off << 32 | word);
    memcpy(board->flash + off, &word, 4);
}

void board_flash_back(struct board *board, size_t count)
{
    while (board->undos_count > count) {
        struct undo undo = board->undos[--board->undos_count];
        uint32_t word;
        memcpy(&word, board->flash + undo.off, 4);
        board->flash_hash ^= mix((uint64_t)undo.off << 32 | undo.before) ^ mix((uint64_t)undo.off << 32 | word);
        memcpy(board->flash + undo.off, &undo.before, 4);
    }
}

static void store_flash(struct board *board, uint32_t off, uint32_t value, unsigned size)
{
    for (unsigned done = 0; done < size;) {
        uint32_t word, at = (off + done) & ~3u;
        memcpy(&word, board->flash + at, 4);
        do {
            ((uint8_t *)&word)[(off + done) & 3] = (uint8_t)(value >> 8 * done);
            done++;
        } while (done < size && ((off + done) & 3) != 0);
        board_flash_store(board, at, word);
    }
}

enum { /* registers */
    UART_DATA = 0x40004000, UART_STATE = 0x40004004,
    WATCHDOG = 0x40008000, WATCHDOG_CTRL = 0x40008008, WATCHDOG_FEED = 0x4000800C, WATCHDOG_LOCK = 0x40008C00,
    COUNTER = 0x40028018, PRESCALE = 0x4002801C,
    DEVICES = 0x40000000, DEVICES_END = 0x40030000
};
enum { SCB_VTOR = 0xD08, SCB_AIRCR = 0xD0C, MPU_CTRL = 0xD94, MPU_RNR = 0xD98, MPU_RBAR = 0xD9C, MPU_RASR = 0xDA0 };
#define SYSTEM 0xE000E000u

static uint32_t load_system(const struct machine *machine, uint32_t off)
{
    switch (off) {
    case SCB_VTOR: return machine->vtor;
    case MPU_CTRL: return machine->mpu_ctrl;
    case MPU_RBAR: return machine->rbar[machine->rnr];
    case MPU_RASR: return machine->rasr[machine->rnr];
    default: return 0;
    }
}

static void store_system(struct machine *machine, uint32_t off, uint32_t value)
{
    switch (off) {
    case SCB_VTOR: machine->vtor = value; return;
    case SCB_AIRCR: machine->cpu.end = value == 0x05FA0004 ? CPU_RESET : machine->cpu.end; return;
    case MPU_CTRL: machine->mpu_ctrl = value; break;
    case MPU_RNR: machine->rnr = value & 7; return;
    case MPU_RBAR:
        machine->rnr = (value & 16) != 0 ? value & 7 : machine->rnr;
        machine->rbar[machine->rnr] = value & ~31u;
        break;
    case MPU_RASR: machine->rasr[machine->rnr] = value; break;
    default: return;
    }
    memset(machine->access, 0, sizeof machine->access);
}

static void store_device(struct machine *machine, uint32_t addr, uint32_t value)
{
    switch (addr) {
    case UART_DATA:
        if (machine->uart_len < UART_MAX - 1) {
            machine->uart[machine->uart_len++] = (char)value;
        }
        break;
    case WATCHDOG_LOCK: machine->watchdog_open = value == 0x1ACCE551; break;
    case WATCHDOG_CTRL: machine->watchdog_on = machine->watchdog_open ? value == 3 : machine->watchdog_on; break;
    case WATCHDOG_FEED:
        machine->fed = machine->watchdog_open ? machine->cpu.count : machine->fed;
        break;
    case PRESCALE: machine->prescale = value; break;
    default: break; /* LEDs, timers and the like */
    }
}

uint32_t machine_load(struct cpu *cpu, uint32_t addr, unsigned size)
{
    struct machine *machine = machine_of(cpu);
    uint32_t value = 0;
    const uint8_t *memory = memory_at(machine, addr, size, MAY_READ);
    if (memory != NULL) {
        memcpy(&value, memory, size);
    } else if (addr - SYSTEM < 0x1000) {
        value = load_system(machine, addr - SYSTEM);
    } else if (addr == COUNTER) {
        value = (uint32_t)(cpu->count / ((uint64_t)machine->prescale + 1));
    } else if (addr < DEVICES || addr >= DEVICES_END) {
        cpu->end = CPU_FAULT;
    }
    return value;
}

void machine_store(struct cpu *cpu, uint32_t addr, uint32_t value, unsigned size)
{
    struct machine *machine = machine_of(cpu);
    uint8_t *memory = memory_at(machine, addr, size, MAY_WRITE);
    if (memory != NULL && addr >= FLASH_ADDR) {
        store_flash(machine->board, addr - FLASH_ADDR, value, size);
    } else if (memory != NULL) {
        memcpy(memory, &value, size);
    } else if (addr - SYSTEM < 0x1000) {
        store_system(machine, addr - SYSTEM, value);
    } else if (addr >= DEVICES && addr < DEVICES_END) {
        store_device(machine, addr, value);
    } else {
        cpu->end = CPU_FAULT;
    }
}

uint32_t machine_fetch(struct cpu *cpu, uint32_t addr)
{
    struct machine *machine = machine_of(cpu);
    uint32_t value = 0;
    const uint8_t *memory = memory_at(machine, addr, 2, MAY_RUN);
    if (memory == NULL) {
        cpu->end = CPU_FAULT;
    } else if (addr >= FLASH_ADDR) {
        cpu->end = CPU_IN_FLASH;
    } else if (addr >= RAM_ADDR) {
        cpu->end = CPU_IN_RAM;
    } else {
        memcpy(&value, memory, 2);
    }
    return value;
}

void machine_reset(struct machine *machine)
{
    const uint8_t *vectors = machine->board->rom;
    struct machine fresh = {.board = machine->board};
    memcpy(&fresh.cpu.r[SP], vectors, 4);
    memcpy(&fresh.cpu.r[PC], vectors + 4, 4);
    fresh.cpu.r[PC] &= ~1u;
    fresh.cpu.r[LR] = UINT32_MAX;
    memcpy(fresh.ram, machine->ram, RAM_SIZE);
    *machine = fresh;
}

void machine_power_on(struct machine *machine, struct board *board)
{
    memset(machine, 0, sizeof *machine);
    machine->board = board;
    machine_reset(machine);
}

const uint8_t *machine_peek(struct machine *machine, uint32_t addr, uint32_t size)
{
    return memory_at(machine, addr, size, MAY_READ);
}

uint8_t *machine_poke(struct machine *machine, uint32_t addr, uint32_t size)
{
    return addr >= FLASH_ADDR ? NULL : memory_at(machine, addr, size, MAY_WRITE);
}

void machine_run_to(struct machine *machine, uint64_t patience, uint32_t pc, uint32_t sp)
{
    struct cpu *cpu = &machine->cpu;
    const struct memos *memos = &machine->board->memos;
    do {
        cpu_step(cpu, false);
        if ((cpu->count & 0xfff) == 0 && (cpu->count - machine->fed > patience ||
                                          (machine->until != 0 && cpu->count > machine->until))) {
            cpu->end = cpu->end == CPU_RUNS ? CPU_HANGS : cpu->end;
        }
    } while (cpu->end == CPU_RUNS && !memo_is_entry(memos, cpu->r[PC]) && (cpu->r[PC] != pc || cpu->r[SP] != sp));
}

void machine_run(struct machine *machine, uint64_t patience)
{
    struct cpu *cpu = &machine->cpu;
    while (cpu->end == CPU_RUNS) {
        if (memo_is_entry(&machine->board->memos, cpu->r[PC])) {
            memo_call(machine, patience);
            if (cpu->end == CPU_RUNS && cpu->count - machine->fed > patience) {
                cpu->end = CPU_HANGS; /* also where a function returns to itself */
            }
        } else {
            machine_run_to(machine, patience, 0, 0);
        }
    }
}
