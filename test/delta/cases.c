/* SPDX-License-Identifier: Apache-2.0 */
/* cases.c - the named pairs, and the random ones. */
#include "test/delta/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/delta/kinds.h"
#include "test/delta/push.h"
#include "test/delta/synthetic.h"

enum { SMALL = 3000, LARGE = 2 << 20, EDITS_MAX = 12, BYTES_MAX = 24000, PIECE_MAX = 700 };

static uint8_t *room(size_t size)
{
    uint8_t *bytes = calloc(1, size + 1);
    if (bytes == NULL) {
        abort();
    }
    return bytes;
}

static uint8_t *noise(size_t size, uint64_t seed)
{
    uint8_t *bytes = room(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)push_random(&seed, 256);
    }
    return bytes;
}

static void put(struct delta_case *one, uint8_t *old_bytes, size_t old_size, uint8_t *new_bytes, size_t new_size)
{
    one->old_bytes = old_bytes;
    one->old_size = old_size;
    one->new_bytes = new_bytes;
    one->new_size = new_size;
}

/* ---- named ---- */

static void empty_both(struct delta_case *one)
{
    put(one, room(0), 0, room(0), 0);
}
static void empty_and_some(struct delta_case *one)
{
    put(one, room(0), 0, noise(SMALL, 1), SMALL);
}
static void empty_and_one(struct delta_case *one)
{
    put(one, room(0), 0, noise(1, 2), 1);
}
static void one_and_one(struct delta_case *one)
{
    put(one, noise(1, 3), 1, noise(1, 4), 1);
}
static void identical(struct delta_case *one)
{
    put(one, noise(SMALL, 5), SMALL, noise(SMALL, 5), SMALL);
}
static void unrelated(struct delta_case *one)
{
    put(one, noise(SMALL, 6), SMALL, noise(SMALL + 7, 7), SMALL + 7);
}
static void one_byte_differs(struct delta_case *one)
{
    identical(one);
    one->new_bytes[SMALL / 2] ^= 1;
}
static void first_and_last_differ(struct delta_case *one)
{
    identical(one);
    one->new_bytes[0] ^= 0x80;
    one->new_bytes[SMALL - 1] ^= 0x80;
}
static void one_byte_more(struct delta_case *one)
{
    put(one, noise(SMALL, 8), SMALL, noise(SMALL + 1, 8), SMALL + 1);
}
static void much_larger(struct delta_case *one)
{
    put(one, noise(SMALL / 10, 9), SMALL / 10, noise(SMALL * 10, 9), SMALL * 10);
}
static void zeros(struct delta_case *one)
{
    put(one, room(SMALL), SMALL, room(SMALL * 9 + 1), SMALL * 9 + 1);
}
static void erased_and_zeros(struct delta_case *one)
{
    zeros(one);
    memset(one->old_bytes, 0xff, one->old_size);
}
/* The new file repeats what is not in the old one. */
static void repeats_itself(struct delta_case *one)
{
    put(one, noise(SMALL, 10), SMALL, noise(SMALL * 4, 11), SMALL * 4);
    for (size_t i = 1; i < 4; i++) {
        memcpy(one->new_bytes + i * SMALL, one->new_bytes, SMALL - i);
    }
}
/* Each third is somewhere else. */
static void thirds_change_places(struct delta_case *one)
{
    size_t third = SMALL / 3;
    put(one, noise(SMALL, 12), SMALL, room(SMALL), SMALL);
    for (size_t i = 0; i < 3; i++) {
        memcpy(one->new_bytes + i * third, one->old_bytes + (i + 2) % 3 * third, third);
    }
}
/* Nothing but references: every word points into the file, every other pair of halfwords is a call. */
static void all_references(struct delta_case *one)
{
    uint64_t seed = 13;
    put(one, room(SMALL), SMALL, room(SMALL), SMALL);
    for (size_t i = 0; i + 4 <= SMALL; i += 4) {
        uint32_t word = i % 8 == 0 ? one->address + push_random(&seed, SMALL)
                                   : 0xf800f000u | (push_random(&seed, 0) & 0x7ff07ffu);
        memcpy(one->old_bytes + i, &word, 4);
        word += i % 8 == 0 ? 16 : 8u << 16;
        memcpy(one->new_bytes + i, &word, 4);
    }
}
/* Addresses that wrap around zero when they are translated. */
static void at_the_end_of_memory(struct delta_case *one)
{
    one->address = 0xffffff00u;
    put(one, noise(SMALL, 14), SMALL, noise(SMALL, 14), SMALL);
    for (size_t i = 0; i + 4 <= SMALL; i += 4) {
        memset(one->old_bytes + i + 1, 0xff, 3);
        memset(one->new_bytes + i + 1, i % 12 == 0 ? 0 : 0xff, 3);
    }
}
/* As many copies as possible, each somewhere else: more than a map can have. */
static void shuffled(struct delta_case *one)
{
    enum { BLOCK = 24, BLOCKS = 1200 };
    uint64_t seed = 15;
    put(one, noise(BLOCK * BLOCKS, 15), BLOCK * BLOCKS, room(BLOCK * BLOCKS), BLOCK * BLOCKS);
    memcpy(one->new_bytes, one->old_bytes, BLOCK * BLOCKS);
    for (uint32_t i = BLOCKS - 1; i > 0; i--) {
        uint8_t kept[BLOCK];
        uint8_t *here = one->new_bytes + (size_t)i * BLOCK;
        uint8_t *there = one->new_bytes + (size_t)push_random(&seed, i + 1) * BLOCK;
        memcpy(kept, here, BLOCK);
        memmove(here, there, BLOCK);
        memcpy(there, kept, BLOCK);
    }
}
static void edited_firmware(struct delta_case *one, size_t functions, unsigned edits, uint64_t seed)
{
    struct synthetic *firmware = malloc(sizeof *firmware);
    if (firmware == NULL) {
        abort();
    }
    synthetic_make(firmware, functions, seed);
    one->has_address = true;
    one->address = firmware->address;
    one->old_bytes = synthetic_link(firmware, &one->old_size);
    for (unsigned i = 0; i < edits; i++) {
        synthetic_edit(firmware, &seed);
    }
    one->new_bytes = synthetic_link(firmware, &one->new_size);
    free(firmware);
}
static void kinds(struct delta_case *one, uint64_t seed)
{
    one->address = kinds_address(seed);
    one->old_bytes = kinds_link(seed, false, &one->old_size);
    one->new_bytes = kinds_link(seed, true, &one->new_size);
}
static void all_kinds(struct delta_case *one)
{
    kinds(one, 1);
}
static void rebuilt_firmware(struct delta_case *one)
{
    edited_firmware(one, 400, 1, 16);
}
static void large_firmware(struct delta_case *one)
{
    struct delta_case part = {0};
    edited_firmware(&part, SYNTHETIC_FUNCTIONS_MAX, 40, 17);
    put(one, noise(LARGE, 17), LARGE, noise(LARGE, 17), LARGE - 3);
    one->address = part.address;
    for (size_t i = 0; i + part.old_size < LARGE && i + part.new_size < LARGE; i += 3 * part.old_size / 2) {
        memcpy(one->old_bytes + i, part.old_bytes, part.old_size);
        memcpy(one->new_bytes + i, part.new_bytes, part.new_size);
    }
    delta_case_free(&part);
}

