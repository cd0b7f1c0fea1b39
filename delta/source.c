/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - reading the base a little ahead, and the result as far as it is made. */
#include "delta/source.h"

/* What this call made is still in `out`; what earlier ones made is for the caller to read. */
static int read_byte(struct otter_delta *delta, uint32_t off, uint8_t *ret_byte)
{
    const struct otter_delta_io *io = delta->io;
    int err = 0;
    if (delta->from_new && off < delta->out_off) {
        return io->read_new(io->ctx, off, ret_byte, 1);
    }
    if (delta->from_new) {
        *ret_byte = delta->out[off - delta->out_off];
        return 0;
    }
    if (off - delta->old_off >= sizeof delta->old) {
        uint32_t left = delta->header.base_size - off;
        delta->old_off = off;
        err = io->read_old(io->ctx, off, delta->old, left < sizeof delta->old ? left : sizeof delta->old);
    }
    *ret_byte = delta->old[off - delta->old_off];
    return err;
}

void source_read(struct otter_delta *delta, uint8_t ret_bytes[4])
{
    uint32_t end = delta->from_new ? delta->pos : delta->header.base_size;
    for (uint32_t i = 0; i < 4u; i++) {
        ret_bytes[i] = 0;
        if (delta->source + i < end && read_byte(delta, delta->source + i, &ret_bytes[i]) < 0) {
            delta->error = OTTER_ERR_IO;
        }
    }
}
