/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_place.h - where the first byte of an image runs: what turns pointers into predictions.
 *
 * A wrong address makes a patch larger, never wrong: it is said, and the patch is made.
 */
#ifndef OTTER_TOOL_DELTA_PLACE_H
#define OTTER_TOOL_DELTA_PLACE_H

#include "tool/delta_file.h"

/* As typed; all may be NULL. At most one of address, map and elf. */
struct delta_place {
    char *address, *map, *board, *elf;
};
enum delta_source { DELTA_UNKNOWN, DELTA_TOLD, DELTA_OF_MAP, DELTA_OF_ELF, DELTA_OF_FILE, DELTA_GUESSED };
const char *delta_source_text(enum delta_source source); /* "from --address" */

struct delta_address {
    enum delta_source source; /* DELTA_UNKNOWN: there is none */
    uint32_t value;
};

/* What was told; DELTA_UNKNOWN when nothing was. 0, TOOL_USAGE or TOOL_REFUSED after saying why. */
int delta_place_read(const struct delta_place *place, const struct delta_file *result, struct delta_address *ret_told);

/* The address to use: what was told, else what the result or the base says, else a guess. A line
 * on stderr where another one fits far better. */
struct delta_address delta_address_choose(struct delta_address told, const struct delta_file *base,
                                          const struct delta_file *result);

#endif
