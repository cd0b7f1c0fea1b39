/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trailer.c - MCUboot's flags at the end of a slot, and our marks below them.
 *
 * From the end: magic, image_ok, copy_done, swap_info, each in its own program unit, so
 * that each is written once between erases. What lies below them is MCUboot's own affair
 * where it swaps. Where images are overwritten it has nothing there, and we have two marks, in
 * erase sectors of their own: they say that the secondary's image is not to be installed. Why
 * so, and why two: docs/spec/45-cuts.md, Without a journal.
 */
#include "slot/trailer.h"

#include <string.h>

#include "otter/result.h"
#include "slot/journal.h"

enum { FIELD_SET = 1 };
enum { LOWER, UPPER, MARKS }; /* the mark below the trailer's sectors, and the one in them */
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

/* Bytes that a mark takes. */
static uint32_t mark_len(const struct otter_area *slot)
{
    uint32_t align = align_of(slot);
    return align > OTTER_TRAILER_MAGIC_SIZE ? align : OTTER_TRAILER_MAGIC_SIZE;
}

/* The mark that ends where the fields, or the sectors of the other mark, begin; 0: no room. */
static uint32_t below(const struct otter_area *slot, uint32_t off)
{
    uint32_t len = mark_len(slot);
    off -= off % align_of(slot);
    return off > len ? off - len : 0;
}

static uint32_t mark_off(const struct otter_area *slot, unsigned mark)
{
    uint32_t off = below(slot, otter_trailer_off(slot));
    return mark == UPPER || off == 0 ? off : below(slot, sector_of(slot, off));
}

uint32_t otter_trailer_limit(const struct otter_area *slot, enum otter_mode mode)
{
    uint32_t off = mode == OTTER_MODE_OVERWRITE ? mark_off(slot, LOWER) : otter_trailer_off(slot);
    return off == 0 ? 0 : sector_of(slot, off);
}

/* No torn erase reads as these bytes, nor does a program that was cut. */
static const uint8_t mark_bytes[OTTER_TRAILER_MAGIC_SIZE] = {
    0x6f, 0x74, 0x74, 0x65, 0x72, 0x3a, 0x73, 0x65, 0x74, 0x74, 0x6c, 0x65, 0x64, 0xc5, 0x3a, 0x96};

static bool is_marked(const struct otter_area *slot, unsigned mark)
{
    uint8_t bytes[OTTER_TRAILER_MAGIC_SIZE];
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (otter_area_read(slot, mark_off(slot, mark), bytes, sizeof bytes) == OTTER_OK &&
            memcmp(bytes, mark_bytes, sizeof bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* The sectors that hold a mark, and in the upper one's case everything above it. */
static int erase_mark(const struct otter_area *slot, unsigned mark)
{
    uint32_t upper = sector_of(slot, mark_off(slot, UPPER));
    return mark == UPPER ? erase_range(slot, upper, slot->size)
                         : erase_range(slot, sector_of(slot, mark_off(slot, LOWER)), upper);
}

static int write_mark(const struct otter_area *slot, unsigned mark)
{
    uint8_t units[OTTER_TRAILER_ALIGN_MAX];
    int err = erase_mark(slot, mark);
    if (err < 0) {
        return err;
    }
    memset(units, slot->flash->erased, sizeof units);
    memcpy(units, mark_bytes, sizeof mark_bytes);
    err = otter_area_prog(slot, mark_off(slot, mark), units, mark_len(slot));
    return err == OTTER_OK && !is_marked(slot, mark) ? OTTER_ERR_IO : err;
}

/* Neither mark is there any more: the image is asked for. */
static int erase_marks(const struct otter_area *slot)
{
    int err = erase_mark(slot, LOWER);
    return err < 0 ? err : erase_mark(slot, UPPER);
}

/* Write both anew. One that does not read as set may be the one that a cut left torn; then the
 * other is sound, and stays until this one is. */
static int write_marks(const struct otter_area *slot)
{
    unsigned first = is_marked(slot, LOWER) ? UPPER : LOWER;
    int err = write_mark(slot, first);
    return err < 0 ? err : write_mark(slot, first == LOWER ? UPPER : LOWER);
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

/* cut in an overwrite layout, anywhere from the second erase on: it is asked for. */
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
    int err = marks ? erase_marks(slot) : otter_trailer_clear(slot);
    if (err == OTTER_OK) {
        err = write_request(slot, permanent);
    }
    if (err < 0 && marks) {
        (void)write_marks(slot); /* the caller takes it for not asked for */
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
    return !is_marked(&layout->secondary, LOWER) && !is_marked(&layout->secondary, UPPER) &&
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
            state->reason = OTTER_REASON_NOT_CONFIRMED;
        }
    }
    return OTTER_OK;
}

/* At rest there is no request; written also where none is read, for it may surface. Before the
 * first byte of a copy it is made to last, until the copy is complete. */
static int write_trailers(struct otter_state *state)
{
    const struct otter_area *slot = &state->layout->secondary;
    bool marks = state->layout->mode == OTTER_MODE_OVERWRITE;
    if (state->phase == OTTER_PHASE_IDLE) {
        return marks ? write_marks(slot) : otter_trailer_clear(slot);
    }
    bool begins = state->phase == OTTER_PHASE_SWAP && state->in_count == 0;
    return marks && begins ? erase_marks(slot) : OTTER_OK;
}

/* The secondary is about to be erased: nothing may ask for what lies there. Marks that both read
 * as set are left alone: one of them is sound. */
static int begin_download(struct otter_state *state)
{
    const struct otter_area *slot = &state->layout->secondary;
    bool settled = state->layout->mode == OTTER_MODE_SWAP ||
                   (is_marked(slot, LOWER) && is_marked(slot, UPPER));
    return settled ? OTTER_OK : write_marks(slot);
}

static uint32_t end_of_image(const struct otter_area *slot)
{
    return otter_trailer_limit(slot, OTTER_MODE_OVERWRITE);
}

const struct otter_trailers otter_trailers = {
    .open = open_trailers,
    .request = otter_trailer_request,
    .confirm = otter_trailer_confirm,
    .write = write_trailers,
    .off = end_of_image,
    .download = begin_download,
};
