/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_wide.c - the instructions of 32 bits: `a` is the first half, `b` the second, as in the
 * ARMv7-M Architecture Reference Manual, A5.3. No coprocessors; of the DSP extension what
 * compilers use for plain arithmetic.
 */
#include "test/glitch/cpu.h"

static uint32_t field(uint32_t value, unsigned low, unsigned bits)
{
    return value >> low & ((1u << bits) - 1u);
}

static void set(struct cpu *cpu, unsigned to, uint32_t value)
{
    if (to == PC) {
        cpu->end = CPU_FAULT; /* unpredictable */
    } else {
        cpu->r[to] = value;
    }
}

static void load_store_many(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned base = field(a, 0, 4);
    uint32_t size = 4u * (unsigned)__builtin_popcount(b);
    bool down = field(a, 7, 2) == 2;
    uint32_t addr = down ? cpu->r[base] - size : cpu->r[base];
    uint32_t after = down ? addr : addr + size;
    if (field(a, 4, 1) == 0) {
        cpu_store_many(cpu, addr, b);
    } else {
        cpu_load_many(cpu, addr, b);
    }
    if (field(a, 5, 1) != 0) {
        cpu->r[base] = after;
    }
}

static void table_branch(struct cpu *cpu, uint32_t a, uint32_t b)
{
    uint32_t base = cpu->r[field(a, 0, 4)], index = cpu->r[field(b, 0, 4)];
    bool half = field(b, 4, 1) != 0;
    uint32_t entry = half ? machine_load(cpu, base + index * 2, 2) : machine_load(cpu, base + index, 1);
    cpu_branch(cpu, cpu->r[PC] + entry * 2);
}

/* LDRD, STRD, TBB, TBH; exclusive accesses are not modelled. */
static void dual(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned base = field(a, 0, 4), first = field(b, 12, 4), second = field(b, 8, 4);
    bool before = field(a, 8, 1) != 0, writes_back = field(a, 5, 1) != 0;
    if (!before && !writes_back) {
        if (field(a, 4, 5) == 13 && field(b, 5, 3) == 0) {
            table_branch(cpu, a, b);
        } else {
            cpu->end = CPU_UNKNOWN;
        }
        return;
    }
    uint32_t offset = field(b, 0, 8) * 4;
    uint32_t from = base == PC ? cpu->r[PC] & ~3u : cpu->r[base];
    uint32_t moved = field(a, 7, 1) != 0 ? from + offset : from - offset;
    uint32_t addr = before ? moved : from;
    if (addr % 4 != 0) {
        cpu->end = CPU_FAULT;
        return;
    }
    if (field(a, 4, 1) != 0) {
        uint32_t low = machine_load(cpu, addr, 4), high = machine_load(cpu, addr + 4, 4);
        if (cpu->end == CPU_RUNS) {
            set(cpu, first, low);
            set(cpu, second, high);
        }
    } else {
        machine_store(cpu, addr, cpu->r[first], 4);
        machine_store(cpu, addr + 4, cpu->r[second], 4);
    }
    if (writes_back && cpu->end == CPU_RUNS) {
        cpu->r[base] = moved;
    }
}

/* One of the sixteen; the second operand and its carry are ready. */
static void process(struct cpu *cpu, uint32_t a, uint32_t b, uint32_t operand, uint8_t carry)
{
    unsigned from = field(a, 0, 4), to = field(b, 8, 4);
    bool flags = field(a, 4, 1) != 0, tests = to == PC && flags;
    uint32_t left = cpu->r[from], value;
    switch (field(a, 5, 4)) {
    case 0: value = left & operand; break;
    case 1: value = left & ~operand; break;
    case 2: value = (from == PC ? 0 : left) | operand; break;
    case 3: value = (from == PC ? 0 : left) | ~operand; break;
    case 4: value = left ^ operand; break;
    case 6: /* PKHBT, PKHTB */
        value = field(b, 5, 1) == 0 ? (left & 0xffff) | (operand & 0xffff0000) : (left & 0xffff0000) | (operand & 0xffff);
        flags = false;
        break;
    case 8: value = cpu_add(cpu, left, operand, 0, flags); break;
    case 10: value = cpu_add(cpu, left, operand, cpu->c, flags); break;
    case 11: value = cpu_add(cpu, left, ~operand, cpu->c, flags); break;
    case 13: value = cpu_add(cpu, left, ~operand, 1, flags); break;
    case 14: value = cpu_add(cpu, ~left, operand, 1, flags); break;
    default: cpu->end = CPU_UNKNOWN; return;
    }
    if (flags && field(a, 5, 4) < 8) {
        cpu_flags_nz(cpu, value);
        cpu->c = carry;
    }
    if (!tests) {
        set(cpu, to, value);
    }
}

