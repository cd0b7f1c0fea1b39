/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - the processor: conditions, arithmetic, and the instructions of 16 bits. */
#include "test/glitch/cpu.h"

bool cpu_condition(struct cpu *cpu, unsigned condition)
{
    bool holds = true;
    switch (condition >> 1) {
    case 0: holds = cpu->z; break;
    case 1: holds = cpu->c; break;
    case 2: holds = cpu->n; break;
    case 3: holds = cpu->v; break;
    case 4: holds = cpu->c && !cpu->z; break;
    case 5: holds = cpu->n == cpu->v; break;
    case 6: holds = cpu->n == cpu->v && !cpu->z; break;
    default: return true;
    }
    bool inverted = cpu->invert;
    cpu->inverted = cpu->inverted || inverted;
    cpu->invert = false;
    return (holds != ((condition & 1) != 0)) != inverted;
}

void cpu_flags_nz(struct cpu *cpu, uint32_t value)
{
    cpu->n = (uint8_t)(value >> 31);
    cpu->z = value == 0;
}

uint32_t cpu_add(struct cpu *cpu, uint32_t a, uint32_t b, uint32_t carry, bool flags)
{
    uint64_t sum = (uint64_t)a + b + carry;
    uint32_t value = (uint32_t)sum;
    if (flags) {
        cpu_flags_nz(cpu, value);
        cpu->c = (uint8_t)(sum >> 32);
        cpu->v = (uint8_t)((~(a ^ b) & (a ^ value)) >> 31);
    }
    return value;
}

uint32_t cpu_shift(uint32_t value, enum cpu_shift type, uint32_t amount, uint8_t *carry)
{
    if (amount == 0) {
        return value;
    }
    switch (type) {
    case CPU_LSL:
        *carry = (uint8_t)(amount <= 32 ? value >> (32 - amount) & 1u : 0u);
        return amount < 32 ? value << amount : 0;
    case CPU_LSR:
        *carry = (uint8_t)(amount <= 32 ? (uint64_t)value >> (amount - 1) & 1u : 0u);
        return amount < 32 ? value >> amount : 0;
    case CPU_ASR:
        amount = amount < 32 ? amount : 32;
        *carry = (uint8_t)((uint64_t)((int64_t)(int32_t)value >> (amount - 1)) & 1);
        return (uint32_t)((int64_t)(int32_t)value >> amount);
    case CPU_ROR:
    default:
        amount %= 32;
        value = amount == 0 ? value : value >> amount | value << (32 - amount);
        *carry = (uint8_t)(value >> 31);
        return value;
    }
}

void cpu_branch(struct cpu *cpu, uint32_t target)
{
    cpu->next = target & ~1u;
}

void cpu_interwork(struct cpu *cpu, uint32_t target)
{
    if ((target & 1) == 0 || target >= 0xF0000000u) { /* no Thumb state; EXC_RETURN in thread mode */
        cpu->end = CPU_FAULT;
    }
    cpu_branch(cpu, target);
}

void cpu_load_many(struct cpu *cpu, uint32_t addr, uint32_t list)
{
    if (addr % 4 != 0) {
        cpu->end = CPU_FAULT;
    }
    for (unsigned i = 0; i < 16 && cpu->end == CPU_RUNS; i++) {
        if ((list >> i & 1) == 0) {
            continue;
        }
        uint32_t value = machine_load(cpu, addr, 4);
        addr += 4;
        if (cpu->end != CPU_RUNS) {
            break;
        }
        if (i == PC) {
            cpu_interwork(cpu, value);
        } else {
            cpu->r[i] = value;
        }
    }
}

void cpu_store_many(struct cpu *cpu, uint32_t addr, uint32_t list)
{
    if (addr % 4 != 0) {
        cpu->end = CPU_FAULT;
    }
    for (unsigned i = 0; i < 16 && cpu->end == CPU_RUNS; i++) {
        if ((list >> i & 1) != 0) {
            machine_store(cpu, addr, cpu->r[i], 4);
            addr += 4;
        }
    }
}

void cpu_set_control(struct cpu *cpu, uint32_t value)
{
    if (((cpu->control ^ value) & 2) != 0) { /* the other stack */
        uint32_t sp = cpu->r[SP];
        cpu->r[SP] = cpu->other_sp;
        cpu->other_sp = sp;
    }
    cpu->control = value & 3;
}

