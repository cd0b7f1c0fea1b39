/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - reading the base a little ahead, and the result as far as it is made. */
#include "delta/source.h"

#include <string.h>

/* What this call made is still in `out`; what earlier ones made is for the caller to read. */
static int read_new(const struct otter_delta *delta, uint8_t ret_bytes[4])
{
    const struct otter_delta_io *io = delta->io;
    int err = 0;
    memset(ret_bytes, 0, 4);
    for (uint32_t i = 0; i < 4u && delta->source + i < delta->pos; i++) {
        uint32_t off = delta->source + i;
        if (off >= delta->out_off) {
            ret_bytes[i] = delta->out[off - delta->out_off];
        } else {
            err |= io->read_new(io->ctx, off, &ret_bytes[i], 1);
        }
    }
    return err;
}

/* The window: the base from `source` on, zeros behind its end. */
static int read_old(struct otter_delta *delta)
{
    const struct otter_delta_io *io = delta->io;
    uint32_t left = delta->header.base_size - delta->source;
    delta->old_off = delta->source;
    memset(delta->old, 0, sizeof delta->old);
    if (delta->source >= delta->header.base_size) {
        return 0;
    }
    return io->read_old(io->ctx, delta->source, delta->old, left < sizeof delta->old ? left : sizeof delta->old);
}

void source_read(struct otter_delta *delta, uint8_t ret_bytes[4])
{
    int err = 0;
    if (delta->from_new) {
        err = read_new(delta, ret_bytes);
    } else {
        if (delta->source - delta->old_off > sizeof delta->old - 4u) {
            err = read_old(delta);
        }
        memcpy(ret_bytes, delta->old + (delta->source - delta->old_off), 4);
    }
    if (err < 0) {
        delta->error = OTTER_ERR_IO;
    }
}
