/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trailer.h - MCUboot's flags at the end of a slot, and our marks below them. SPEC: docs/spec/20-trailer.md.
 *
 * Used where a map has no journal: an agent on top of upstream MCUboot, and our own
 * bootloader in overwrite mode.
 */
#ifndef OTTER_SLOT_TRAILER_H
#define OTTER_SLOT_TRAILER_H

#include "otter/state.h"

#define OTTER_TRAILER_MAGIC_SIZE 16u
#define OTTER_TRAILER_ALIGN_MAX 32u
#define OTTER_TRAILER_SIZE_MAX (4u * OTTER_TRAILER_ALIGN_MAX)

/* What a field says. */
enum otter_flag {
    OTTER_FLAG_UNSET, /* erased */
    OTTER_FLAG_SET,   /* 0x01; magic: the right 16 bytes */
    OTTER_FLAG_BAD    /* anything else: a torn write */
};

/* swap_info, low four bits. */
enum otter_swap_type {
    OTTER_SWAP_NONE = 1,
    OTTER_SWAP_TEST = 2,
    OTTER_SWAP_PERM = 3,
    OTTER_SWAP_REVERT = 4
};

struct otter_trailer {
    enum otter_flag magic, image_ok, copy_done;
    uint8_t swap_type; /* enum otter_swap_type; an unset or strange one is NONE */
    bool blank;        /* all four fields read erased */
};

/* Slot offset of the lowest field (swap_info); 0: the slot's device cannot hold a trailer
 * (program unit above 32 bytes), or it is too small. */
uint32_t otter_trailer_off(const struct otter_area *slot);

/* Where the sectors begin that belong to the trailer, with the marks where images are
 * overwritten: an image must end at or before it. 0: as above. */
uint32_t otter_trailer_limit(const struct otter_area *slot, enum otter_mode mode);

/* OTTER_ERR_ARG: no trailer possible here. */
int otter_trailer_read(const struct otter_area *slot, struct otter_trailer *ret_trailer);

/* Ask for the image of image_size bytes in the secondary. The trailer's sectors are erased, then
 * image_ok (if permanent) and swap_info are written, magic last. cut here, anywhere: no request,
 * or the whole request; where images are overwritten the marks are what asks, so from the last of
 * those erases on it is the whole one. OTTER_ERR_NOSPACE: the image reaches into those sectors. */
int otter_trailer_request(const struct otter_layout *layout, bool permanent, uint32_t image_size);

/* Mark the image in this slot as kept. OTTER_OK without a write where there is no magic. */
int otter_trailer_confirm(const struct otter_area *slot);

/* Erase the sectors that hold the fields. */
int otter_trailer_clear(const struct otter_area *slot);

/* What state.c and boot.c need of all this, by way of the layout. */
struct otter_trailers {
    int (*open)(struct otter_state *state); /* the state as the trailers tell it */
    int (*request)(const struct otter_layout *layout, bool permanent, uint32_t image_size);
    int (*confirm)(const struct otter_area *slot);
    int (*write)(struct otter_state *state); /* what of the new state the trailers can say */
    uint32_t (*limit)(const struct otter_area *slot); /* otter_trailer_limit where images are overwritten */
    int (*download)(struct otter_state *state); /* before the first erase of a download */
};

#endif
