/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap_cost.c - what an install and a revert cost in flash: erases, bytes, seconds.
 *
 *   swap_cost [--markdown | --json | --check]
 *
 * The real bootloader on simulated flash of true size; the seconds are those of the time
 * model (sim/parts.c). Reads, hashing and signatures are not in them. The floor: every
 * used sector of each slot erased once, every used byte programmed once (overwrite: the
 * primary only), without any journal. Exact and deterministic: docs/swap-cost.md is this
 * program's output. --check fails when a row is above its limit.
 */
#include "test/bench/swap_cost.h"

#include "otter/boot.h"
#include "test/powerloss/images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


struct device {
    struct sim_board board;
    struct otter_layout layout;
    struct test_image old, new;
    uint8_t buf[4096];
};

static struct device device;

static void die(const char *what, int err)
{
    fprintf(stderr, "swap_cost: %s: %s\n", what, otter_err_str(err));
    exit(1);
}

static struct cost total(void)
{
    struct cost cost = {0};
    for (unsigned i = 0; i < device.board.devices_count; i++) {
        const struct sim_count *count = &device.board.devices[i].count;
        cost.erases += count->erases + count->blocks + count->writes;
        cost.erased += count->erased_bytes;
        cost.bytes += count->prog_bytes;
        cost.us += count->busy_us;
    }
    return cost;
}

/* Boot once; what it cost. `expect`: this image runs afterwards. */
static struct cost boot(const struct test_image *expect)
{
    struct otter_boot_choice choice;
    struct otter_boot_config config = {
        .layout = &device.layout,
        .keys = &test_key,
        .keys_count = 1,
        .trial_boots = 1,
        .buf = device.buf,
        .buf_size = sizeof device.buf,
    };
    struct cost before = total();
    int err = otter_boot(&config, &choice);
    if (err != OTTER_OK || memcmp(choice.image.hash, expect->parsed.hash, OTTER_HASH_SIZE) != 0) {
        die("the wrong image runs", err);
    }
    struct cost after = total();
    return (struct cost){after.erases - before.erases, after.erased - before.erased,
                         after.bytes - before.bytes, after.us - before.us};
}

/* What [0, size) of a slot costs at least. */
static struct cost floor_of(const struct otter_area *area, uint32_t size)
{
    const struct sim_geometry *part = &sim_flash_of(area)->geometry;
    uint32_t units = (size + part->prog_size - 1) / part->prog_size * part->prog_size;
    struct cost cost = {.bytes = units};
    for (uint32_t off = 0; off < size;) {
        uint32_t step = 0;
        uint32_t first = otter_area_step(area, off, size, &step);
        bool block = step == part->block_size;
        cost.erases++;
        cost.erased += block ? part->block_size : part->sector_size;
        if (part->row_write && !block) {
            cost.us += part->write_us;
        } else {
            uint32_t used = units - off < step ? units - off : step;
            cost.us += (block ? part->block_us : part->erase_us) +
                       (used + part->page_size - 1) / part->page_size * part->page_us +
                       used / part->prog_size * part->unit_us;
        }
        off = first + step;
    }
    return cost;
}

static void build(const struct sim_map *map, unsigned percent, bool similar)
{
    uint32_t size = (uint32_t)((uint64_t)map->image_size_max * percent / 100);
    int err = sim_map_build(map, &device.board, 1, NULL, &device.layout);
    if (err < 0) {
        die(map->name, err);
    }
    image_make(&device.old, size, 1, 0, 1);
    if (similar) {
        image_derive(&device.new, &device.old, 2, 4096, 2);
    } else {
        image_make(&device.new, size, 2, 0, 2);
    }
    const struct otter_area *slot = &device.layout.primary;
    sim_flash_poke(sim_flash_of(slot), slot->base, device.old.bytes, size);
    (void)boot(&device.old); /* creates the journal */
}

static void request(void)
{
    struct otter_state state;
    const struct otter_area *slot = &device.layout.secondary;
    sim_flash_poke(sim_flash_of(slot), slot->base, device.new.bytes, device.new.size);
    int err = otter_state_open(&state, &device.layout);
    if (err == OTTER_OK) {
        err = otter_state_request_swap(&state, &device.new.parsed, false);
    }
    if (err < 0) {
        die("request", err);
    }
}

static uint32_t sequence(void)
{
    struct otter_state state;
    return otter_state_open(&state, &device.layout) == OTTER_OK ? state.journal.seq : 0;
}

void measure(const struct sim_map *map, unsigned percent, bool similar, struct row *ret_row)
{
    struct row row = {.map = map->name, .percent = percent, .similar = similar};
    row.overwrite = map->mode == OTTER_MODE_OVERWRITE;
    build(map, percent, similar);
    request();
    row.size = device.new.size;
    row.floor = floor_of(&device.layout.primary, row.size);
    row.floor_primary = row.floor;
    if (!row.overwrite) {
        struct cost secondary = floor_of(&device.layout.secondary, row.size);
        row.floor.erases += secondary.erases;
        row.floor.erased += secondary.erased;
        row.floor.bytes += secondary.bytes;
        row.floor.us += secondary.us;
    }
    uint32_t before = sequence();
    row.install = boot(&device.new);
    row.install_records = sequence() - before;
    if (!row.overwrite) {
        before = sequence();
        row.revert = boot(&device.old);
        row.revert_records = sequence() - before;
    }
    sim_board_close(&device.board);
    image_free(&device.old);
    image_free(&device.new);
    *ret_row = row;
}