void cpu_set_psp_msp(struct cpu *cpu, unsigned which, uint32_t value)
{
    enum { MSP = 8 };
    bool in_use = (which == MSP) == ((cpu->control & 2) == 0);
    *(in_use ? &cpu->r[SP] : &cpu->other_sp) = value & ~3u;
}

static bool sets_flags(const struct cpu *cpu)
{
    return (cpu->it & 15) == 0;
}

/* Not in an IT block: flags change. cpu->it is that of the instruction itself here. */
static void result(struct cpu *cpu, unsigned to, uint32_t value)
{
    if (sets_flags(cpu)) {
        cpu_flags_nz(cpu, value);
    }
    cpu->r[to] = value;
}

static void shift_add_move(struct cpu *cpu, uint32_t op)
{
    unsigned to = op & 7, from = op >> 3 & 7, wide = op >> 8 & 7;
    uint32_t imm5 = op >> 6 & 31, imm8 = op & 255;
    uint8_t carry = cpu->c;
    uint32_t value;
    switch (op >> 11) {
    case 0: case 1: case 2:
        value = cpu_shift(cpu->r[from], (enum cpu_shift)(op >> 11), imm5 == 0 && op >> 11 != 0 ? 32 : imm5, &carry);
        result(cpu, to, value);
        cpu->c = sets_flags(cpu) ? carry : cpu->c;
        break;
    case 3:
        value = (op >> 10 & 1) != 0 ? op >> 6 & 7 : cpu->r[op >> 6 & 7];
        cpu->r[to] = (op >> 9 & 1) != 0 ? cpu_add(cpu, cpu->r[from], ~value, 1, sets_flags(cpu))
                                        : cpu_add(cpu, cpu->r[from], value, 0, sets_flags(cpu));
        break;
    case 4: result(cpu, wide, imm8); break;
    case 5: (void)cpu_add(cpu, cpu->r[wide], ~imm8, 1, true); break;
    case 6: cpu->r[wide] = cpu_add(cpu, cpu->r[wide], imm8, 0, sets_flags(cpu)); break;
    default: cpu->r[wide] = cpu_add(cpu, cpu->r[wide], ~imm8, 1, sets_flags(cpu)); break;
    }
}

static void data_processing(struct cpu *cpu, uint32_t op)
{
    unsigned to = op & 7;
    uint32_t a = cpu->r[to], b = cpu->r[op >> 3 & 7], value;
    uint8_t carry = cpu->c;
    bool flags = sets_flags(cpu);
    switch (op >> 6 & 15) {
    case 0: result(cpu, to, a & b); break;
    case 1: result(cpu, to, a ^ b); break;
    case 2: case 3: case 4: case 7:
        value = cpu_shift(a, (op >> 6 & 15) == 7 ? CPU_ROR : (enum cpu_shift)((op >> 6 & 15) - 2), b & 255, &carry);
        result(cpu, to, value);
        cpu->c = flags ? carry : cpu->c;
        break;
    case 5: cpu->r[to] = cpu_add(cpu, a, b, cpu->c, flags); break;
    case 6: cpu->r[to] = cpu_add(cpu, a, ~b, cpu->c, flags); break;
    case 8: cpu_flags_nz(cpu, a & b); break;
    case 9: cpu->r[to] = cpu_add(cpu, ~b, 0, 1, flags); break;
    case 10: (void)cpu_add(cpu, a, ~b, 1, true); break;
    case 11: (void)cpu_add(cpu, a, b, 0, true); break;
    case 12: result(cpu, to, a | b); break;
    case 13: result(cpu, to, a * b); break;
    case 14: result(cpu, to, a & ~b); break;
    default: result(cpu, to, ~b); break;
    }
}

