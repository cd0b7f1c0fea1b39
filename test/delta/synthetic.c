/* SPDX-License-Identifier: Apache-2.0 */
/* synthetic.c - plans of firmware, edits of plans, and the linker that makes bytes of them. */
#include "test/delta/synthetic.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "test/delta/push.h"
#include "slot/bytes.h"

enum { VECTORS = 48, TABLE = 64, CALL_EVERY = 11, LOAD_EVERY = 7, LITERALS_MAX = 6, HALFWORDS_MAX = 150, TEXT_MAX = 4000 };

static uint32_t mix(uint32_t seed, uint32_t index)
{
    uint64_t state = (uint64_t)seed << 32 | index;
    return push_random(&state, 0);
}

static struct synthetic_function new_function(struct synthetic *firmware, uint64_t *random)
{
    struct synthetic_function function = {.name = firmware->names++}; /* one by one: any compiler the same firmware */
    function.seed = push_random(random, 0);
    function.halfwords = (uint16_t)(6 + push_random(random, HALFWORDS_MAX));
    function.literals = (uint16_t)push_random(random, LITERALS_MAX);
    return function;
}

void synthetic_make(struct synthetic *firmware, size_t functions, uint64_t seed)
{
    uint64_t random = seed;
    *firmware = (struct synthetic){.address = 0x08000000u + push_random(&random, 64) * 0x1000u};
    firmware->count = functions < SYNTHETIC_FUNCTIONS_MAX ? functions : SYNTHETIC_FUNCTIONS_MAX - 1;
    for (size_t i = 0; i < firmware->count; i++) {
        firmware->functions[i] = new_function(firmware, &random);
    }
    firmware->callees = firmware->names;
    firmware->text_seed = push_random(&random, 0);
    firmware->text_size = push_random(&random, TEXT_MAX);
}

static void insert(struct synthetic *firmware, size_t at, struct synthetic_function function)
{
    if (firmware->count < SYNTHETIC_FUNCTIONS_MAX) {
        memmove(&firmware->functions[at + 1], &firmware->functions[at],
                (firmware->count - at) * sizeof function);
        firmware->functions[at] = function;
        firmware->count++;
    }
}

static struct synthetic_function take_out(struct synthetic *firmware, size_t at)
{
    struct synthetic_function function = firmware->functions[at];
    firmware->count--;
    memmove(&firmware->functions[at], &firmware->functions[at + 1],
            (firmware->count - at) * sizeof function);
    return function;
}

void synthetic_edit(struct synthetic *firmware, uint64_t *random)
{
    size_t at = push_random(random, (uint32_t)firmware->count);
    struct synthetic_function *function = &firmware->functions[at];
    switch (push_random(random, 7)) {
    case 0:
        function->halfwords = (uint16_t)(function->halfwords + 1 + push_random(random, 20));
        break;
    case 1:
        function->halfwords = (uint16_t)(function->halfwords / 2 + 4);
        break;
    case 2:
        function->seed = push_random(random, 0);
        break;
    case 3:
        insert(firmware, at, new_function(firmware, random));
        break;
    case 4:
        if (firmware->count > 2) {
            (void)take_out(firmware, at);
        }
        break;
    case 5: {
        struct synthetic_function moved = take_out(firmware, at);
        insert(firmware, push_random(random, (uint32_t)firmware->count), moved);
        break;
    }
    default:
        firmware->text_size += 1 + push_random(random, 16);
        break;
    }
}

/* ---- linking ---- */

struct linker {
    const struct synthetic *firmware;
    uint32_t places[SYNTHETIC_FUNCTIONS_MAX]; /* offset of functions[i] */
    uint8_t *bytes;
};

/* The function of that name, or, when there is none any more, of the next one. */
static size_t find(const struct synthetic *firmware, uint32_t name)
{
    size_t best = 0;
    uint32_t distance = UINT32_MAX;
    for (size_t i = 0; i < firmware->count && distance > 0; i++) {
        uint32_t other = (firmware->functions[i].name - name) % firmware->names;
        if (other < distance) {
            distance = other;
            best = i;
        }
    }
    return best;
}

