/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.c - reads that fail or lie, and worn sectors, in every area, in every boot of a life and
 * in what the application does.
 *
 * A read fault begins at one read of one boot (or of the application behind it), in one area, and
 * lasts for that read or for the rest of it; then the flash reads well again. A worn sector stays
 * worn. What must hold is in docs/spec/40-boot.md, "A flash that fails":
 *
 *   - a boot ends, and what it starts is, byte for byte, an image that may run;
 *   - a single read that goes wrong changes nothing, but that an application may have to begin anew;
 *   - a good primary starts although another area is out of order from the start;
 *   - when the flash reads well again, the device comes to rest with an image that may run.
 */
#include "test/powerloss/run.h"

#include "otter/result.h"
#include "test/powerloss/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_APP = 4, WORN = 8, SHOWN = 5, JOURNAL = 3 };
static const char *const area_names[FAULT_AREAS] = {"primary", "secondary", "scratch", "journal"};
static const char *const kind_names[FAULT_KINDS] = {
    "fails-once", "lies-once", "fails-on", "lies-on", /* in the boot */
    "fails-once", "lies-once", "fails-on", "lies-on", /* in the application */
    "worn", "worn-silently"};

static struct life life;

static struct read_fault fault_of(unsigned session, unsigned area, unsigned kind, uint64_t at)
{
    return (struct read_fault){.session = session, .in_app = kind >= IN_APP, .area = area, .at = at,
                               .lasting = kind % IN_APP >= 2, .silent = kind % 2 != 0};
}

static void failed(bool good, const char *what)
{
    if (good) {
        snprintf(life.failure, sizeof life.failure, "%s", what);
    }
}

/* Is the primary one of the images, and does no swap need the other areas now? */
static bool primary_is_whole(const struct session *session)
{
    struct otter_state state;
    sim_snapshot_restore(&life.board, session->snapshot);
    return otter_state_open(&state, &life.layout) == OTTER_OK && state.phase != OTTER_PHASE_SWAP &&
           state.phase != OTTER_PHASE_REVERT && life_primary(&life) < LIFE_IMAGES;
}

/* Live with this fault; false: something did not hold. */
static bool try_read(const struct read_fault *fault)
{
    bool whole = primary_is_whole(&life.tracks[0].sessions[fault->session]);
    bool ok = life_fault(&life, fault);
    bool must_start = !fault->lasting || fault->in_app ||
                      (whole && fault->area != 0 && (fault->at == 1 || fault->area == JOURNAL));
    if (ok && life.not_started && must_start) {
        failed(ok, "a good primary was not started");
        return false;
    }
    bool word_lost = fault->area == JOURNAL && fault->lasting && fault->silent; /* for random bytes */
    return ok || (word_lost && life.harm != HARM_WRONG_IMAGE && life.harm != HARM_BRICK);
}

static uint64_t reads_of(unsigned session, unsigned area, bool in_app)
{
    struct read_fault fault = {.session = session, .in_app = in_app, .area = area, .at = UINT64_MAX};
    (void)life_fault(&life, &fault);
    return UINT64_MAX - life.fault_left;
}

static void count(struct tally *tally, unsigned area, unsigned kind, bool ok)
{
    struct fault_line *line = &tally->faults[area][kind];
    line->trials++;
    line->not_started += life.not_started;
    line->failures += !ok;
    if (!ok) {
        tally->harms[life.harm]++;
    }
}

static void try_reads(const struct plan *plan, const char *map, const struct read_fault *where, struct tally *tally)
{
    uint64_t reads = reads_of(where->session, where->area, where->in_app);
    uint64_t step = plan->samples == 0 || reads <= plan->samples ? 1 : reads / plan->samples;
    for (uint64_t at = 1 + plan->seed % step; at <= reads; at += step) {
        for (unsigned k = 0; k < IN_APP; k++) {
            unsigned kind = k + (where->in_app ? (unsigned)IN_APP : 0);
            struct read_fault fault = fault_of(where->session, where->area, kind, at);
            bool ok = try_read(&fault);
            count(tally, fault.area, kind, ok);
            if (!ok && tally->faults[fault.area][kind].failures <= SHOWN) {
                printf("FAIL otter-test %s:%s:%u/%s/%s/%llu:%s:%llu  %s\n", life.scenario->name, map,
                       fault.session, fault.in_app ? "app" : "boot", area_names[fault.area],
                       (unsigned long long)at, kind_names[kind], (unsigned long long)plan->seed, life.failure);
            }
        }
    }
}

static void fail_reads(const struct plan *plan, const char *map, struct tally *tally)
{
    for (unsigned session = 0; session < life.tracks[0].count; session++) {
        for (unsigned n = 0; n < 2 * FAULT_AREAS; n++) {
            struct read_fault where = {.session = session, .in_app = n % 2 != 0, .area = n / 2};
            if (life_area(&life, where.area)->size != 0) {
                try_reads(plan, map, &where, tally);
            }
        }
    }
}

/* The sector that `off` of the area lies in is worn out from the factory on. A swap turns back from
 * one that still holds what it held; an overwrite cannot, nor can a bootstrap. */
