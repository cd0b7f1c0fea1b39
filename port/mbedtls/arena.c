/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - first fit over blocks that lie one behind the other.
 *
 * A block is a head and its bytes; the heads form the list, since each knows its size.
 * Neighbours that are free are joined while the search for room passes over them.
 */
#include "port/mbedtls/arena.h"

#include <stdbool.h>
#include <string.h>

struct head {
    struct otter_arena *arena; /* NULL: free */
    size_t size;               /* of the whole block, head included */
};

#define ALIGN (2u * sizeof(void *))
_Static_assert(sizeof(struct head) == ALIGN, "bytes behind a head are aligned");

static struct otter_arena *current;

static size_t round_up(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static struct head *head_at(const struct otter_arena *arena, size_t off)
{
    return (struct head *)(void *)(arena->base + off); /* aligned: see otter_arena_init */
}

void otter_arena_init(struct otter_arena *arena, void *memory, size_t size)
{
    size_t odd = (uintptr_t)memory % ALIGN;
    size_t skip = odd ? ALIGN - odd : 0;
    memset(arena, 0, sizeof *arena);
    if (size < skip + ALIGN) {
        return;
    }
    arena->base = (uint8_t *)memory + skip;
    arena->size = (size - skip) / ALIGN * ALIGN;
    *head_at(arena, 0) = (struct head){NULL, arena->size};
}

struct otter_arena *otter_arena_enter(struct otter_arena *arena)
{
    struct otter_arena *before = current;
    current = arena;
    return before;
}

/* Join the free blocks that follow a free one. */
static void join(const struct otter_arena *arena, size_t off)
{
    struct head *block = head_at(arena, off);
    while (off + block->size < arena->size && !head_at(arena, off + block->size)->arena) {
        block->size += head_at(arena, off + block->size)->size;
    }
}

static void *take(struct otter_arena *arena, size_t off, size_t need)
{
    struct head *block = head_at(arena, off);
    if (block->size - need > ALIGN) { /* a rest with room for more than its head */
        *head_at(arena, off + need) = (struct head){NULL, block->size - need};
        block->size = need;
    }
    block->arena = arena;
    arena->used += block->size;
    if (arena->peak < off + block->size) {
        arena->peak = off + block->size;
    }
    memset(block + 1, 0, block->size - sizeof *block);
    return block + 1;
}

void *otter_mbedtls_calloc(size_t count, size_t size)
{
    struct otter_arena *arena = current;
    if (!arena || count == 0 || size == 0 || count > (SIZE_MAX - 2 * ALIGN) / size) {
        return NULL;
    }
    size_t need = round_up(count * size) + sizeof(struct head);
    for (size_t off = 0; off < arena->size; off += head_at(arena, off)->size) {
        if (head_at(arena, off)->arena) {
            continue;
        }
        join(arena, off);
        if (head_at(arena, off)->size >= need) {
            return take(arena, off, need);
        }
    }
    return NULL;
}

void otter_mbedtls_free(void *block)
{
    if (block) {
        struct head *head = (struct head *)block - 1;
        head->arena->used -= head->size;
        head->arena = NULL;
    }
}
