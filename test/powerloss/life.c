/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.c - power on, boot, application, power off; and again, until at rest.
 */
#include "test/powerloss/life.h"

#include "otter/result.h"
#include "slot/journal.h"
#include "test/powerloss/ends.h"
#include "test/powerloss/known_sha.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT_BY_CUT = 1, LEFT_BY_FAILURE = 2, LEFT_FOR_WEAR = 3 };

/* The journal as a programmer would see it: records, and what was torn. */
static void print_journal(const struct life *life)
{
    const struct otter_area *area = &life->layout.journal;
    const struct sim_flash *flash = area->size != 0 ? sim_flash_of(area) : NULL;
    struct otter_record record;
    uint8_t raw[OTTER_RECORD_SIZE];
    for (uint32_t off = 0; off < area->size; off += sizeof raw) {
        uint8_t unit = flash->unit[(area->base + off) / flash->geometry.prog_size];
        sim_flash_peek(flash, area->base + off, raw, sizeof raw);
        bool valid = otter_record_decode(raw, &record);
        if (valid || unit >= SIM_UNIT_TORN) {
            printf("        %04x sector %u: %s", off, off / flash->geometry.sector_size,
                   unit < SIM_UNIT_TORN ? "" : "torn, ");
            printf(valid ? "seq %u type %u flags %u phase %u %02x\n" : "no record\n", record.seq,
                   record.type, record.flags, record.phase, record.verdict);
        }
    }
}

void life_fail(struct life *life, enum harm harm, const char *format, ...)
{
    va_list args;
    life->harm = harm;
    va_start(args, format);
    vsnprintf(life->failure, sizeof life->failure, format, args);
    va_end(args);
    if (life->verbose) {
        print_journal(life);
    }
    longjmp(life->out, LEFT_BY_FAILURE);
}

void life_give_up(struct life *life)
{
    longjmp(life->out, life->worn ? LEFT_FOR_WEAR : LEFT_BY_CUT);
}

static void on_lost(void *ctx)
{
    struct life *life = ctx;
    if (life->verbose) {
        printf("    power lost at operation %llu\n", (unsigned long long)life->board.power.ops);
        print_journal(life);
    }
    longjmp(life->out, LEFT_BY_CUT);
}

static void on_violated(void *ctx, const char *what)
{
    life_fail(ctx, HARM_OTHER, "%s", what);
}

static void on_boot_event(void *ctx, const struct otter_boot_event *event)
{
    static const char *const names[] = {"found", "journal new", "refused", "swap", "swap resumed",
                                        "progress", "trial", "revert", "revert resumed",
                                        "bootstrap", "primary bad", "start", "nothing"};
    struct life *life = ctx;
    if (life->verbose && event->kind != OTTER_BOOT_PROGRESS) {
        printf("    boot: %s, phase %d, reason %s, version %u, attempt %u, err %d (op %llu)\n",
               names[event->kind], (int)event->phase, otter_reason_str(event->reason),
               event->version.major, event->attempt, event->err,
               (unsigned long long)life->board.power.ops);
    }
}

static void arm_next_cut(struct life *life)
{
    struct sim_power *power = &life->board.power;
    power->cut_at = 0;
    if (life->cuts_done < life->cuts_count) {
        const struct cut *cut = &life->cuts[life->cuts_done];
        sim_power_cut_after(power, cut->after, cut->outcome);
    }
}

static void record_session(struct life *life)
{
    struct track *track = life->recording;
    struct session *session = &track->sessions[track->count++];
    session->snapshot = sim_snapshot_save(&life->board);
    session->world = life->world;
    session->ops = life->board.power.ops - life->track_begin;
    session->random = life->board.power.random;
    session->boots = life->boots;
}

static void forget_track(struct track *track)
{
    for (unsigned i = 0; i < track->count; i++) {
        sim_snapshot_free(track->sessions[i].snapshot);
    }
    track->count = 0;
    track->ops = 0;
}

static void begin_track(struct life *life, struct track *track)
{
    forget_track(track);
    life->recording = track;
    life->track_begin = life->board.power.ops;
}

