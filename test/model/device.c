/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.c - the real bootloader and the real state on simulated flash.
 *
 * Where a swap keeps the old image is computed here from docs/spec/40-boot.md, not asked of the
 * bootloader.
 */
#include "test/model/device.h"

#include "otter/result.h"
#include "slot/journal.h"
#include "slot/trailer.h"
#include "test/powerloss/known_sha.h"
#include "test/powerloss/shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf out; /* of whatever was running when power was lost, or a rule broken */
static uint8_t elsewhere_hash[MODEL_IMAGES][OTTER_HASH_SIZE];
static unsigned elsewhere_count;

static void wrong(struct device *device, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
static void wrong(struct device *device, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(device->failure, sizeof device->failure, format, args);
    va_end(args);
    longjmp(out, DEVICE_WRONG);
}

static void on_lost(void *ctx)
{
    (void)ctx;
    longjmp(out, DEVICE_CUT);
}

static void on_violated(void *ctx, const char *what)
{
    wrong(ctx, "%s", what);
}

static void must(struct device *device, int err, const char *what)
{
    if (err != OTTER_OK) {
        wrong(device, "%s: %s", what, otter_err_str(err));
    }
}

static bool startable(const struct otter_layout *layout, const struct otter_view *view,
                      const struct otter_image *image)
{
    (void)layout;
    (void)view;
    for (unsigned i = 0; i < elsewhere_count; i++) {
        if (memcmp(elsewhere_hash[i], image->hash, OTTER_HASH_SIZE) == 0) {
            return false;
        }
    }
    return true;
}

/* Both slots begin a sector at this slot offset. */
static bool is_boundary(const struct otter_layout *layout, uint32_t off)
{
    return (layout->primary.base + off) % layout->primary.flash->sector_size == 0 &&
           (layout->secondary.base + off) % layout->secondary.flash->sector_size == 0;
}

static uint32_t boundary_from(const struct otter_layout *layout, uint32_t off)
{
    while (!is_boundary(layout, off)) {
        off++;
    }
    return off;
}

/* "The swap" of docs/spec/40-boot.md. */
static void kept_at(const void *ctx, uint32_t old_size, uint32_t new_size,
                    uint32_t *ret_fallback_off, uint32_t *ret_low_end)
{
    const struct otter_layout *layout = ctx;
    const struct otter_area *secondary = &layout->secondary;
    uint32_t first = boundary_from(layout, 0);
    uint32_t period = boundary_from(layout, first + 1) - first;
    uint32_t end = boundary_from(layout, old_size > new_size ? old_size : new_size);
    uint32_t hole = secondary->size - end;
    hole = layout->scratch.size > hole ? layout->scratch.size : hole;
    uint32_t unit = layout->unit_max > period ? layout->unit_max : period;
    unit = (unit < hole ? unit : hole) / period * period;
    bool in_scratch = end <= unit && unit + old_size > secondary->size;
    *ret_fallback_off = in_scratch ? UINT32_MAX : unit;
    *ret_low_end = in_scratch ? UINT32_MAX
                              : unit - (secondary->base + unit) % secondary->flash->sector_size;
}

static uint32_t erased_by(const void *ctx, uint32_t size)
{
    const struct otter_area *slot = &((const struct otter_layout *)ctx)->secondary;
    uint32_t sector = slot->flash->sector_size;
    return (slot->base + size + sector - 1) / sector * sector - slot->base;
}

static bool make_map(struct device *device, const char *name)
{
    static const char no_journal[] = "/trailers";
    char base[96];
    snprintf(base, sizeof base, "%s", name);
    char *end = strstr(base, no_journal);
    if (end != NULL) {
        *end = 0;
    }
    if (!shape_find(base, &device->map) || (end != NULL && device->map.mode != OTTER_MODE_OVERWRITE)) {
        return false;
    }
    if (end != NULL) {
        device->map.journal.size = 0;
        uint32_t sector = device->map.parts[device->map.secondary.device].sector_size;
        device->map.image_size_max -= 2 * sector; /* of the slot's end: the trailer's */
    }
    return sim_map_build(&device->map, &device->board, device->seed, NULL, &device->layout) == 0;
}

bool device_begin(struct device *device, const char *map_name, uint32_t percent, uint64_t seed)
{
    memset(device, 0, sizeof *device);
    device->seed = seed;
    elsewhere_count = 0;
    if (!make_map(device, map_name)) {
        return false;
    }
    if (device->layout.journal.size == 0) {
        device->layout.trailers = &otter_trailers;
    }
    device->board.power.lost = on_lost;
    device->board.power.violated = on_violated;
    device->board.power.ctx = device;
    device->world.swap = device->layout.mode == OTTER_MODE_SWAP;
    device->world.memory = device->layout.journal.size != 0;
    device->world.kept_at = kept_at;
    device->world.erased_by = erased_by;
    device->world.layout = &device->layout;
    const struct otter_area *slot = &device->layout.primary;
    const struct test_image *first = &device->images[device_make(device, percent, 2, 2, false)];
    sim_flash_poke(sim_flash_of(slot), slot->base, first->bytes, first->size);
    return true;
}

void device_end(struct device *device)
{
    known_sha_forget();
    for (unsigned i = 1; i <= device->images_count; i++) {
        image_free(&device->images[i]);
    }
    sim_board_close(&device->board);
}

uint8_t device_make(struct device *device, uint32_t percent, uint8_t version, uint8_t counter,
                    bool elsewhere)
{
    if (device->images_count == MODEL_IMAGES) {
        return NONE;
    }
    unsigned number = ++device->images_count;
    struct test_image *image = &device->images[number];
    uint32_t size = (uint32_t)((uint64_t)device->map.image_size_max * percent / 100);
    size = size > IMAGE_OVERHEAD_MOST + 64 ? size : IMAGE_OVERHEAD_MOST + 64;
    image_make(image, size, version, counter, device->seed + number);
    known_sha_add(image->bytes, image->parsed.hashed_size);
    device->world.images[number] = (struct model_image){size, version, counter, elsewhere};
    if (elsewhere) {
        memcpy(elsewhere_hash[elsewhere_count++], image->parsed.hash, OTTER_HASH_SIZE);
    }
    return (uint8_t)number;
}

void device_arm(struct device *device, uint32_t after, enum sim_outcome outcome)
{
    device->board.power.cut_at = 0;
    if (after != 0) {
        sim_power_cut_after(&device->board.power, after, outcome);
    }
}

static bool bytes_at(const struct otter_area *area, uint32_t off, const uint8_t *want, uint32_t len)
{
    uint8_t got[512];
    for (uint32_t done = 0; done < len; done += sizeof got) {
        uint32_t now = len - done < sizeof got ? len - done : (uint32_t)sizeof got;
        sim_flash_peek(sim_flash_of(area), area->base + off + done, got, now);
        if (memcmp(got, want + done, now) != 0) {
            return false;
        }
    }
    return true;
}

/* The image that lies whole at this place. */
static uint8_t image_at(const struct device *device, const struct otter_area *area, uint32_t off)
{
    for (unsigned i = 1; i <= device->images_count; i++) {
        const struct test_image *image = &device->images[i];
        if (off <= area->size && image->size <= area->size - off &&
            bytes_at(area, off, image->bytes, image->size)) {
            return (uint8_t)i;
        }
    }
    return NONE;
}

static void look(struct device *device, const struct otter_boot_choice *choice)
{
    struct device_seen *seen = &device->seen;
    const struct otter_state *state = &device->state;
    must(device, otter_state_open(&device->state, &device->layout), "the application opens its state");
    seen->image = image_at(device, &device->layout.primary, 0);
    if (seen->image == NONE ||
        memcmp(device->images[seen->image].parsed.hash, choice->image.hash, OTTER_HASH_SIZE) != 0) {
        wrong(device, "what is started is no whole image");
    }
    if (state->phase != (choice->on_trial ? OTTER_PHASE_TRIAL : OTTER_PHASE_IDLE) && device->world.memory) {
        wrong(device, "the application reads phase %d, the bootloader %s", (int)state->phase,
              choice->on_trial ? "a trial" : "rest");
    }
    seen->runs = true;
    seen->trial = choice->on_trial;
    seen->attempts = choice->attempt;
    seen->reason = (uint8_t)choice->reason;
    seen->floor_version = state->floor_version.major;
    seen->floor_counter = (uint8_t)state->floor_counter;
    seen->rejects = 0;
    for (unsigned i = 1; i <= device->images_count; i++) {
        bool hash = otter_state_rejects_hash(state, device->images[i].parsed.hash);
        seen->rejects |= (uint16_t)(hash ? 1u << i : 0u);
    }
}

static void on_event(void *ctx, const struct otter_boot_event *event)
{
    const struct device *device = ctx;
    if (device->verbose && event->kind != OTTER_BOOT_PROGRESS) {
        printf("        boot: event %d, phase %d, reason %s, version %u, attempt %u, err %d\n", (int)event->kind,
               (int)event->phase, otter_reason_str(event->reason), event->version.major, event->attempt,
               event->err);
    }
}

enum device_end device_boot(struct device *device, bool watchdog)
{
    int left = setjmp(out);
    if (left != 0) {
        return (enum device_end)left;
    }
    struct otter_boot_choice choice;
    struct otter_boot_config config = {
        .layout = &device->layout, .keys = &test_key, .keys_count = 1,
        .trial_boots = MODEL_TRIAL_BOOTS, .reset_by_watchdog = watchdog, .startable = startable,
        .buf = device->buf, .buf_size = sizeof device->buf, .on_event = on_event, .ctx = device,
    };
    memset(&device->seen, 0, sizeof device->seen);
    sim_board_power_on(&device->board);
    if (otter_boot(&config, &choice) == OTTER_OK) {
        look(device, &choice);
    }
    return DEVICE_DONE;
}

/* Program [off, off + len) of the image, the last unit padded with erased bytes. */
static void program(struct device *device, const struct test_image *image, uint32_t off, uint32_t len)
{
    const struct otter_area *slot = &device->layout.secondary;
    uint32_t unit = slot->flash->prog_size;
    uint32_t most = (uint32_t)sizeof device->buf / unit * unit;
    while (len > 0) {
        uint32_t now = len < most ? len : most;
        uint32_t padded = (now + unit - 1) / unit * unit;
        memset(device->buf, slot->flash->erased, padded);
        memcpy(device->buf, image->bytes + off, now);
        must(device, otter_area_prog(slot, off, device->buf, padded), "program of the secondary");
        off += now;
        len -= now;
    }
}

/* Twice is not as before. */
static void damage(const struct otter_area *area, uint32_t off)
{
    uint8_t byte;
    sim_flash_peek(sim_flash_of(area), area->base + off, &byte, 1);
    byte++;
    sim_flash_poke(sim_flash_of(area), area->base + off, &byte, 1);
}

/* From where the last download of this image stopped. */
static void download(struct device *device, const struct test_image *image)
{
    const struct otter_area *slot = &device->layout.secondary;
    struct otter_download progress = device->state.download;
    if (progress.off > image->size ||
        memcmp(progress.source, image->parsed.hash, sizeof progress.source) != 0) {
        progress.off = 0;
        memcpy(progress.source, image->parsed.hash, sizeof progress.source);
    }
    must(device, otter_state_save_download(&device->state, &progress), "save progress");
    while (progress.off < image->size) {
        uint32_t size = 0;
        uint32_t first = otter_area_step(slot, progress.off, image->size, &size);
        uint32_t left = image->size - progress.off;
        must(device, otter_area_erase(slot, first, size), "erase of the secondary");
        program(device, image, progress.off, left < size ? left : size);
        progress.off += left < size ? left : size;
        if (device->seed % 2 == 0) {
            must(device, otter_state_save_download(&device->state, &progress), "save progress");
        }
    }
}

static bool verifies(struct device *device, struct otter_image *ret_image)
{
    struct otter_view view = otter_view_of(&device->layout.secondary);
    return otter_image_parse(&view, ret_image) == OTTER_OK &&
           otter_image_verify(&view, ret_image, &test_key, 1, NULL, NULL) == OTTER_OK;
}

static void offer(struct device *device, uint8_t number, bool permanent, bool rots)
{
    const struct test_image *image = &device->images[number];
    struct otter_download none = {0};
    struct otter_image parsed;
    if (otter_state_rejects_hash(&device->state, image->parsed.hash)) {
        if (otter_state_request_swap(&device->state, &image->parsed, permanent) != OTTER_ERR_REFUSED) {
            wrong(device, "a rejected image is taken");
        }
        return;
    }
    if (device->state.phase != OTTER_PHASE_IDLE) {
        return;
    }
    download(device, image);
    if (!verifies(device, &parsed)) {
        if (!device->damaged) {
            wrong(device, "recorded progress is not true");
        }
        must(device, otter_state_save_download(&device->state, &none), "forget progress");
        download(device, image);
        must(device, verifies(device, &parsed) ? OTTER_OK : OTTER_ERR_AUTH, "a fresh download");
    }
    device->damaged = rots;
    if (rots) {
        damage(&device->layout.secondary, 48);
    }
    must(device, otter_state_request_swap(&device->state, &parsed, permanent), "request");
}

enum device_end device_offer(struct device *device, uint8_t image, bool permanent, bool rots)
{
    int left = setjmp(out);
    if (left == 0) {
        offer(device, image, permanent, rots);
    }
    return (enum device_end)left;
}

enum device_end device_confirm(struct device *device)
{
    int left = setjmp(out);
    if (left == 0) {
        must(device, otter_state_confirm(&device->state, &device->images[device->seen.image].parsed), "confirm");
    }
    return (enum device_end)left;
}

enum device_end device_give_up(struct device *device)
{
    int left = setjmp(out);
    if (left == 0) {
        must(device, otter_state_give_up(&device->state), "give up");
    }
    return (enum device_end)left;
}

enum device_end device_acknowledge(struct device *device)
{
    int left = setjmp(out);
    if (left == 0) {
        must(device, otter_state_acknowledge(&device->state), "acknowledge");
    }
    return (enum device_end)left;
}

void device_damage_primary(struct device *device)
{
    damage(&device->layout.primary, 48);
}

void device_damage_low(struct device *device)
{
    damage(&device->layout.secondary, 48);
    device->damaged = true;
}

void device_damage_rest(struct device *device)
{
    const struct otter_area *areas[] = {&device->layout.secondary, &device->layout.scratch};
    for (unsigned i = 0; i < 2; i++) {
        for (uint32_t off = 16; off < areas[i]->size; off += 32) {
            damage(areas[i], off);
        }
    }
    device->damaged = true;
}

/* Is rest what a half ends with? (Also where it holds nothing.) */
static bool half_at_rest(const struct otter_area *area, uint32_t half_off, uint32_t half_size)
{
    struct otter_record record;
    uint8_t raw[OTTER_RECORD_SIZE];
    uint32_t seq = 0;
    bool rest = true;
    for (uint32_t off = half_off; off < half_off + half_size; off += OTTER_RECORD_SIZE) {
        sim_flash_peek(sim_flash_of(area), area->base + off, raw, sizeof raw);
        if (otter_record_decode(raw, &record) && record.type == OTTER_RECORD_STATE && record.seq >= seq) {
            seq = record.seq;
            rest = record.phase == OTTER_PHASE_IDLE;
        }
    }
    return rest;
}

bool device_damage_journal(struct device *device, bool in_force, uint64_t seed)
{
    const struct otter_journal *journal = &device->state.journal;
    const struct otter_area *area = &device->layout.journal;
    uint32_t half_off = in_force == (journal->half_off == 0) ? 0 : journal->half_size;
    if (in_force && !half_at_rest(area, journal->half_size - half_off, journal->half_size)) {
        return false;
    }
    for (uint32_t off = 0; off < journal->half_size; off += 8) {
        uint64_t noise = sim_random(&seed);
        sim_flash_poke(sim_flash_of(area), area->base + half_off + off, &noise, 8);
    }
    device->damaged = device->damaged || in_force; /* progress may be older than what is there */
    return true;
}

static uint8_t fallback_of(const struct device *device, uint32_t *ret_off)
{
    const struct otter_state *state = &device->state;
    const struct otter_layout *layout = &device->layout;
    uint32_t low_end;
    *ret_off = UINT32_MAX;
    if (state->old_size == 0 || !device->world.swap) {
        return NONE;
    }
    kept_at(layout, state->old_size, state->new_size, ret_off, &low_end);
    uint32_t end = boundary_from(layout, state->old_size > state->new_size ? state->old_size : state->new_size);
    uint32_t split = *ret_off == UINT32_MAX ? 0 : state->old_size;
    if (split != 0 && *ret_off + state->old_size > layout->secondary.size && end - *ret_off < split) {
        split = end - *ret_off;
    }
    for (unsigned i = 1; i <= device->images_count; i++) {
        const struct test_image *image = &device->images[i];
        if (image->size == state->old_size &&
            (split == 0 || bytes_at(&layout->secondary, *ret_off, image->bytes, split)) &&
            bytes_at(&layout->scratch, 0, image->bytes + split, image->size - split)) {
            return (uint8_t)i;
        }
    }
    return NONE;
}

void device_tell(struct device *device, struct model *model)
{
    const struct otter_state *state = &device->state;
    memset(model, 0, sizeof *model);
    model->primary = device->seen.image;
    model->running = device->seen.image;
    model->low = image_at(device, &device->layout.secondary, 0);
    model->fallback = fallback_of(device, &model->fallback_off);
    model->trial = device->seen.trial;
    model->attempts = device->seen.attempts;
    model->reason = (uint8_t)state->reason;
    model->floor_version = device->seen.floor_version;
    model->floor_counter = device->seen.floor_counter;
    model->permanent = state->permanent;
    for (unsigned i = 1; i <= device->images_count; i++) {
        const uint8_t *hash = device->images[i].parsed.hash;
        if (memcmp(state->requested.hash, hash, sizeof state->requested.hash) == 0) {
            model->requested = (uint8_t)i;
        }
    }
    for (uint32_t r = 0; r < state->rejects_count; r++) {
        for (unsigned i = 1; i <= device->images_count; i++) {
            if (memcmp(state->rejects[r].hash, device->images[i].parsed.hash, OTTER_REJECT_HASH_SIZE) == 0) {
                model->rejects[model->rejects_count++] = (uint8_t)i;
            }
        }
    }
}