static void store_call(uint8_t *at, uint32_t from, uint32_t to)
{
    uint32_t distance = to - (from + 4);
    uint32_t sign = distance >> 24 & 1;
    uint32_t j1 = ~(distance >> 23 ^ sign) & 1;
    uint32_t j2 = ~(distance >> 22 ^ sign) & 1;
    store_le16(at, 0xf000u | sign << 10 | (distance >> 12 & 0x3ffu));
    store_le16(at + 2, 0xd000u | j1 << 13 | j2 << 11 | (distance >> 1 & 0x7ffu));
}

static uint32_t size_of(const struct synthetic_function *function)
{
    uint32_t code = (function->halfwords * 2u + 3u) & ~3u;
    return code + function->literals * 4u;
}

/* How functions begin; arithmetic on registers; or a load from the function's own literals, in reach of it. */
static uint32_t halfword(const struct synthetic_function *function, uint32_t index, uint32_t end, uint32_t word)
{
    if (index == 0) {
        return 0xb500u | (word & 0xffu); /* push {..., lr} */
    }
    uint32_t from = (index * 2 + 4) & ~3u;
    uint32_t away = end + word % 8 * 4 - from;
    if (index % LOAD_EVERY != 5 || word % 8 >= function->literals || end < from || away > 1020) {
        return word & 0x3fffu;
    }
    return 0x4800u | (word >> 8 & 7u) << 8 | away / 4;
}

static void link_function(struct linker *linker, size_t index)
{
    const struct synthetic *firmware = linker->firmware;
    const struct synthetic_function *function = &firmware->functions[index];
    uint32_t place = linker->places[index];
    uint32_t end = (function->halfwords * 2u + 3u) & ~3u;
    for (uint32_t i = 0; i < function->halfwords; i++) {
        uint32_t word = mix(function->seed, i);
        bool calls = i % CALL_EVERY == 3 && i + 1 < function->halfwords;
        if (calls) {
            size_t to = find(firmware, word % firmware->callees);
            store_call(linker->bytes + place + i * 2, place + i * 2, linker->places[to]);
            i++;
        } else {
            store_le16(linker->bytes + place + i * 2, halfword(function, i, end, word));
        }
    }
    for (uint32_t i = 0; i < function->literals; i++) {
        uint32_t word = mix(function->seed, 0x10000u + i);
        size_t to = find(firmware, word % firmware->callees);
        uint32_t value = word % 3 != 0 ? firmware->address + linker->places[to] + 1 : word % 5000u;
        store_le32(linker->bytes + place + end + i * 4, value);
    }
}

static void link_tables(struct linker *linker, uint32_t table)
{
    const struct synthetic *firmware = linker->firmware;
    for (uint32_t i = 0; i < VECTORS; i++) {
        size_t to = find(firmware, i * 5 % firmware->callees);
        store_le32(linker->bytes + i * 4, i == 0 ? 0x20008000u : firmware->address + linker->places[to] + 1);
    }
    for (uint32_t i = 0; i < TABLE; i++) {
        size_t to = find(firmware, i * 7 % firmware->callees);
        store_le32(linker->bytes + table + i * 4, firmware->address + linker->places[to] + 1);
    }
    for (uint32_t i = 0; i < firmware->text_size; i++) {
        linker->bytes[table + TABLE * 4 + i] = (uint8_t)("etaoinshrdlu %d\n\0"[mix(firmware->text_seed, i) % 17]);
    }
}

uint8_t *synthetic_link(const struct synthetic *firmware, size_t *ret_size)
{
    static struct linker linker;
    uint32_t size = VECTORS * 4;
    linker.firmware = firmware;
    for (size_t i = 0; i < firmware->count; i++) {
        linker.places[i] = size;
        size += size_of(&firmware->functions[i]);
    }
    uint32_t table = size;
    size += TABLE * 4 + firmware->text_size;
    linker.bytes = calloc(1, size);
    if (linker.bytes == NULL) {
        abort();
    }
    for (size_t i = 0; i < firmware->count; i++) {
        link_function(&linker, i);
    }
    link_tables(&linker, table);
    *ret_size = size;
    return linker.bytes;
}