static void large_unrelated(struct delta_case *one)
{
    put(one, noise(LARGE, 18), LARGE, noise(LARGE, 19), LARGE);
}
static void large_zeros(struct delta_case *one)
{
    put(one, room(LARGE), LARGE, room(LARGE), LARGE - 1);
    one->new_bytes[LARGE / 2] = 1;
}
/* What suffix arrays are slow at. */
static void large_periodic(struct delta_case *one)
{
    large_zeros(one);
    for (size_t i = 0; i < LARGE; i++) {
        one->old_bytes[i] = (uint8_t)(i % 12);
        one->new_bytes[i] = (uint8_t)((i + 5) % 12 + (i % 4099 == 0));
    }
}

static const struct named {
    const char *name;
    void (*make)(struct delta_case *one);
} named[] = {{"empty_both", empty_both},
             {"empty_and_some", empty_and_some},
             {"empty_and_one", empty_and_one},
             {"one_and_one", one_and_one},
             {"identical", identical},
             {"unrelated", unrelated},
             {"one_byte_differs", one_byte_differs},
             {"first_and_last_differ", first_and_last_differ},
             {"one_byte_more", one_byte_more},
             {"much_larger", much_larger},
             {"zeros", zeros},
             {"erased_and_zeros", erased_and_zeros},
             {"repeats_itself", repeats_itself},
             {"thirds_change_places", thirds_change_places},
             {"all_references", all_references},
             {"at_the_end_of_memory", at_the_end_of_memory},
             {"shuffled", shuffled},
             {"rebuilt_firmware", rebuilt_firmware},
             {"all_kinds", all_kinds},
             {"large_firmware", large_firmware},
             {"large_unrelated", large_unrelated},
             {"large_zeros", large_zeros},
             {"large_periodic", large_periodic}};
