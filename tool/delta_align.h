/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align.h - which parts of a new firmware are copies of which parts of an old one.
 *
 * A copy need not be equal byte for byte: it is code or data of the same shape, in which some bytes
 * differ and in which references (calls, pointers, literal loads) point elsewhere, because what they
 * point at has moved. The list of copies is also the map by which those references are predicted.
 */
#ifndef OTTER_DELTA_ALIGN_H
#define OTTER_DELTA_ALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tool/tool.h"

/* The largest file that is aligned: 64 MiB. */
#define DELTA_ALIGN_SIZE_MAX 0x4000000u

/* New bytes [new_off, new_off + len) look like old bytes [old_off, old_off + len). */
struct delta_copy {
    uint32_t old_off;
    uint32_t new_off;
    uint32_t len;
};

/* In order of new_off, not overlapping there (the old sides may), each inside both files. */
struct delta_copies {
    struct delta_copy *list;
    size_t count;
    uint64_t work; /* bytes compared on the way, for who wants to know what it took */
};
void delta_copies_free(struct delta_copies *copies);

/* thumb: both files are Thumb-2 code and data, linked so that the first byte of the file lies at
 * `address`, a multiple of 4. Else they are plain bytes. */
struct delta_align_options {
    bool thumb;
    uint32_t address;
};

/* The same input gives the same copies. Time and memory grow about linearly with the sizes (some
 * 60 bytes of memory a byte of input), whatever is in them. 0, or TOOL_REFUSED after saying why (too
 * large, out of memory); then *ret_copies is empty. */
int delta_align(const struct tool_bytes *old_file, const struct tool_bytes *new_file,
                const struct delta_align_options *options, struct delta_copies *ret_copies);

#endif
