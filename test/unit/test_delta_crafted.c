/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_delta_crafted.c - patches that the encoder never makes: maps and jumps that lead out of the files, more entries
 * than there is room for, references out of reach, ends that are missing; and entries that share their places, of which it
 * matters which counts.
 *
 * They are made by the walk itself (delta/walk.h), told what to say. Where that refuses, it goes on all the same.
 */
#include "test/unit/delta_rig.h"

#include "delta/model.h"
#include "otter/image.h"
#include "tool/delta_range.h"

struct walk_want;
struct otter_delta_unit;

struct crafter {
    struct otter_delta delta; /* first: the walk finds the crafter by it */
    struct delta_range range;
};

static unsigned code_bit(struct otter_delta *delta, uint32_t p, unsigned wanted)
{
    delta_range_bit(&((struct crafter *)(void *)delta)->range, p, wanted);
    return wanted;
}

static void code_about(struct otter_delta *delta, enum walk_about about)
{
    (void)delta;
    (void)about;
}

static unsigned code_size(uint32_t wanted)
{
    unsigned size = 0;
    while (wanted >> size > 1u) {
        size++;
    }
    return size;
}

#include "delta/walk.h"

enum { SIZE = 400, ADDRESS = 0x08000000, FILTER = 1 };

struct entry {
    uint32_t old_off, new_off;
};

/* What to say: so many entries of these, at `pos` a jump there, of the first call a target so far away. */
struct craft {
    const struct entry *entries;
    size_t count;
    size_t told;
    uint32_t pos;
    struct walk_want jump;
    uint32_t away;
};

static uint8_t old_bytes[SIZE + 4], new_bytes[SIZE + 4];
static struct tool_bytes old_file = {.data = old_bytes, .len = SIZE};
static struct tool_bytes made = {.data = (uint8_t[SIZE + 64]){0}, .len = SIZE};
static const struct craft *crafted;

static void code_plan(const struct otter_delta *delta, const struct otter_delta_unit *unit, struct walk_want *want)
{
    memcpy(want->bytes, want->file + delta->pos, 4);
    want->miss = memcmp(want->bytes, unit->bytes, unit->len) != 0;
    want->form = FORM_BYTES;
    if (crafted->away != 0 && unit->kind == OTTER_DELTA_CALL) {
        want->miss = true;
        want->form = FORM_NEAR;
        want->target = unit->is + crafted->away;
    }
}

static void put_header(uint8_t *at, size_t len)
{
    const uint32_t sizes[] = {SIZE, SIZE, (uint32_t)len};
    memset(at, 0, OTTER_DELTA_HEADER_SIZE);
    at[0] = 0xd7;
    at[1] = 0x10 | FILTER;
    for (unsigned i = 0; i < 3; i++) {
        store_le16(at + 2 + 3 * i, sizes[i]);
    }
    store_le16(at + 13, ADDRESS >> 16);
}

/* The patch; free(). */
static struct tool_bytes craft_patch(const struct craft *craft)
{
    struct crafter *crafter = calloc(1, sizeof *crafter);
    struct otter_delta *delta = &crafter->delta;
    struct rig_files files = {.old_file = &old_file, .fail_after = -1};
    const struct otter_delta_io io = {.ctx = &files, .read_old = rig_read_old};
    crafted = craft;
    delta->io = &io;
    delta->out = new_bytes;
    delta->header = (struct otter_delta_header){.base_size = SIZE, .size = SIZE, .address = ADDRESS};
    delta->filter = otter_delta_filter_find(FILTER);
    delta_range_begin(&crafter->range);
    (void)code_entries(delta, (uint32_t)craft->told);
    for (size_t i = 0; i < craft->count; i++) {
        const struct entry *entry = &craft->entries[i];
        if (code_entry(delta, entry->old_off, entry->new_off) < 0) {
            (void)otter_delta_map_add(delta, entry->old_off, entry->new_off);
            delta->pos = entry->new_off;
            delta->source = entry->old_off;
        }
    }
    walk_begin(delta);
    while (delta->pos < SIZE) {
        struct walk_want want = {.file = new_bytes};
        if (craft->jump.jump && delta->pos == craft->pos) {
            want = craft->jump;
            want.file = new_bytes;
        }
        code_unit(delta, &want);
    }
    delta_range_end(&crafter->range);
    struct tool_bytes patch = rig_bytes(OTTER_DELTA_HEADER_SIZE + crafter->range.len);
    put_header(patch.data, patch.len);
    memcpy(patch.data + OTTER_DELTA_HEADER_SIZE, crafter->range.bytes, crafter->range.len);
    free(crafter->range.bytes);
    free(crafter);
    return patch;
}

