/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trailer.c - MCUboot's flags at the end of a slot.
 *
 * From the end: magic, image_ok, copy_done, swap_info, each in its own program unit, so
 * that each is written once between erases. Everything below them (swap status) is
 * MCUboot's own affair.
 */
#include "slot/trailer.h"

#include <string.h>

#include "otter/result.h"
#include "slot/journal.h"

enum { FIELD_SET = 1 };

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

/* Erase the fields' sectors: what reads blank may be an erase that was cut. Where the
 * image reaches into them, its download has just erased them. */
static int prepare(const struct otter_area *slot, uint32_t image_size)
{
    struct otter_trailer trailer;
    uint32_t size;
    uint32_t off = otter_trailer_off(slot);
    if (off == 0) {
        return OTTER_ERR_ARG;
    }
    if (image_size <= otter_area_step(slot, off, 0, &size)) {
        return otter_trailer_clear(slot);
    }
    int err = otter_trailer_read(slot, &trailer);
    if (err < 0) {
        return err;
    }
    return trailer.blank && image_size <= off ? OTTER_OK : OTTER_ERR_NOSPACE;
}

int otter_trailer_request(const struct otter_area *slot, bool permanent, uint32_t image_size)
{
    int err = prepare(slot, image_size);
    if (err == OTTER_OK && permanent) {
        err = write_field(slot, 0, FIELD_SET);
    }
    if (err == OTTER_OK) {
        err = write_field(slot, 2, permanent ? OTTER_SWAP_PERM : OTTER_SWAP_TEST);
    }
    if (err == OTTER_OK) {
        err = write_magic(slot);
    }
    struct otter_trailer trailer;
    if (err == OTTER_OK) {
        err = otter_trailer_read(slot, &trailer);
    }
    return err == OTTER_OK && trailer.magic != OTTER_FLAG_SET ? OTTER_ERR_IO : err;
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
    if (off == 0) {
        return OTTER_ERR_ARG;
    }
    while (off < slot->size) {
        uint32_t size;
        uint32_t first = otter_area_step(slot, off, 0, &size);
        int err = otter_area_erase(slot, first, size);
        if (err < 0) {
            return err;
        }
        off = first + size;
    }
    return OTTER_OK;
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

/* The state as MCUboot's trailers tell it. After its revert the image that was not kept is
 * still in the secondary: it counts as rejected until a download replaces it. */
static int open_trailers(struct otter_state *state)
{
    const struct otter_layout *layout = state->layout;
    if (otter_trailer_off(&layout->primary) == 0 || otter_trailer_off(&layout->secondary) == 0) {
        return OTTER_ERR_ARG;
    }
    struct otter_trailer primary = read_trailer(&layout->primary);
    struct otter_trailer secondary = read_trailer(&layout->secondary);
    state->proven = true;
    if (secondary.magic == OTTER_FLAG_SET) {
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

/* At rest there is no request; erased also where none is read, for it may surface. */
static int write_trailers(struct otter_state *state)
{
    return state->phase == OTTER_PHASE_IDLE ? otter_trailer_clear(&state->layout->secondary)
                                            : OTTER_OK;
}

const struct otter_trailers otter_trailers = {
    .open = open_trailers,
    .request = otter_trailer_request,
    .confirm = otter_trailer_confirm,
    .write = write_trailers,
    .off = otter_trailer_off,
};