static void high_registers(struct cpu *cpu, uint32_t op)
{
    unsigned to = (op & 7) | (op >> 4 & 8), from = op >> 3 & 15;
    uint32_t value = cpu->r[from];
    switch (op >> 8 & 3) {
    case 0: value += cpu->r[to]; break;
    case 1: (void)cpu_add(cpu, cpu->r[to], ~value, 1, true); return;
    case 2: break;
    default:
        if ((op & 0x80) != 0) {
            cpu->r[LR] = cpu->next | 1;
        }
        cpu_interwork(cpu, value);
        return;
    }
    if (to == PC) {
        cpu_branch(cpu, value);
    } else {
        cpu->r[to] = to == SP ? value & ~3u : value;
    }
}

static void load_or_store(struct cpu *cpu, unsigned reg, uint32_t addr, unsigned size, bool load, bool sign)
{
    if (!load) {
        machine_store(cpu, addr, cpu->r[reg], size);
        return;
    }
    uint32_t value = machine_load(cpu, addr, size);
    if (sign) {
        value = size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
    }
    if (cpu->end == CPU_RUNS) {
        cpu->r[reg] = value;
    }
}

static void memory_by_register(struct cpu *cpu, uint32_t op)
{
    static const struct {
        uint8_t size;
        bool load, sign;
    } kinds[8] = {{4, false, false}, {2, false, false}, {1, false, false}, {1, true, true},
                  {4, true, false},  {2, true, false},  {1, true, false},  {2, true, true}};
    uint32_t addr = cpu->r[op >> 3 & 7] + cpu->r[op >> 6 & 7];
    unsigned kind = op >> 9 & 7;
    load_or_store(cpu, op & 7, addr, kinds[kind].size, kinds[kind].load, kinds[kind].sign);
}

static void memory_by_offset(struct cpu *cpu, uint32_t op)
{
    uint32_t base = cpu->r[op >> 3 & 7], imm5 = op >> 6 & 31;
    bool load = (op >> 11 & 1) != 0;
    switch (op >> 12) {
    case 6: load_or_store(cpu, op & 7, base + imm5 * 4, 4, load, false); break;
    case 7: load_or_store(cpu, op & 7, base + imm5, 1, load, false); break;
    case 8: load_or_store(cpu, op & 7, base + imm5 * 2, 2, load, false); break;
    default: load_or_store(cpu, op >> 8 & 7, cpu->r[SP] + (op & 255) * 4, 4, load, false); break;
    }
}

static unsigned bits_in(uint32_t list)
{
    return (unsigned)__builtin_popcount(list);
}

static void hint_or_it(struct cpu *cpu, uint32_t op)
{
    if ((op & 15) != 0) {
        cpu->it = (uint8_t)op;
    } else if ((op >> 4 & 15) == 3) {
        cpu->end = CPU_SLEEPS;
    }
}

static void extend(struct cpu *cpu, uint32_t op)
{
    uint32_t value = cpu->r[op >> 3 & 7];
    switch (op >> 6 & 3) {
    case 0: value = (uint32_t)(int16_t)value; break;
    case 1: value = (uint32_t)(int8_t)value; break;
    case 2: value = (uint16_t)value; break;
    default: value = (uint8_t)value; break;
    }
    cpu->r[op & 7] = value;
}

static void reverse(struct cpu *cpu, uint32_t op)
{
    uint32_t value = cpu->r[op >> 3 & 7], swapped = __builtin_bswap32(value);
    switch (op >> 6 & 3) {
    case 0: value = swapped; break;
    case 1: value = swapped >> 16 | swapped << 16; break;
    default: value = (uint32_t)(int16_t)(swapped >> 16); break;
    }
    cpu->r[op & 7] = value;
}

static void compare_and_branch(struct cpu *cpu, uint32_t op)
{
    bool taken = (cpu->r[op & 7] == 0) != ((op >> 11 & 1) != 0);
    if (taken != cpu->invert) {
        cpu_branch(cpu, cpu->r[PC] + ((op >> 3 & 31) | (op >> 4 & 32)) * 2);
    }
    cpu->inverted = cpu->inverted || cpu->invert;
    cpu->invert = false;
}

static void push_pop(struct cpu *cpu, uint32_t op)
{
    uint32_t list = op & 255;
    if ((op >> 11 & 1) == 0) {
        list |= (op >> 8 & 1) << LR;
        uint32_t sp = cpu->r[SP] - 4 * bits_in(list);
        cpu_store_many(cpu, sp, list);
        cpu->r[SP] = sp;
    } else {
        list |= (op >> 8 & 1) << PC;
        uint32_t sp = cpu->r[SP];
        cpu->r[SP] = sp + 4 * bits_in(list);
        cpu_load_many(cpu, sp, list);
    }
}

