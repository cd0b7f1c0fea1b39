/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trailer.c - MCUboot's flags from any bytes: read, request, confirm, clear, and the state that
 * follows from both slots where there is no journal.
 *
 * Input: geometry, what to do, failing operation (0x80: an overwrite map), image size (u16), then the ends of both slots. To
 * do: 1 request (2: for good), 4 confirm, 8 clear, 16 the same through the state, 32 an image is in
 * the secondary, 0x40 a read fails, 0x80 a change fails.
 */
#include "fuzz.h"

#include "slot/journal.h"
#include "slot/trailer.h"

static struct fuzz_flash flash;
static bool with_image; /* in the secondary */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void put_end(const struct otter_area *slot, const uint8_t *data, size_t len)
{
    fuzz_flash_put(&flash, slot->base + slot->size - (uint32_t)len, data, len);
}

static void check_request(struct otter_layout *layout, bool permanent, uint32_t image_size)
{
    struct otter_trailer trailer;
    struct otter_state state;
    bool overwrite = layout->mode == OTTER_MODE_OVERWRITE; /* then there must be an image, too */
    int err = otter_trailer_request(layout, permanent, image_size);
    if (err == OTTER_OK && flash.fail_read == 0) {
        REQUIRE(image_size <= otter_trailer_limit(&layout->secondary, layout->mode));
        REQUIRE(otter_trailer_read(&layout->secondary, &trailer) == OTTER_OK);
        REQUIRE(trailer.magic == OTTER_FLAG_SET && !trailer.blank);
        REQUIRE(trailer.swap_type == (permanent ? OTTER_SWAP_PERM : OTTER_SWAP_TEST));
        REQUIRE(otter_state_open(&state, layout) == OTTER_OK);
        REQUIRE((overwrite && !with_image) || (state.phase == OTTER_PHASE_REQUESTED && state.permanent == permanent));
    }
}

static void check_confirm(struct otter_layout *layout)
{
    struct otter_trailer trailer;
    int err = otter_trailer_confirm(&layout->primary);
    if (err == OTTER_OK && flash.fail_read == 0) {
        REQUIRE(otter_trailer_read(&layout->primary, &trailer) == OTTER_OK);
        REQUIRE(trailer.magic != OTTER_FLAG_SET || trailer.image_ok == OTTER_FLAG_SET);
    }
}

/* What agent and bootloader do, by the state. */
static void check_state(struct otter_layout *layout, bool permanent, uint32_t image_size)
{
    struct otter_state state;
    const struct otter_image image = {.version = {1, 2, 3, 4}, .size = image_size};
    const struct otter_download download = {.off = image_size % 2 * 512};
    if (otter_state_open(&state, layout) != OTTER_OK) {
        return;
    }
    bool fails = flash.fail_read != 0 || flash.fail_change != 0;
    for (uint32_t i = 0; i < state.rejects_count; i++) {
        REQUIRE(otter_state_rejects_version(&state, &state.rejects[i].version));
    }
    bool trial = otter_state_on_trial(&state);
    int err = otter_state_confirm(&state, &image);
    REQUIRE(otter_state_on_trial(&state) == (trial && err < 0));
    (void)otter_state_give_up(&state);
    (void)otter_state_acknowledge(&state);
    err = otter_state_save_download(&state, &download);
    REQUIRE(state.phase == OTTER_PHASE_IDLE ? err == OTTER_OK || fails : err == OTTER_ERR_REFUSED);
    enum otter_phase before = state.phase;
    err = otter_state_request_swap(&state, &image, permanent);
    REQUIRE(err == OTTER_OK ? state.phase == OTTER_PHASE_REQUESTED : state.phase == before);
    err = otter_state_settle(&state, NULL);
    if (err == OTTER_OK && !fails) {
        REQUIRE(otter_state_open(&state, layout) == OTTER_OK && state.phase != OTTER_PHASE_REQUESTED);
    }
}

/* The trailer as a bootloader would leave it: its cells are fresh, so they can be programmed. */
static void make_fresh(const struct otter_area *slot)
{
    uint32_t unit = flash.flash.prog_size;
    for (uint32_t at = slot->base; at < slot->base + slot->size; at += unit) {
        bool blank = true;
        for (uint32_t i = 0; i < unit; i++) {
            blank = blank && flash.data[at + i] == flash.flash.erased;
        }
        if (blank) {
            memset(flash.used + at, 0, unit);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct otter_state state;
    struct otter_trailer trailer;
    size_t len;
    unsigned geometry = fuzz_u8(&bytes);
    unsigned what = fuzz_u8(&bytes);
    uint32_t fail = fuzz_u8(&bytes);
    uint32_t image_size = fuzz_u16(&bytes);
    fuzz_flash_init(&flash, geometry, 2 * FUZZ_SLOT_SIZE + 34 * 1024);
    flash.refuses_twice = true; /* a flag with torn padding: MCUboot's format cannot tell */
    struct otter_layout layout = fuzz_layout(&flash);
    layout.journal.size = 0;
    layout.trailers = &otter_trailers;
    const uint8_t *at = fuzz_take(&bytes, OTTER_TRAILER_SIZE_MAX, &len);
    put_end(&layout.primary, at, len);
    at = fuzz_take(&bytes, 4096, &len);
    put_end(&layout.secondary, at, len);
    make_fresh(&layout.primary);
    layout.mode = (fail & 0x80) != 0 ? OTTER_MODE_OVERWRITE : OTTER_MODE_SWAP;
    with_image = (what & 0x20) != 0;
    if (with_image) {
        uint8_t image[600];
        fuzz_make_image((struct otter_version){1, 1, 0, 0}, 1, image, sizeof image);
        fuzz_flash_put(&flash, layout.secondary.base, image, sizeof image);
    }
    if ((what & 0x80) != 0) {
        flash.fail_change = fail % 8;
    } else if ((what & 0x40) != 0) {
        flash.fail_read = fail % 8;
    }
    int opened = otter_state_open(&state, &layout);
    REQUIRE(opened == OTTER_OK || opened == OTTER_ERR_ARG);
    REQUIRE(flash.changes == 0);
    int err = otter_trailer_read(&layout.secondary, &trailer);
    REQUIRE((err == OTTER_ERR_ARG) == (opened == OTTER_ERR_ARG));
    if (err != OTTER_OK) {
        return 0;
    }
    REQUIRE(trailer.swap_type >= OTTER_SWAP_NONE && trailer.swap_type <= OTTER_SWAP_REVERT);
    REQUIRE(!trailer.blank || trailer.magic == OTTER_FLAG_UNSET);
    if ((what & 1) != 0) {
        check_request(&layout, (what & 2) != 0, image_size);
    }
    if ((what & 4) != 0) {
        check_confirm(&layout);
    }
    if ((what & 8) != 0 && otter_trailer_clear(&layout.secondary) == OTTER_OK) {
        REQUIRE(otter_trailer_read(&layout.secondary, &trailer) != OTTER_OK || trailer.blank);
    }
    if ((what & 16) != 0) {
        check_state(&layout, (what & 2) != 0, image_size);
    }
    return 0;
}
