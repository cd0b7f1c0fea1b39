/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - the bootloader's ELF file: its bytes, and which function an address belongs to. */
#ifndef GLITCH_PROGRAM_H
#define GLITCH_PROGRAM_H

#include "test/glitch/machine.h"

/* Where an instruction belongs: with all that a function calls. */
enum extent {
    PATH,   /* from reset to the jump: every executed instruction gets its trial */
    LONG,   /* sampled: repetitions that say nothing about an image; what comes before main */
    CRYPTO, /* sampled: SHA-256 and P-256 */
    EXTENTS
};

struct function {
    char name[48];
    uint32_t addr, size;
    enum extent extent;
};

struct program {
    struct function *functions;
    size_t count;
};

/* Loads the program into the ROM; ends the process with a line when it cannot. */
void program_load(struct program *program, struct board *board, const char *path);

/* NULL: none is there. */
const struct function *program_at(const struct program *program, uint32_t addr);
uint32_t program_find(const struct program *program, const char *name); /* 0: there is none */

/* A whole file; ends the process with a line when there is none. The caller frees it. */
uint8_t *file_read(const char *path, size_t *ret_size);

#endif