/* What decides the rest of a life that is not cut any more. False: chance does as well. */
static bool key_of(struct life *life, uint64_t *ret_key)
{
    uint64_t key;
    if (!sim_board_digest(&life->board, &key)) {
        return false;
    }
    const uint8_t *bytes = (const uint8_t *)&life->world;
    for (size_t i = 0; i < sizeof life->world; i++) {
        key = (key ^ bytes[i]) * 0x100000001b3u;
    }
    key ^= life->cuts_done < 2 ? life->cuts_done : 2; /* checks know one cut from more */
    *ret_key = sim_random(&key) | 1;
    return true;
}

static unsigned boots_allowed(const struct life *life)
{
    unsigned cuts = life->cuts_count > life->cuts_done ? life->cuts_count : life->cuts_done;
    return LIFE_BOOTS_MAX + LIFE_BOOTS_CUT * cuts;
}

/* Was this state at power on lived through before? Else remember that it is being now. */
static bool end_is_known(struct life *life)
{
    uint64_t key;
    unsigned boots;
    if (life->ends == NULL || life->recording != NULL || life->board.power.cut_at != 0 ||
        !key_of(life, &key)) {
        return false;
    }
    if (ends_find(life->ends, key, &boots)) {
        life->boots += boots;
        return true;
    }
    life->keys[life->keys_count].key = key;
    life->keys[life->keys_count++].boots = life->boots;
    return false;
}

static void remember_end(struct life *life)
{
    for (unsigned i = 0; i < life->keys_count; i++) {
        ends_add(life->ends, life->keys[i].key, life->boots - life->keys[i].boots);
    }
    unsigned boots = life->boots - life->boots_at_cut;
    if (life->boots > boots_allowed(life)) {
        life_fail(life, HARM_BRICK, "at rest after %u boots", life->boots);
    }
    if (life->cuts_done != 0 && boots > life->most_boots) {
        life->most_boots = boots;
    }
}

/* The flash reads well again. Could this boot not start anything for that? */
static bool end_fault(struct life *life)
{
    if (life->faulty == NULL) {
        return false;
    }
    life->fault_left = life->faulty->fault.after;
    life->faulty->fault.after = 0;
    life->faulty = NULL;
    return life->lenient;
}

/* From here on in the application. */
static void begin_fault(struct life *life)
{
    if (life->pending.after != 0) {
        life->faulty = life->pending_of;
        life->faulty->fault = life->pending;
        life->pending.after = 0;
    }
}

/* One power cycle: bootloader, then application. False: at rest. */
static bool power_cycle(struct life *life)
{
    struct otter_boot_choice choice;
    struct otter_boot_config config = {
        .layout = &life->layout,
        .keys = &test_key,
        .keys_count = 1,
        .trial_boots = LIFE_TRIAL_BOOTS,
        .reset_by_watchdog = life->world.hung,
        .buf = life->buf,
        .buf_size = sizeof life->buf,
        .on_event = on_boot_event,
        .ctx = life,
    };
    if (end_is_known(life)) {
        return false;
    }
    if (life->boots == boots_allowed(life)) {
        life_fail(life, HARM_BRICK, "still not at rest after %u boots", life->boots);
    }
    if (life->recording != NULL) {
        record_session(life);
    }
    life->boots++;
    sim_board_power_on(&life->board);
    life->ops_at_boot = life->board.power.ops;
    life->world.hung = false;
    check_wear_begin(life);
    memset(&choice, 0x5a, sizeof choice);
    int err = otter_boot(&config, &choice);
    if (end_fault(life) && err != OTTER_OK) {
        life->not_started = true;
        return true;
    }
    if (err != OTTER_OK && life->worn && life->lenient) {
        life->not_started = true;
        life_give_up(life);
    }
    if (err != OTTER_OK) {
        life_fail(life, HARM_BRICK, "the bootloader found nothing to start: %s", otter_err_str(err));
    }
    uint64_t ops = life->board.power.ops - life->ops_at_boot;
    if (life->cuts_done != 0 && ops > life->longest) {
        life->longest = ops;
    }
    unsigned running = check_boot(life, &choice);
    begin_fault(life);
    bool again = app_run(life, &choice, running);
    (void)end_fault(life);
    check_wear(life);
    return again;
}

