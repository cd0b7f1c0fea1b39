/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.c - the flash devices of the map, and the keys that may have signed.
 *
 * Sizes and addresses come from the flash map (otter_map.h, made by `otter flashmap header`);
 * your part's controller is filled in. docs/porting.md has the rules: a read never faults, a
 * program unit is programmed once between erases, an erase leaves every byte `erased`. A part
 * whose row write erases, too (ROW_WRITE 1 in otter_map.h), gets a `.write` besides. Code that
 * runs while the flash it lies in is busy belongs in RAM.
 */
#include "board/board.h"

#include "otter/result.h"
#include "otter_map.h"

static bool inside(const struct otter_flash *flash, uint32_t off, size_t len)
{
    return off <= flash->size && len <= flash->size - off;
}

/* Every function gets the device as its ctx. */
static int read_flash(void *ctx, uint32_t off, void *buf, size_t len)
{
    if (!inside(ctx, off, len)) {
        return OTTER_ERR_ARG;
    }
    (void)buf;
    return OTTER_ERR_IO; /* UNFINISHED: copy; OTTER_ERR_IO for a word that ECC cannot mend */
}

static int prog_flash(void *ctx, uint32_t off, const void *buf, size_t len)
{
    const struct otter_flash *flash = ctx;
    if (!inside(flash, off, len) || off % flash->prog_size != 0 || len % flash->prog_size != 0) {
        return OTTER_ERR_ARG;
    }
    (void)buf;
    return OTTER_ERR_IO; /* UNFINISHED: program unit after unit, wait, ask whether it worked */
}

static int erase_flash(void *ctx, uint32_t off, uint32_t size)
{
    const struct otter_flash *flash = ctx;
    uint32_t unit = flash->block_size != 0 && size == flash->block_size ? size : flash->sector_size;
    if (!inside(flash, off, size) || size != unit || off % unit != 0) {
        return OTTER_ERR_ARG;
    }
    return OTTER_ERR_IO; /* UNFINISHED: erase, wait, ask whether it worked */
}

static struct otter_flash internal = {
    .ctx = &internal,
    .read = read_flash,
    .prog = prog_flash,
    .erase = erase_flash,
    .size = OTTER_MAP_INTERNAL_SIZE,
    .sector_size = OTTER_MAP_INTERNAL_SECTOR_SIZE,
    .block_size = OTTER_MAP_INTERNAL_BLOCK_SIZE,
    .prog_size = OTTER_MAP_INTERNAL_PROG_SIZE,
    .erased = OTTER_MAP_INTERNAL_ERASED,
};

static struct otter_flash external = {
    .ctx = &external,
    .read = read_flash,
    .prog = prog_flash,
    .erase = erase_flash,
    .size = OTTER_MAP_EXTERNAL_SIZE,
    .sector_size = OTTER_MAP_EXTERNAL_SECTOR_SIZE,
    .block_size = OTTER_MAP_EXTERNAL_BLOCK_SIZE,
    .prog_size = OTTER_MAP_EXTERNAL_PROG_SIZE,
    .erased = OTTER_MAP_EXTERNAL_ERASED,
};

const struct otter_layout *board_layout(void)
{
    static const struct otter_layout layout = OTTER_MAP_LAYOUT(&internal, &external);
    return &layout;
}

/* UNFINISHED: paste what `otter pubkey --format c --key your-key.pem` prints, and return 1. A product keeps
 * its key where the bootloader's write protection covers it. */
size_t board_keys(struct otter_key *ret_keys, size_t count)
{
    (void)ret_keys;
    (void)count;
    return 0;
}
