/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - making patches and applying them, on the host. Format: SPEC.md, "Delta".
 *
 * A patch is never handed out before the device's own decoder has given the new file back from
 * it, byte for byte. The same input gives the same patch.
 */
#ifndef OTTER_TOOL_DELTA_H
#define OTTER_TOOL_DELTA_H

#include "otter/delta.h"
#include "tool/tool.h"

enum delta_filter { DELTA_FILTER_AUTO, DELTA_FILTER_NONE, DELTA_FILTER_THUMB };

/* What bits of a patch are spent on. */
enum delta_kind {
    DELTA_MAP,       /* which parts are copies */
    DELTA_JUMPS,     /* copies that the map has no room for */
    DELTA_COPIES,    /* "as expected", and where it is not */
    DELTA_REFERENCES,/* calls and addresses that were not as expected */
    DELTA_LITERALS,  /* bytes */
    DELTA_HEADER,
    DELTA_KINDS
};
const char *delta_kind_name(enum delta_kind kind);

struct delta_stats {
    double bytes[DELTA_KINDS];  /* of the patch; their sum is its size */
    uint32_t copies;            /* entries of the map */
    uint32_t jumps;
    uint32_t references;        /* calls and addresses in copies */
    uint32_t moved;             /* of them those whose bytes had to change, */
    uint32_t missed;            /* and those whose expectation was wrong */
    uint32_t literals;          /* bytes not as expected */
    uint32_t delta_size;        /* RAM of the decoder */
};

struct delta_options {
    bool has_address;           /* else: guessed from the old file */
    uint32_t address;           /* where byte 0 of both files runs */
    enum delta_filter filter;   /* AUTO: Thumb when the files look like it, by what is smaller */
    const uint8_t *base;        /* the first 16 bytes of the base's hash; NULL: SHA-256 of the old file */
    void (*progress)(void *ctx, uint32_t done, uint32_t all); /* or NULL */
    void *ctx;
};

/* 0, or TOOL_REFUSED after saying why. Release with tool_bytes_free. */
int delta_make(const struct tool_bytes *old_file, const struct tool_bytes *new_file,
               const struct delta_options *options, struct tool_bytes *ret_patch, struct delta_stats *ret_stats);

/* Likewise; ret_stats may be NULL. The base's hash is for the caller to compare. */
int delta_apply(const struct tool_bytes *old_file, const struct tool_bytes *patch, struct tool_bytes *ret_new,
                struct delta_stats *ret_stats);

#endif
