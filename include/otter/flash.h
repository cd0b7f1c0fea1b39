/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.h - flash devices, areas of them, and images that lie in one area or two.
 *
 * A board (or sim/) implements struct otter_flash. Everything above it speaks of areas.
 * All offsets are bytes. Nothing here allocates or keeps state of its own.
 */
#ifndef OTTER_FLASH_H
#define OTTER_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest program unit Otter works with: buffers of this size live on the stack. */
#define OTTER_PROG_SIZE_MAX 512u

/*
 * A flash device. Functions return 0 or a negative enum otter_err; they check bounds.
 * Borrowed by every area that names it, and must outlive them.
 */
struct otter_flash {
    void *ctx; /* handed back to every function */

    /* Read any bytes. An uncorrectable ECC word is OTTER_ERR_IO, never a fault. */
    int (*read)(void *ctx, uint32_t off, void *buf, size_t len);

    /* Program an erased range; off and len are multiples of prog_size. A program unit is
     * programmed once between erases. A reset leaves any mixture of old and new bits. */
    int (*prog)(void *ctx, uint32_t off, const void *buf, size_t len);

    /* Erase [off, off + size): one sector, or one block where block_size is set and off is
     * a multiple of it. After it, every byte of the range reads as `erased`. */
    int (*erase)(void *ctx, uint32_t off, uint32_t size);

    /* Optional (NULL: none): erase and program whole sectors in one operation, for parts
     * whose row write does both (PSOC 6: 16 ms in place of erase + program). */
    int (*write)(void *ctx, uint32_t off, const void *buf, size_t len);

    uint32_t size;        /* bytes */
    uint32_t sector_size; /* smallest erase unit, bytes; need not be a power of two */
    uint32_t block_size;  /* larger, faster erase unit, a multiple of sector_size; 0: none */
    uint32_t prog_size;   /* program unit, bytes, <= OTTER_PROG_SIZE_MAX, divides sector_size */
    uint8_t erased;       /* value of an erased byte: 0xff, or 0x00 (PSOC 6 internal) */
};

/* Part of one flash device. size 0: this area does not exist. base may lie inside a sector. */
struct otter_area {
    const struct otter_flash *flash;
    uint32_t base; /* offset in the device */
    uint32_t size;
};

/* Every function checks [off, off + len) against the area: OTTER_ERR_ARG when outside. */
int otter_area_read(const struct otter_area *area, uint32_t off, void *buf, size_t len);

/* off and len in program units of the device; the range must be erased. */
int otter_area_prog(const struct otter_area *area, uint32_t off, const void *buf, size_t len);

/* The erase step that covers off: returns its first byte inside the area; ret_size is its
 * size inside the area. A step is a block where an aligned block begins at off and ends at
 * or before `end` (an area offset), else a sector. The first and last sector of an area may
 * be shared with bytes outside it that belong to nobody (flash maps guarantee that). */
uint32_t otter_area_step(const struct otter_area *area, uint32_t off, uint32_t end, uint32_t *ret_size);

/* Erase the sector or block that otter_area_step named. */
int otter_area_erase(const struct otter_area *area, uint32_t off, uint32_t size);

/* Erase and program whole sectors of the device: in one operation each where the device
 * has `write`, else by erase and program. OTTER_ERR_ARG: not whole sectors. */
int otter_area_write(const struct otter_area *area, uint32_t off, const void *buf, size_t len);

/*
 * An image need not lie in one piece: after a swap its top may be in the scratch area.
 * Bytes [0, split) are low[0...], bytes [split, ...) are high[0...].
 * A plain slot is a view with split = low.size and no high area.
 */
struct otter_view {
    struct otter_area low;
    struct otter_area high;
    uint32_t split;
};

struct otter_view otter_view_of(const struct otter_area *area);
uint32_t otter_view_size(const struct otter_view *view); /* the most bytes it can hold */
int otter_view_read(const struct otter_view *view, uint32_t off, void *buf, size_t len);

#endif
