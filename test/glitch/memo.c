/* SPDX-License-Identifier: Apache-2.0 */
/* memo.c - results of the signature check, SHA-256's blocks and the journal's cells, by their input. */
#include "test/glitch/memo.h"

#include <string.h>

#include "test/glitch/machine.h"

enum { PUBKEY = 91, HASH = 32, SIG_MAX = 512, RECORD = 32, BLOCK = 64, SHA_STATE = 72, NUMBER = 32, AREA = 12, FOUND = 2, IN_MEMORY = 28 };

/* otter_ecdsa_p256_verify(key {type, verify, pubkey, pubkey_len}, hash, sig, sig_len) */
static bool verify_input(struct machine *machine, struct memo *memo)
{
    const uint32_t *r = machine->cpu.r;
    const uint8_t *key = machine_peek(machine, r[0], 16);
    uint32_t words[4];
    if (key == NULL || r[3] == 0 || r[3] > SIG_MAX) {
        return false;
    }
    memcpy(words, key, sizeof words);
    const uint8_t *pubkey = machine_peek(machine, words[2], PUBKEY);
    const uint8_t *hash = machine_peek(machine, r[1], HASH);
    const uint8_t *sig = machine_peek(machine, r[2], r[3]);
    if (pubkey == NULL || hash == NULL || sig == NULL || words[3] != PUBKEY) {
        return false;
    }
    memcpy(memo->input, pubkey, PUBKEY);
    memcpy(memo->input + PUBKEY, hash, HASH);
    memcpy(memo->input + PUBKEY + HASH, sig, r[3]);
    memo->size = PUBKEY + HASH + r[3];
    return true;
}

/* otter_crc32(raw, len), of a record; its length is a constant where it is called */
static bool crc_input(struct machine *machine, struct memo *memo)
{
    const uint8_t *raw = machine_peek(machine, machine->cpu.r[0], RECORD);
    if (raw == NULL) {
        return false;
    }
    memcpy(memo->input, raw, RECORD);
    memo->size = RECORD;
    return true;
}

/* mbedtls_internal_sha256_process(context, block): all that it reads and writes of the first is the state */
static bool sha_input(struct machine *machine, struct memo *memo)
{
    const uint32_t *r = machine->cpu.r;
    const uint8_t *state = machine_peek(machine, r[0] + SHA_STATE, HASH);
    const uint8_t *block = machine_peek(machine, r[1], BLOCK);
    if (state == NULL || block == NULL) {
        return false;
    }
    memcpy(memo->input, state, HASH);
    memcpy(memo->input + HASH, block, BLOCK);
    memo->size = HASH + BLOCK;
    memo->output_addr = r[0] + SHA_STATE;
    memo->output_size = HASH;
    return true;
}

/* scalar_mult(ret_x, ret_y, x, y, factor); the last one is on the stack */
static bool point_input(struct machine *machine, struct memo *memo)
{
    const uint32_t *r = machine->cpu.r;
    const uint8_t *pointer = machine_peek(machine, r[SP], 4);
    uint32_t from[3] = {r[2], r[3]};
    if (pointer == NULL) {
        return false;
    }
    memcpy(&from[2], pointer, 4);
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *number = machine_peek(machine, from[i], NUMBER);
        if (number == NULL) {
            return false;
        }
        memcpy(memo->input + i * NUMBER, number, NUMBER);
    }
    memo->size = 3 * NUMBER;
    memo->output_addr = r[0];
    memo->second_addr = r[1];
    memo->output_size = 2 * NUMBER;
    return true;
}

/* read_cell(journal {area {flash, base, size}}, off, ret_record). The device behind flash is constant. */
static bool cell_input(struct machine *machine, struct memo *memo)
{
    const uint32_t *r = machine->cpu.r;
    const uint8_t *area = machine_peek(machine, r[0], AREA);
    uint32_t device;
    if (area == NULL) {
        return false;
    }
    memcpy(&device, area, sizeof device);
    if (device >= ROM_SIZE) {
        return false;
    }
    uint8_t *to = memo->input;
    memcpy(to, area, AREA);
    memcpy(to += AREA, &r[1], sizeof r[1]);
    memcpy(to += sizeof r[1], &machine->board->flash_hash, sizeof machine->board->flash_hash);
    memcpy(to += sizeof machine->board->flash_hash, &machine->mpu_ctrl, sizeof machine->mpu_ctrl);
    memcpy(to += sizeof machine->mpu_ctrl, machine->rbar, sizeof machine->rbar);
    memcpy(to += sizeof machine->rbar, machine->rasr, sizeof machine->rasr);
    memo->size = (size_t)(to + sizeof machine->rasr - memo->input);
    memo->output_addr = r[2];
    return true;
}

