/* SPDX-License-Identifier: Apache-2.0 */
/* memo.c - results of the signature check and of the journal's CRC, by their input. */
#include "test/glitch/memo.h"

#include <string.h>

#include "test/glitch/machine.h"

enum { PUBKEY = 91, HASH = 32, SIG_MAX = 512, RECORD = 32 };

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

/* crc32_of(raw), of a record */
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

static struct memo *place_of(struct memos *memos, const struct memo *memo)
{
    uint32_t hash = memo->function;
    for (size_t i = 0; i < memo->size; i++) {
        hash = (hash ^ memo->input[i]) * 16777619u;
    }
    return &memos->places[(hash ^ hash >> 15) % MEMO_PLACES];
}

static bool same(const struct memo *a, const struct memo *b)
{
    return a->function == b->function && a->size == b->size && memcmp(a->input, b->input, a->size) == 0;
}

static void return_with(struct machine *machine, const struct memo *memo)
{
    uint32_t *r = machine->cpu.r;
    uint32_t back = r[LR];
    for (unsigned i = 0; i < PC; i++) {
        r[i] = (memo->changed >> i & 1) != 0 ? 0xDEADBEEF : r[i];
    }
    r[0] = memo->result;
    r[PC] = back & ~1u;
    machine->cpu.count++;
}

static uint16_t changed_since(const struct cpu *cpu, const uint32_t *before)
{
    unsigned changed = 0;
    for (unsigned i = 1; i < PC; i++) {
        changed |= (unsigned)(cpu->r[i] != before[i]) << i;
    }
    return (uint16_t)changed;
}

void memo_call(struct machine *machine, uint64_t patience)
{
    struct memos *memos = &machine->board->memos;
    struct cpu *cpu = &machine->cpu;
    struct memo memo = {.function = cpu->r[PC]};
    bool is_verify = memo.function == memos->verify;
    if (!(is_verify ? verify_input(machine, &memo) : crc_input(machine, &memo))) {
        machine_run_to(machine, patience, 0, 0);
        return;
    }
    struct memo *place = place_of(memos, &memo);
    if (same(place, &memo)) {
        return_with(machine, place);
        return;
    }
    uint32_t before[16];
    memcpy(before, cpu->r, sizeof before);
    machine_run_to(machine, is_verify ? (uint64_t)HZ * 4 : patience, cpu->r[LR] & ~1u, cpu->r[SP]);
    machine->fed = is_verify ? cpu->count : machine->fed; /* that was no hanging */
    if (cpu->end == CPU_RUNS && cpu->r[PC] == (before[LR] & ~1u)) {
        memo.result = cpu->r[0];
        memo.changed = changed_since(cpu, before);
        *place = memo;
    }
}
