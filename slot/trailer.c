/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trailer.c - MCUboot's flags at the end of a slot, and our marks below them.
 *
 * From the end: magic, image_ok, copy_done, swap_info, each in its own program unit, so
 * that each is written once between erases. What lies below them is MCUboot's own affair
 * where it swaps. Where images are overwritten it has nothing there, and we have two marks, in
 * erase sectors of their own, each with a proof that it was written: they say that the secondary's
 * image is not to be installed. Why so: docs/spec/45-cuts.md, Without a journal.
 */
#include "slot/trailer.h"

#include <string.h>

#include "otter/result.h"
#include "slot/journal.h"

enum { FIELD_SET = 1 };
/* From the fields downwards: a mark in their sectors, its proof, and what is there while an image
 * is copied; a mark and its proof in the sectors below. */
enum cell { UPPER, UPPER_PROOF, COPYING, LOWER, LOWER_PROOF };
enum { TRIES = 2 };           /* of a read: one that goes wrong by chance changes nothing */

/* Distance between fields: MCUboot's BOOT_MAX_ALIGN, 8 unless the device needs more. */
static uint32_t align_of(const struct otter_area *slot)
{
    uint32_t prog = slot->flash->prog_size;
    return prog <= 8 ? 8 : prog <= 16 ? 16 : 32;
}

static uint32_t magic_off(const struct otter_area *slot)
{
    return slot->size - OTTER_TRAILER_MAGIC_SIZE;
}

/* index 0: image_ok, 1: copy_done, 2: swap_info. */
static uint32_t field_off(const struct otter_area *slot, uint32_t index)
{
    uint32_t align = align_of(slot);
    uint32_t off = magic_off(slot) - align;
    return off - off % align - index * align;
}

uint32_t otter_trailer_off(const struct otter_area *slot)
{
    if (slot->flash->prog_size > OTTER_TRAILER_ALIGN_MAX || slot->size <= OTTER_TRAILER_SIZE_MAX) {
        return 0;
    }
    return field_off(slot, 2);
}

static const uint8_t *magic_of(const struct otter_area *slot)
{
    static const uint8_t magic[3][OTTER_TRAILER_MAGIC_SIZE] = {
        {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79,
         0x80},
        {0x10, 0x00, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f,
         0x8a},
        {0x20, 0x00, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f,
         0x8a}};
    uint32_t align = align_of(slot);
    return magic[align == 8 ? 0 : align == 16 ? 1 : 2];
}

static bool all_erased(const struct otter_area *slot, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (bytes[i] != slot->flash->erased) {
            return false;
        }
    }
    return true;
}

static enum otter_flag flag_of(const struct otter_area *slot, uint8_t value)
{
    if (value == slot->flash->erased) {
        return OTTER_FLAG_UNSET;
    }
    return value == FIELD_SET ? OTTER_FLAG_SET : OTTER_FLAG_BAD;
}

int otter_trailer_read(const struct otter_area *slot, struct otter_trailer *ret_trailer)
{
    uint8_t raw[OTTER_TRAILER_SIZE_MAX];
    uint32_t off = otter_trailer_off(slot);
    if (off == 0) {
        return OTTER_ERR_ARG;
    }
    uint32_t len = slot->size - off;
    int err = otter_area_read(slot, off, raw, len);
    if (err < 0) {
        return err;
    }
    const uint8_t *magic = raw + (magic_off(slot) - off);
    uint8_t type = raw[0] & 0x0fu;
    ret_trailer->blank = all_erased(slot, raw, len);
    ret_trailer->magic = OTTER_FLAG_BAD;
    if (memcmp(magic, magic_of(slot), OTTER_TRAILER_MAGIC_SIZE) == 0) {
        ret_trailer->magic = OTTER_FLAG_SET;
    } else if (all_erased(slot, magic, OTTER_TRAILER_MAGIC_SIZE)) {
        ret_trailer->magic = OTTER_FLAG_UNSET;
    }
    ret_trailer->image_ok = flag_of(slot, raw[field_off(slot, 0) - off]);
    ret_trailer->copy_done = flag_of(slot, raw[field_off(slot, 1) - off]);
    ret_trailer->swap_type = OTTER_SWAP_NONE;
    if (raw[0] != slot->flash->erased && type >= OTTER_SWAP_TEST && type <= OTTER_SWAP_REVERT) {
        ret_trailer->swap_type = type;
    }
    return OTTER_OK;
}

