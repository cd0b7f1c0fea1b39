/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.c - the application of a life: it takes what the server offers, as the agent does.
 *
 * It remembers nothing but what the flash holds. struct world is written before an
 * operation where the operation may become visible at its cut, after it where it must
 * have happened.
 */
#include "test/powerloss/life.h"

#include "otter/result.h"
#include "slot/journal.h"

#include <string.h>

static void must(struct life *life, int err, const char *what)
{
    if (err != OTTER_OK && (life->worn || life->faulty != NULL)) {
        life_give_up(life); /* what runs goes on running */
    }
    if (err != OTTER_OK) {
        life_fail(life, HARM_OTHER, "%s: %s", what, otter_err_str(err));
    }
}

/* Program [off, off + len) of the image, the last unit padded with erased bytes. */
static void program(struct life *life, const struct test_image *image, uint32_t off, uint32_t len)
{
    const struct otter_area *slot = &life->layout.secondary;
    uint32_t unit = slot->flash->prog_size;
    uint32_t most = (uint32_t)sizeof life->buf / unit * unit;
    while (len > 0) {
        uint32_t now = len < most ? len : most;
        uint32_t padded = (now + unit - 1) / unit * unit;
        memset(life->buf, slot->flash->erased, padded);
        memcpy(life->buf, image->bytes + off, now);
        must(life, otter_area_prog(slot, off, life->buf, padded), "program of the secondary");
        off += now;
        len -= now;
    }
}

static void source_of(const struct test_image *image, uint8_t source[16])
{
    memcpy(source, image->parsed.hash + 8, 16);
}

/* Is [0, off) of the secondary the image's, on cells that can be trusted? */
static bool progress_holds(struct life *life, const struct test_image *image, uint32_t off)
{
    uint8_t got[64];
    const struct otter_area *slot = &life->layout.secondary;
    for (uint32_t at = 0; at < off; at += sizeof got) {
        uint32_t now = off - at < sizeof got ? off - at : (uint32_t)sizeof got;
        sim_flash_peek(sim_flash_of(slot), slot->base + at, got, now);
        if (memcmp(got, image->bytes + at, now) != 0) {
            return false;
        }
    }
    return !sim_flash_marginal(sim_flash_of(slot), slot->base, off, NULL);
}

/* After two cuts a record that was not there after the first may have surfaced: the agent
 * then finds the image wrong and starts over; so does this one. */
static uint32_t resume_at(struct life *life, const struct otter_state *state,
                          const struct test_image *image)
{
    uint8_t source[16];
    source_of(image, source);
    uint32_t off = state->download.off;
    if (!life->scenario->progress || off == 0 || off > image->size ||
        memcmp(state->download.source, source, sizeof source) != 0) {
        return 0;
    }
    if (progress_holds(life, image, off)) {
        return off;
    }
    if (life->cuts_done < 2 && life->world.odd == 0) {
        life_fail(life, HARM_OTHER, "progress %u is recorded, and not true", off);
    }
    return 0;
}

static void download(struct life *life, struct otter_state *state, const struct test_image *image)
{
    const struct otter_area *slot = &life->layout.secondary;
    struct otter_download progress = {0};
    source_of(image, progress.source);
    uint32_t off = resume_at(life, state, image);
    bool forgets = life->scenario->progress && off == 0 && state->download.off != 0;
    if (forgets || life->layout.journal.size == 0) { /* trailers: before the first erase, always */
        must(life, otter_state_save_download(state, &progress), "save progress");
    }
    while (off < image->size) {
        uint32_t size = 0;
        uint32_t first = otter_area_step(slot, off, image->size, &size);
        if (first != off) {
            life_fail(life, HARM_OTHER, "a download step at %u begins at %u", off, first);
        }
        must(life, otter_area_erase(slot, first, size), "erase of the secondary");
        uint32_t len = image->size - off < size ? image->size - off : size;
        program(life, image, off, len);
        off += len;
        progress.off = off;
        if (life->scenario->progress) {
            must(life, otter_state_save_download(state, &progress), "save progress");
        }
    }
}

static void verify_secondary(struct life *life, struct otter_image *ret_image)
{
    struct otter_view view = otter_view_of(&life->layout.secondary);
    must(life, otter_image_parse(&view, ret_image), "parse of the download");
    must(life, otter_image_verify(&view, ret_image, &test_key, 1, NULL, NULL),
         "verification of the download");
}