static bool try_worn(const struct scenario *scenario, const struct sim_map *map, unsigned area, uint32_t off,
                     bool silent)
{
    bool ok = life_worn(&life, scenario, map, area, off, silent);
    bool blocks = map->parts[map->primary.device].block_size != 0; /* the rows beside it are erased with it */
    bool must_start = area != 0 || (!silent && !blocks && map->mode == OTTER_MODE_SWAP && scenario->start != PRIMARY_EMPTY &&
                                    scenario->start != PRIMARY_GARBAGE && !scenario->primary_dies);
    if (ok && life.not_started && must_start) {
        failed(ok, "a good primary was not started");
        ok = false;
    }
    return ok;
}

static void wear_out(const struct plan *plan, const struct scenario *scenario, const struct sim_map *map,
                     const char *name, struct tally *tally)
{
    const struct sim_place *places[FAULT_AREAS] = {&map->primary, &map->secondary, &map->scratch, &map->journal};
    for (unsigned area = 0; area < FAULT_AREAS; area++) {
        uint32_t sector = places[area]->size != 0 ? map->parts[places[area]->device].sector_size : 1;
        uint32_t sectors = places[area]->size / sector;
        uint32_t step = plan->samples == 0 || sectors <= plan->samples ? 1 : sectors / plan->samples;
        for (uint32_t n = 0; n < 2 * sectors; n += n % 2 == 0 ? 1 : 2 * step - 1) {
            uint32_t off = n / 2 * sector;
            unsigned kind = WORN + n % 2;
            bool ok = try_worn(scenario, map, area, off, n % 2 != 0);
            count(tally, area, kind, ok);
            if (!ok && tally->faults[area][kind].failures <= SHOWN) {
                printf("FAIL otter-test %s:%s:worn/%s/%u:%s:1  %s\n", scenario->name, name, area_names[area], off,
                       kind_names[kind], life.failure);
            }
            life_end(&life);
        }
    }
}

void run_scenario_faults(const struct plan *plan, const struct scenario *scenario, const char *name,
                         struct tally *tally)
{
    struct sim_map map;
    if (!shape_find(name, &map) || !scenario_fits(scenario, &map)) {
        return;
    }
    tally->run = true;
    life.verbose = plan->verbose;
    wear_out(plan, scenario, &map, name, tally);
    if (life_begin(&life, scenario, &map, plan->seed)) {
        fail_reads(plan, name, tally);
    } else {
        printf("FAIL %s %s: %s\n", scenario->name, name, life.failure);
        tally->harms[life.harm]++;
    }
    life_end(&life);
    fflush(stdout);
}

static unsigned index_of(const char *name, const char *const *names, unsigned size)
{
    unsigned i = 0;
    while (i < size && strcmp(name, names[i]) != 0) {
        i++;
    }
    return i;
}

int run_fault_again(const struct scenario *scenario, const struct sim_map *map, const char *where, const char *kind_name,
                    uint64_t seed)
{
    char part[8], area_name[12];
    unsigned session = 0;
    unsigned long long at;
    unsigned kind = index_of(kind_name, kind_names, FAULT_KINDS);
    bool worn = sscanf(where, "worn/%11[^/]/%llu", area_name, &at) == 2;
    bool ok = worn || sscanf(where, "%u/%7[^/]/%11[^/]/%llu", &session, part, area_name, &at) == 4;
    unsigned area = ok ? index_of(area_name, area_names, FAULT_AREAS) : FAULT_AREAS;
    if (area == FAULT_AREAS || kind == FAULT_KINDS || worn != (kind >= WORN) || session > LIFE_BOOTS_MAX) {
        fprintf(stderr, "powerloss: not a case: %s %s\n", where, kind_name);
        return 2;
    }
    life.verbose = true;
    if (worn) {
        ok = try_worn(scenario, map, area, (uint32_t)at, kind != WORN);
    } else {
        struct read_fault fault = fault_of(session, area, kind + (strcmp(part, "app") == 0 ? (unsigned)IN_APP : 0), at);
        printf("clean run\n");
        ok = life_begin(&life, scenario, map, seed) && session < life.tracks[0].count;
        printf("fault\n");
        ok = ok && try_read(&fault);
    }
    printf("%s%s\n", ok ? "passed" : "FAILED: ", ok ? "" : life.failure);
    life_end(&life);
    return ok ? 0 : 1;
}

void print_faults(const struct tally *sum)
{
    uint64_t trials = 0, failures = 0;
    printf("%-10s %-12s %-14s %9s %12s %9s\n", "area", "in", "what", "trials", "not started", "failures");
    for (unsigned i = 0; i < FAULT_AREAS * FAULT_KINDS; i++) {
        unsigned kind = i % FAULT_KINDS;
        const struct fault_line *line = &sum->faults[i / FAULT_KINDS][kind];
        trials += line->trials;
        failures += line->failures;
        if (line->trials != 0) {
            printf("%-10s %-12s %-14s %9llu %12llu %9llu\n", area_names[i / FAULT_KINDS],
                   kind >= WORN ? "sector" : kind >= IN_APP ? "application" : "boot", kind_names[kind],
                   (unsigned long long)line->trials, (unsigned long long)line->not_started,
                   (unsigned long long)line->failures);
        }
    }
    printf("%llu trials, %llu failures\n", (unsigned long long)trials, (unsigned long long)failures);
}
