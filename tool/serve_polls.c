/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_polls.c - who asked for something lately: a table in memory, a poll costs one look-up.
 *
 * Of each device only the newest poll counts, but that it fetched an image is not forgotten. Keys are hashed with a number that nobody knows,
 * so that a stranger cannot make them all fall together. A table that is full drops newcomers:
 * it is emptied every few seconds.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "tool/serve_store.h"

enum { SLOTS_MIN = 256, POLLS_MAX = 200000 };

struct serve_polls {
    struct serve_poll *list;
    uint32_t *slots; /* index into the list + 1; 0: free */
    size_t count, room, slot_count;
    uint64_t seed;
};

static uint64_t hash_of(const struct serve_polls *polls, const char *key)
{
    uint64_t hash = polls->seed ^ 0xcbf29ce484222325u;
    for (; *key; key++) {
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash ^ hash >> 32;
}

static uint32_t *slot_of(const struct serve_polls *polls, const char *key)
{
    size_t i = hash_of(polls, key) & (polls->slot_count - 1);
    while (polls->slots[i] && strcmp(polls->list[polls->slots[i] - 1].key, key) != 0) {
        i = (i + 1) & (polls->slot_count - 1);
    }
    return &polls->slots[i];
}

struct serve_polls *serve_polls_new(void)
{
    struct serve_polls *polls = calloc(1, sizeof *polls);
    if (!polls) {
        return NULL;
    }
    polls->slot_count = SLOTS_MIN;
    polls->slots = calloc(SLOTS_MIN, sizeof *polls->slots);
    if (!polls->slots || RAND_bytes((unsigned char *)&polls->seed, sizeof polls->seed) != 1) {
        serve_polls_free(polls);
        return NULL;
    }
    return polls;
}

/* Room for one more, the table at most half full. */
static bool grow(struct serve_polls *polls)
{
    if (polls->count == polls->room) {
        size_t room = polls->room ? 2 * polls->room : SLOTS_MIN / 2;
        struct serve_poll *list = realloc(polls->list, room * sizeof *list);
        if (!list) {
            return false;
        }
        polls->list = list;
        polls->room = room;
    }
    if (2 * (polls->count + 1) <= polls->slot_count) {
        return true;
    }
    uint32_t *slots = calloc(2 * polls->slot_count, sizeof *slots);
    if (!slots) {
        return false;
    }
    free(polls->slots);
    polls->slots = slots;
    polls->slot_count *= 2;
    for (size_t i = 0; i < polls->count; i++) {
        *slot_of(polls, polls->list[i].key) = (uint32_t)i + 1;
    }
    return true;
}

/* A fetch counts as of its own time: what was reported since then must not look older than it. It
 * is over as soon as another version asks. */
static void merge(struct serve_poll *known, const struct serve_poll *poll)
{
    bool same = !poll->version[0] || strcmp(known->version, poll->version) == 0;
    if (known->fetches && !poll->fetches && same) {
        return;
    }
    known->at = poll->at;
    known->fetches = poll->fetches;
    known->again = poll->again || (same && known->again);
    if (!same) {
        memcpy(known->version, poll->version, sizeof known->version);
    }
}

void serve_polls_note(struct serve_polls *polls, const struct serve_poll *poll)
{
    uint32_t *slot = slot_of(polls, poll->key);
    if (*slot) {
        merge(&polls->list[*slot - 1], poll);
        return;
    }
    if (polls->count < POLLS_MAX && grow(polls)) {
        slot = slot_of(polls, poll->key);
        polls->list[polls->count++] = *poll;
        *slot = (uint32_t)polls->count;
    }
}

struct serve_poll *serve_polls_take(struct serve_polls *polls, size_t *ret_count)
{
    struct serve_poll *list = polls->list;
    *ret_count = polls->count;
    if (polls->count == 0) {
        return NULL;
    }
    polls->list = NULL;
    polls->count = polls->room = 0;
    memset(polls->slots, 0, polls->slot_count * sizeof *polls->slots);
    return list;
}

void serve_polls_free(struct serve_polls *polls)
{
    if (polls) {
        free(polls->list);
        free(polls->slots);
        free(polls);
    }
}