/* One bit changes by itself. */
static void rot(const struct otter_area *area, uint32_t off)
{
    uint8_t byte;
    sim_flash_peek(sim_flash_of(area), area->base + off, &byte, 1);
    byte ^= 0x10;
    sim_flash_poke(sim_flash_of(area), area->base + off, &byte, 1);
}

/* The server's next job; or the same one once more, where its acceptance was cut. */
static void accept_job(struct life *life, struct otter_state *state)
{
    unsigned next = life->world.job + 1;
    if (life->scenario->jobs && life->layout.journal.size != 0) {
        must(life, otter_state_raise_job(state, next, 10 * next), "accept a job");
        life->world.job = next;
    }
}

static void install(struct life *life, struct otter_state *state, const struct offer *offer)
{
    struct otter_image image;
    uint8_t bit = (uint8_t)(1u << offer->image);
    if (life->scenario->delta) {
        must(life, patch_install(life, state, offer), "an update by patch");
        return;
    }
    if ((life->world.requested & bit) != 0) {
        life->world.may_run |= bit; /* as soon as it is whole: it was asked for before */
    }
    accept_job(life, state);
    download(life, state, &life->images[offer->image]);
    verify_secondary(life, &image);
    if (offer->behaviour == ROTS) {
        rot(&life->layout.secondary, 48);
    } else {
        life->world.may_run |= bit;
        life->world.requested |= bit;
    }
    must(life, otter_state_request_swap(state, &image, offer->behaviour == PERMANENT), "request");
}

static void confirm(struct life *life, struct otter_state *state, unsigned running)
{
    must(life, otter_state_confirm(state, &life->images[running].parsed), "confirm");
    life->world.may_run = (uint8_t)(1u << running);
    life->world.confirmed |= life->world.may_run;
    life->world.trials[running] = 0;
}

static void on_trial(struct life *life, struct otter_state *state, unsigned running)
{
    enum behaviour behaviour = life->scenario->offers[life->world.offer].behaviour;
    switch (behaviour) {
    case CONFIRMS:
        confirm(life, state, running);
        break;
    case HANGS:
        life->world.hung = true;
        break;
    case GIVES_UP:
        must(life, otter_state_give_up(state), "give up");
        break;
    case FALLBACK_ROTS:
        life->world.hung = true;
        if (!life->world.fallback_gone) {
            life->world.fallback_gone = true;
            life->world.may_run = (uint8_t)(1u << running);
            rot(&life->layout.secondary, state->unit_size + 48);
        }
        break;
    case RESETS:
        break;
    case PERMANENT:
    case COUNTS_DOWN:
    case ROTS:
        if (life->world.used_up == 0 && life->world.odd == 0) {
            life_fail(life, HARM_OTHER, "this image may not be on trial");
        }
        confirm(life, state, running); /* what would have refused it was not kept */
    }
}

/* Why an offer of this kind is not installed. */
static enum otter_reason reason_due(enum behaviour behaviour)
{
    switch (behaviour) {
    case ROTS:
        return OTTER_REASON_BAD_IMAGE;
    case FALLBACK_ROTS:
        return OTTER_REASON_NO_FALLBACK;
    case COUNTS_DOWN:
        return OTTER_REASON_COUNTER;
    case CONFIRMS:
    case HANGS:
    case RESETS:
    case GIVES_UP:
    case PERMANENT:
        break;
    }
    return OTTER_REASON_DOWNGRADE;
}

/* The reason belongs to the open offer; acknowledge it. A request whose record was cut may
 * surface when the next download has begun: it is refused, and the download done again. So
 * may a reason that was acknowledged: it is reported twice. */
