/* SPDX-License-Identifier: Apache-2.0 */
/* cases.h - pairs of files to make patches between, each made again from its name alone. */
#ifndef OTTER_TEST_DELTA_CASES_H
#define OTTER_TEST_DELTA_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delta_case {
    char id[600];
    uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
    bool has_address; /* firmware for Arm, or to be taken for it */
    uint32_t address;
};

/* Those that have names; NULL ends the list. The large_ ones are not in it: they take seconds. */
extern const char *const delta_case_names[];

/* A name, or firmware:SEED (edited and linked anew), kinds:SEED (kinds.h), bytes:SEED (any bytes, any edits), text:SEED. */
bool delta_case_make(const char *id, struct delta_case *ret_case);
void delta_case_free(struct delta_case *one);

#endif