static void after_cut(struct life *life)
{
    (void)end_fault(life);
    check_wear(life);
    life->cuts_done++;
    life->boots_at_cut = life->boots;
    life->world.hung = false;
    if (life->record_next && life->cuts_done == life->cuts_count) {
        begin_track(life, &life->tracks[life->cuts_done]);
    }
    arm_next_cut(life);
}

static void live_on(struct life *life)
{
    while (power_cycle(life)) {
    }
    remember_end(life);
    if (life->recording == &life->tracks[0]) {
        check_wear_of_life(life);
    }
}

static bool live(struct life *life)
{
    int left = setjmp(life->out); /* every cut comes back here */
    if (left == LEFT_BY_FAILURE || left == LEFT_FOR_WEAR) {
        return left == LEFT_FOR_WEAR;
    }
    if (left == LEFT_BY_CUT) {
        after_cut(life);
    }
    live_on(life);
    return true;
}

static void fill_noise(struct life *life, const struct otter_area *area, uint64_t seed)
{
    for (uint32_t off = 0; off < area->size; off += 8) {
        uint64_t r = sim_random(&seed);
        sim_flash_poke(sim_flash_of(area), area->base + off, &r, 8);
    }
    (void)life;
}

static void factory(struct life *life, uint64_t seed)
{
    enum start start = life->scenario->start;
    const struct test_image *first = &life->images[0];
    const struct otter_area *slot = &life->layout.primary;
    if (start == PRIMARY_EMPTY || start == PRIMARY_GARBAGE) {
        if (start == PRIMARY_GARBAGE) {
            fill_noise(life, slot, seed ^ 1);
        }
        slot = &life->layout.secondary;
    }
    sim_flash_poke(sim_flash_of(slot), slot->base, first->bytes, first->size);
    if (start == FACTORY_NOISE) {
        fill_noise(life, &life->layout.journal, seed);
        fill_noise(life, &life->layout.secondary, seed ^ 2);
    }
    life->world.may_run = 1;
}

static void make_images(struct life *life, uint64_t seed)
{
    const struct scenario *scenario = life->scenario;
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        uint32_t size = (uint32_t)((uint64_t)life->map.image_size_max * scenario->sizes[i] / 100);
        if (scenario->sizes[i] == 0) {
            continue;
        }
        size = size <= IMAGE_OVERHEAD_MOST ? IMAGE_OVERHEAD_MOST + 1 : size;
        if (scenario->delta && i == 1) {
            image_derive(&life->images[i], &life->images[0], scenario->versions[i], size / 20, seed + i);
        } else {
            image_make(&life->images[i], size, scenario->versions[i], scenario->counters[i], seed + i);
        }
        known_sha_add(life->images[i].bytes, life->images[i].parsed.hashed_size);
    }
    if (scenario->delta) {
        patch_offer(&life->images[0], &life->images[1]);
        known_sha_add(life->images[1].bytes, life->images[1].size);
    }
}

bool life_key(struct life *life, const struct track *track, uint64_t *ret_key)
{
    sim_snapshot_restore(&life->board, track->sessions[0].snapshot);
    life->world = track->sessions[0].world;
    return key_of(life, ret_key);
}

