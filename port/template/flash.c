/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.c - template of a flash driver: copy me, and fill in the four marked places.
 *
 * The driver is the only code that knows your controller. It checks bounds, converts the
 * driver's own error codes to enum otter_err, and keeps no state beyond what its context
 * holds. Everything above trusts three promises: a read returns what is stored or an error
 * (never a fault), an erase leaves every byte of its range `erased`, and a program touches
 * nothing outside its range.
 */
#include "port/template/template.h"

#include "otter/result.h"

static bool inside(const struct otter_flash *flash, uint32_t off, size_t len)
{
    return off <= flash->size && len <= flash->size - off;
}

static int read_flash(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct template_flash *device = ctx;
    if (!inside(&device->flash, off, len)) {
        return OTTER_ERR_ARG;
    }
    const volatile uint8_t *from = device->window + off;
    uint8_t *to = buf;
    for (size_t i = 0; i < len; i++) { /* (1) memory-mapped; else your read command */
        to[i] = from[i];
    }
    return OTTER_OK; /* OTTER_ERR_IO for an uncorrectable ECC word */
}

static int prog_flash(void *ctx, uint32_t off, const void *buf, size_t len)
{
    const struct template_flash *device = ctx;
    const struct otter_flash *flash = &device->flash;
    if (!inside(flash, off, len) || off % flash->prog_size != 0 || len % flash->prog_size != 0) {
        return OTTER_ERR_ARG;
    }
    const uint8_t *from = buf;
    for (size_t done = 0; done < len; done += flash->prog_size) {
        /* (2) program one unit and wait; buffers of some parts must be aligned or in RAM */
        if (device->program(device->base + off + (uint32_t)done, from + done) != 0) {
            return OTTER_ERR_IO;
        }
    }
    return OTTER_OK;
}

static int erase_flash(void *ctx, uint32_t off, uint32_t size)
{
    const struct template_flash *device = ctx;
    const struct otter_flash *flash = &device->flash;
    if (!inside(flash, off, size) || size != flash->sector_size || off % size != 0) {
        return OTTER_ERR_ARG;
    }
    /* (3) erase one sector and wait; feed nothing here: the caller does between steps */
    return device->erase(device->base + off) == 0 ? OTTER_OK : OTTER_ERR_IO;
}

struct otter_flash template_flash_init(struct template_flash *device)
{
    device->flash = (struct otter_flash){
        .ctx = device,
        .read = read_flash,
        .prog = prog_flash,
        .erase = erase_flash,
        .write = NULL,           /* (4) set it where one call erases and programs a row */
        .size = 0x200000u,       /* from the flash map: `otter flashmap header` */
        .sector_size = 0x1000u,
        .block_size = 0,
        .prog_size = 256u,
        .erased = 0xff,
    };
    return device->flash;
}
