/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - cut power at every operation of every scenario, in every way.
 *
 *   powerloss [--map M]... [--scenario S] [--outcome O] [--double N] [--samples N] [--seed S]
 *   powerloss otter-test <scenario>:<map>:<cut>:<outcome>:<seed>      one case again, told
 *
 * Without --map: the five maps, scaled. "--map all" adds the other geometries, "--map
 * true-size/NAME" takes a real map. --samples N cuts at N operations only, spread evenly.
 * --double N cuts the recovery of each trial N times again, half of them early.
 */
#include "test/powerloss/life.h"
#include "test/powerloss/shapes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPS_MAX 32u
#define FAILURES_SHOWN 20u

struct run {
    const char *maps[MAPS_MAX];
    unsigned maps_count;
    const char *scenario; /* NULL: all */
    int outcome;          /* < 0: all */
    unsigned doubles, samples;
    uint64_t seed;
    bool verbose;
    uint64_t trials, failures;
};

static struct life life;

static void show_failure(struct run *run, const char *map, const struct cut *cuts, unsigned count)
{
    if (run->failures++ >= FAILURES_SHOWN) {
        return;
    }
    printf("FAIL otter-test %s:%s:", life.scenario->name, map);
    for (unsigned i = 0; i < count; i++) {
        printf("%s%llu", i == 0 ? "" : "+", (unsigned long long)cuts[i].after);
    }
    printf(":");
    for (unsigned i = 0; i < count; i++) {
        printf("%s%s", i == 0 ? "" : "+", sim_outcome_str(cuts[i].outcome));
    }
    printf(":%llu  %s\n", (unsigned long long)run->seed, life.failure);
    fflush(stdout);
}

static void try(struct run *run, const char *map, const struct cut *cuts, unsigned count)
{
    run->trials++;
    if (!life_cut(&life, cuts, count, run->seed)) {
        show_failure(run, map, cuts, count);
    }
}

/* The recovery from cuts[0] is cut again: half the time within its first operations. */
static void try_again(struct run *run, const char *map, const struct cut *first)
{
    uint64_t random = run->seed * 1000003 + first->after * 64 + (uint64_t)first->outcome;
    for (unsigned n = 0; n < run->doubles; n++) {
        uint64_t left = life.ops - first->after + 12;
        uint64_t early = n % 2 == 0 ? 12 : left;
        struct cut cuts[2] = {*first};
        cuts[1].after = 1 + sim_random(&random) % early;
        cuts[1].outcome = (enum sim_outcome)(sim_random(&random) % SIM_OUTCOMES_USUAL);
        try(run, map, cuts, 2);
    }
}

static void cut_everywhere(struct run *run, const char *map)
{
    uint64_t step = run->samples == 0 || life.ops <= run->samples ? 1 : life.ops / run->samples;
    uint64_t first = step == 1 ? 1 : 1 + run->seed % step;
    for (uint64_t at = first; at <= life.ops; at += step) {
        for (unsigned outcome = 0; outcome < SIM_OUTCOMES; outcome++) {
            if (run->outcome < 0 ? outcome >= SIM_OUTCOMES_USUAL : outcome != (unsigned)run->outcome) {
                continue;
            }
            struct cut cut = {.after = at, .outcome = (enum sim_outcome)outcome};
            try(run, map, &cut, 1);
            try_again(run, map, &cut);
        }
    }
}

static bool find_map(const char *name, struct sim_map *ret_map)
{
    if (shape_find(name, ret_map)) {
        return true;
    }
    fprintf(stderr, "powerloss: no map is called %s\n", name);
    return false;
}

static bool run_map(struct run *run, const char *name)
{
    struct sim_map map;
    if (!find_map(name, &map)) {
        return false;
    }
    for (unsigned i = 0; i < scenarios_count; i++) {
        const struct scenario *scenario = &scenarios[i];
        if ((run->scenario != NULL && strcmp(run->scenario, scenario->name) != 0) ||
            (scenario->swap_only && map.mode != OTTER_MODE_SWAP)) {
            continue;
        }
        uint64_t trials = run->trials, failures = run->failures;
        if (!life_begin(&life, scenario, &map, run->seed)) {
            run->trials++;
            show_failure(run, name, NULL, 0);
        } else {
            cut_everywhere(run, name);
        }
        printf("%-34s %-18s %6llu operations %8llu trials %6llu failures\n", name, scenario->name,
               (unsigned long long)life.ops, (unsigned long long)(run->trials - trials),
               (unsigned long long)(run->failures - failures));
        fflush(stdout);
        life_end(&life);
    }
    return true;
}