static void miscellaneous(struct cpu *cpu, uint32_t op)
{
    switch (op >> 8 & 15) {
    case 0: cpu->r[SP] += (op & 0x80) != 0 ? 0u - (op & 127) * 4 : (op & 127) * 4; break;
    case 1: case 3: case 9: case 11: compare_and_branch(cpu, op); break;
    case 2: extend(cpu, op); break;
    case 4: case 5: case 12: case 13: push_pop(cpu, op); break;
    case 6: cpu->primask = (op & 2) != 0 ? op >> 4 & 1 : cpu->primask; break;
    case 10: reverse(cpu, op); break;
    case 15: hint_or_it(cpu, op); break;
    default: cpu->end = CPU_FAULT; break; /* BKPT, and what is nothing */
    }
}

static void many(struct cpu *cpu, uint32_t op)
{
    unsigned base = op >> 8 & 7;
    uint32_t list = op & 255, addr = cpu->r[base];
    if ((op >> 11 & 1) == 0) {
        cpu_store_many(cpu, addr, list);
        cpu->r[base] = addr + 4 * bits_in(list);
    } else {
        if ((list >> base & 1) == 0) {
            cpu->r[base] = addr + 4 * bits_in(list);
        }
        cpu_load_many(cpu, addr, list);
    }
}

static void narrow(struct cpu *cpu, uint32_t op)
{
    switch (op >> 12) {
    case 0: case 1: case 2: case 3: shift_add_move(cpu, op); break;
    case 4:
        if (op >> 11 == 9) {
            load_or_store(cpu, op >> 8 & 7, (cpu->r[PC] & ~3u) + (op & 255) * 4, 4, true, false);
        } else if ((op >> 10 & 1) != 0) {
            high_registers(cpu, op);
        } else {
            data_processing(cpu, op);
        }
        break;
    case 5: memory_by_register(cpu, op); break;
    case 6: case 7: case 8: case 9: memory_by_offset(cpu, op); break;
    case 10: cpu->r[op >> 8 & 7] = ((op >> 11 & 1) != 0 ? cpu->r[SP] : cpu->r[PC] & ~3u) + (op & 255) * 4; break;
    case 11: miscellaneous(cpu, op); break;
    case 12: many(cpu, op); break;
    case 13:
        if ((op >> 8 & 15) >= 14) {
            cpu->end = CPU_FAULT; /* UDF, SVC */
        } else if (cpu_condition(cpu, op >> 8 & 15)) {
            cpu_branch(cpu, cpu->r[PC] + (uint32_t)((int32_t)(int8_t)op * 2));
        }
        break;
    default: cpu_branch(cpu, cpu->r[PC] + (uint32_t)((int32_t)(op << 21) >> 20)); break;
    }
}

static uint8_t advance(uint8_t it)
{
    return (uint8_t)((it & 7) != 0 ? (it & 0xe0) | (it << 1 & 0x1f) : 0);
}

void cpu_step(struct cpu *cpu, bool skip)
{
    uint32_t at = cpu->r[PC];
    uint32_t op = machine_fetch(cpu, at);
    bool wide = op >> 11 >= 0x1d;
    uint32_t second = wide && cpu->end == CPU_RUNS ? machine_fetch(cpu, at + 2) : 0;
    if (cpu->end != CPU_RUNS) {
        return;
    }
    uint8_t it = cpu->it;
    cpu->count++;
    cpu->next = at + (wide ? 4 : 2);
    cpu->r[PC] = at + 4;
    if (!skip && (it == 0 || cpu_condition(cpu, it >> 4))) {
        if (wide) {
            cpu_wide(cpu, op, second);
        } else {
            narrow(cpu, op);
        }
    }
    if (cpu->it == it) { /* it was no IT itself */
        cpu->it = advance(it);
    }
    cpu->invert = false;
    cpu->r[PC] = cpu->end == CPU_FAULT || cpu->end == CPU_UNKNOWN ? at : cpu->next;
}
