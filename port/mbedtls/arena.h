/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - the caller's memory, for the allocations that mbedTLS makes.
 *
 * mbedTLS allocates through one global pair of functions. Ours serve from the arena that
 * is current on this thread of execution: whoever calls into mbedTLS enters its arena
 * first and leaves it afterwards, so every instance has memory of its own and one cannot
 * starve another. A block remembers its arena: it may be released while another is
 * current. Outside of any arena an allocation fails. One task at a time may be inside
 * mbedTLS (a system with several tasks that use it needs a lock around each).
 */
#ifndef OTTER_PORT_MBEDTLS_ARENA_H
#define OTTER_PORT_MBEDTLS_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* The caller's; contents private, `peak` may be read. */
struct otter_arena {
    uint8_t *base;
    size_t size; /* usable bytes */
    size_t used; /* bytes in use now, block heads included */
    size_t peak; /* the arena size that would have been enough so far */
};

/* `memory` is the arena's alone until nothing allocated from it is in use. */
void otter_arena_init(struct otter_arena *arena, void *memory, size_t size);

/* Make `arena` (NULL: none) current; returns the one before, to be entered again after. */
struct otter_arena *otter_arena_enter(struct otter_arena *arena);

/* What mbedTLS calls (otter_mbedtls_config.h). NULL when there is no room. */
void *otter_mbedtls_calloc(size_t count, size_t size);
void otter_mbedtls_free(void *block);

#endif
