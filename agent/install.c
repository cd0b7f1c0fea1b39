/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install.c - image bytes on their way into the secondary: gather, erase, program.
 *
 * Bytes gather in the stage. When it is full it is flushed: erase the next step if need
 * be, program what lies in it, and so on; a rest smaller than a program unit stays for the
 * next round. Erasing happens just before the first byte of a step is programmed. A part
 * with row writes is written that way unless a larger erase pays better.
 * A reset leaves: bytes below the last checkpoint as they should be, anything above.
 */
#include <string.h>

#include "agent/install.h"
#include "otter/result.h"

#define PROGRAM_MAX 2048u      /* bytes per program call, so that a step stays short */
#define CHECKPOINT_MIN 32768u  /* the journal wears too: not for every 512-byte row */

uint32_t otter_install_limit(const struct otter_layout *layout)
{
    uint32_t limit = layout->secondary.size;
    if (layout->image_size_max != 0 && layout->image_size_max < limit) {
        limit = layout->image_size_max;
    }
    return limit;
}

static uint32_t sector_left(const struct otter_install *install)
{
    uint32_t sector = install->slot->flash->sector_size;
    return sector - (install->slot->base + install->off) % sector;
}

int otter_install_begin(struct otter_install *install, uint32_t off)
{
    uint32_t size;
    install->off = install->erased_end = install->saved_off = off;
    install->told = false;
    otter_install_rewind(install);
    if (off == 0) {
        return 0;
    }
    if (off >= install->end || otter_area_step(install->slot, off, install->end, &size) != off) {
        return OTTER_ERR_ARG;
    }
    return 0;
}

uint32_t otter_install_position(const struct otter_install *install)
{
    return install->off + (uint32_t)(install->stage_len - install->stage_off);
}

void otter_install_rewind(struct otter_install *install)
{
    install->stage_len = install->stage_off = 0;
    install->flushing = install->closing = false;
}

size_t otter_install_take(struct otter_install *install, const void *bytes, size_t len)
{
    if (install->flushing) {
        return 0;
    }
    size_t room = install->stage_size - install->stage_len;
    len = len < room ? len : room;
    memcpy(install->stage + install->stage_len, bytes, len);
    install->stage_len += len;
    install->flushing = install->stage_len == install->stage_size;
    return len;
}

void otter_install_close(struct otter_install *install)
{
    install->closing = install->flushing = true;
}

/* Put the rest at the front of the stage; true when there is a unit of `size` to write. */
static bool gather(struct otter_install *install, size_t size)
{
    size_t rest = install->stage_len - install->stage_off;
    if (rest >= size) {
        return true;
    }
    memmove(install->stage, install->stage + install->stage_off, rest);
    install->stage_off = 0;
    install->stage_len = rest;
    if (!install->closing || rest == 0) {
        install->flushing = false;
        return false;
    }
    memset(install->stage + rest, install->slot->flash->erased, size - rest);
    install->stage_len = size;
    return true;
}

static int program(struct otter_install *install, size_t len)
{
    const uint8_t *bytes = install->stage + install->stage_off;
    int err = otter_area_prog(install->slot, install->off, bytes, len);
    if (err < 0) {
        return err;
    }
    install->off += (uint32_t)len;
    install->stage_off += len;
    return 1;
}

/* What lies in the erased range, at most a short piece of it. */
static int program_next(struct otter_install *install)
{
    uint32_t unit = install->slot->flash->prog_size;
    if (!gather(install, unit)) {
        return 0;
    }
    size_t len = install->stage_len - install->stage_off;
    size_t most = PROGRAM_MAX < sector_left(install) ? PROGRAM_MAX : sector_left(install);
    if (most > install->erased_end - install->off) {
        most = install->erased_end - install->off;
    }
    len = len < most ? len : most;
    return program(install, len >= unit ? len - len % unit : unit);
}

/* Erase and program one row in one operation. */
static int write_row(struct otter_install *install, uint32_t size)
{
    if (!gather(install, size)) {
        return 0;
    }
    const uint8_t *bytes = install->stage + install->stage_off;
    int err = otter_area_write(install->slot, install->off, bytes, size);
    if (err < 0) {
        return err;
    }
    install->off += size;
    install->stage_off += size;
    install->erased_end = install->off;
    return 1;
}

int otter_install_step(struct otter_install *install)
{
    const struct otter_flash *flash = install->slot->flash;
    uint32_t size;
    if (!install->flushing) {
        return 0;
    }
    if (install->off < install->erased_end) {
        return program_next(install);
    }
    if (!gather(install, 1)) {
        return 0;
    }
    if (install->off >= install->slot->size) {
        return OTTER_ERR_NOSPACE;
    }
    uint32_t first = otter_area_step(install->slot, install->off, install->end, &size);
    if (first != install->off) {
        return OTTER_ERR_ARG;
    }
    if (flash->write != NULL && size == flash->sector_size && size <= install->stage_size) {
        return write_row(install, size);
    }
    int err = otter_area_erase(install->slot, first, size);
    if (err < 0) {
        return err;
    }
    install->erased_end = first + size;
    return 1;
}

bool otter_install_checkpoint(const struct otter_install *install)
{
    uint32_t sector = install->slot->flash->sector_size;
    uint32_t least = sector < CHECKPOINT_MIN ? CHECKPOINT_MIN : 1; /* the first may be short */
    return sector_left(install) == sector && install->off < install->end &&
           install->off - install->saved_off >= least;
}
