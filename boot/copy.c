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

enum {
    TELL_EVERY = 0x8000, /* bytes between progress events */
    TRIES = 2            /* of what may have failed by chance */
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What to do with the destination before it is compared with the source. */
enum how {
    LOOK, /* nothing */
    PROG, /* program it: it is erased */
    ROWS  /* fill whole sectors with the device's row write */
};

/* One erase step of a copy: bytes [off, off + len). */
struct step {
    const struct otter_run *run;
    const struct otter_copy *copy;
    uint32_t off, len;
};

void otter_run_feed(const struct otter_run *run)
{
    if (run->config->feed != NULL) {
        run->config->feed(run->config->ctx);
    }
}

/* `now` source bytes in buf, padded with erased bytes to a multiple, go into the destination. */
static int put(const struct otter_copy *copy, uint32_t off, uint8_t *buf, uint32_t now, enum how how)
{
    const struct otter_flash *flash = copy->to->flash;
    uint32_t multiple = how == ROWS ? flash->sector_size : flash->prog_size;
    uint32_t padded = now + (multiple - now % multiple) % multiple;
    memset(buf + now, flash->erased, padded - now);
    return how == ROWS ? otter_area_write(copy->to, copy->to_off + off, buf, padded)
                       : otter_area_prog(copy->to, copy->to_off + off, buf, padded);
}

/* Source bytes, read twice alike: a read that goes wrong once must not be copied. */
static int fetch(const struct otter_copy *copy, uint32_t off, uint8_t *want, uint8_t *again,
                 uint32_t now)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (otter_area_read(copy->from, copy->from_off + off, want, now) == OTTER_OK &&
            otter_area_read(copy->from, copy->from_off + off, again, now) == OTTER_OK &&
            memcmp(want, again, now) == 0) {
            return OTTER_OK;
        }
    }
    return OTTER_ERR_IO;
}

/* Through the work buffer's halves: source bytes, and what the destination reads. 1: they
 * are equal; 0: they differ, or the destination cannot be read; <0: the source cannot be
 * read, or the destination cannot be programmed. */
static int pass(const struct step *step, enum how how)
{
    const struct otter_copy *copy = step->copy;
    const struct otter_flash *flash = copy->to->flash;
    uint32_t half = (uint32_t)(step->run->config->buf_size / 2);
    uint8_t *want = step->run->config->buf;
    uint8_t *have = want + half;
    half -= half % (how == ROWS ? flash->sector_size : flash->prog_size);
    for (uint32_t done = 0; done < step->len; done += half) {
        uint32_t off = step->off + done;
        uint32_t now = smaller(step->len - done, half);
        otter_run_feed(step->run);
        int err = fetch(copy, off, want, have, now);
        if (err == OTTER_OK && how != LOOK) {
            err = put(copy, off, want, now, how);
        }
        if (err < 0) {
            return err;
        }
        if (otter_area_read(copy->to, copy->to_off + off, have, now) < 0 ||
            memcmp(want, have, now) != 0) {
            return 0;
        }
    }
    return 1;
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

/* [first, first + size) is the erase step: fill it. */
static int fill(const struct step *step, uint32_t first, uint32_t size)
{
    const struct otter_area *to = step->copy->to;
    bool rows = to->flash->write != NULL && size == to->flash->sector_size &&
                first == step->copy->to_off + step->off &&
                size <= step->run->config->buf_size / 2;
    otter_run_feed(step->run);
    int err = rows ? OTTER_OK : otter_area_erase(to, first, size);
    if (err == OTTER_OK) {
        err = pass(step, rows ? ROWS : PROG);
    }
    return err == 0 ? OTTER_ERR_IO : err; /* programmed, but reads otherwise */
}

int otter_copy_run(struct otter_run *run, const struct otter_copy *copy, uint32_t done)
{
    struct step step = {.run = run, .copy = copy};
    while (step.off < copy->len) {
        uint32_t size;
        uint32_t end = copy->to_off + copy->len;
        uint32_t first = otter_area_step(copy->to, copy->to_off + step.off, end, &size);
        step.len = smaller(first + size, end) - copy->to_off - step.off;
        int same = copy->redo ? 0 : pass(&step, LOOK);
        for (unsigned tries = 0; same <= 0 && tries < TRIES; tries++) {
            same = fill(&step, first, size);
        }
        if (same < 0 && pass(&step, LOOK) > 0) {
            same = 1; /* it cannot be erased any more, and holds what it should */
        }
        if (same < 0) {
            return same;
        }
        step.off += step.len;
        tell(run, done + step.off);
    }
    return OTTER_OK;
}
