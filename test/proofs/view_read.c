/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view in two pieces: a read that lies inside the view reaches only the two areas, byte for byte
 * where it should; one that does not is refused or stays inside them, too.
 */
#include "otter/flash.h"
#include "proof.h"

static struct otter_flash flash[2];
static struct otter_view view;
static size_t got;

static int see_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct otter_area *area = ctx == &flash[0] ? &view.low : &view.high;
    (void)buf;
    PROVE(off >= area->base && off - area->base <= area->size && len <= area->size - (off - area->base));
    got += len;
    return OTTER_OK;
}

int main(void)
{
    static uint8_t bytes[64];
    for (int i = 0; i < 2; i++) {
        struct otter_area *area = i == 0 ? &view.low : &view.high;
        flash[i] = (struct otter_flash){.ctx = &flash[i], .read = see_read, .size = nondet_u32()};
        *area = (struct otter_area){&flash[i], nondet_u32(), nondet_u32()};
        ASSUME(area->base <= flash[i].size && area->size <= flash[i].size - area->base);
    }
    view.split = nondet_u32();
    ASSUME(view.split <= view.low.size);
    uint32_t off = nondet_u32();
    size_t len = nondet_size();
    ASSUME(len <= sizeof bytes);
    uint32_t size = otter_view_size(&view);
    PROVE(size >= view.split);
    int err = otter_view_read(&view, off, bytes, len);
    PROVE(err == OTTER_OK || err == OTTER_ERR_ARG);
    if (off <= size && len <= size - off) {
        PROVE(err == OTTER_OK && got == len);
    }
    return 0;
}