/* "12+3" and "weak+done" into cuts; false: malformed. */
static bool parse_cuts(char *ats, char *outcomes, struct cut *cuts, unsigned *ret_count)
{
    char *at_rest = NULL, *outcome_rest = NULL;
    char *at = strtok_r(ats, "+", &at_rest);
    char *outcome = strtok_r(outcomes, "+", &outcome_rest);
    unsigned count = 0;
    while (at != NULL && outcome != NULL && count < LIFE_CUTS_MAX) {
        cuts[count].after = strtoull(at, NULL, 10);
        if (cuts[count].after == 0 || !sim_outcome_parse(outcome, &cuts[count].outcome)) {
            return false;
        }
        count++;
        at = strtok_r(NULL, "+", &at_rest);
        outcome = strtok_r(NULL, "+", &outcome_rest);
    }
    *ret_count = count;
    return at == NULL && outcome == NULL && count != 0;
}

static int repeat(struct run *run, const char *id)
{
    char scenario[64], map_name[96], ats[64], outcomes[96];
    unsigned long long seed;
    struct sim_map map;
    struct cut cuts[LIFE_CUTS_MAX];
    unsigned count = 0, i = 0;
    if (sscanf(id, "%63[^:]:%95[^:]:%63[^:]:%95[^:]:%llu", scenario, map_name, ats, outcomes,
               &seed) != 5 || !parse_cuts(ats, outcomes, cuts, &count) || !find_map(map_name, &map)) {
        fprintf(stderr, "powerloss: not a case: %s\n", id);
        return 2;
    }
    while (i < scenarios_count && strcmp(scenarios[i].name, scenario) != 0) {
        i++;
    }
    if (i == scenarios_count) {
        fprintf(stderr, "powerloss: no scenario is called %s\n", scenario);
        return 2;
    }
    life.verbose = run->verbose;
    run->seed = seed;
    printf("clean run\n");
    bool ok = life_begin(&life, &scenarios[i], &map, seed);
    if (ok) {
        printf("cut at %s, %s\n", ats, outcomes);
        ok = life_cut(&life, cuts, count, seed);
    }
    printf("%s%s\n", ok ? "passed" : "FAILED: ", ok ? "" : life.failure);
    life_end(&life);
    return ok ? 0 : 1;
}

static void add_maps(struct run *run, const char *name)
{
    bool all = strcmp(name, "all") == 0;
    for (unsigned i = 0; all && shape_name(i) != NULL && run->maps_count < MAPS_MAX; i++) {
        run->maps[run->maps_count++] = shape_name(i);
    }
    if (!all && run->maps_count < MAPS_MAX) {
        run->maps[run->maps_count++] = name;
    }
}

static int take_options(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"map", required_argument, NULL, 'm'},     {"scenario", required_argument, NULL, 's'},
        {"outcome", required_argument, NULL, 'o'}, {"double", required_argument, NULL, 'd'},
        {"samples", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 'r'},
        {"verbose", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0},
    };
    enum sim_outcome outcome;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'm': add_maps(run, optarg); break;
        case 's': run->scenario = optarg; break;
        case 'd': run->doubles = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'n': run->samples = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'r': run->seed = strtoull(optarg, NULL, 10); break;
        case 'v': run->verbose = true; break;
        case 'o':
            if (sim_outcome_parse(optarg, &outcome)) {
                run->outcome = (int)outcome;
                break;
            }
            fprintf(stderr, "powerloss: no outcome is called %s\n", optarg);
            return 2;
        default: return 2;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct run run = {.outcome = -1, .seed = 1};
    if (take_options(&run, argc, argv) != 0) {
        return 2;
    }
    if (optind < argc) {
        run.verbose = true;
        return repeat(&run, argv[argc - 1]);
    }
    bool none = run.maps_count == 0;
    for (unsigned i = 0; none && i < SHAPES_OF_MAPS; i++) {
        add_maps(&run, shape_name(i));
    }
    for (unsigned i = 0; i < run.maps_count; i++) {
        if (!run_map(&run, run.maps[i])) {
            return 2;
        }
    }
    printf("%llu trials, %llu failures\n", (unsigned long long)run.trials,
           (unsigned long long)run.failures);
    return run.failures == 0 ? 0 : 1;
}
