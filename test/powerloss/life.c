/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.c - power on, boot, application, power off; and again, until at rest.
 */
#include "test/powerloss/life.h"

#include "otter/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT_BY_CUT = 1, LEFT_BY_FAILURE = 2 };

void life_fail(struct life *life, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(life->failure, sizeof life->failure, format, args);
    va_end(args);
    longjmp(life->out, LEFT_BY_FAILURE);
}

static void on_lost(void *ctx)
{
    struct life *life = ctx;
    if (life->verbose) {
        printf("    power lost at operation %llu\n", (unsigned long long)life->board.power.ops);
    }
    longjmp(life->out, LEFT_BY_CUT);
}

static void on_violated(void *ctx, const char *what)
{
    life_fail(ctx, "%s", what);
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
    struct session *session = &life->sessions[life->sessions_count++];
    session->snapshot = sim_snapshot_save(&life->board);
    session->world = life->world;
    session->ops = life->board.power.ops;
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
    if (life->world.boots == LIFE_BOOTS_MAX) {
        life_fail(life, "still not at rest after %u boots", LIFE_BOOTS_MAX);
    }
    if (life->recording) {
        record_session(life);
    }
    life->world.boots++;
    life->ops_at_boot = life->board.power.ops;
    life->world.hung = false;
    memset(&choice, 0x5a, sizeof choice);
    int err = otter_boot(&config, &choice);
    if (err != OTTER_OK) {
        life_fail(life, "the bootloader found nothing to start: %s", otter_err_str(err));
    }
    unsigned running = check_boot(life, &choice);
    return app_run(life, &choice, running);
}

static bool live(struct life *life)
{
    switch (setjmp(life->out)) { /* every cut comes back here */
    case LEFT_BY_FAILURE:
        return false;
    case LEFT_BY_CUT:
        life->cuts_done++;
        life->world.hung = false;
        arm_next_cut(life);
        break;
    default:
        break;
    }
    while (power_cycle(life)) {
    }
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
        if (scenario->sizes[i] != 0) {
            size = size <= IMAGE_OVERHEAD ? IMAGE_OVERHEAD + 1 : size;
            image_make(&life->images[i], size, scenario->versions[i], seed + i);
        }
    }
}

bool life_begin(struct life *life, const struct scenario *scenario, const struct sim_map *map,
                uint64_t seed)
{
    bool verbose = life->verbose;
    memset(life, 0, sizeof *life);
    life->verbose = verbose;
    life->scenario = scenario;
    life->map = *map;
    if (sim_map_build(map, &life->board, seed, NULL, &life->layout) != 0) {
        snprintf(life->failure, sizeof life->failure, "the map does not build");
        return false;
    }
    life->board.power.lost = on_lost;
    life->board.power.violated = on_violated;
    life->board.power.ctx = life;
    make_images(life, seed);
    factory(life, seed);
    life->recording = true;
    bool ok = live(life);
    life->recording = false;
    life->ops = life->board.power.ops;
    return ok;
}

void life_end(struct life *life)
{
    for (unsigned i = 0; i < life->sessions_count; i++) {
        sim_snapshot_free(life->sessions[i].snapshot);
    }
    for (unsigned i = 0; i < LIFE_IMAGES; i++) {
        image_free(&life->images[i]);
    }
    sim_board_close(&life->board);
}

bool life_cut(struct life *life, const struct cut *cuts, unsigned cuts_count, uint64_t seed)
{
    unsigned s = life->sessions_count - 1;
    while (s > 0 && life->sessions[s].ops >= cuts[0].after) {
        s--;
    }
    sim_snapshot_restore(&life->board, life->sessions[s].snapshot);
    life->world = life->sessions[s].world;
    memcpy(life->cuts, cuts, cuts_count * sizeof *cuts);
    life->cuts[0].after -= life->sessions[s].ops;
    life->cuts_count = cuts_count;
    life->cuts_done = 0;
    life->board.power.random = seed + cuts[0].after * 31 + (uint64_t)cuts[0].outcome;
    arm_next_cut(life);
    life->failure[0] = 0;
    return live(life);
}
