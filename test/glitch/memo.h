/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo.h - functions that only compute are not executed twice on the same bytes.
 *
 * A signature check is 18 million instructions, and every trial before it has one to come (within it: its
 * multiplications of a point); so have the blocks of SHA-256, the journal's cells and their CRC. What they give is a function of what they
 * read, so it is looked up by those bytes (a cell: by the state of all flash, and by the MPU's); what they
 * leave in registers is made useless. Trials within them execute them, of course.
 */
#ifndef GLITCH_MEMO_H
#define GLITCH_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEMO_INPUT_MAX = 640, MEMO_OUTPUT_MAX = 64, MEMO_PLACES = 1 << 14 };
enum memo_function { MEMO_VERIFY, MEMO_POINT, MEMO_SHA, MEMO_CELL, MEMO_CRC, MEMO_FUNCTIONS };

struct memo {
    uint32_t function; /* address; 0: empty */
    size_t size;
    uint8_t input[MEMO_INPUT_MAX];
    uint8_t output[MEMO_OUTPUT_MAX]; /* goes to memory, half of it to each address where there are two */
    uint32_t output_addr, second_addr, output_size;
    uint32_t result;
    uint16_t changed; /* bit n: register n has another value afterwards */
};

struct memos {
    uint32_t at[MEMO_FUNCTIONS]; /* addresses; 0: not in this program, or nothing is to be remembered */
    struct memo places[MEMO_PLACES];
};

struct machine;
static inline bool memo_is_entry(const struct memos *memos, uint32_t pc)
{
    return pc != 0 && (pc == memos->at[MEMO_VERIFY] || pc == memos->at[MEMO_SHA] || pc == memos->at[MEMO_CELL] ||
                       pc == memos->at[MEMO_CRC] || pc == memos->at[MEMO_POINT]);
}

/* Flash has changed behind its hash. */
void memo_forget(struct memos *memos);

/* At such an entry: to its end, or as machine_run ends. */
void memo_call(struct machine *machine, uint64_t patience);

#endif
