/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo.h - functions that only compute are not executed twice on the same bytes.
 *
 * A signature check is 18 million instructions, and every trial before it has one to come. Its result
 * is a function of key, hash and signature, so it is looked up by their bytes; what it leaves
 * in registers is made useless. Trials within it execute it, of course.
 */
#ifndef GLITCH_MEMO_H
#define GLITCH_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEMO_INPUT_MAX = 640, MEMO_PLACES = 2048, MEMO_FUNCTIONS = 2 };

struct memo {
    uint32_t function; /* address; 0: empty */
    size_t size;
    uint8_t input[MEMO_INPUT_MAX];
    uint32_t result;
    uint16_t changed; /* bit n: register n has another value afterwards */
};

struct memos {
    uint32_t verify, crc; /* addresses; 0: not in this program, or nothing is to be remembered */
    struct memo places[MEMO_PLACES];
};

struct machine;
static inline bool memo_is_entry(const struct memos *memos, uint32_t pc)
{
    return (pc == memos->verify || pc == memos->crc) && pc != 0;
}

/* At such an entry: to its end, or as machine_run ends. */
void memo_call(struct machine *machine, uint64_t patience);

#endif
