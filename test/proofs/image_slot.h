/* SPDX-License-Identifier: Apache-2.0 */
/* image_slot.h - a slot of up to SIZE bytes (run.py defines it) whose flash gives other bytes at every read, or fails. */
#ifndef OTTER_TEST_PROOF_IMAGE_SLOT_H
#define OTTER_TEST_PROOF_IMAGE_SLOT_H

#include "otter/image.h"
#include "proof.h"

static struct otter_flash flash;
static struct otter_area area;

static int read_anything(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    PROVE(off <= flash.size && len <= flash.size - off && len <= OTTER_HASH_SIZE);
    __CPROVER_havoc_slice(buf, len);
    return nondet_bool() ? OTTER_OK : OTTER_ERR_IO;
}

static struct otter_view any_slot(void)
{
    flash = (struct otter_flash){.read = read_anything, .size = nondet_u32()};
    ASSUME(flash.size <= SIZE);
    area = (struct otter_area){&flash, 0, flash.size};
    return otter_view_of(&area);
}

#endif
