/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds.c - two versions of a program that has a little of all that the walk treats by itself.
 *
 * Blocks of addresses (of the program, of RAM), calls, B.W, loads from pools, branches near and conditional, other
 * instructions of four bytes and of two, in no sensible order. In the second version the blocks stand elsewhere, some
 * twice, some with a gap before them; what refers to them follows, also where it does not reach, RAM has moved in its
 * upper half, single bytes differ, and new bytes at the end come again.
 */
#include "test/delta/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "test/delta/push.h"
#include "slot/bytes.h"

enum { BLOCKS = 144, BLOCK = 48, COPIES = 16, TAIL = 90, CELLS = 15, ROOM = BLOCKS * BLOCK * 2 };

struct linker {
    uint8_t *bytes;
    uint32_t places[BLOCKS];
    uint32_t address;
    bool second;
};

/* A place in a block at most `reach` blocks away. */
static uint32_t target(const struct linker *linker, uint32_t block, uint32_t reach, uint64_t *random)
{
    uint32_t to = (block + BLOCKS - reach + push_random(random, 2 * reach + 1)) % BLOCKS;
    return linker->places[to] + (push_random(random, BLOCK) & ~3u);
}

static uint32_t ram(const struct linker *linker, uint64_t *random)
{
    uint32_t word = 0x20000000u + push_random(random, 96) * 0x40u;
    uint32_t moved = linker->second && word >= 0x20000c00u ? 0x30u : 0u;
    return word + moved + (push_random(random, 12) == 0 && linker->second ? 8u : 0u);
}

/* One cell of a block, at `at` of the file: how many bytes. */
static uint32_t link_cell(const struct linker *linker, uint32_t block, uint32_t at, uint64_t *random)
{
    static const uint16_t others[][2] = {{0xe92d, 0x4ff0}, {0xf8d0, 0x1004}, {0xf43f, 0xaf00}, {0xf3bf, 0x8f5f}, {0xf7ff, 0xf7ff}, {0xfb00, 0xf001}};
    uint8_t *to = linker->bytes + at;
    uint32_t far_away = target(linker, block, BLOCKS / 2 - 1, random) - at - 4;
    uint32_t near_by = target(linker, block, 4, random);
    uint32_t word = push_random(random, 0);
    switch (push_random(random, CELLS)) {
    case 0:
    case 1:
        store_le32(to, linker->address + at + 4 + far_away + (word & 1u));
        return 4;
    case 2:
        store_le32(to, ram(linker, random));
        return 4;
    case 3:
    case 4:
        store_le16(to, 0xf000u | (far_away >> 12 & 0x7ffu));
        store_le16(to + 2, (word % 4 != 0 ? 0xf800u : 0xb800u) | (far_away >> 1 & 0x7ffu));
        return 4;
    case 5:
        store_le16(to, others[word % 6][0]);
        store_le16(to + 2, others[word % 6][1]);
        return 4;
    case 6:
    case 7:
        store_le16(to, 0x4800u | (word & 0x700u) | ((near_by - ((at + 4) & ~3u)) >> 2 & 0xffu));
        return 2;
    case 8:
        store_le16(to, 0xe000u | ((near_by - at - 4) >> 1 & 0x7ffu));
        return 2;
    case 9:
        store_le16(to, 0xd000u | (word % 14 << 8) | ((near_by - at - 4) >> 1 & 0xffu));
        return 2;
    default:
        store_le16(to, word & (word % 8 != 0 ? 0x3fffu : 0xffffu));
        return 2;
    }
}

static void link_block(const struct linker *linker, uint32_t block, uint32_t place, uint64_t seed)
{
    uint64_t random = seed << 32 | block;
    for (uint32_t at = 0; at < BLOCK;) {
        at += link_cell(linker, block, place + at, &random);
    }
}

/* The order in which the blocks stand: runs of them have changed places. */
static void shuffle(uint32_t order[BLOCKS], uint64_t *random)
{
    for (uint32_t i = 0; i + 1 < BLOCKS; i += 1 + push_random(random, 3)) {
        uint32_t other = push_random(random, BLOCKS);
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

static uint32_t place_blocks(struct linker *linker, uint32_t order[BLOCKS], uint64_t *random)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        order[i] = i;
    }
    if (linker->second) {
        shuffle(order, random);
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (linker->second && push_random(random, 6) == 0) {
            size += push_random(random, 9) * 2u;
            size += push_random(random, 5) == 0 ? 1u : 0u;
        }
        linker->places[order[i]] = size;
        size += BLOCK;
    }
    return size;
}

/* A few blocks once more, single bytes, and an end that repeats itself. */
static uint32_t edit(const struct linker *linker, uint32_t size, uint64_t seed, uint64_t *random)
{
    for (uint32_t i = 0; i < COPIES; i++) {
        link_block(linker, push_random(random, BLOCKS), size, seed);
        size += BLOCK;
    }
    for (uint32_t i = 0; i < COPIES; i++) {
        uint8_t bit = (uint8_t)(1u << push_random(random, 8));
        linker->bytes[push_random(random, size)] ^= bit;
    }
    for (uint32_t i = 0; i < TAIL; i++) {
        linker->bytes[size + i] = linker->bytes[size + TAIL + i] = (uint8_t)push_random(random, 256);
    }
    return size + 2 * TAIL + 1;
}

uint32_t kinds_address(uint64_t seed)
{
    return seed % 2 != 0 ? 0x08004000u : 0;
}

uint8_t *kinds_link(uint64_t seed, bool second, size_t *ret_size)
{
    struct linker linker = {.bytes = calloc(1, ROOM), .address = kinds_address(seed), .second = second};
    uint64_t random = seed;
    uint32_t order[BLOCKS];
    if (linker.bytes == NULL) {
        abort();
    }
    uint32_t size = place_blocks(&linker, order, &random);
    for (uint32_t i = 0; i < BLOCKS; i++) { /* the last cell may reach into the next block */
        link_block(&linker, order[i], linker.places[order[i]], seed);
    }
    *ret_size = second ? edit(&linker, size, seed, &random) : size;
    return linker.bytes;
}
