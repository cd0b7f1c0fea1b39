/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - what must hold after every boot, whatever was cut before it.
 *
 * The fallback's place is computed here from SPEC.md, not asked of the bootloader.
 */
#include "test/powerloss/life.h"

#include "otter/result.h"
#include "slot/trailer.h"

#include <string.h>

enum { ODD_PRIMARY = 1, ODD_JOURNAL = 4, ODD_JOURNAL_LIES = 5 }; /* world->odd */

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

unsigned life_primary(const struct life *life)
{
    unsigned i = 0;
    while (i < LIFE_IMAGES && (life->images[i].bytes == NULL ||
                               !bytes_equal(&life->layout.primary, 0, life->images[i].bytes,
                                            life->images[i].size))) {
        i++;
    }
    return i;
}

/* Without a journal: a counter that flickers in the torn primary had the copy put off, and the whole
 * image in the secondary is asked for still; the next boot copies it. */
static bool copy_put_off(const struct life *life, const struct otter_boot_choice *choice, const struct test_image *image)
{
    struct otter_state state;
    return life->layout.journal.size == 0 && life->cuts_done != 0 &&
           (choice->reason == OTTER_REASON_COUNTER || choice->reason == OTTER_REASON_DOWNGRADE) &&
           bytes_equal(&life->layout.secondary, 0, image->bytes, image->size) &&
           !marginal(&life->layout.secondary, 0, image->size, NULL) &&
           otter_state_open(&state, &life->layout) == OTTER_OK && state.phase == OTTER_PHASE_REQUESTED;
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
            life_fail(life, HARM_WRONG_IMAGE, "started image %u, but the primary is a mixture", i);
        }
        if (marginal(&life->layout.primary, 0, image->size, &at) && !copy_put_off(life, choice, image)) {
            life_fail(life, HARM_WRONG_IMAGE, "image %u runs on a marginal cell at device offset 0x%x", i, at);
        }
        if (choice->entry_addr != life->layout.primary_addr + image->parsed.header_size) {
            life_fail(life, HARM_OTHER, "entry at 0x%x", choice->entry_addr);
        }
        return i;
    }
    life_fail(life, HARM_WRONG_IMAGE, "started an image that nobody made");
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
        life_fail(life, HARM_WRONG_IMAGE, "on trial, and the old size %u is no image's", state->old_size);
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
        life_fail(life, HARM_WRONG_IMAGE, "on trial, and the fallback is not the old image");
    }
    if (marginal(&layout->secondary, state->unit_size, split, &at) ||
        (rest != 0 && marginal(&layout->scratch, 0, rest, &at))) {
        life_fail(life, HARM_WRONG_IMAGE, "fallback on a marginal cell at device offset 0x%x", at);
    }
}

unsigned check_boot(struct life *life, const struct otter_boot_choice *choice)
{
    struct world *world = &life->world;
    unsigned running = check_primary(life, choice);
    if (world->odd == ODD_PRIMARY || world->odd == ODD_JOURNAL_LIES) {
        world->may_run |= (uint8_t)(1u << running); /* any that was installed before */
    }
    if ((world->rejected >> running & 1) != 0 && world->odd < ODD_JOURNAL) {
        life_fail(life, HARM_WRONG_IMAGE, "rejected image %u runs again", running);
    }
    if ((world->may_run >> running & 1) == 0) {
        bool back = (world->confirmed >> running & 1) != 0; /* it was the one before */
        life_fail(life, back ? HARM_LOST_CONFIRM : HARM_WRONG_IMAGE,
                  "image %u runs, which must not (allowed: 0x%x)", running, world->may_run);
    }
    if (choice->on_trial) {
        world->trials[running]++;
        if (world->fallback_gone) {
            return running; /* it stays, for want of another */
        }
        if (world->odd == 0 && world->trials[running] > LIFE_TRIAL_BOOTS) {
            life_fail(life, HARM_WRONG_IMAGE, "image %u started %u times on trial", running, world->trials[running]);
        }
        if (world->odd == 0 && (choice->attempt == 0 || choice->attempt > LIFE_TRIAL_BOOTS)) {
            life_fail(life, HARM_OTHER, "trial attempt %u", choice->attempt);
        }
        return running;
    }
    if (world->odd != 0) {
        return running; /* it may be on trial, and the journal unable to say so */
    }
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        if (i != running && world->trials[i] != 0 && (world->may_run >> i & 1) != 0) {
            world->rejected |= (uint8_t)(1u << i); /* it had its trial, and is gone */
            world->reason_due = true;
            world->used_up |= (uint8_t)(life->cuts_done >= LIFE_TRIAL_BOOTS ? 1u << i : 0u);
        }
    }
    if (world->odd == 0 && world->reason_due && choice->reason == OTTER_REASON_NONE) {
        life_fail(life, HARM_LOST_REJECT, "reverted, and the reason is lost");
    }
    world->trials[running] = 0; /* confirmed, also when the cut hid that from us */
    world->may_run = (uint8_t)(1u << running);
    world->confirmed |= world->may_run;
    return running;
}

