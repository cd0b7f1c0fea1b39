/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic.h - firmware that was never compiled, in versions: functions that call each other, literal
 * pools, tables of pointers, text, placed by a linker of a few lines. An edit changes one function
 * and moves everything behind it, so that every reference across the place is another number.
 */
#ifndef OTTER_TEST_DELTA_SYNTHETIC_H
#define OTTER_TEST_DELTA_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#define SYNTHETIC_FUNCTIONS_MAX 1024u

struct synthetic_function {
    uint32_t seed;  /* its instructions */
    uint32_t name;  /* who calls it calls this, wherever it lies */
    uint16_t halfwords;
    uint16_t literals;
};

struct synthetic {
    uint32_t address;
    uint32_t names;  /* given so far */
    uint32_t callees; /* those that the first version had: who calls whom stays */
    size_t count;
    struct synthetic_function functions[SYNTHETIC_FUNCTIONS_MAX]; /* in the order of their places */
    uint32_t text_seed;
    uint32_t text_size;
};

/* `functions` of them; the same seed, the same firmware. */
void synthetic_make(struct synthetic *firmware, size_t functions, uint64_t seed);
/* One edit as a programmer makes them: longer, shorter, rewritten, new, gone, elsewhere, another text. */
void synthetic_edit(struct synthetic *firmware, uint64_t *random);
/* The linked bytes; free(). */
uint8_t *synthetic_link(const struct synthetic *firmware, size_t *ret_size);

#endif
