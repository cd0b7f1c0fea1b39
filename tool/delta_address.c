/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_address.c - the link address of a firmware, by vote.
 *
 * Every pair of an odd word (maybe a function's address with its Thumb bit) and a function's
 * beginning is one vote for the address that would make the one point at the other, if
 * that is a multiple of 256. The true one gets a vote from nearly every function pointer; others get
 * votes by chance only. Votes are limited, so that any file takes a bounded time.
 */
#include "tool/delta_address.h"

#include <stdlib.h>

#define GRANULE 256u
enum {
    VOTES_MAX = 1 << 22,
    WORDS_MAX = 1 << 14, /* distinct words that may vote; of more, evenly chosen ones */
    CANDIDATES = 8,      /* those with most votes are looked at closely */
    ENOUGH = 12          /* pointers that must agree */
};

struct words {
    uint32_t *list;
    size_t count;
};

static uint32_t load16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t load32(const uint8_t *bytes)
{
    return load16(bytes) | load16(bytes + 2) << 16;
}

/* PUSH {..., lr} of 2 bytes, or STMDB sp!, {..., lr}. */
static bool is_function(const struct tool_bytes *file, size_t off)
{
    if (off % 2 != 0 || off + 4 > file->len) {
        return false;
    }
    uint32_t first = load16(file->data + off);
    return (first & 0xff00) == 0xb500 || (first == 0xe92d && (load16(file->data + off + 2) & 0x4000) != 0);
}

static bool is_printable(uint8_t byte)
{
    return byte >= ' ' && byte < 0x7f;
}

/* A text of at least 4 characters behind a NUL or padding. */
static bool is_text(const struct tool_bytes *file, size_t off)
{
    if (off == 0 || off + 4 > file->len || is_printable(file->data[off - 1])) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        if (!is_printable(file->data[off + i])) {
            return false;
        }
    }
    return file->data[off - 1] == 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t two = *(const uint32_t *)b;
    return (one > two) - (one < two);
}

static size_t unique(uint32_t *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || list[i] != list[i - 1]) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

/* The distinct aligned words of the file, in order; an empty list when memory is out. */
static struct words all_words(const struct tool_bytes *file)
{
    struct words words = {malloc(file->len + 4), 0};
    if (words.list == NULL) {
        return words;
    }
    for (size_t off = 0; off + 4 <= file->len; off += 4) {
        words.list[words.count++] = load32(file->data + off);
    }
    qsort(words.list, words.count, sizeof words.list[0], compare);
    words.count = unique(words.list, words.count);
    return words;
}

static uint32_t score(const struct tool_bytes *file, const struct words *words, uint32_t address)
{
    uint32_t points = 0;
    for (size_t i = 0; i < words->count; i++) {
        uint32_t off = words->list[i] - address;
        if (off < file->len) {
            points += off % 2 != 0 && is_function(file, off - 1) ? 1 : is_text(file, off) ? 1 : 0;
        }
    }
    return points;
}

uint32_t delta_address_score(const struct tool_bytes *file, uint32_t address)
{
    struct words words = all_words(file);
    uint32_t points = score(file, &words, address);
    free(words.list);
    return points;
}

/* Functions' beginnings by their offset's low 8 bits: list[first[b]] .. list[first[b + 1]]. */
struct functions {
    uint32_t *list;
    uint32_t first[GRANULE + 1];
};

static bool find_functions(const struct tool_bytes *file, struct functions *ret)
{
    uint32_t count[GRANULE + 1] = {0};
    for (size_t off = 0; off < file->len; off += 2) {
        count[off % GRANULE] += is_function(file, off);
    }
    ret->first[0] = 0;
    for (size_t i = 0; i < GRANULE; i++) {
        ret->first[i + 1] = ret->first[i] + count[i];
        count[i] = ret->first[i];
    }
    ret->list = malloc(((size_t)ret->first[GRANULE] + 1) * sizeof ret->list[0]);
    if (ret->list == NULL) {
        return false;
    }
    for (size_t off = 0; off < file->len; off += 2) {
        if (is_function(file, off)) {
            ret->list[count[off % GRANULE]++] = (uint32_t)off;
        }
    }
    return true;
}