static struct memo *place_of(struct memos *memos, const struct memo *memo)
{
    uint64_t hash = memo->function;
    for (size_t i = 0; i < memo->size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, memo->input + i, memo->size - i < 8 ? memo->size - i : 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return &memos->places[hash % MEMO_PLACES];
}

static bool same(const struct memo *a, const struct memo *b)
{
    return a->function == b->function && a->size == b->size && memcmp(a->input, b->input, a->size) == 0;
}

/* The bytes that a function stores; NULL: they cannot be stored here. Two of them, or twice the same. */
static bool outputs(struct machine *machine, const struct memo *memo, uint32_t size, uint8_t *ret_at[2])
{
    uint32_t half = memo->second_addr != 0 ? size / 2 : size;
    ret_at[0] = machine_poke(machine, memo->output_addr, half);
    ret_at[1] = memo->second_addr != 0 ? machine_poke(machine, memo->second_addr, half) : ret_at[0];
    return ret_at[0] != NULL && ret_at[1] != NULL;
}

/* False: what it gives cannot be stored where it is wanted now. */
static bool return_with(struct machine *machine, const struct memo *memo, const struct memo *call)
{
    uint32_t *r = machine->cpu.r;
    uint32_t back = r[LR];
    uint8_t *to[2];
    if (memo->output_size != 0) {
        uint32_t size = memo->output_size;
        if (!outputs(machine, call, size, to)) {
            return false;
        }
        memcpy(to[0], memo->output, to[0] == to[1] ? size : size / 2);
        memcpy(to[1], memo->output + (to[0] == to[1] ? 0 : size / 2), to[0] == to[1] ? size : size / 2);
    }
    for (unsigned i = 0; i < PC; i++) {
        r[i] = (memo->changed >> i & 1) != 0 ? 0xDEADBEEF : r[i];
    }
    r[0] = memo->result;
    r[PC] = back & ~1u;
    machine->cpu.count++;
    return true;
}

static uint16_t changed_since(const struct cpu *cpu, const uint32_t *before)
{
    unsigned changed = 0;
    for (unsigned i = 1; i < PC; i++) {
        changed |= (unsigned)(cpu->r[i] != before[i]) << i;
    }
    return (uint16_t)changed;
}

static bool is_back(const struct cpu *cpu, const uint32_t *before)
{
    return cpu->end == CPU_RUNS && cpu->r[PC] == (before[LR] & ~1u) && cpu->r[SP] == before[SP];
}

/* To the end of the function, and through those that it calls. */
static void run_out(struct machine *machine, uint64_t patience, const uint32_t *before)
{
    struct cpu *cpu = &machine->cpu;
    machine_run_to(machine, patience, before[LR] & ~1u, before[SP]);
    while (cpu->end == CPU_RUNS && !is_back(cpu, before)) {
        memo_call(machine, patience);
        if (cpu->end == CPU_RUNS && cpu->count - machine->fed > patience) {
            cpu->end = CPU_HANGS;
        } else if (cpu->end == CPU_RUNS && !is_back(cpu, before) && !memo_is_entry(&machine->board->memos, cpu->r[PC])) {
            machine_run_to(machine, patience, before[LR] & ~1u, before[SP]);
        }
    }
}

/* What it stored; a cell that is no record stores nothing. */
static bool take_output(struct machine *machine, struct memo *memo, bool is_cell)
{
    uint8_t *from[2];
    uint32_t size = !is_cell ? memo->output_size : memo->result == FOUND ? IN_MEMORY : 0;
    memo->output_size = size;
    if (size == 0) {
        return true;
    }
    if (!outputs(machine, memo, size, from)) {
        return false;
    }
    memcpy(memo->output, from[0], from[0] == from[1] ? size : size / 2);
    if (from[0] != from[1]) {
        memcpy(memo->output + size / 2, from[1], size / 2);
    }
    return true;
}

void memo_call(struct machine *machine, uint64_t patience)
{
    static bool (*const inputs[MEMO_FUNCTIONS])(struct machine *, struct memo *) = {
        [MEMO_VERIFY] = verify_input, [MEMO_POINT] = point_input, [MEMO_SHA] = sha_input, [MEMO_CELL] = cell_input, [MEMO_CRC] = crc_input};
    struct memos *memos = &machine->board->memos;
    struct cpu *cpu = &machine->cpu;
    struct memo memo; /* its bytes up to `size` count */
    memo.function = cpu->r[PC];
    memo.output_addr = memo.second_addr = memo.output_size = 0;
    unsigned which = 0;
    while (memos->at[which] != memo.function) {
        which++;
    }
    if (!inputs[which](machine, &memo)) {
        machine_run_to(machine, patience, 0, 0);
        return;
    }
    struct memo *place = place_of(memos, &memo);
    if (same(place, &memo) && return_with(machine, place, &memo)) {
        return;
    }
    uint32_t before[16];
    memcpy(before, cpu->r, sizeof before);
    bool is_verify = which == MEMO_VERIFY || which == MEMO_POINT;
    run_out(machine, is_verify ? (uint64_t)HZ * 4 : patience, before);
    machine->fed = is_verify ? cpu->count : machine->fed; /* that was no hanging */
    if (is_back(cpu, before)) {
        memo.result = cpu->r[0];
        memo.changed = changed_since(cpu, before);
        if (take_output(machine, &memo, which == MEMO_CELL)) {
            *place = memo;
        }
    }
}

void memo_forget(struct memos *memos)
{
    memset(memos->places, 0, sizeof memos->places);
}
