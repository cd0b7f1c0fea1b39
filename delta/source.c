/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - reading the base a little ahead, and the result as far as it is made. */
#include "delta/source.h"

#include <string.h>

static void read_old(struct otter_delta *delta, uint32_t off, uint8_t *ret_bytes, uint32_t len)
{
    if (off - delta->old_off > sizeof delta->old - len) {
        uint32_t left = delta->header.base_size - off;
        uint32_t size = left < sizeof delta->old ? left : sizeof delta->old;
        delta->old_off = off;
        if (delta->io->read_old(delta->io->ctx, off, delta->old, size) < 0) {
            delta->error = OTTER_ERR_IO;
        }
    }
    memcpy(ret_bytes, delta->old + (off - delta->old_off), len);
}

/* What this call made is still in `out`; what earlier ones made is for the caller to read. */
static void read_new(struct otter_delta *delta, uint32_t off, uint8_t *ret_bytes, uint32_t len)
{
    uint32_t before = off < delta->out_off ? delta->out_off - off : 0u;
    before = before < len ? before : len;
    if (before > 0u && delta->io->read_new(delta->io->ctx, off, ret_bytes, before) < 0) {
        delta->error = OTTER_ERR_IO;
    }
    if (before < len) {
        memcpy(ret_bytes + before, delta->out + (off + before - delta->out_off), len - before);
    }
}

void source_read(struct otter_delta *delta, uint8_t ret_bytes[4])
{
    uint32_t end = delta->from_new ? delta->pos : delta->header.base_size;
    uint32_t left = delta->source < end ? end - delta->source : 0u;
    uint32_t len = left < 4u ? left : 4u;
    memset(ret_bytes, 0, 4);
    if (len != 0u && delta->from_new) {
        read_new(delta, delta->source, ret_bytes, len);
    } else if (len != 0u) {
        read_old(delta, delta->source, ret_bytes, len);
    }
}
