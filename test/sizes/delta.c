/* SPDX-License-Identifier: Apache-2.0 */
/* delta.c - a complete program that applies a patch and does nothing else: the decoder, whose input is a register. */
#include "otter/delta.h"
#include "otter/flash.h"
#include "test/sizes/board.h"

static volatile uint8_t *const wire = (volatile uint8_t *)0x40260000;
static struct otter_delta delta;

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct otter_layout *layout = ctx;
    return otter_area_read(&layout->primary, off, buf, len);
}

static int read_new(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct otter_layout *layout = ctx;
    return otter_area_read(&layout->secondary, off, buf, len);
}

static const struct otter_delta_io io = {.ctx = (void *)(uintptr_t)&board_layout, .read_old = read_old, .read_new = read_new};

int main(void)
{
    uint8_t row[512];
    uint32_t off = 0;
    int done = 0;
    otter_delta_begin(&delta, &io, board_layout.image_size_max);
    while (done == 0) {
        size_t used;
        size_t made;
        uint8_t byte = *wire;
        done = otter_delta_run(&delta, &byte, 1, &used, row, sizeof row, &made);
        (void)otter_area_prog(&board_layout.secondary, off, row, made);
        off += (uint32_t)made;
        board_feed(NULL);
    }
    return done;
}
