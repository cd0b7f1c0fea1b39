/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.c - reads that fail or lie, and worn sectors, in every area and every boot of a life.
 *
 * A read fault begins at one read of one boot, in one area, and lasts for that read or for the
 * rest of the boot; then the flash reads well again. A worn sector stays worn. What must hold
 * is in docs/spec/40-boot.md, "A flash that fails":
 *
 *   - a boot ends, and what it starts is, byte for byte, an image that may run;
 *   - a single read that goes wrong changes nothing;
 *   - a good primary starts although another area is out of order from the start;
 *   - when the flash reads well again, the device comes to rest with an image that may run.
 *     (Not where the journal lied for ever: what it said is then lost.)
 */
#include "test/powerloss/run.h"

#include "otter/result.h"
#include "test/powerloss/shapes.h"

#include <stdio.h>
#include <string.h>

enum { AREAS = 4, KINDS = 4 };
static const char *const area_names[AREAS] = {"primary", "secondary", "scratch", "journal"};
static const char *const kind_names[KINDS] = {"fails once", "lies once", "fails for ever",
                                              "lies for ever"};

struct tally_line {
    uint64_t trials, not_started, failures;
};

static struct life life;
static struct tally_line lines[AREAS][KINDS], worn_lines[AREAS][2];

static const struct otter_area *area_of(unsigned index)
{
    return life_area(&life, index);
}

/* Is the primary one of the images, and does no swap need the other areas now? */
static bool primary_is_whole(const struct session *session)
{
    struct otter_state state;
    sim_snapshot_restore(&life.board, session->snapshot);
    if (otter_state_open(&state, &life.layout) != OTTER_OK || state.phase == OTTER_PHASE_SWAP ||
        state.phase == OTTER_PHASE_REVERT) {
        return false;
    }
    return life_primary(&life) < LIFE_IMAGES;
}

static uint64_t reads_of(unsigned session, unsigned area)
{
    struct sim_read_fault fault = {.after = UINT64_MAX, .count = 1, .off = area_of(area)->base,
                                   .size = area_of(area)->size};
    (void)life_fault(&life, session, area, &fault, false);
    return UINT64_MAX - life.fault_left;
}

static void try_read(const struct plan *plan, const char *map, unsigned session, unsigned area, uint64_t at,
                     unsigned kind)
{
    struct tally_line *line = &lines[area][kind];
    bool forever = kind >= 2;
    struct sim_read_fault fault = {.after = at, .count = forever ? UINT64_MAX : 1, .silent = kind % 2 != 0,
                                   .off = area_of(area)->base, .size = area_of(area)->size};
    bool whole = primary_is_whole(&life.tracks[0].sessions[session]);
    bool ok = life_fault(&life, session, area, &fault, forever);
    bool must_start = !forever || (whole && area != 0 && (at == 1 || area == 3));
    if (ok && life.not_started && must_start) {
        snprintf(life.failure, sizeof life.failure, "a good primary was not started");
        ok = false;
    }
    ok = ok || (area == 3 && kind == 3 && life.harm != HARM_WRONG_IMAGE); /* its word is lost */
    line->trials++;
    line->not_started += life.not_started;
    line->failures += !ok;
    if (!ok && line->failures <= 5) {
        printf("FAIL %s %s: in boot %u read %llu of the %s %s: %s\n", life.scenario->name, map,
               session, (unsigned long long)at, area_names[area], kind_names[kind], life.failure);
    }
    (void)plan;
}

static void fail_reads(const struct plan *plan, const char *map)
{
    for (unsigned session = 0; session < life.tracks[0].count; session++) {
        for (unsigned area = 0; area < AREAS; area++) {
            uint64_t reads = area_of(area)->size != 0 ? reads_of(session, area) : 0;
            uint64_t step = plan->samples == 0 || reads <= plan->samples ? 1 : reads / plan->samples;
            for (uint64_t at = 1; at <= reads; at += step) {
                for (unsigned kind = 0; kind < KINDS; kind++) {
                    try_read(plan, map, session, area, at, kind);
                }
            }
        }
    }
}

/* The sector that `off` of the area lies in is worn out from the factory on. */
static void try_worn(const struct plan *plan, const struct scenario *scenario, const struct sim_map *map,
                     unsigned area, uint32_t off, bool silent)
{
    struct tally_line *line = &worn_lines[area][silent];
    (void)plan;
    bool ok = life_worn(&life, scenario, map, area, off, silent);
    line->trials++;
    line->not_started += life.not_started;
    line->failures += !ok;
    if (!ok && line->failures <= 5) {
        printf("FAIL %s %s: %s, sector at 0x%x worn%s: %s\n", scenario->name, map->name, area_names[area],
               off, silent ? ", silently" : "", life.failure);
    }
    life_end(&life);
}

static void wear_out(const struct plan *plan, const struct scenario *scenario, const struct sim_map *map)
{
    const struct sim_place *places[AREAS] = {&map->primary, &map->secondary, &map->scratch, &map->journal};
    for (unsigned area = 0; area < AREAS; area++) {
        uint32_t sector = places[area]->size != 0 ? map->parts[places[area]->device].sector_size : 1;
        for (uint32_t off = 0; off < places[area]->size; off += sector) {
            try_worn(plan, scenario, map, area, off, false);
            try_worn(plan, scenario, map, area, off, true);
        }
    }
}

static uint64_t print_line(const char *area, const char *what, const struct tally_line *line)
{
    if (line->trials != 0) {
        printf("%-10s %-16s %9llu %12llu %9llu\n", area, what, (unsigned long long)line->trials,
               (unsigned long long)line->not_started, (unsigned long long)line->failures);
    }
    return line->failures;
}

uint64_t run_faults(const struct plan *plan)
{
    uint64_t failures = 0;
    life.verbose = plan->verbose;
    for (unsigned m = 0; m < plan->maps_count; m++) {
        for (unsigned s = 0; s < scenarios_count; s++) {
            struct sim_map map;
            if ((plan->scenario != NULL && strcmp(plan->scenario, scenarios[s].name) != 0) ||
                !shape_find(plan->maps[m], &map) || !scenario_fits(&scenarios[s], &map)) {
                continue;
            }
            wear_out(plan, &scenarios[s], &map);
            if (life_begin(&life, &scenarios[s], &map, plan->seed)) {
                fail_reads(plan, plan->maps[m]);
            } else {
                printf("FAIL %s %s: %s\n", scenarios[s].name, plan->maps[m], life.failure);
                failures++;
            }
            life_end(&life);
        }
    }
    printf("%-10s %-16s %9s %12s %9s\n", "area", "what", "trials", "not started", "failures");
    for (unsigned area = 0; area < AREAS; area++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            failures += print_line(area_names[area], kind_names[kind], &lines[area][kind]);
        }
        failures += print_line(area_names[area], "worn sector", &worn_lines[area][0]);
        failures += print_line(area_names[area], "worn, silently", &worn_lines[area][1]);
    }
    printf("%llu failures\n", (unsigned long long)failures);
    return failures;
}