/* One field in its program unit, padded with erased bytes. */
static int write_field(const struct otter_area *slot, uint32_t index, uint8_t value)
{
    uint8_t unit[OTTER_TRAILER_ALIGN_MAX];
    memset(unit, slot->flash->erased, sizeof unit);
    unit[0] = value;
    return otter_area_prog(slot, field_off(slot, index), unit, slot->flash->prog_size);
}

static int write_magic(const struct otter_area *slot)
{
    uint8_t units[OTTER_TRAILER_ALIGN_MAX];
    uint32_t prog = slot->flash->prog_size;
    uint32_t len = prog > OTTER_TRAILER_MAGIC_SIZE ? prog : OTTER_TRAILER_MAGIC_SIZE;
    memset(units, slot->flash->erased, sizeof units);
    memcpy(units + len - OTTER_TRAILER_MAGIC_SIZE, magic_of(slot), OTTER_TRAILER_MAGIC_SIZE);
    return otter_area_prog(slot, slot->size - len, units, len);
}

/* Erase the sectors of [off, end), from the top. */
static int erase_range(const struct otter_area *slot, uint32_t off, uint32_t end)
{
    while (off < end) {
        uint32_t size;
        uint32_t first = otter_area_step(slot, end - 1, 0, &size);
        int err = otter_area_erase(slot, first, size);
        if (err < 0) {
            return err;
        }
        end = first;
    }
    return OTTER_OK;
}

/* The sector that holds this byte begins here. */
static uint32_t sector_of(const struct otter_area *slot, uint32_t off)
{
    uint32_t size;
    return otter_area_step(slot, off, 0, &size);
}

/* Bytes that a mark takes, or a proof. */
static uint32_t cell_len(const struct otter_area *slot)
{
    uint32_t align = align_of(slot);
    return align > OTTER_TRAILER_MAGIC_SIZE ? align : OTTER_TRAILER_MAGIC_SIZE;
}

/* 0: there is no room for it. */
static uint32_t cell_off(const struct otter_area *slot, enum cell cell)
{
    uint32_t len = cell_len(slot);
    uint32_t off = otter_trailer_off(slot);
    for (unsigned i = UPPER; i <= (unsigned)cell; i++) {
        off = i == LOWER ? sector_of(slot, off) : off;
        off -= off % align_of(slot);
        off = off > len ? off - len : 0;
    }
    return off;
}

uint32_t otter_trailer_limit(const struct otter_area *slot, enum otter_mode mode)
{
    uint32_t off = mode == OTTER_MODE_OVERWRITE ? cell_off(slot, LOWER_PROOF) : otter_trailer_off(slot);
    return off == 0 ? 0 : sector_of(slot, off);
}

/* No torn erase reads as these bytes, nor does a program that was cut. */
static const uint8_t mark_bytes[OTTER_TRAILER_MAGIC_SIZE] = {
    0x6f, 0x74, 0x74, 0x65, 0x72, 0x3a, 0x73, 0x65, 0x74, 0x74, 0x6c, 0x65, 0x64, 0xc5, 0x3a, 0x96};

static bool is_set(const struct otter_area *slot, enum cell cell)
{
    uint8_t bytes[OTTER_TRAILER_MAGIC_SIZE];
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (otter_area_read(slot, cell_off(slot, cell), bytes, sizeof bytes) == OTTER_OK &&
            memcmp(bytes, mark_bytes, sizeof bytes) == 0) {
            return true;
        }
    }
    return false;
}

static int set(const struct otter_area *slot, enum cell cell)
{
    uint8_t units[OTTER_TRAILER_ALIGN_MAX];
    memset(units, slot->flash->erased, sizeof units);
    memcpy(units, mark_bytes, sizeof mark_bytes);
    int err = otter_area_prog(slot, cell_off(slot, cell), units, cell_len(slot));
    return err == OTTER_OK && !is_set(slot, cell) ? OTTER_ERR_IO : err;
}