static int decode(const struct craft *craft)
{
    struct tool_bytes patch = craft_patch(craft);
    int err = rig_decode(&old_file, &patch, 64, 64, &made, -1);
    tool_bytes_free(&patch);
    return err;
}

/* Both files alike: noise, of which nothing looks like an address, and a call at 200. */
static int set_up(void **state)
{
    (void)state;
    rig_seed = 5;
    for (uint32_t i = 0; i < SIZE; i++) {
        old_bytes[i] = (uint8_t)(rig_random() & 0x3f);
    }
    store_le16(old_bytes + 200, 0xf000);
    store_le16(old_bytes + 202, 0xf840);
    memcpy(new_bytes, old_bytes, SIZE);
    return 0;
}

static void test_a_map_has_215_entries_at_most(void **state)
{
    (void)state;
    struct entry entries[300];
    struct craft craft = {.entries = entries, .count = 215, .told = 215};
    for (uint32_t i = 0; i < 300; i++) {
        entries[i] = (struct entry){i, i};
    }
    assert_int_equal(decode(&craft), 1);
    assert_memory_equal(made.data, new_bytes, SIZE);
    craft.count = craft.told = 216;
    assert_int_equal(decode(&craft), OTTER_ERR_CORRUPT);
    craft.told = 256 + 40; /* in 8 bits: 40 */
    craft.count = 40;
    assert_int_equal(decode(&craft), OTTER_ERR_CORRUPT);
}

static void test_an_entry_outside_the_files_is_corrupt(void **state)
{
    (void)state;
    static const struct entry wrong[][2] = {{{0, 100}, {0, SIZE}},
                                            {{0, 100}, {0, SIZE + 60}},
                                            {{0, 100}, {SIZE, 200}},
                                            {{0, 100}, {SIZE + 60, 200}},
                                            {{0, 100}, {0, 99}}}; /* back */
    static const struct entry right[2] = {{SIZE - 1, 0}, {0, SIZE - 1}};
    struct craft craft = {.entries = right, .count = 2, .told = 2};
    assert_int_equal(decode(&craft), 1);
    assert_memory_equal(made.data, new_bytes, SIZE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        craft.entries = wrong[i];
        assert_int_equal(decode(&craft), OTTER_ERR_CORRUPT);
    }
}

static void test_a_jump_outside_the_files_is_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint8_t origin;
        uint32_t source;
        int verdict;
    } jumps[] = {{ORIGIN_OLD, SIZE - 1, 1},
                 {ORIGIN_OLD, SIZE, OTTER_ERR_CORRUPT},
                 {ORIGIN_OLD, UINT32_MAX, OTTER_ERR_CORRUPT},
                 {ORIGIN_NEW, 99, 1},
                 {ORIGIN_NEW, 100, OTTER_ERR_CORRUPT}, /* itself */
                 {ORIGIN_NEW, UINT32_MAX, OTTER_ERR_CORRUPT}};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct craft craft = {.pos = 100, .jump = {.jump = true, .origin = jumps[i].origin, .source = jumps[i].source}};
        assert_int_equal(decode(&craft), jumps[i].verdict);
    }
}

static void test_a_target_out_of_reach_is_corrupt(void **state)
{
    (void)state;
    struct craft craft = {.away = 0x100000};
    assert_int_equal(decode(&craft), 1);
    assert_memory_not_equal(made.data + 200, new_bytes + 200, 4); /* it went there */
    craft.away = 0x400000;
    assert_int_equal(decode(&craft), OTTER_ERR_CORRUPT);
}

/* Of words that stay as they are the walk expects something: what, is in these bits. Entries that begin at the same place of
 * the base, or of the result; that are as long as each other; and more of them than it looks at. */