/* Floor, counter and an accepted job's numbers only rise; floor and counter are not below what runs confirmed. */
static void check_floor(struct life *life, const struct otter_state *state, unsigned running)
{
    struct world *world = &life->world;
    const struct test_image *image = &life->images[running];
    if (life->layout.journal.size == 0) {
        return; /* MCUboot's trailers remember none */
    }
    if (world->odd != 0) {
        return; /* the record may not have been written, or may be lost */
    }
    if (!otter_state_on_trial(state) && !world->died &&
        image->parsed.security_counter < world->floor_counter) {
        life_fail(life, HARM_WRONG_IMAGE, "image %u runs confirmed, with a counter below %u", running, world->floor_counter);
    }
    if (!otter_state_on_trial(state) && (image->parsed.version.major > state->floor_version.major ||
                                         image->parsed.security_counter > state->floor_counter)) {
        life_fail(life, HARM_WRONG_IMAGE, "image %u runs confirmed, above the floor %u, counter %u",
                  running, state->floor_version.major, state->floor_counter);
    }
    if (state->floor_version.major < world->floor || state->floor_counter < world->floor_counter) {
        life_fail(life, HARM_WRONG_IMAGE, "the floor fell from %u to %u, the counter from %u to %u",
                  world->floor, state->floor_version.major, world->floor_counter,
                  state->floor_counter);
    }
    if (state->job_sequence < world->job || state->job_issued < 10 * world->job || state->job_sequence > world->job + 1) {
        life_fail(life, HARM_WRONG_IMAGE, "job %u was accepted, and Sequence is %u, Issued %u", world->job, state->job_sequence,
                  state->job_issued);
    }
    world->floor = state->floor_version.major;
    world->floor_counter = (uint8_t)state->floor_counter;
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
    if (moving && !may_surface(life, state) && life->world.odd == 0) {
        life_fail(life, HARM_OTHER, "the application runs in the middle of a swap (phase %d)", (int)state->phase);
    }
    if (otter_state_on_trial(state) != choice->on_trial && life->world.odd < ODD_JOURNAL) {
        life_fail(life, HARM_OTHER, "bootloader and application disagree about the trial");
    }
    check_floor(life, state, running);
    if (life->world.odd != 0) {
        return;
    }
    if (choice->on_trial && !life->world.fallback_gone) {
        check_fallback(life, state, running);
    }
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        if ((life->world.rejected >> i & 1) != 0 &&
            !otter_state_rejects_hash(state, life->images[i].parsed.hash)) {
            life_fail(life, HARM_LOST_REJECT, "the reject record of image %u is lost", i);
        }
    }
}

void check_wear_begin(struct life *life)
{
    for (unsigned i = 0; i < life->board.devices_count; i++) {
        const struct sim_flash *flash = &life->board.devices[i];
        memcpy(life->wear[i], flash->wear,
               flash->geometry.size / flash->geometry.sector_size * sizeof *flash->wear);
    }
}