static void process_register(struct cpu *cpu, uint32_t a, uint32_t b)
{
    enum cpu_shift type = (enum cpu_shift)field(b, 4, 2);
    uint32_t amount = field(b, 12, 3) << 2 | field(b, 6, 2);
    uint32_t value = cpu->r[field(b, 0, 4)];
    uint8_t carry = cpu->c;
    if (amount == 0 && type == CPU_ROR) { /* RRX */
        carry = value & 1;
        value = value >> 1 | (uint32_t)cpu->c << 31;
    } else {
        value = cpu_shift(value, type, amount == 0 && type != CPU_LSL ? 32 : amount, &carry);
    }
    process(cpu, a, b, value, carry);
}

static void process_immediate(struct cpu *cpu, uint32_t a, uint32_t b)
{
    uint32_t imm12 = field(a, 10, 1) << 11 | field(b, 12, 3) << 8 | field(b, 0, 8);
    uint32_t imm8 = imm12 & 255, value;
    uint8_t carry = cpu->c;
    switch (imm12 >> 8) {
    case 0: value = imm8; break;
    case 1: value = imm8 << 16 | imm8; break;
    case 2: value = imm8 << 24 | imm8 << 8; break;
    case 3: value = imm8 * 0x01010101u; break;
    default: value = cpu_shift(0x80 | (imm12 & 127), CPU_ROR, imm12 >> 7, &carry); break;
    }
    process(cpu, a, b, value, carry);
}

static uint32_t saturate(uint32_t value, unsigned bits, bool is_signed)
{
    int64_t number = (int32_t)value;
    int64_t top = is_signed ? ((int64_t)1 << (bits - 1)) - 1 : ((int64_t)1 << bits) - 1;
    int64_t bottom = is_signed ? -top - 1 : 0;
    return (uint32_t)(number > top ? top : number < bottom ? bottom : number);
}

static void plain_immediate(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned from = field(a, 0, 4), to = field(b, 8, 4), low = field(b, 12, 3) << 2 | field(b, 6, 2);
    uint32_t imm12 = field(a, 10, 1) << 11 | field(b, 12, 3) << 8 | field(b, 0, 8);
    uint32_t value = from == PC ? cpu->r[PC] & ~3u : cpu->r[from];
    unsigned last = field(b, 0, 5);
    uint32_t mask;
    switch (field(a, 4, 5)) {
    case 0: set(cpu, to, value + imm12); return;
    case 10: set(cpu, to, value - imm12); return;
    case 4: set(cpu, to, from << 12 | imm12); return;
    case 12: set(cpu, to, (cpu->r[to] & 0xffff) | (from << 12 | imm12) << 16); return;
    case 16: case 18: case 24: case 26: /* SSAT, USAT: the flag Q is not modelled */
        value = cpu_shift(value, field(a, 5, 1) != 0 ? CPU_ASR : CPU_LSL, low, &(uint8_t){0});
        set(cpu, to, saturate(value, field(a, 7, 1) != 0 ? last : last + 1, field(a, 7, 1) == 0));
        return;
    case 20: /* SBFX */
        set(cpu, to, (uint32_t)((int32_t)(value << (31 - low - last)) >> (31 - last)));
        return;
    case 28: /* UBFX */
        set(cpu, to, value << (31 - low - last) >> (31 - last));
        return;
    case 22: /* BFI, BFC */
        if (last < low) {
            break;
        }
        mask = (uint32_t)(((uint64_t)1 << (last - low + 1)) - 1) << low;
        set(cpu, to, (cpu->r[to] & ~mask) | ((from == PC ? 0 : value << low) & mask));
        return;
    default: break;
    }
    cpu->end = CPU_UNKNOWN;
}

