/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.c - the bootloader on a device whose slots and journal hold anything: it ends, and what it
 * starts is genuine, whatever else there is. A primary that is genuine is started, or another in its
 * place, unless the journal says that it is being moved, or is another flash map's. Three boots.
 *
 * Input: geometry, flags, failing operation (u16), trial boots, with flags 32 and 64 where it is out of
 * order (u8, in units of 512 bytes) and how far (u8), then pieces: where (u8), what (u8), and, for raw
 * bytes, an offset (u16), a length (u8) and the bytes. Flag 32: it does not read there; 64: it
 * cannot be changed there; 128: images of odd minor versions are for another place.
 */
#include "fuzz.h"

#include "otter/boot.h"
#include "slot/journal.h"
#include "slot/trailer.h"

enum { OVERWRITE = 1, TRAILERS = 2, BREAK_CHANGE = 4, BREAK_READ = 8, WATCHDOG = 16, DEAD = 32, WORN = 64, CHOOSY = 128 };
enum { IMAGES = 5, BOOTS = 3 };

static struct fuzz_flash flash;
static uint8_t images[IMAGES][FUZZ_IMAGE_MAX];
static const size_t sizes[IMAGES] = {600, 3000, 9000, FUZZ_IMAGE_MAX, 2000};
static uint32_t fed;
static bool moving; /* what the last boot found on record */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < IMAGES; i++) {
        struct otter_version version = {1, (uint8_t)i, 0, 0};
        fuzz_make_image(version, i, images[i], sizes[i]);
    }
    images[IMAGES - 1][100] ^= 1; /* not genuine */
    return 0;
}

static void feed(void *ctx)
{
    (void)ctx;
    fed++;
}

static void on_event(void *ctx, const struct otter_boot_event *event)
{
    (void)ctx;
    if (event->kind == OTTER_BOOT_FOUND) {
        moving = event->phase == OTTER_PHASE_SWAP || event->phase == OTTER_PHASE_REVERT;
    }
}

/* A record as it would be written, with whatever body the input says. */
static void put_record(const struct otter_area *journal, uint32_t index, struct fuzz_bytes *bytes)
{
    uint8_t raw[OTTER_RECORD_SIZE];
    struct otter_record record = {.seq = fuzz_u8(bytes)};
    size_t len;
    record.type = (uint8_t)(OTTER_RECORD_HEAD + fuzz_u8(bytes) % 6);
    record.flags = fuzz_u8(bytes) & 3;
    record.phase = fuzz_u8(bytes) % 6;
    record.verdict = fuzz_u8(bytes);
    const uint8_t *body = fuzz_take(bytes, sizeof record.body, &len);
    memcpy(record.body, body, len);
    if (record.type == OTTER_RECORD_HEAD) {
        memset(record.body + 8, 0, 12); /* this flash map's */
    } else if (record.type == OTTER_RECORD_IMAGE) {
        unsigned which = record.body[0] % IMAGES;
        memcpy(record.body, images[which] + sizes[which] - 3 * 36 + 4, OTTER_REJECT_HASH_SIZE);
        record.body[12] = 1;
        record.body[13] = (uint8_t)which;
    }
    otter_record_encode(&record, raw);
    uint32_t off = index % (journal->size / OTTER_RECORD_SIZE) * OTTER_RECORD_SIZE;
    fuzz_flash_put(&flash, journal->base + off, raw, sizeof raw);
}

static void put_piece(const struct otter_layout *layout, struct fuzz_bytes *bytes)
{
    const struct otter_area areas[4] = {layout->primary, layout->secondary, layout->journal,
                                        layout->scratch};
    const struct otter_area *area = &areas[fuzz_u8(bytes) % 4];
    unsigned what = fuzz_u8(bytes);
    uint32_t off = fuzz_u16(bytes);
    size_t len;
    if (what % 4 == 0) {
        unsigned which = what / 4 % IMAGES;
        uint32_t up = what >= 128 ? layout->unit_max : 0; /* displaced */
        size_t size = sizes[which] < area->size - up ? sizes[which] : area->size - up;
        if (area->size > up) {
            fuzz_flash_put(&flash, area->base + up, images[which], size);
        }
    } else if (what % 4 == 1) {
        put_record(&layout->journal, off, bytes);
    } else {
        const uint8_t *raw = fuzz_take(bytes, fuzz_u8(bytes), &len);
        off %= area->size;
        off = what % 4 == 3 ? area->size - 1 - off : off; /* from the end */
        len = len < area->size - off ? len : area->size - off;
        fuzz_flash_put(&flash, area->base + off, raw, len);
    }
}

static bool is_even(const struct otter_layout *layout, const struct otter_view *view, const struct otter_image *image)
{
    (void)layout;
    (void)view;
    return image->version.minor % 2 == 0;
}