static void test_which_entry_counts_does_not_change(void **state)
{
    (void)state;
    static const uint8_t known[OTTER_HASH_SIZE] = {
        0x36, 0x3b, 0x77, 0x19, 0x94, 0xe9, 0x61, 0xd0, 0x86, 0x9a, 0x9d, 0xca, 0xbb, 0xdc, 0x88, 0xb0,
        0x43, 0x8e, 0x0d, 0xbc, 0x92, 0x0e, 0x96, 0x06, 0x28, 0x7a, 0x0b, 0x45, 0x1c, 0x1a, 0x0b, 0x63};
    static const struct entry first[] = {{40, 8}, {40, 28}, {300, 28}, {40, 48}, {120, 68}, {120, 68}, {124, 88}};
    struct entry entries[100];
    struct craft craft = {.entries = entries, .count = 81, .told = 81};
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    memcpy(entries, first, sizeof first);
    for (uint32_t i = 7; i < 80; i++) {
        entries[i] = (struct entry){130 + 2 * i, 100 + i};
    }
    entries[80] = (struct entry){128, 180}; /* reaches as far as to 348, with all of those in between */
    for (uint32_t i = 0; i < SIZE; i += 4) {
        store_le16(old_bytes + i, i + (i % 12 == 0));
        store_le16(old_bytes + i + 2, ADDRESS >> 16);
    }
    memcpy(new_bytes, old_bytes, SIZE);
    struct tool_bytes patch = craft_patch(&craft);
    assert_int_equal(rig_decode(&old_file, &patch, 64, 64, &made, -1), 1);
    assert_memory_equal(made.data, new_bytes, SIZE);
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, patch.data, patch.len);
    otter_sha256_finish(&sha, hash);
    tool_bytes_free(&patch);
    assert_memory_equal(hash, known, sizeof known);
}

/* Zeros at the end need not be sent, four at most. */
static void test_five_bytes_that_are_missing_are_too_many(void **state)
{
    (void)state;
    const struct craft craft = {0};
    struct tool_bytes patch = craft_patch(&craft);
    for (unsigned tries = 0; patch.data[patch.len - 1] != 0; tries++) {
        assert_true(tries < 10000);
        new_bytes[rig_random() % SIZE] ^= 1;
        tool_bytes_free(&patch);
        patch = craft_patch(&craft);
    }
    assert_int_equal(rig_decode(&old_file, &patch, 64, 64, &made, -1), 1);
    assert_memory_equal(made.data, new_bytes, SIZE);
    patch.len--;
    put_header(patch.data, patch.len);
    assert_int_equal(rig_decode(&old_file, &patch, 64, 64, &made, -1), OTTER_ERR_CORRUPT);
    tool_bytes_free(&patch);
}

static void test_bytes_that_nobody_needs_are_corrupt(void **state)
{
    (void)state;
    const struct craft craft = {0};
    struct tool_bytes patch = craft_patch(&craft);
    struct tool_bytes longer = rig_bytes(patch.len + 5); /* zeros: four may be in the place of those that need not be sent */
    memcpy(longer.data, patch.data, patch.len);
    put_header(longer.data, longer.len);
    assert_int_equal(rig_decode(&old_file, &longer, 64, 64, &made, -1), OTTER_ERR_CORRUPT);
    tool_bytes_free(&longer);
    tool_bytes_free(&patch);
}

static void test_weights_end_where_16_bits_do(void **state)
{
    (void)state;
    static const int weights[][2] = {{32000, 32767}, {32767, 32767}, {-32767, -32767}}; /* before, after */
    static struct otter_delta delta = {.mix = {0, 1, 2, OTTER_DELTA_MISS_WEIGHT}, .opinion = {3000, 3000, -3000}};
    for (unsigned i = 0; i < 3; i++) {
        delta.model[OTTER_DELTA_MISS_WEIGHT + i] = (uint16_t)weights[i][0];
    }
    otter_delta_mix_learn(&delta, 16, 1); /* 1,499 more in the direction of each opinion */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal((int16_t)delta.model[OTTER_DELTA_MISS_WEIGHT + i], weights[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_has_215_entries_at_most),
        cmocka_unit_test(test_an_entry_outside_the_files_is_corrupt),
        cmocka_unit_test(test_a_jump_outside_the_files_is_corrupt),
        cmocka_unit_test(test_a_target_out_of_reach_is_corrupt),
        cmocka_unit_test(test_five_bytes_that_are_missing_are_too_many),
        cmocka_unit_test(test_bytes_that_nobody_needs_are_corrupt),
        cmocka_unit_test(test_weights_end_where_16_bits_do),
        cmocka_unit_test(test_which_entry_counts_does_not_change), /* the last: with files of its own */
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
