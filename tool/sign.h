/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - making MCUboot images, the same bytes that imgtool makes from the same inputs.
 */
#ifndef OTTER_TOOL_SIGN_H
#define OTTER_TOOL_SIGN_H

#include "otter/image.h"
#include "tool/key.h"
#include "tool/tool.h"

#define TOOL_SIGN_EXTRAS_MAX 32

/* A TLV of the protected area: a dependency, or a custom one. */
struct tool_tlv {
    uint16_t type;
    struct tool_bytes value;
};

struct tool_sign {
    const struct tool_key *key; /* NULL: unsigned, only a hash */
    struct otter_version version;
    uint32_t header_size;
    bool pad_header;    /* put header_size bytes in front; else the input begins with that many zeros */
    uint8_t erased;     /* value of padding */
    bool has_counter;
    uint32_t counter;
    bool full_key;      /* carry the whole public key, not its hash */
    uint32_t load_addr; /* sets the RAM_LOAD flag; 0: none */
    uint32_t rom_fixed; /* sets the ROM_FIXED flag; 0: none */
    struct tool_tlv extras[TOOL_SIGN_EXTRAS_MAX]; /* dependencies first, then custom TLVs */
    size_t extras_count;

    /* The trailer; slot_size 0: no slot is known. */
    uint64_t slot_size;
    uint32_t align;
    uint32_t max_align; /* 0: max(8, align) */
    uint32_t max_sectors;
    bool overwrite_only, pad, test, confirm;
};

/* Header, payload, TLVs: no padding. 0, or TOOL_REFUSED after saying why. */
int tool_sign_image(const struct tool_sign *sign, const struct tool_bytes *input,
                    struct tool_bytes *ret_image);

/* The bytes of the slot's end: what a bootloader keeps there, and the magic at its very end. */
uint32_t tool_trailer_size(const struct tool_sign *sign);

/* 0 when an image of this size and a trailer fit the slot, or TOOL_REFUSED after saying by how
 * much they do not. Nothing is checked when slot_size is 0. */
int tool_sign_fits(const struct tool_sign *sign, size_t image_size);

/* The last bytes of a padded slot, from image_ok or the magic on. Returns their number. */
#define TOOL_TRAILER_END_MAX 96
size_t tool_trailer_end(const struct tool_sign *sign, uint8_t ret_end[TOOL_TRAILER_END_MAX]);

#endif
