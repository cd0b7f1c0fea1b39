/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - what must hold after every boot, whatever was cut before it.
 *
 * The fallback's place is computed here from SPEC.md, not asked of the bootloader.
 */
#include "test/powerloss/life.h"

#include "otter/result.h"

#include <string.h>

static bool bytes_equal(const struct otter_area *area, uint32_t off, const uint8_t *want, uint32_t len)
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

static bool marginal(const struct otter_area *area, uint32_t off, uint32_t len, uint32_t *ret_off)
{
    return sim_flash_marginal(sim_flash_of(area), area->base + off, len, ret_off);
}

/* Which image is it, whole and on cells that can be trusted? */
static unsigned check_primary(struct life *life, const struct otter_boot_choice *choice)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        const struct test_image *image = &life->images[i];
        if (image->bytes == NULL ||
            memcmp(image->parsed.hash, choice->image.hash, OTTER_HASH_SIZE) != 0) {
            continue;
        }
        if (!bytes_equal(&life->layout.primary, 0, image->bytes, image->size)) {
            life_fail(life, "started image %u, but the primary is a mixture", i);
        }
        if (marginal(&life->layout.primary, 0, image->size, &at)) {
            life_fail(life, "image %u runs on a marginal cell at device offset 0x%x", i, at);
        }
        if (choice->entry_off != image->parsed.header_size) {
            life_fail(life, "entry at 0x%x", choice->entry_off);
        }
        return i;
    }
    life_fail(life, "started an image that nobody made");
}

/* SPEC.md, "Boot": old byte x lies at secondary + U + x, or from T on in scratch. */
static void check_fallback(struct life *life, const struct otter_state *state, unsigned running)
{
    const struct otter_layout *layout = &life->layout;
    const struct test_image *old = NULL;
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        if (i != running && (life->world.may_run >> i & 1) != 0 &&
            life->images[i].size == state->old_size) {
            old = &life->images[i];
        }
    }
    if (old == NULL) {
        life_fail(life, "on trial, and the old size %u is no image's", state->old_size);
    }
    uint32_t end = state->old_size > state->new_size ? state->old_size : state->new_size;
    const struct otter_flash *primary = layout->primary.flash;
    const struct otter_flash *secondary = layout->secondary.flash;
    while ((layout->primary.base + end) % primary->sector_size != 0 ||
           (layout->secondary.base + end) % secondary->sector_size != 0) {
        end++;
    }
    uint32_t split = state->old_size;
    if (state->unit_size + state->old_size > layout->secondary.size) {
        uint32_t top = end > state->unit_size ? end - state->unit_size : 0;
        split = top < split ? top : split;
    }
    uint32_t rest = state->old_size - split;
    uint32_t at = 0;
    if (!bytes_equal(&layout->secondary, state->unit_size, old->bytes, split) ||
        (rest != 0 && !bytes_equal(&layout->scratch, 0, old->bytes + split, rest))) {
        life_fail(life, "on trial, and the fallback is not the old image");
    }
    if (marginal(&layout->secondary, state->unit_size, split, &at) ||
        (rest != 0 && marginal(&layout->scratch, 0, rest, &at))) {
        life_fail(life, "fallback on a marginal cell at device offset 0x%x", at);
    }
}

unsigned check_boot(struct life *life, const struct otter_boot_choice *choice)
{
    struct world *world = &life->world;
    unsigned running = check_primary(life, choice);
    if ((world->rejected >> running & 1) != 0) {
        life_fail(life, "rejected image %u runs again", running);
    }
    if ((world->may_run >> running & 1) == 0) {
        life_fail(life, "image %u runs, which must not (allowed: 0x%x)", running, world->may_run);
    }
    if (choice->on_trial) {
        world->trials[running]++;
        if (world->fallback_gone) {
            return running; /* it stays, for want of another */
        }
        if (world->trials[running] > LIFE_TRIAL_BOOTS) {
            life_fail(life, "image %u started %u times on trial", running, world->trials[running]);
        }
        if (choice->attempt == 0 || choice->attempt > LIFE_TRIAL_BOOTS) {
            life_fail(life, "trial attempt %u", choice->attempt);
        }
        return running;
    }
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        if (i != running && world->trials[i] != 0 && (world->may_run >> i & 1) != 0) {
            world->rejected |= (uint8_t)(1u << i); /* it had its trial, and is gone */
            world->reason_due = true;
        }
    }
    if (world->reason_due && choice->reason == OTTER_REASON_NONE) {
        life_fail(life, "reverted, and the reason is lost");
    }
    world->trials[running] = 0; /* confirmed, also when the cut hid that from us */
    world->may_run = (uint8_t)(1u << running);
    return running;
}

/* Two cuts can leave the request and the begin of the swap unstable in a row: the bootloader
 * reads neither, the application both. Nothing has moved yet; it resets, as the agent does. */
static bool may_surface(const struct life *life, const struct otter_state *state)
{
    return life->cuts_done > 1 && state->phase == OTTER_PHASE_SWAP && state->out_count == 0 &&
           state->in_count == 0;
}

void check_state(struct life *life, const struct otter_boot_choice *choice,
                 const struct otter_state *state, unsigned running)
{
    bool moving = state->phase == OTTER_PHASE_SWAP || state->phase == OTTER_PHASE_REVERT;
    if (moving && !may_surface(life, state)) {
        life_fail(life, "the application runs in the middle of a swap (phase %d)", (int)state->phase);
    }
    if (otter_state_on_trial(state) != choice->on_trial) {
        life_fail(life, "bootloader and application disagree about the trial");
    }
    if (choice->on_trial && !life->world.fallback_gone) {
        check_fallback(life, state, running);
    }
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        if ((life->world.rejected >> i & 1) != 0 &&
            !otter_state_rejects_hash(state, life->images[i].parsed.hash)) {
            life_fail(life, "the reject record of image %u is lost", i);
        }
    }
}
