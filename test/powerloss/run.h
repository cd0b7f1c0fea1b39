/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - which cuts are tried, and what came of them.
 */
#ifndef OTTER_TEST_RUN_H
#define OTTER_TEST_RUN_H

#include "test/powerloss/life.h"

#define MAPS_MAX 640u

struct plan {
    const char *maps[MAPS_MAX];
    unsigned maps_count;
    const char *scenario; /* NULL: all */
    int outcome;          /* < 0: all usual ones */
    unsigned samples;     /* first cuts, spread evenly; 0: at every operation */
    unsigned doubles;     /* second cuts for each first one */
    bool double_all;      /* second cuts at every operation of the recovery, every outcome */
    unsigned campaigns;   /* lives with 3 to 10 cuts, for each scenario */
    uint64_t seed;
    unsigned jobs;        /* processes */
    bool faults;          /* not cuts, but reads that fail and worn sectors */
    bool verbose, every_outcome; /* a line of the table for each outcome */
};

enum { FAULT_AREAS = 4, FAULT_KINDS = 10 };

struct fault_line {
    uint64_t trials, not_started, failures;
};

/* One scenario on one map. */
struct tally {
    bool run, broken;    /* broken: fails without a cut */
    uint64_t ops;        /* of the life without cuts */
    uint64_t trials[3];  /* with one cut, two, more */
    uint64_t harms[HARMS];
    uint64_t longest;    /* operations of the longest boot behind a cut */
    unsigned most_boots; /* from the last cut to rest */
    struct {
        uint64_t trials[3], harms[HARMS], longest;
    } outcome[SIM_OUTCOMES]; /* of the last cut */
    struct fault_line faults[FAULT_AREAS][FAULT_KINDS]; /* in place of cuts */
};

/* Live the scenario on the map with all cuts of the plan; prints what fails. */
void run_scenario(const struct plan *plan, const struct scenario *scenario, const char *map,
                  struct tally *tally);

/* "scenario:map:12+3:weak+done:seed" again, told. 0: passed, 1: failed, 2: no such case. */
int run_again(const struct plan *plan, const char *id);

/* All of it in plan->jobs processes, and the table. The number of failures. */
uint64_t run_plan(const struct plan *plan);

/* The same with reads that fail or lie and worn sectors in place of cuts (faults.c). */
void run_scenario_faults(const struct plan *plan, const struct scenario *scenario, const char *map,
                         struct tally *tally);
int run_fault_again(const struct scenario *scenario, const struct sim_map *map, const char *where,
                    const char *kind_name, uint64_t seed);
void print_faults(const struct tally *sum);

#endif