/* The most that a sector of the area was erased in this power cycle; *ret_sum: all of them. */
static uint32_t worn_most(const struct life *life, const struct otter_area *area, uint32_t *ret_sum)
{
    const struct sim_flash *flash = sim_flash_of(area);
    const uint32_t *before = life->wear[flash - life->board.devices];
    uint32_t sector = flash->geometry.sector_size;
    uint32_t most = 0;
    *ret_sum = 0;
    for (uint32_t i = area->base / sector; i <= (area->base + area->size - 1) / sector; i++) {
        uint32_t worn = flash->wear[i] - before[i];
        most = worn > most ? worn : most;
        *ret_sum += worn;
    }
    return most;
}

/* Without a journal the end of the secondary is the trailer's, with sectors of its own. */
static struct otter_area trailer_of(const struct life *life)
{
    struct otter_area trailer = life->layout.secondary;
    uint32_t begin = life->layout.journal.size == 0 ? otter_trailer_limit(&trailer, life->layout.mode)
                                                    : trailer.size;
    trailer.base += begin;
    trailer.size -= begin;
    return trailer;
}

/*
 * In one power cycle a sector of the primary is erased by a swap and by a revert, one of the
 * secondary by a swap and by a download; one of the trailer when a copy begins and when it ends,
 * and by the next download and its request. The journal may fill several times where it is tiny:
 * then all its sectors take turns.
 */
void check_wear(struct life *life)
{
    const struct otter_area trailer = trailer_of(life);
    struct otter_area images = life->layout.secondary;
    images.size -= trailer.size;
    const struct otter_area *slots[] = {&life->layout.primary, &images, &life->layout.scratch, &trailer};
    const struct otter_area *journal = &life->layout.journal;
    uint32_t sum = 0;
    if (life->world.odd != 0 || life->faulted) {
        return; /* what fails is tried again */
    }
    for (unsigned i = 0; i < 4; i++) {
        if (slots[i]->size != 0 && worn_most(life, slots[i], &sum) > (i < 3 ? 2 : 4)) {
            life_fail(life, HARM_OTHER, "a sector of area %u is erased %u times in one power cycle",
                      i, worn_most(life, slots[i], &sum));
        }
    }
    if (journal->size != 0) {
        uint32_t sectors = journal->size / journal->flash->sector_size;
        uint32_t worn = worn_most(life, journal, &sum);
        if (worn > 2 + 2 * sum / sectors) {
            life_fail(life, HARM_OTHER, "a journal sector is erased %u times in one power cycle", worn);
        }
    }
}

/* Without a cut: each offer erases a sector of the primary for its swap and its revert, of the
 * secondary for its download and its swap, of the trailer twice as often; what else a life may need
 * is one bootstrap or one revert more. The journal's sectors take turns, within the factor that the low ones cost (30-journal.md). */
void check_wear_of_life(struct life *life)
{
    const struct otter_area trailer = trailer_of(life);
    struct otter_area images = life->layout.secondary;
    images.size -= trailer.size;
    const struct otter_area *areas[] = {&life->layout.primary, &images, &life->layout.scratch, &trailer,
                                        &life->layout.journal};
    for (unsigned i = 0; i < 5; i++) {
        if (areas[i]->size == 0) {
            continue;
        }
        const struct sim_flash *flash = sim_flash_of(areas[i]);
        uint32_t sector = flash->geometry.sector_size;
        uint32_t first = areas[i]->base / sector;
        uint32_t end = (areas[i]->base + areas[i]->size - 1) / sector + 1;
        uint32_t sum = 0, most = 0;
        for (uint32_t s = first; s < end; s++) {
            sum += flash->wear[s];
            most = flash->wear[s] > most ? flash->wear[s] : most;
        }
        uint32_t bound = i < 4 ? (i < 3 ? 2 : 4) * life->scenario->offers_count + 2 : 4 + 3 * sum / (end - first);
        if (most > bound) {
            life_fail(life, HARM_OTHER, "a sector of area %u is erased %u times in a life, at most %u", i, most, bound);
        }
    }
}