static bool allocate_wear(struct life *life)
{
    for (unsigned i = 0; i < life->board.devices_count; i++) {
        const struct sim_geometry *part = &life->board.devices[i].geometry;
        life->wear[i] = malloc(part->size / part->sector_size * sizeof *life->wear[i]);
        if (life->wear[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* Live, and have what was recorded end here. */
static bool live_recorded(struct life *life)
{
    bool ok = live(life);
    if (life->recording != NULL) {
        life->recording->ops = life->board.power.ops - life->track_begin;
        life->recording = NULL;
    }
    return ok;
}

static bool build(struct life *life, const struct scenario *scenario, const struct sim_map *map,
                  uint64_t seed)
{
    bool verbose = life->verbose;
    struct ends *ends = life->ends;
    memset(life, 0, sizeof *life);
    life->verbose = verbose;
    life->ends = ends;
    life->scenario = scenario;
    life->map = *map;
    if (sim_map_build(map, &life->board, seed, NULL, &life->layout) != 0 || !allocate_wear(life)) {
        snprintf(life->failure, sizeof life->failure, "the map does not build");
        return false;
    }
    life->layout.trailers = map->journal.size == 0 ? &otter_trailers : NULL;
    life->board.power.lost = on_lost;
    life->board.power.violated = on_violated;
    life->board.power.ctx = life;
    make_images(life, seed);
    factory(life, seed);
    if (ends != NULL) {
        ends_clear(ends);
    }
    return true;
}

bool life_begin(struct life *life, const struct scenario *scenario, const struct sim_map *map,
                uint64_t seed)
{
    if (!build(life, scenario, map, seed)) {
        return false;
    }
    begin_track(life, &life->tracks[0]);
    return live_recorded(life);
}

bool life_worn(struct life *life, const struct scenario *scenario, const struct sim_map *map,
               unsigned area, uint32_t off, bool silent)
{
    if (!build(life, scenario, map, 1)) {
        return false;
    }
    const struct otter_area *worn = life_area(life, area);
    sim_flash_break(sim_flash_of(worn), worn->base + off, silent);
    life->worn = true;
    life->lenient = area == 0;
    life->world.odd = (uint8_t)(1 + area);
    return live(life);
}

void life_end(struct life *life)
{
    for (unsigned i = 0; i < LIFE_LEVELS; i++) {
        forget_track(&life->tracks[i]);
    }
    known_sha_forget();
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        image_free(&life->images[i]);
    }
    for (unsigned i = 0; i < SIM_DEVICES_MAX; i++) {
        free(life->wear[i]);
    }
    sim_board_close(&life->board);
}

static void resume_session(struct life *life, const struct session *session)
{
    sim_snapshot_restore(&life->board, session->snapshot);
    life->world = session->world;
    life->boots = session->boots;
    life->boots_at_cut = session->boots;
    life->keys_count = 0;
    life->recording = NULL;
    life->not_started = false;
    life->failure[0] = 0;
}

const struct otter_area *life_area(const struct life *life, unsigned index)
{
    const struct otter_area *areas[] = {&life->layout.primary, &life->layout.secondary,
                                        &life->layout.scratch, &life->layout.journal};
    return areas[index];
}

bool life_fault(struct life *life, const struct read_fault *fault)
{
    const struct session *session = &life->tracks[0].sessions[fault->session];
    const struct otter_area *area = life_area(life, fault->area);
    struct sim_read_fault reads = {.after = fault->at, .count = fault->lasting ? UINT64_MAX : 1,
                                   .off = area->base, .size = area->size, .silent = fault->silent,
                                   .lies = fault->at};
    bool lost = fault->area == 3 && fault->silent; /* what lies for ever looks like random bytes */
    resume_session(life, session);
    life->cuts_count = 0;
    life->cuts_done = 0;
    life->record_next = false;
    life->board.power.random = session->random + fault->at;
    arm_next_cut(life);
    life->faulted = true;
    life->lenient = fault->lasting && !fault->in_app;
    life->world.odd = (uint8_t)(fault->lasting && (lost || !fault->in_app) ? 1 + fault->area + lost : 0);
    life->pending = reads;
    life->pending_of = sim_flash_of(area);
    life->fault_left = fault->at;
    if (!fault->in_app) {
        begin_fault(life);
    }
    bool ok = live(life);
    (void)end_fault(life);
    life->pending.after = 0;
    life->lenient = false;
    return ok;
}

bool life_cut(struct life *life, unsigned level, const struct cut *cuts, unsigned cuts_count,
              bool record, uint64_t seed)
{
    const struct track *track = &life->tracks[level];
    unsigned s = track->count - 1;
    while (s > 0 && track->sessions[s].ops >= cuts[level].after) {
        s--;
    }
    const struct session *session = &track->sessions[s];
    resume_session(life, session);
    memcpy(life->cuts, cuts, cuts_count * sizeof *cuts);
    life->cuts[level].after -= session->ops;
    life->cuts_count = cuts_count;
    life->cuts_done = level;
    life->record_next = record;
    life->board.power.random =
        level == 0 ? seed + cuts[0].after * 31 + (uint64_t)cuts[0].outcome : session->random;
    arm_next_cut(life);
    return live_recorded(life);
}
