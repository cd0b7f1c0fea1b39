/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.c - copy bytes from one area to another, an erase step at a time.
 *
 * A step whose bytes are already right is skipped, unless a cut may have left them
 * unstable. Everything that is programmed is read back and compared.
 */
#include "boot/swap.h"

#include <string.h>

#include "otter/result.h"

enum { TELL_EVERY = 0x8000 }; /* bytes between progress events */

/* The work buffer in two halves: source bytes, and what the destination reads. */
struct halves {
    uint8_t *want, *have;
    uint32_t size;
};

static struct halves halves_of(const struct otter_run *run, uint32_t multiple)
{
    uint32_t half = (uint32_t)(run->config->buf_size / 2);
    uint8_t *buf = run->config->buf;
    return (struct halves){buf, buf + half, half - half % multiple};
}

static void feed(const struct otter_run *run)
{
    if (run->config->feed != NULL) {
        run->config->feed(run->config->ctx);
    }
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Bytes [off, off + len) of the copy: equal in both areas? <0: the source cannot be read;
 * a destination that cannot be read is not equal. */
static int equal(const struct otter_run *run, const struct otter_copy *copy, uint32_t off,
                 uint32_t len)
{
    struct halves halves = halves_of(run, 1);
    while (len != 0) {
        uint32_t now = smaller(len, halves.size);
        feed(run);
        int err = otter_area_read(&copy->from, copy->from_off + off, halves.want, now);
        if (err < 0) {
            return err;
        }
        if (otter_area_read(&copy->to, copy->to_off + off, halves.have, now) < 0 ||
            memcmp(halves.want, halves.have, now) != 0) {
            return 0;
        }
        off += now;
        len -= now;
    }
    return 1;
}

/* Fill [off, off + len) of an erased range, or of whole sectors with the device's row
 * write, and read it back. */
static int fill(const struct otter_run *run, const struct otter_copy *copy, uint32_t off,
                uint32_t len, bool rows)
{
    const struct otter_flash *flash = copy->to.flash;
    uint32_t multiple = rows ? flash->sector_size : flash->prog_size;
    struct halves halves = halves_of(run, multiple);
    while (len != 0) {
        uint32_t now = smaller(len, halves.size);
        uint32_t padded = now + (multiple - now % multiple) % multiple;
        feed(run);
        memset(halves.want, flash->erased, padded);
        int err = otter_area_read(&copy->from, copy->from_off + off, halves.want, now);
        if (err == OTTER_OK) {
            err = rows ? otter_area_write(&copy->to, copy->to_off + off, halves.want, padded)
                       : otter_area_prog(&copy->to, copy->to_off + off, halves.want, padded);
        }
        if (err == OTTER_OK) {
            err = otter_area_read(&copy->to, copy->to_off + off, halves.have, padded);
        }
        if (err < 0) {
            return err;
        }
        if (memcmp(halves.want, halves.have, padded) != 0) {
            return OTTER_ERR_IO;
        }
        off += now;
        len -= now;
    }
    return OTTER_OK;
}

/* One erase step: [first, first + size) of the destination holds [off, off + len). */
static int step(const struct otter_run *run, const struct otter_copy *copy, uint32_t off,
                uint32_t len)
{
    const struct otter_flash *flash = copy->to.flash;
    uint32_t size;
    uint32_t first = otter_area_step(&copy->to, copy->to_off + off, copy->to_off + copy->len, &size);
    bool rows = flash->write != NULL && size == flash->sector_size &&
                first == copy->to_off + off && run->config->buf_size / 2 >= size;
    feed(run);
    int err = rows ? OTTER_OK : otter_area_erase(&copy->to, first, size);
    return err < 0 ? err : fill(run, copy, off, len, rows);
}

static void tell(struct otter_run *run, uint32_t done)
{
    if (run->config->on_event == NULL ||
        (done - run->told < TELL_EVERY && done != run->total)) {
        return;
    }
    struct otter_boot_event event = {.kind = OTTER_BOOT_PROGRESS, .phase = run->state->phase,
                                     .done = done, .total = run->total};
    run->told = done;
    run->config->on_event(run->config->ctx, &event);
}

int otter_copy_run(struct otter_run *run, const struct otter_copy *copy, uint32_t done)
{
    uint32_t off = 0;
    while (off < copy->len) {
        uint32_t size;
        uint32_t end = copy->to_off + copy->len;
        uint32_t first = otter_area_step(&copy->to, copy->to_off + off, end, &size);
        uint32_t len = smaller(first + size, end) - copy->to_off - off;
        int same = copy->redo ? 0 : equal(run, copy, off, len);
        if (same == 0) {
            same = step(run, copy, off, len);
        }
        if (same < 0) {
            return same;
        }
        off += len;
        tell(run, done + off);
    }
    return OTTER_OK;
}