static void take_reason(struct life *life, struct otter_state *state)
{
    const struct offer *offer = &life->scenario->offers[life->world.offer];
    uint8_t bit = (uint8_t)(1u << offer->image);
    enum otter_reason due = reason_due(offer->behaviour);
    bool late = life->cuts_done != 0 && (state->reason == OTTER_REASON_BAD_IMAGE ||
                                         (life->world.reasons >> state->reason & 1) != 0);
    if (state->reason == OTTER_REASON_NOT_CONFIRMED && life->cuts_done >= LIFE_TRIAL_BOOTS) {
        life->world.rejected |= bit; /* cut in each attempt, before it could start */
        life->world.used_up |= bit;
    }
    if ((!late || due == state->reason) && !life->world.died &&
        (life->world.rejected & bit) == 0) {
        life->world.refused |= bit;
        if (state->reason != due && life->world.used_up == 0 && life->world.odd == 0) {
            life_fail(life, HARM_OTHER, "image %u was not installed: %s", offer->image,
                      otter_reason_str(state->reason));
        }
    }
    life->world.reason_due = false; /* from here on it may be gone, or come again */
    life->world.reasons |= (uint16_t)(1u << state->reason);
    must(life, otter_state_acknowledge(state), "acknowledge");
    if (state->reason != OTTER_REASON_NONE) {
        life_fail(life, HARM_OTHER, "acknowledged, and the reason is still there");
    }
}

static void offer_rejected_again(struct life *life, struct otter_state *state, unsigned image)
{
    uint64_t ops = life->board.power.ops;
    if (otter_state_request_swap(state, &life->images[image].parsed, false) != OTTER_ERR_REFUSED ||
        life->board.power.ops != ops) {
        life_fail(life, HARM_LOST_REJECT, "a rejected image may be requested again");
    }
    if (!otter_state_rejects_version(state, &life->images[image].parsed.version)) {
        life_fail(life, HARM_LOST_REJECT, "the version of a rejected image is not refused");
    }
}

static void kill_primary(struct life *life)
{
    rot(&life->layout.primary, 48);
    life->world.died = true;
    life->world.may_run |= 1; /* the fallback, or a whole copy of the same image */
    life->world.may_run |= life->world.odd != 0 ? life->world.requested : 0;
}

/* Nothing is left to do: the device must then soon boot without writing anything. */
static bool rest(struct life *life, unsigned running)
{
    const struct scenario *scenario = life->scenario;
    bool overwrite = life->map.mode == OTTER_MODE_OVERWRITE;
    if (scenario->primary_dies && !life->world.died && life->world.odd == 0) {
        kill_primary(life);
        return true;
    }
    unsigned final = overwrite ? scenario->final_overwrite : scenario->final;
    if (running != final && !life->world.died && life->world.used_up == 0 && life->world.odd == 0) {
        life_fail(life, HARM_WRONG_IMAGE, "at rest with image %u, not %u", running, final);
    }
    bool wrote = life->board.power.ops != life->ops_at_boot;
    if (life->world.rests > 3 + life->cuts_done + 3u * (life->world.odd != 0)) {
        life_fail(life, HARM_BRICK, "nothing to do, and every boot writes");
    }
    return life->world.rests++ == 0 || wrote;
}

bool app_run(struct life *life, const struct otter_boot_choice *choice, unsigned running)
{
    struct otter_state state;
    struct world *world = &life->world;
    must(life, otter_state_open(&state, &life->layout), "open");
    check_state(life, choice, &state, running);
    if (life->layout.journal.size == 0) {
        state.reason = choice->reason; /* trailers remember none */
    }
    if (choice->on_trial || otter_state_on_trial(&state)) {
        on_trial(life, &state, running);
        return true;
    }
    if (state.phase != OTTER_PHASE_IDLE) {
        world->may_run |= (uint8_t)(1u << life->scenario->offers[world->offer].image);
        /* A request that surfaced late: it lasts now, or (trailers) is taken back. */
        must(life, life->layout.journal.size != 0 ? otter_state_write(&state) : otter_state_settle(&state, NULL),
             "write again");
        return true;
    }
    if (state.reason != OTTER_REASON_NONE && life->scenario->offers_count != 0) {
        take_reason(life, &state);
    }
    while (world->offer < life->scenario->offers_count && !world->died) {
        const struct offer *offer = &life->scenario->offers[world->offer];
        uint8_t bit = (uint8_t)(1u << offer->image);
        if ((world->rejected & bit) != 0) {
            if (world->odd == 0) {
                offer_rejected_again(life, &state, offer->image);
            }
        } else if (offer->image != running && (world->refused & bit) == 0) {
            install(life, &state, offer);
            return true;
        }
        if (world->offer + 1 == life->scenario->offers_count) {
            break;
        }
        world->offer++;
    }
    return rest(life, running);
}
