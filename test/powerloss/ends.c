/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends.c - a hash table of 64-bit digests. Full: it begins anew.
 */
#include "test/powerloss/ends.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 20, MOST = SLOTS / 4 * 3 };

struct ends {
    uint64_t key[SLOTS]; /* 0: free */
    uint8_t boots[SLOTS];
    uint32_t count;
};

struct ends *ends_new(void)
{
    struct ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL) {
        abort();
    }
    return ends;
}

void ends_free(struct ends *ends)
{
    free(ends);
}

void ends_clear(struct ends *ends)
{
    if (ends->count != 0) {
        memset(ends, 0, sizeof *ends);
    }
}

static uint32_t slot_of(const struct ends *ends, uint64_t key)
{
    uint32_t at = (uint32_t)key % SLOTS;
    while (ends->key[at] != 0 && ends->key[at] != key) {
        at = (at + 1) % SLOTS;
    }
    return at;
}

bool ends_find(const struct ends *ends, uint64_t key, unsigned *ret_boots)
{
    uint32_t at = slot_of(ends, key);
    if (ends->key[at] == 0) {
        return false;
    }
    *ret_boots = ends->boots[at];
    return true;
}

void ends_add(struct ends *ends, uint64_t key, unsigned boots)
{
    if (ends->count == MOST) {
        ends_clear(ends);
    }
    uint32_t at = slot_of(ends, key);
    ends->count += ends->key[at] == 0;
    ends->key[at] = key;
    ends->boots[at] = (uint8_t)boots;
}