/* MSR, MRS, and hints. */
static void system_register(struct cpu *cpu, uint32_t a, uint32_t b)
{
    enum { APSR = 0, IPSR = 5, XPSR = 3, MSP = 8, PSP = 9, PRIMASK = 16, CONTROL = 20 };
    unsigned which = field(b, 0, 8);
    uint32_t value = cpu->r[field(a, 0, 4)];
    bool first_in_use = (cpu->control & 2) == 0;
    if (field(a, 4, 7) == 0x38) { /* MSR */
        switch (which) {
        case APSR:
            cpu->n = (uint8_t)(value >> 31);
            cpu->z = value >> 30 & 1;
            cpu->c = value >> 29 & 1;
            cpu->v = value >> 28 & 1;
            return;
        case MSP: case PSP: cpu_set_psp_msp(cpu, which, value); return;
        case PRIMASK: cpu->primask = value & 1; return;
        case CONTROL: cpu_set_control(cpu, value); return;
        default: break;
        }
    } else if (field(a, 4, 7) == 0x3e) { /* MRS */
        switch (which) {
        case APSR: case XPSR:
            value = (uint32_t)cpu->n << 31 | (uint32_t)cpu->z << 30 | (uint32_t)cpu->c << 29 | (uint32_t)cpu->v << 28;
            break;
        case IPSR: value = 0; break;
        case MSP: case PSP: value = (which == MSP) == first_in_use ? cpu->r[SP] : cpu->other_sp; break;
        case PRIMASK: value = cpu->primask; break;
        case CONTROL: value = cpu->control; break;
        default: cpu->end = CPU_UNKNOWN; return;
        }
        set(cpu, field(b, 8, 4), value);
        return;
    } else if (field(a, 4, 7) == 0x3a || field(a, 4, 7) == 0x3b) { /* hints, barriers */
        cpu->end = field(a, 4, 7) == 0x3a && which == 3 ? CPU_SLEEPS : cpu->end;
        return;
    }
    cpu->end = CPU_UNKNOWN;
}

static void branch_or_system(struct cpu *cpu, uint32_t a, uint32_t b)
{
    uint32_t s = field(a, 10, 1), j1 = field(b, 13, 1), j2 = field(b, 11, 1);
    if (field(b, 12, 1) == 0 && field(b, 14, 1) == 0) { /* B<c>, or none of them */
        if (field(a, 7, 3) == 7) {
            system_register(cpu, a, b);
            return;
        }
        uint32_t offset = s << 20 | j2 << 19 | j1 << 18 | field(a, 0, 6) << 12 | field(b, 0, 11) << 1;
        if (cpu_condition(cpu, field(a, 6, 4))) {
            cpu_branch(cpu, cpu->r[PC] + (uint32_t)((int32_t)(offset << 11) >> 11));
        }
        return;
    }
    if (field(b, 12, 1) == 0) {
        cpu->end = CPU_FAULT; /* BLX to Arm state, UDF */
        return;
    }
    uint32_t i1 = (j1 ^ s) ^ 1, i2 = (j2 ^ s) ^ 1;
    uint32_t offset = s << 24 | i1 << 23 | i2 << 22 | field(a, 0, 10) << 12 | field(b, 0, 11) << 1;
    if (field(b, 14, 1) != 0) {
        cpu->r[LR] = cpu->next | 1;
    }
    cpu_branch(cpu, cpu->r[PC] + (uint32_t)((int32_t)(offset << 7) >> 7));
}

/* The address of a single load or store, base written back. */
static uint32_t address(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned base = field(a, 0, 4);
    uint32_t from = base == PC ? cpu->r[PC] & ~3u : cpu->r[base], moved;
    if (base == PC) {
        return field(a, 7, 1) != 0 ? from + field(b, 0, 12) : from - field(b, 0, 12);
    }
    if (field(a, 7, 1) != 0) {
        return from + field(b, 0, 12);
    }
    if (field(b, 11, 1) == 0) {
        return from + (cpu->r[field(b, 0, 4)] << field(b, 4, 2));
    }
    moved = field(b, 9, 1) != 0 ? from + field(b, 0, 8) : from - field(b, 0, 8);
    if (field(b, 8, 1) != 0) {
        cpu->r[base] = moved;
    }
    return field(b, 10, 1) != 0 ? moved : from;
}

static void single(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned reg = field(b, 12, 4), size = 1u << field(a, 5, 2);
    bool load = field(a, 4, 1) != 0, sign = field(a, 8, 1) != 0;
    if (size == 8 || (reg == PC && load && size != 4)) { /* PLD and the like are no accesses */
        cpu->end = size == 8 ? CPU_UNKNOWN : cpu->end;
        return;
    }
    uint32_t addr = address(cpu, a, b);
    if (!load) {
        machine_store(cpu, addr, cpu->r[reg], size);
        return;
    }
    uint32_t value = machine_load(cpu, addr, size);
    if (cpu->end != CPU_RUNS) {
        return;
    }
    if (sign) {
        value = size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
    }
    if (reg == PC) {
        cpu_interwork(cpu, value);
    } else {
        cpu->r[reg] = value;
    }
}

static uint32_t reversed(uint32_t value, unsigned kind)
{
    uint32_t swapped = __builtin_bswap32(value), bits = 0;
    switch (kind) {
    case 0: return swapped;
    case 1: return swapped >> 16 | swapped << 16;
    case 2:
        for (unsigned i = 0; i < 32; i++) {
            bits |= (value >> i & 1) << (31 - i);
        }
        return bits;
    default: return (uint32_t)(int32_t)(int16_t)(swapped >> 16);
    }
}