/* The sectors of a mark and its proof; the upper ones hold MCUboot's fields as well. */
static int erase_mark(const struct otter_area *slot, enum cell mark)
{
    uint32_t upper = sector_of(slot, cell_off(slot, COPYING));
    return mark == UPPER ? erase_range(slot, upper, slot->size)
                         : erase_range(slot, sector_of(slot, cell_off(slot, LOWER_PROOF)), upper);
}

/* A mark that is proven is left alone: while it is written anew, less says what it says. */
static int renew_mark(const struct otter_area *slot, enum cell mark)
{
    enum cell proof = mark == UPPER ? UPPER_PROOF : LOWER_PROOF;
    if (is_set(slot, mark) && is_set(slot, proof)) {
        return OTTER_OK;
    }
    int err = erase_mark(slot, mark);
    if (err == OTTER_OK) {
        err = set(slot, mark);
    }
    return err < 0 ? err : set(slot, proof);
}

/* What lies in the secondary is not to be installed. Where one mark's sector is worn out, the
 * other mark says so alone. */
static int settle(const struct otter_area *slot)
{
    int lower = renew_mark(slot, LOWER);
    int upper = renew_mark(slot, UPPER);
    return lower < 0 ? lower : upper;
}

/* It is: no mark is there any more. */
static int unsettle(const struct otter_area *slot)
{
    int err = erase_mark(slot, UPPER);
    return err < 0 ? err : erase_mark(slot, LOWER);
}

/* What MCUboot reads, in erased sectors; magic last. */
static int write_request(const struct otter_area *slot, bool permanent)
{
    struct otter_trailer trailer;
    int err = permanent ? write_field(slot, 0, FIELD_SET) : OTTER_OK;
    if (err == OTTER_OK) {
        err = write_field(slot, 2, permanent ? OTTER_SWAP_PERM : OTTER_SWAP_TEST);
    }
    if (err == OTTER_OK) {
        err = write_magic(slot);
    }
    if (err == OTTER_OK) {
        err = otter_trailer_read(slot, &trailer);
    }
    return err == OTTER_OK && trailer.magic != OTTER_FLAG_SET ? OTTER_ERR_IO : err;
}

int otter_trailer_request(const struct otter_layout *layout, bool permanent, uint32_t image_size)
{
    const struct otter_area *slot = &layout->secondary;
    bool marks = layout->mode == OTTER_MODE_OVERWRITE;
    uint32_t limit = otter_trailer_limit(slot, layout->mode);
    if (limit == 0) {
        return OTTER_ERR_ARG;
    }
    if (image_size > limit) {
        return OTTER_ERR_NOSPACE;
    }
    int err = marks ? unsettle(slot) : otter_trailer_clear(slot);
    if (err == OTTER_OK) {
        err = write_request(slot, permanent);
    }
    if (err < 0 && marks) {
        (void)settle(slot); /* the caller takes it for not asked for */
    }
    return err;
}

int otter_trailer_confirm(const struct otter_area *slot)
{
    struct otter_trailer trailer;
    int err = otter_trailer_read(slot, &trailer);
    if (err < 0) {
        return err;
    }
    if (trailer.magic != OTTER_FLAG_SET || trailer.image_ok == OTTER_FLAG_SET) {
        return OTTER_OK;
    }
    if (trailer.image_ok == OTTER_FLAG_BAD) {
        return OTTER_ERR_IO;
    }
    return write_field(slot, 0, FIELD_SET);
}

int otter_trailer_clear(const struct otter_area *slot)
{
    uint32_t off = otter_trailer_off(slot);
    return off == 0 ? OTTER_ERR_ARG : erase_range(slot, sector_of(slot, off), slot->size);
}

/* An unreadable trailer says nothing. */
static struct otter_trailer read_trailer(const struct otter_area *slot)
{
    struct otter_trailer trailer;
    if (otter_trailer_read(slot, &trailer) < 0) {
        trailer = (struct otter_trailer){.magic = OTTER_FLAG_BAD};
    }
    return trailer;
}

/* Does an image lie below the trailer's sectors? What one read spoils, another one does not. */
static bool holds_image(const struct otter_layout *layout)
{
    struct otter_area slot = layout->secondary;
    struct otter_image image;
    slot.size = otter_trailer_limit(&slot, layout->mode);
    struct otter_view view = otter_view_of(&slot);
    return otter_image_parse(&view, &image) == OTTER_OK ||
           otter_image_parse(&view, &image) == OTTER_OK;
}

