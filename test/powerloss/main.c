/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - cut power at every operation of every scenario, in every way. `powerloss --help` has the options.
 *
 * ID: <scenario>:<map>:<cut>[+<cut>...]:<outcome>[+...]:<seed>, or, a read that goes wrong,
 * <scenario>:<map>:<boot>/<boot|app>/<area>/<read>:<what>:<seed>, or a worn sector,
 * <scenario>:<map>:worn/<area>/<offset>:<what>:<seed>. A failure prints it.
 */
#include "test/powerloss/run.h"
#include "test/powerloss/shapes.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: powerloss [option...]\n"
    "       powerloss --faults [option...]\n"
    "       powerloss otter-test ID     one case again, told; a failure prints its ID\n"
    "\n"
    "Cuts power at every flash operation of every scenario, in every way; the table counts what did not hold\n"
    "(docs/power-cuts.md). Exit code: 0 all held, 1 something did not, 2 usage.\n"
    "\n"
    "  --map M           may be repeated: a name below; all: all of these; true-size/NAME: one of the five as it is;\n"
    "                    generated, generated/4096: generated geometries, those with such sectors [the five, scaled]\n"
    "  --scenario S      only this life [all]\n"
    "  --outcome O       what every cut leaves [each of them in turn, but neighbours]\n"
    "  --samples N       first cuts at N operations of a life only, spread evenly; with --faults: N reads of each boot [all]\n"
    "  --double N        cut the recovery of each trial N times again, half of them early [0]\n"
    "  --double-all      the same at every operation of it\n"
    "  --campaigns N     N lives of 3 to 10 cuts for each scenario [0]\n"
    "  --every-outcome   a line of the table for each outcome\n"
    "  --faults          reads that fail or lie, and worn sectors, in place of cuts\n"
    "  --seed S          other second cuts and campaigns [1]\n"
    "  --jobs N          processes [1]\n"
    "  --verbose         tell what each boot does\n"
    "  --help            show this\n";

static const char *outcome_name(unsigned index)
{
    return index < SIM_OUTCOMES ? sim_outcome_str((enum sim_outcome)index) : NULL;
}

static const char *scenario_name(unsigned index)
{
    return index < scenarios_count ? scenarios[index].name : NULL;
}

static void print_names(const char *what, const char *(*name)(unsigned))
{
    printf("\n%s:", what);
    for (unsigned i = 0; name(i) != NULL; i++) {
        printf("%s%s", i % 6 == 0 ? "\n  " : " ", name(i));
    }
    printf("\n");
}

static void print_help(void)
{
    fputs(usage, stdout);
    print_names("maps", shape_name);
    print_names("scenarios", scenario_name);
    print_names("outcomes", outcome_name);
}

static bool add_map(struct plan *plan, const char *name)
{
    struct sim_map map;
    if (!shape_find(name, &map)) {
        fprintf(stderr, "powerloss: no map is called '%s'; `powerloss --help` names them\n", name);
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
    unsigned before = plan->maps_count;
    for (unsigned i = 0; names(i) != NULL; i++) {
        if (strncmp(names(i), sector, strlen(sector)) == 0 && (*sector == 0 || names(i)[strlen(sector)] == '-')) {
            (void)add_map(plan, names(i));
        }
    }
    if (plan->maps_count == before) {
        fprintf(stderr, "powerloss: no map is called '%s': generated ones have sectors of 512, 1024, ... 262144 bytes\n", name);
    }
    return plan->maps_count != before;
}

static bool take_outcome(struct plan *plan, const char *name)
{
    enum sim_outcome outcome;
    if (!sim_outcome_parse(name, &outcome)) {
        fprintf(stderr, "powerloss: no outcome is called '%s'; `powerloss --help` names them\n", name);
        return false;
    }
    plan->outcome = (int)outcome;
    return true;
}

static bool take_scenario(struct plan *plan, const char *name)
{
    plan->scenario = name;
    if (scenario_find(name) == NULL) {
        fprintf(stderr, "powerloss: no scenario is called '%s'; `powerloss --help` names them\n", name);
        return false;
    }
    return true;
}

static bool take_number(const char *option, const char *text, uint64_t most, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    bool good = isdigit((unsigned char)*text) && *end == 0 && errno == 0 && *ret_number <= most;
    if (!good) {
        fprintf(stderr, "powerloss: --%s '%s' is not a number from 0 to %llu\n", option, text, (unsigned long long)most);
    }
    return good;
}

static bool take_count(const char *option, const char *text, unsigned *ret_count)
{
    uint64_t number;
    bool good = take_number(option, text, UINT_MAX, &number);
    *ret_count = good ? (unsigned)number : 0;
    return good;
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
        {"help", no_argument, NULL, 'h'},            {NULL, 0, NULL, 0},
    };
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'm': good = add_maps(plan, optarg); break;
        case 's': good = take_scenario(plan, optarg); break;
        case 'o': good = take_outcome(plan, optarg); break;
        case 'd': good = take_count("double", optarg, &plan->doubles); break;
        case 'n': good = take_count("samples", optarg, &plan->samples); break;
        case 'c': good = take_count("campaigns", optarg, &plan->campaigns); break;
        case 'j': good = take_count("jobs", optarg, &plan->jobs); break;
        case 'r': good = take_number("seed", optarg, UINT64_MAX, &plan->seed); break;
        case 'v': plan->verbose = true; break;
        case 'f': plan->faults = true; break;
        case 'D': plan->double_all = true; break;
        case 'e': plan->every_outcome = true; break;
        case 'h': print_help(); exit(0);
        default: fprintf(stderr, "powerloss: `powerloss --help` lists the options\n"); good = false;
        }
    }
    return good;
}

/* "otter-test ID", as a failure prints it, or the ID alone. */
static int run_one(struct plan *plan, char **words, int count)
{
    if (count > 2 || (count == 2 && strcmp(words[0], "otter-test") != 0)) {
        fprintf(stderr, "powerloss: one case at a time: `powerloss otter-test ID`; all else begins with --\n");
        return 2;
    }
    plan->verbose = true;
    return run_again(plan, words[count - 1]);
}

/* A plan that tries nothing must not look like one where all held. */
static bool tries_something(const struct plan *plan)
{
    struct sim_map map;
    for (unsigned i = 0; plan->scenario != NULL && i < plan->maps_count; i++) {
        if (shape_find(plan->maps[i], &map) && scenario_fits(scenario_find(plan->scenario), &map)) {
            return true;
        }
    }
    if (plan->scenario != NULL) {
        fprintf(stderr, "powerloss: scenario '%s' needs a map that swaps\n", plan->scenario);
    }
    return plan->scenario == NULL;
}

int main(int argc, char **argv)
{
    struct plan plan = {.outcome = -1, .seed = 1, .jobs = 1};
    if (!take_options(&plan, argc, argv)) {
        return 2;
    }
    if (optind < argc) {
        return run_one(&plan, argv + optind, argc - optind);
    }
    bool none = plan.maps_count == 0;
    for (unsigned i = 0; none && i < SHAPES_OF_MAPS; i++) {
        (void)add_map(&plan, shape_name(i));
    }
    if (!tries_something(&plan)) {
        return 2;
    }
    return run_plan(&plan) == 0 ? 0 : 1;
}
