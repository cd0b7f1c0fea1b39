/* SPDX-License-Identifier: Apache-2.0 */
/* delta_match.c - hash chains over the places of four bytes in both files. */
#include "tool/delta_match.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_BITS = 20, CHAIN_MAX = 64, LENGTH_MIN = 4, EACH = DELTA_MATCHES_MAX / 2 };
#define NOWHERE UINT32_MAX

struct chains {
    const struct tool_bytes *file;
    uint32_t *before; /* of each place: the one before with the same hash */
    uint32_t last[1 << HASH_BITS];
};
struct delta_matches {
    struct chains old;
    struct chains new;
};

static uint32_t hash(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, 4);
    return word * 2654435761u >> (32 - HASH_BITS);
}

static bool chains_fill(struct chains *chains, const struct tool_bytes *file)
{
    chains->file = file;
    memset(chains->last, 0xff, sizeof chains->last);
    chains->before = malloc((file->len + 1) * sizeof chains->before[0]);
    if (chains->before == NULL) {
        return false;
    }
    for (uint32_t i = 0; i + 4 <= file->len; i++) {
        uint32_t *last = &chains->last[hash(file->data + i)];
        chains->before[i] = *last;
        *last = i;
    }
    return true;
}

struct delta_matches *delta_matches_new(const struct tool_bytes *old_file, const struct tool_bytes *new_file)
{
    struct delta_matches *matches = calloc(1, sizeof *matches);
    if (matches == NULL || !chains_fill(&matches->old, old_file) || !chains_fill(&matches->new, new_file)) {
        delta_matches_free(matches);
        return NULL;
    }
    return matches;
}

void delta_matches_free(struct delta_matches *matches)
{
    if (matches != NULL) {
        free(matches->old.before);
        free(matches->new.before);
        free(matches);
    }
}

static uint32_t length(const struct tool_bytes *a, uint32_t at, const struct tool_bytes *b, uint32_t bt)
{
    uint32_t len = 0;
    while (at + len < a->len && bt + len < b->len && a->data[at + len] == b->data[bt + len] && len < 256) {
        len++;
    }
    return len;
}

/* The longest of a chain, of equal ones those met first. */
static unsigned search(const struct chains *chains, const struct tool_bytes *file, uint32_t pos, uint32_t first,
                       struct delta_match *ret_list)
{
    unsigned found = 0;
    uint32_t place = first;
    for (unsigned i = 0; i < CHAIN_MAX && place != NOWHERE; i++, place = chains->before[place]) {
        uint32_t len = length(chains->file, place, file, pos);
        if (len < LENGTH_MIN || (found == EACH && ret_list[EACH - 1].len >= len)) {
            continue;
        }
        unsigned rank = found < EACH ? found++ : EACH - 1;
        while (rank > 0 && ret_list[rank - 1].len < len) {
            ret_list[rank] = ret_list[rank - 1];
            rank--;
        }
        ret_list[rank] = (struct delta_match){.off = place, .len = len};
    }
    return found;
}

unsigned delta_match_find(const struct delta_matches *matches, uint32_t pos, struct delta_match *ret_list)
{
    const struct tool_bytes *file = matches->new.file;
    if (pos + LENGTH_MIN > file->len) {
        return 0;
    }
    unsigned found = search(&matches->old, file, pos, matches->old.last[hash(file->data + pos)], ret_list);
    unsigned more = search(&matches->new, file, pos, matches->new.before[pos], ret_list + found);
    for (unsigned i = 0; i < more; i++) {
        ret_list[found + i].from_new = true;
    }
    return found + more;
}
