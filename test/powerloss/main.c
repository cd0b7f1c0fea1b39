/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - cut power at every operation of every scenario, in every way.
 *
 *   powerloss [--map M]... [--scenario S] [--outcome O] [--samples N] [--double N | --double-all]
 *             [--campaigns N] [--every-outcome] [--seed S] [--jobs N]
 *   powerloss --faults [--map M]... [--scenario S] [--samples N] [--seed S] [--jobs N]
 *   powerloss otter-test ID            one case again, told
 *
 * ID: <scenario>:<map>:<cut>[+<cut>...]:<outcome>[+...]:<seed>, or, a read that goes wrong,
 * <scenario>:<map>:<boot>/<boot|app>/<area>/<read>:<what>:<seed>, or a worn sector,
 * <scenario>:<map>:worn/<area>/<offset>:<what>:<seed>. A failure prints it.
 *
 * Without --map: the five maps, scaled. "--map all" takes all scaled ones, "--map generated" all
 * generated geometries, "--map generated/4096" those with such sectors, "--map true-size/NAME" a real map. --samples N cuts at N operations only,
 * spread evenly. --double N cuts the recovery of each trial N times again, half of them early;
 * --double-all at every operation. --faults: reads that fail and worn sectors instead of cuts, at N
 * reads of each boot. --campaigns N: N lives of 3 to 10 cuts for each scenario.
 */
#include "test/powerloss/run.h"
#include "test/powerloss/shapes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_map(struct plan *plan, const char *name)
{
    struct sim_map map;
    if (!shape_find(name, &map)) {
        fprintf(stderr, "powerloss: no map is called %s\n", name);
        return false;
    }
    if (plan->maps_count < MAPS_MAX) {
        plan->maps[plan->maps_count++] = name;
    }
    return true;
}

static bool add_maps(struct plan *plan, const char *name)
{
    static const char generated[] = "generated";
    size_t len = sizeof generated - 1;
    bool some = strncmp(name, generated, len) == 0 && (name[len] == 0 || name[len] == '/');
    const char *(*names)(unsigned) = strcmp(name, "all") == 0 ? shape_name : some ? geometry_name : NULL;
    if (names == NULL) {
        return add_map(plan, name);
    }
    const char *sector = some && name[len] != 0 ? name + len + 1 : "";
    for (unsigned i = 0; names(i) != NULL; i++) {
        if (strncmp(names(i), sector, strlen(sector)) == 0 && (*sector == 0 || names(i)[strlen(sector)] == '-')) {
            (void)add_map(plan, names(i));
        }
    }
    return true;
}

static bool take_outcome(struct plan *plan, const char *name)
{
    enum sim_outcome outcome;
    if (!sim_outcome_parse(name, &outcome)) {
        fprintf(stderr, "powerloss: no outcome is called %s\n", name);
        return false;
    }
    plan->outcome = (int)outcome;
    return true;
}

static bool take_scenario(struct plan *plan, const char *name)
{
    plan->scenario = name;
    if (scenario_find(name) == NULL) {
        fprintf(stderr, "powerloss: no scenario is called %s\n", name);
        return false;
    }
    return true;
}

static bool take_options(struct plan *plan, int argc, char **argv)
{
    static const struct option options[] = {
        {"map", required_argument, NULL, 'm'},       {"scenario", required_argument, NULL, 's'},
        {"outcome", required_argument, NULL, 'o'},   {"double", required_argument, NULL, 'd'},
        {"samples", required_argument, NULL, 'n'},   {"seed", required_argument, NULL, 'r'},
        {"campaigns", required_argument, NULL, 'c'}, {"jobs", required_argument, NULL, 'j'},
        {"double-all", no_argument, NULL, 'D'},      {"every-outcome", no_argument, NULL, 'e'},
        {"faults", no_argument, NULL, 'f'},          {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'm': good = add_maps(plan, optarg); break;
        case 's': good = take_scenario(plan, optarg); break;
        case 'o': good = take_outcome(plan, optarg); break;
        case 'd': plan->doubles = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'n': plan->samples = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'c': plan->campaigns = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'j': plan->jobs = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'r': plan->seed = strtoull(optarg, NULL, 10); break;
        case 'v': plan->verbose = true; break;
        case 'f': plan->faults = true; break;
        case 'D': plan->double_all = true; break;
        case 'e': plan->every_outcome = true; break;
        default: good = false;
        }
    }
    return good;
}

int main(int argc, char **argv)
{
    struct plan plan = {.outcome = -1, .seed = 1, .jobs = 1};
    if (!take_options(&plan, argc, argv)) {
        return 2;
    }
    if (optind < argc) {
        plan.verbose = true;
        return run_again(&plan, argv[argc - 1]);
    }
    bool none = plan.maps_count == 0;
    for (unsigned i = 0; none && i < SHAPES_OF_MAPS; i++) {
        (void)add_map(&plan, shape_name(i));
    }
    return run_plan(&plan) == 0 ? 0 : 1;
}