/* Is there a genuine image in the primary, whatever does not read now? */
static bool has_genuine(const struct otter_layout *layout, struct otter_image *ret_image)
{
    struct fuzz_flash faults = {.fail_read = flash.fail_read, .dead_from = flash.dead_from, .dead_to = flash.dead_to};
    flash.fail_read = flash.dead_from = flash.dead_to = 0;
    bool genuine = fuzz_is_genuine(&layout->primary, ret_image);
    flash.fail_read = faults.fail_read;
    flash.dead_from = faults.dead_from;
    flash.dead_to = faults.dead_to;
    return genuine;
}

static void boot_once(const struct otter_layout *layout, unsigned flags, uint8_t trial_boots)
{
    static uint32_t buf[1024];
    struct otter_boot_config config = {.layout = layout, .keys = fuzz_keys, .keys_count = 1,
                                       .trial_boots = trial_boots % 16,
                                       .reset_by_watchdog = (flags & WATCHDOG) != 0,
                                       .buf = buf, .buf_size = sizeof buf, .feed = feed, .on_event = on_event};
    struct otter_boot_choice choice;
    struct otter_image image;
    config.startable = (flags & CHOOSY) != 0 ? is_even : NULL;
    bool fails = flash.fail_change != 0 || flash.fail_read != 0 || flash.dead_to != 0 || flash.worn_to != 0;
    bool genuine = has_genuine(layout, &image) && (config.startable == NULL || image.version.minor % 2 == 0);
    flash.changes = flash.reads = fed = 0;
    moving = false;
    int err = otter_boot(&config, &choice);
    bool possible = layout->journal.size != 0 || otter_trailer_off(&layout->primary) != 0;
    REQUIRE(err == OTTER_OK || !genuine || fails || moving || !possible || err == OTTER_ERR_REFUSED);
    uint32_t sectors = flash.flash.size / flash.flash.sector_size;
    REQUIRE(flash.changes <= 64 * sectors + 4 * flash.flash.size / flash.flash.prog_size);
    REQUIRE(fed >= flash.changes / 64);
    if (err == OTTER_OK) {
        REQUIRE(has_genuine(layout, &image));
        REQUIRE(config.startable == NULL || image.version.minor % 2 == 0);
        REQUIRE(memcmp(image.hash, choice.image.hash, sizeof image.hash) == 0);
        REQUIRE(choice.entry_addr == layout->primary_addr + image.header_size);
        REQUIRE(!choice.on_trial || choice.attempt > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned geometry = fuzz_u8(&bytes);
    unsigned flags = fuzz_u8(&bytes);
    uint32_t fail = fuzz_u16(&bytes);
    uint8_t trial_boots = fuzz_u8(&bytes);
    uint32_t from = (flags & (DEAD | WORN)) != 0 ? 512u * fuzz_u8(&bytes) : 0;
    uint32_t to = (flags & (DEAD | WORN)) != 0 ? from + 512u * (1u + fuzz_u8(&bytes)) : 0;
    fuzz_flash_init(&flash, geometry, FUZZ_FLASH_MAX);
    struct otter_layout layout = fuzz_layout(&flash);
    if ((flags & OVERWRITE) != 0) {
        layout.mode = OTTER_MODE_OVERWRITE;
        layout.scratch.size = 0;
    }
    if ((flags & (OVERWRITE | TRAILERS)) == (OVERWRITE | TRAILERS)) {
        layout.journal.size = 0;
        layout.trailers = &otter_trailers;
    }
    for (unsigned i = 0; i < 24 && bytes.left > 0; i++) {
        if (layout.journal.size == 0) {
            struct otter_layout room = layout; /* pieces for the journal go nowhere */
            room.journal = room.scratch = layout.primary;
            put_piece(&room, &bytes);
        } else if (layout.scratch.size == 0) {
            struct otter_layout room = layout;
            room.scratch = layout.primary;
            put_piece(&room, &bytes);
        } else {
            put_piece(&layout, &bytes);
        }
    }
    memset(flash.used, 1, flash.flash.size);
    flash.dead_from = (flags & DEAD) != 0 ? from : 0;
    flash.dead_to = (flags & DEAD) != 0 ? to : 0;
    flash.worn_from = (flags & WORN) != 0 ? from : 0;
    flash.worn_to = (flags & WORN) != 0 ? to : 0;
    for (unsigned i = 0; i < BOOTS; i++) {
        flash.fail_change = (flags & BREAK_CHANGE) != 0 && i == 0 ? 1 + fail % 512 : 0;
        flash.fail_read = (flags & BREAK_READ) != 0 && i == 0 ? 1 + fail % 2048 : 0;
        boot_once(&layout, i == 0 ? flags : flags & ~(unsigned)WATCHDOG, trial_boots);
    }
    return 0;
}