/* Our own bootloader goes by the marks alone: a magic may be there in one power cycle, and gone
 * in the next, when the primary is half copied. */
static bool is_requested(const struct otter_layout *layout, const struct otter_trailer *secondary)
{
    if (layout->mode == OTTER_MODE_SWAP) {
        return secondary->magic == OTTER_FLAG_SET;
    }
    return !is_set(&layout->secondary, LOWER) && !is_set(&layout->secondary, UPPER) &&
           holds_image(layout);
}

/* The state as the trailers tell it. After MCUboot's revert the image that was not kept is still
 * in the secondary: it counts as rejected until a download replaces it. */
static int open_trailers(struct otter_state *state)
{
    const struct otter_layout *layout = state->layout;
    if (otter_trailer_off(&layout->primary) == 0 ||
        otter_trailer_limit(&layout->secondary, layout->mode) == 0) {
        return OTTER_ERR_ARG;
    }
    struct otter_trailer primary = read_trailer(&layout->primary);
    struct otter_trailer secondary = read_trailer(&layout->secondary);
    state->proven = true;
    if (is_requested(layout, &secondary)) {
        state->phase = OTTER_PHASE_REQUESTED;
        state->permanent = secondary.image_ok == OTTER_FLAG_SET;
    } else if (primary.magic == OTTER_FLAG_SET && primary.copy_done == OTTER_FLAG_SET) {
        struct otter_view view = otter_view_of(&layout->secondary);
        struct otter_image image;
        if (primary.image_ok == OTTER_FLAG_UNSET) {
            state->phase = OTTER_PHASE_TRIAL;
            state->attempts = 1;
        } else if (primary.swap_type == OTTER_SWAP_REVERT &&
                   otter_image_parse(&view, &image) == OTTER_OK) {
            struct otter_reject reject = {.version = image.version};
            memcpy(reject.hash, image.hash, sizeof reject.hash);
            otter_state_add_reject(state, &reject);
            state->requested = reject; /* nothing else in there can have been asked for */
            state->reason = OTTER_REASON_NOT_CONFIRMED;
        }
    }
    return OTTER_OK;
}

/* Before the first byte of a copy: what asks for it lasts until the copy is complete. */
static int begin_copy(const struct otter_area *slot)
{
    int err = unsettle(slot);
    return err < 0 ? err : set(slot, COPYING);
}

/* A copy was begun, and this is not its end: then the image was neither older than the primary's
 * nor lower, and what reads so now are cells of the primary that a cut left torn. */
static bool is_misjudged(const struct otter_state *state)
{
    bool compared = state->reason == OTTER_REASON_DOWNGRADE || state->reason == OTTER_REASON_COUNTER;
    return (compared || state->reason == OTTER_REASON_NONE) && state->new_size == 0 &&
           is_set(&state->layout->secondary, COPYING);
}

/* At rest there is no request; written also where none is read, for it may surface. */
static int write_trailers(struct otter_state *state)
{
    const struct otter_area *slot = &state->layout->secondary;
    bool marks = state->layout->mode == OTTER_MODE_OVERWRITE;
    if (state->phase == OTTER_PHASE_IDLE) {
        return !marks ? otter_trailer_clear(slot) : is_misjudged(state) ? OTTER_OK : settle(slot);
    }
    bool begins = state->phase == OTTER_PHASE_SWAP && state->in_count == 0;
    return marks && begins ? begin_copy(slot) : OTTER_OK;
}

/* The secondary is about to be erased: nothing may ask for what lies there. */
static int begin_download(struct otter_state *state)
{
    const struct otter_layout *layout = state->layout;
    return layout->mode == OTTER_MODE_OVERWRITE ? settle(&layout->secondary) : OTTER_OK;
}

static uint32_t limit_of(const struct otter_area *slot)
{
    return otter_trailer_limit(slot, OTTER_MODE_OVERWRITE);
}

const struct otter_trailers otter_trailers = {
    .open = open_trailers,
    .request = otter_trailer_request,
    .confirm = otter_trailer_confirm,
    .write = write_trailers,
    .limit = limit_of,
    .download = begin_download,
};
