/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - an ARMv7-M processor (Cortex-M4 without floating point), one instruction at a time.
 *
 * Written for fault injection: its whole state is one small structure, so that a trial begins
 * with a copy; a step can be told not to happen. Thread mode only: what would enter a handler
 * (a fault, BKPT) ends the run. test/glitch/run.py compares it with QEMU.
 */
#ifndef GLITCH_CPU_H
#define GLITCH_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum { SP = 13, LR = 14, PC = 15 };

/* Why a run ended. */
enum cpu_end {
    CPU_RUNS,
    CPU_SLEEPS,    /* WFI: only board_halt does that */
    CPU_FAULT,     /* would be a HardFault: a line in the log, then a reset */
    CPU_UNKNOWN,   /* an instruction that is not modelled here; a fault, but counted apart */
    CPU_RESET,     /* asked for through AIRCR */
    CPU_IN_FLASH,  /* the next instruction is in the flash file */
    CPU_IN_RAM,    /* the next instruction is in RAM, and the MPU would let it */
    CPU_HANGS      /* not fed: the watchdog bites */
};

struct cpu {
    uint32_t r[16];     /* r[PC]: of the instruction to come; while it is executed: + 4 */
    uint32_t next;      /* while one is executed: where the following one is */
    uint32_t other_sp;  /* of the stack not in use */
    uint8_t n, z, c, v; /* 0 or 1 */
    uint8_t it;         /* ITSTATE */
    uint8_t control, primask;
    bool invert;        /* the next condition is taken for its opposite (glitch) ... */
    bool inverted;      /* ... and there was one */
    enum cpu_end end;
    uint64_t count;     /* instructions so far */
};

/* Memory as the processor sees it: machine.c. A refused access sets cpu->end. */
uint32_t machine_load(struct cpu *cpu, uint32_t addr, unsigned size);
void machine_store(struct cpu *cpu, uint32_t addr, uint32_t value, unsigned size);
uint32_t machine_fetch(struct cpu *cpu, uint32_t addr); /* 16 bits */

/* Execute one instruction; `skip`: let it pass without any effect. Only while it runs. */
void cpu_step(struct cpu *cpu, bool skip);

/* Shared by cpu.c and cpu_wide.c. */
void cpu_wide(struct cpu *cpu, uint32_t first, uint32_t second);
void cpu_branch(struct cpu *cpu, uint32_t target);          /* stays in Thumb state */
void cpu_interwork(struct cpu *cpu, uint32_t target);       /* bit 0 must say Thumb */
bool cpu_condition(struct cpu *cpu, unsigned condition);    /* AL: true */
void cpu_flags_nz(struct cpu *cpu, uint32_t value);
uint32_t cpu_add(struct cpu *cpu, uint32_t a, uint32_t b, uint32_t carry, bool flags);
enum cpu_shift { CPU_LSL, CPU_LSR, CPU_ASR, CPU_ROR };
/* amount 0 to 255 as of a register; carry: in, and out when it changes. */
uint32_t cpu_shift(uint32_t value, enum cpu_shift type, uint32_t amount, uint8_t *carry);
void cpu_load_many(struct cpu *cpu, uint32_t addr, uint32_t list);
void cpu_store_many(struct cpu *cpu, uint32_t addr, uint32_t list);
void cpu_set_psp_msp(struct cpu *cpu, unsigned which, uint32_t value);
void cpu_set_control(struct cpu *cpu, uint32_t value);

#endif
