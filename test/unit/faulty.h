/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty.h - a flash device in front of another one: calls go wrong when a test says so.
 *
 * One per test program. It keeps the real device's ctx, so that sim_flash_of() still finds
 * the simulated one. Bytes and wear are the real device's.
 */
#ifndef OTTER_TEST_UNIT_FAULTY_H
#define OTTER_TEST_UNIT_FAULTY_H

#include "otter/flash.h"
#include "otter/result.h"

#define FAULTY_ALL UINT32_MAX

/* Calls on [from, to) of the device: the first `good` work, the next `bad` do not. */
struct faulty_calls {
    uint32_t from, to, good, bad;
};

static struct {
    struct otter_flash flash; /* what the code under test sees */
    const struct otter_flash *real;
    struct faulty_calls reads, changes;
    bool silent; /* a read that goes wrong says nothing and has its first bit flipped */
} faulty;

static inline bool faulty_hit(struct faulty_calls *calls, uint32_t off, size_t len)
{
    if (off >= calls->to || off + len <= calls->from) {
        return false;
    }
    if (calls->good != 0) {
        calls->good -= calls->good != FAULTY_ALL;
        return false;
    }
    if (calls->bad == 0) {
        return false;
    }
    calls->bad -= calls->bad != FAULTY_ALL;
    return true;
}

static inline int faulty_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    bool hit = faulty_hit(&faulty.reads, off, len);
    if (hit && !faulty.silent) {
        return OTTER_ERR_IO;
    }
    int err = faulty.real->read(ctx, off, buf, len);
    if (hit && err == OTTER_OK) {
        *(uint8_t *)buf ^= 1;
    }
    return err;
}

static inline int faulty_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    return faulty_hit(&faulty.changes, off, len) ? OTTER_ERR_IO : faulty.real->prog(ctx, off, buf, len);
}

static inline int faulty_erase(void *ctx, uint32_t off, uint32_t size)
{
    return faulty_hit(&faulty.changes, off, size) ? OTTER_ERR_IO : faulty.real->erase(ctx, off, size);
}

static inline int faulty_write(void *ctx, uint32_t off, const void *buf, size_t len)
{
    return faulty_hit(&faulty.changes, off, len) ? OTTER_ERR_IO : faulty.real->write(ctx, off, buf, len);
}

/* Put it in front of this area's device; everything works. */
static inline void faulty_wrap(struct otter_area *area)
{
    const struct faulty_calls none = {area->base, area->base + area->size, FAULTY_ALL, 0};
    faulty.real = area->flash;
    faulty.flash = *area->flash;
    faulty.flash.read = faulty_read;
    faulty.flash.prog = faulty_prog;
    faulty.flash.erase = faulty_erase;
    faulty.flash.write = area->flash->write != NULL ? faulty_write : NULL;
    faulty.reads = faulty.changes = none;
    faulty.silent = false;
    area->flash = &faulty.flash;
}

static inline void faulty_reads(uint32_t good, uint32_t bad)
{
    faulty.reads.good = good;
    faulty.reads.bad = bad;
}

static inline void faulty_changes(uint32_t good, uint32_t bad)
{
    faulty.changes.good = good;
    faulty.changes.bad = bad;
}

#endif