/* A word that can be a function's address: odd, not small, in none of the system's own regions. */
static bool may_point(uint32_t word)
{
    return word % 2 != 0 && word < 0xe0000000 && word > 2;
}

static size_t vote(const struct words *words, const struct functions *functions, uint32_t *votes)
{
    size_t count = 0;
    size_t stride = words->count / WORDS_MAX + 1;
    for (size_t i = 0; i < words->count; i += stride) {
        uint32_t word = words->list[i];
        if (!may_point(word)) {
            continue;
        }
        uint32_t low = (word - 1) % GRANULE;
        for (uint32_t f = functions->first[low]; f < functions->first[low + 1]; f++) {
            if (functions->list[f] < word && count < VOTES_MAX) {
                votes[count++] = word - 1 - functions->list[f];
            }
        }
    }
    return count;
}

struct candidate {
    uint32_t address;
    uint32_t votes;
};

/* The most voted ones, best first; of equal ones the lower address. */
static void count_votes(uint32_t *votes, size_t count, struct candidate best[CANDIDATES])
{
    qsort(votes, count, sizeof votes[0], compare);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && votes[end] == votes[i]) {
            end++;
        }
        struct candidate next = {votes[i], (uint32_t)(end - i)};
        for (size_t rank = 0; rank < CANDIDATES; rank++) {
            if (next.votes > best[rank].votes) {
                struct candidate pushed = best[rank];
                best[rank] = next;
                next = pushed;
            }
        }
        i = end;
    }
}

/* The best score, its address, and the second best score. */
struct winner {
    uint32_t address;
    uint32_t points;
    uint32_t second;
};

static struct winner choose(const struct tool_bytes *file, const struct words *words,
                            const struct candidate best[CANDIDATES])
{
    struct winner winner = {0, 0, 0};
    for (size_t rank = 0; rank < CANDIDATES && best[rank].votes > 0; rank++) {
        uint32_t points = score(file, words, best[rank].address);
        if (points > winner.points) {
            winner.second = winner.points;
            winner.points = points;
            winner.address = best[rank].address;
        } else if (points > winner.second) {
            winner.second = points;
        }
    }
    return winner;
}

bool delta_is_thumb(const struct tool_bytes *file)
{
    uint32_t calls = 0;
    uint32_t good = 0;
    for (size_t off = 0; off + 4 <= file->len; off += 2) {
        uint32_t first = load16(file->data + off);
        uint32_t second = load16(file->data + off + 2);
        if ((first & 0xf800) != 0xf000 || (second & 0xf800) != 0xf800) {
            continue; /* BL over less than 4 MiB has both J bits set */
        }
        uint32_t distance = (first & 0x7ff) << 12 | (second & 0x7ff) << 1;
        uint32_t target = (uint32_t)off + 4 + ((distance ^ 0x400000) - 0x400000);
        if (target < file->len) {
            calls++;
            good += is_function(file, target);
        }
    }
    return good >= 8 && good * 4 >= calls;
}

bool delta_guess_address(const struct tool_bytes *file, uint32_t *ret_address)
{
    if (!delta_is_thumb(file)) {
        return false;
    }
    struct words words = all_words(file);
    struct functions functions = {NULL, {0}};
    uint32_t *votes = malloc(VOTES_MAX * sizeof votes[0]);
    struct candidate best[CANDIDATES] = {{0, 0}};
    struct winner winner = {0, 0, 0};
    if (words.list != NULL && votes != NULL && find_functions(file, &functions)) {
        count_votes(votes, vote(&words, &functions, votes), best);
        winner = choose(file, &words, best);
    }
    free(votes);
    free(functions.list);
    free(words.list);
    if (winner.points < ENOUGH || winner.points < 2 * winner.second) {
        return false;
    }
    *ret_address = winner.address;
    return true;
}

bool delta_address_fits(const struct tool_bytes *file, uint32_t address, uint32_t *ret_better)
{
    uint32_t guess = 0;
    if (!delta_guess_address(file, &guess) || guess == address ||
        delta_address_score(file, address) * 2 >= delta_address_score(file, guess)) {
        return true;
    }
    *ret_better = guess;
    return false;
}
