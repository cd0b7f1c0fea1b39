/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any area on any device, any offset, any length: what reaches the device lies inside the area, and
 * what does not is refused before. No sum wraps.
 */
#include "otter/flash.h"
#include "proof.h"

static struct otter_flash flash;
static struct otter_area area;
static bool reached;

static int see(uint32_t off, size_t len)
{
    PROVE(off >= area.base && off - area.base <= area.size);
    PROVE(len <= area.size - (off - area.base));
    reached = true;
    return nondet_bool() ? OTTER_OK : OTTER_ERR_IO;
}

static int see_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    return see(off, len);
}

static int see_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    return see(off, len);
}

int main(void)
{
    uint8_t byte = 0;
    uint32_t off = nondet_u32();
    size_t len = nondet_size();
    flash = (struct otter_flash){.read = see_read, .prog = see_prog, .size = nondet_u32()};
    area = (struct otter_area){&flash, nondet_u32(), nondet_u32()};
    ASSUME(area.base <= flash.size && area.size <= flash.size - area.base);
    int err = nondet_bool() ? otter_area_read(&area, off, &byte, len)
                            : otter_area_prog(&area, off, &byte, len);
    PROVE(err == OTTER_OK || err == OTTER_ERR_IO || err == OTTER_ERR_ARG);
    PROVE(reached == (len > 0 && off <= area.size && len <= area.size - off));
    PROVE((err == OTTER_ERR_ARG) == (off > area.size || len > area.size - off));
    return 0;
}