/* Shifts by a register, extensions (with an addition), reversals, CLZ. */
static void by_register(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned op = field(a, 4, 4), from = field(a, 0, 4), to = field(b, 8, 4);
    uint32_t value = cpu->r[field(b, 0, 4)];
    if (op < 8 && field(b, 4, 4) == 0) {
        uint8_t carry = cpu->c;
        value = cpu_shift(cpu->r[from], (enum cpu_shift)(op >> 1), value & 255, &carry);
        if ((op & 1) != 0) {
            cpu_flags_nz(cpu, value);
            cpu->c = carry;
        }
    } else if (op < 6 && field(b, 7, 1) != 0) {
        value = cpu_shift(value, CPU_ROR, field(b, 4, 2) * 8, &(uint8_t){0});
        switch (op) {
        case 0: value = (uint32_t)(int16_t)value; break;
        case 1: value = (uint16_t)value; break;
        case 4: value = (uint32_t)(int8_t)value; break;
        case 5: value = (uint8_t)value; break;
        default: cpu->end = CPU_UNKNOWN; return;
        }
        value += from == PC ? 0 : cpu->r[from];
    } else if (op == 9 && field(b, 6, 2) == 2) {
        value = reversed(value, field(b, 4, 2));
    } else if (op == 11 && field(b, 4, 4) == 8) {
        value = value == 0 ? 32 : (uint32_t)__builtin_clz(value);
    } else {
        cpu->end = CPU_UNKNOWN;
        return;
    }
    set(cpu, to, value);
}

static void multiply(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned added = field(b, 12, 4);
    uint32_t product = cpu->r[field(a, 0, 4)] * cpu->r[field(b, 0, 4)];
    uint32_t sum = added == PC ? 0 : cpu->r[added];
    if (field(a, 4, 3) != 0 || field(b, 5, 3) != 0) {
        cpu->end = CPU_UNKNOWN;
        return;
    }
    set(cpu, field(b, 8, 4), field(b, 4, 1) != 0 ? sum - product : sum + product);
}

static void multiply_long(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned low = field(b, 12, 4), high = field(b, 8, 4);
    uint32_t left = cpu->r[field(a, 0, 4)], right = cpu->r[field(b, 0, 4)];
    uint64_t sum = (uint64_t)cpu->r[high] << 32 | cpu->r[low];
    uint64_t product = (uint64_t)left * right;
    int64_t product_signed = (int64_t)(int32_t)left * (int32_t)right;
    switch (field(a, 4, 3) << 4 | field(b, 4, 4)) {
    case 0x00: sum = (uint64_t)product_signed; break;
    case 0x20: sum = product; break;
    case 0x40: sum += (uint64_t)product_signed; break;
    case 0x60: sum += product; break;
    case 0x66: sum = product + cpu->r[low] + cpu->r[high]; break; /* UMAAL */
    case 0x1f: /* SDIV; division by zero gives zero */
        set(cpu, high, right == 0 ? 0 : right == UINT32_MAX ? 0u - left : (uint32_t)((int32_t)left / (int32_t)right));
        return;
    case 0x3f: set(cpu, high, right == 0 ? 0 : left / right); return;
    default: cpu->end = CPU_UNKNOWN; return;
    }
    set(cpu, low, (uint32_t)sum);
    set(cpu, high, (uint32_t)(sum >> 32));
}

void cpu_wide(struct cpu *cpu, uint32_t a, uint32_t b)
{
    unsigned op1 = field(a, 11, 2), op2 = field(a, 4, 7);
    if (op1 == 1 && (op2 & 0x64) == 0) {
        load_store_many(cpu, a, b);
    } else if (op1 == 1 && (op2 & 0x64) == 4) {
        dual(cpu, a, b);
    } else if (op1 == 1 && (op2 & 0x60) == 0x20) {
        process_register(cpu, a, b);
    } else if (op1 == 2 && field(b, 15, 1) != 0) {
        branch_or_system(cpu, a, b);
    } else if (op1 == 2) {
        (field(a, 9, 1) != 0 ? plain_immediate : process_immediate)(cpu, a, b);
    } else if (op1 == 3 && (op2 & 0x40) == 0 && (op2 & 0x60) == 0) {
        single(cpu, a, b);
    } else if (op1 == 3 && (op2 & 0x70) == 0x20) {
        by_register(cpu, a, b);
    } else if (op1 == 3 && (op2 & 0x78) == 0x30) {
        multiply(cpu, a, b);
    } else if (op1 == 3 && (op2 & 0x78) == 0x38) {
        multiply_long(cpu, a, b);
    } else {
        cpu->end = CPU_UNKNOWN; /* a coprocessor: not enabled */
    }
}
