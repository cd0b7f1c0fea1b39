/* SPDX-License-Identifier: Apache-2.0 */
/* push.c - one patch through the decoder, with a careful caller around it. */
#include "test/delta/push.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "otter/result.h"

enum { GUARD = 16, GUARD_BYTE = 0xa5, READS_A_BYTE = 4, READS_MORE = 64, WHOLE = 1 << 16 };

struct run {
    const struct push *push;
    struct pushed *pushed;
    uint32_t base_size; /* as the header says; 0 before there is one */
    uint32_t room;      /* of pushed->bytes */
    uint64_t random;
};

uint32_t push_random(uint64_t *state, uint32_t below)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? (uint32_t)z : (uint32_t)(z % below);
}

static void hold(struct run *run, bool rule, const char *what)
{
    if (!rule && run->pushed->broken == NULL) {
        run->pushed->broken = what;
    }
}

static bool read_fails(struct run *run)
{
    return ++run->pushed->reads == run->push->fail_read;
}

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct run *run = ctx;
    bool inside = off <= run->base_size && len <= run->base_size - off && len > 0;
    hold(run, inside, "read_old stays inside base_size");
    if (read_fails(run) || !inside || off > run->push->base_len || len > run->push->base_len - off) {
        return OTTER_ERR_IO;
    }
    memcpy(buf, run->push->base + off, len);
    return OTTER_OK;
}

static int read_new(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct run *run = ctx;
    bool inside = off < run->pushed->made && len == 1;
    hold(run, inside, "read_new asks for one byte that earlier calls made");
    if (read_fails(run) || !inside) {
        return OTTER_ERR_IO;
    }
    memcpy(buf, run->pushed->bytes + off, len);
    return OTTER_OK;
}

/* Pieces of one byte, a few, a flash row, or all that there is. */
static size_t piece(struct run *run, size_t all)
{
    static const uint32_t sizes[] = {1, 2, 7, 32, 100, 512, 1460, 4096, WHOLE};
    if (run->push->cuts == 0) {
        return all;
    }
    uint32_t most = sizes[push_random(&run->random, sizeof sizes / sizeof sizes[0])];
    size_t len = push_random(&run->random, 4) == 0 ? push_random(&run->random, most + 1) : most;
    return len < all ? len : all;
}

static bool keep(struct run *run, const uint8_t *out, size_t made)
{
    struct pushed *pushed = run->pushed;
    if (made > run->room - pushed->made) {
        run->room = (pushed->made + (uint32_t)made) * 2;
        uint8_t *bytes = realloc(pushed->bytes, run->room);
        if (bytes == NULL) {
            abort();
        }
        pushed->bytes = bytes;
    }
    if (made > 0) {
        memcpy(pushed->bytes + pushed->made, out, made);
    }
    pushed->made += (uint32_t)made;
    return made > 0;
}

/* A copy on the heap, so that a byte too far is seen by the sanitizers. */
static uint8_t *exact(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

/* One call; did it do anything? */
static bool call(struct run *run, struct otter_delta *delta, size_t in_len, size_t out_size)
{
    struct pushed *pushed = run->pushed;
    uint8_t *in = exact(run->push->patch + pushed->used, in_len);
    uint8_t *out = malloc(out_size + GUARD);
    size_t used = SIZE_MAX;
    size_t made = SIZE_MAX;
    if (out == NULL) {
        abort();
    }
    memset(out, GUARD_BYTE, out_size + GUARD);
    pushed->err = otter_delta_run(delta, in, in_len, &used, out, out_size, &made);
    hold(run, used <= in_len, "*ret_used is at most in_len");
    hold(run, made <= out_size, "*ret_made is at most out_size");
    for (size_t i = 0; i < GUARD; i++) {
        hold(run, out[out_size + i] == GUARD_BYTE, "nothing is written behind the room");
    }
    used = used <= in_len ? used : 0;
    made = made <= out_size ? made : 0;
    pushed->used += used;
    (void)keep(run, out, made);
    free(in);
    free(out);
    return used > 0 || made > 0;
}

static void learn_header(struct run *run)
{
    struct otter_delta_header header;
    const struct push *push = run->push;
    if (push->patch_len >= OTTER_DELTA_HEADER_SIZE &&
        otter_delta_read_header(push->patch, push->patch_len, &header) == OTTER_OK) {
        run->base_size = header.base_size;
    }
}

/* What the last call said, it says again, and does nothing. */
static void check_stays(struct run *run, struct otter_delta *delta)
{
    uint8_t out[GUARD];
    size_t used = 1;
    size_t made = 1;
    int again = otter_delta_run(delta, NULL, 0, &used, out, sizeof out, &made);
    hold(run, again == run->pushed->err && used == 0 && made == 0, "an end or an error stays");
}

struct pushed push_patch(const struct push *push)
{
    static struct otter_delta delta;
    struct pushed pushed = {0};
    struct run run = {.push = push, .pushed = &pushed, .random = push->cuts};
    const struct otter_delta_io io = {&run, read_old, read_new};
    uint32_t idle = 0;
    learn_header(&run);
    memset(&delta, GUARD_BYTE, sizeof delta);
    otter_delta_begin(&delta, &io, push->result_max);
    do {
        size_t left = push->patch_len - pushed.used;
        size_t in_len = piece(&run, left);
        size_t out_size = piece(&run, WHOLE);
        bool did = call(&run, &delta, in_len, out_size);
        bool could = in_len > 0 && out_size > 0;
        hold(&run, did || !could || pushed.err != 0, "a call with input and room does something");
        idle = did ? 0 : idle + 1;
    } while (pushed.err == 0 && pushed.broken == NULL && idle < (push->cuts == 0 ? 2 : 200));
    hold(&run, pushed.made <= push->result_max, "the result is at most result_max");
    hold(&run, pushed.reads / READS_A_BYTE <= pushed.made + pushed.used + READS_MORE, "reads are few");
    if (pushed.err != 0) {
        check_stays(&run, &delta);
    }
    return pushed;
}