enum { NAMED = sizeof named / sizeof named[0] };

const char *const delta_case_names[] = {
    "empty_both",    "empty_and_some",       "empty_and_one",  "one_and_one",          "identical", "unrelated",
    "one_byte_differs", "first_and_last_differ", "one_byte_more", "much_larger",       "zeros",     "erased_and_zeros",
    "repeats_itself", "thirds_change_places", "all_references", "at_the_end_of_memory", "shuffled",  "rebuilt_firmware",
    "all_kinds",     NULL};

/* ---- random ---- */

/* Replace, insert or delete a piece, or bring one from elsewhere in the file. */
static void edit_bytes(struct delta_case *one, uint64_t *random)
{
    size_t len = push_random(random, push_random(random, 3) == 0 ? PIECE_MAX : 8);
    size_t at = push_random(random, (uint32_t)one->new_size + 1);
    size_t gone = push_random(random, 2) == 0 ? len : push_random(random, 2) * push_random(random, PIECE_MAX);
    uint8_t *bytes = room(one->new_size + len);
    uint64_t fresh = *random;
    gone = gone < one->new_size - at ? gone : one->new_size - at;
    memcpy(bytes, one->new_bytes, at);
    for (size_t i = 0; i < len; i++) {
        bytes[at + i] = (uint8_t)push_random(&fresh, 256);
    }
    if (push_random(random, 2) == 0 && len < one->new_size) {
        memcpy(bytes + at, one->new_bytes + push_random(random, (uint32_t)(one->new_size - len)), len);
    }
    memcpy(bytes + at + len, one->new_bytes + at + gone, one->new_size - at - gone);
    free(one->new_bytes);
    one->new_bytes = bytes;
    one->new_size = one->new_size - gone + len;
}

static void fill(struct delta_case *one, uint64_t *random, bool text)
{
    static const char *const words[] = {"otter ", "the ", "swap ", "image ", "in ", "flash ", "and ", "\n"};
    one->old_size = push_random(random, push_random(random, 3) == 0 ? 40 : BYTES_MAX);
    one->old_bytes = room(one->old_size + 8);
    for (size_t i = 0; i < one->old_size;) {
        const char *word = words[push_random(random, 8)];
        size_t len = text ? strlen(word) : 1;
        len = len < one->old_size - i ? len : one->old_size - i;
        memcpy(one->old_bytes + i, word, len);
        one->old_bytes[i] = text ? one->old_bytes[i] : (uint8_t)push_random(random, 256);
        i += len;
    }
    one->new_size = one->old_size;
    one->new_bytes = room(one->new_size);
    memcpy(one->new_bytes, one->old_bytes, one->new_size);
}

static void random_case(struct delta_case *one, bool text, uint64_t seed)
{
    unsigned edits = push_random(&seed, EDITS_MAX);
    fill(one, &seed, text);
    one->has_address = push_random(&seed, 2) == 0;
    one->address = push_random(&seed, 0) & ~3u;
    for (unsigned i = 0; i < edits; i++) {
        edit_bytes(one, &seed);
    }
}

bool delta_case_make(const char *id, struct delta_case *ret_case)
{
    const char *colon = strchr(id, ':');
    uint64_t seed = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
    *ret_case = (struct delta_case){.has_address = true, .address = 0x08000000u};
    (void)snprintf(ret_case->id, sizeof ret_case->id, "%s", id);
    for (size_t i = 0; i < NAMED; i++) {
        if (strcmp(named[i].name, id) == 0) {
            named[i].make(ret_case);
            return true;
        }
    }
    if (strncmp(id, "firmware:", 9) == 0) {
        uint64_t first = seed;
        unsigned edits = 1 + push_random(&seed, EDITS_MAX);
        size_t functions = 2 + (size_t)push_random(&seed, 250);
        edited_firmware(ret_case, functions, edits, first);
        return true;
    }
    if (strncmp(id, "kinds:", 6) == 0) {
        kinds(ret_case, seed);
        return true;
    }
    if (strncmp(id, "bytes:", 6) == 0 || strncmp(id, "text:", 5) == 0) {
        random_case(ret_case, id[0] == 't', seed * 2 + (id[0] == 't'));
        return true;
    }
    return false;
}

void delta_case_free(struct delta_case *one)
{
    free(one->old_bytes);
    free(one->new_bytes);
    *one = (struct delta_case){0};
}
