/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cuts.c - one scenario on one map: every first cut, second cuts, campaigns of many.
 */
#include "test/powerloss/run.h"
#include "test/powerloss/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURES_SHOWN = 5, EARLY = 12 };

struct work {
    const struct plan *plan;
    const char *map;
    struct tally *tally;
    struct ends *doubled; /* states behind a first cut whose recovery was cut everywhere */
};

static struct life life;

static uint64_t failures_of(const struct tally *tally)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HARMS; i++) {
        sum += tally->harms[i];
    }
    return sum;
}

static void show_failure(const struct work *work, const struct cut *cuts, unsigned count)
{
    if (failures_of(work->tally) > FAILURES_SHOWN) {
        return;
    }
    char line[512];
    int at = snprintf(line, sizeof line, "FAIL otter-test %s:%s:", life.scenario->name, work->map);
    for (unsigned i = 0; i < count; i++) {
        at += snprintf(line + at, sizeof line - (size_t)at, "%s%llu", i == 0 ? "" : "+",
                       (unsigned long long)cuts[i].after);
    }
    at += snprintf(line + at, sizeof line - (size_t)at, ":");
    for (unsigned i = 0; i < count; i++) {
        at += snprintf(line + at, sizeof line - (size_t)at, "%s%s", i == 0 ? "" : "+",
                       sim_outcome_str(cuts[i].outcome));
    }
    printf("%s:%llu  %s\n", line, (unsigned long long)work->plan->seed, life.failure);
    fflush(stdout);
}

static bool try(struct work *work, unsigned level, const struct cut *cuts, unsigned count, bool record)
{
    struct tally *tally = work->tally;
    unsigned last = (unsigned)cuts[count - 1].outcome;
    bool ok = life_cut(&life, level, cuts, count, record, work->plan->seed);
    unsigned many = count > 2 ? 2 : count - 1;
    tally->trials[many]++;
    tally->outcome[last].trials[many]++;
    if (life.longest > tally->outcome[last].longest) {
        tally->outcome[last].longest = life.longest;
    }
    tally->longest = life.longest > tally->longest ? life.longest : tally->longest;
    life.longest = 0;
    if (!ok) {
        tally->harms[life.harm]++;
        tally->outcome[last].harms[life.harm]++;
        show_failure(work, cuts, count);
    }
    return ok;
}

static bool wanted(const struct plan *plan, unsigned outcome)
{
    return plan->outcome < 0 ? outcome < SIM_OUTCOMES_USUAL : outcome == (unsigned)plan->outcome;
}

static enum sim_outcome draw_outcome(const struct plan *plan, uint64_t *random)
{
    if (plan->outcome >= 0 && plan->outcome < (int)SIM_OUTCOMES_USUAL) {
        return (enum sim_outcome)plan->outcome;
    }
    return (enum sim_outcome)(sim_random(random) % SIM_OUTCOMES_USUAL);
}

/* Was the recovery from an equal device cut everywhere already? */
static bool doubled_before(struct work *work)
{
    uint64_t key;
    unsigned boots;
    if (!life_key(&life, &life.tracks[1], &key)) {
        return false;
    }
    if (ends_find(work->doubled, key, &boots)) {
        return true;
    }
    ends_add(work->doubled, key, 0);
    return false;
}

/* Track 1 is the recovery from `first`: cut it at every operation. */
static void cut_all_again(struct work *work, struct cut first)
{
    if (doubled_before(work)) {
        return;
    }
    struct cut cuts[2] = {first};
    for (cuts[1].after = 1; cuts[1].after <= life.tracks[1].ops; cuts[1].after++) {
        for (unsigned outcome = 0; outcome < SIM_OUTCOMES_USUAL; outcome++) {
            cuts[1].outcome = (enum sim_outcome)outcome;
            (void)try(work, 1, cuts, 2, false);
        }
    }
}

/* Cut it at some operations, half of them early. */
static void cut_again(struct work *work, struct cut first)
{
    uint64_t random = work->plan->seed * 1000003 + first.after * 64 + (uint64_t)first.outcome;
    for (unsigned n = 0; n < work->plan->doubles; n++) {
        struct cut cuts[2] = {first};
        uint64_t most = life.tracks[1].ops;
        if (n % 2 == 0 && most > EARLY) {
            most = EARLY;
        }
        if (most == 0) {
            return;
        }
        cuts[1].after = 1 + sim_random(&random) % most;
        cuts[1].outcome = draw_outcome(work->plan, &random);
        (void)try(work, 1, cuts, 2, false);
    }
}

static void cut_everywhere(struct work *work)
{
    const struct plan *plan = work->plan;
    uint64_t ops = life.tracks[0].ops;
    uint64_t step = plan->samples == 0 || ops <= plan->samples ? 1 : ops / plan->samples;
    uint64_t first = step == 1 ? 1 : 1 + plan->seed % step;
    bool again = plan->doubles != 0 || plan->double_all;
    for (uint64_t at = first; at <= ops; at += step) {
        for (unsigned outcome = 0; outcome < SIM_OUTCOMES; outcome++) {
            struct cut cut = {.after = at, .outcome = (enum sim_outcome)outcome};
            if (!wanted(plan, outcome) || !try(work, 0, &cut, 1, again)) {
                continue;
            }
            if (plan->double_all) {
                cut_all_again(work, cut);
            } else {
                cut_again(work, cut);
            }
        }
    }
}

/* A life with three to ten cuts. */
static void campaign(struct work *work, uint64_t number)
{
    uint64_t random = work->plan->seed * 7919 + number;
    uint64_t ops = life.tracks[0].ops;
    struct cut cuts[LIFE_CUTS_MAX];
    unsigned count = 3 + (unsigned)(sim_random(&random) % (LIFE_CUTS_MAX - 2));
    for (unsigned i = 0; i < count; i++) {
        uint64_t most = i != 0 && sim_random(&random) % 2 == 0 && ops > EARLY ? EARLY : ops;
        cuts[i].after = 1 + sim_random(&random) % most;
        cuts[i].outcome = draw_outcome(work->plan, &random);
    }
    (void)try(work, 0, cuts, count, false);
}

void run_scenario(const struct plan *plan, const struct scenario *scenario, const char *name,
                  struct tally *tally)
{
    struct sim_map map;
    struct work work = {.plan = plan, .map = name, .tally = tally};
    if (!shape_find(name, &map) || !scenario_fits(scenario, &map)) {
        return;
    }
    tally->run = true;
    life.ends = ends_new();
    work.doubled = ends_new();
    if (!life_begin(&life, scenario, &map, plan->seed)) {
        tally->broken = true;
        tally->harms[life.harm]++;
        show_failure(&work, NULL, 0);
    } else {
        cut_everywhere(&work);
        for (unsigned n = 0; n < plan->campaigns; n++) {
            campaign(&work, n);
        }
    }
    tally->ops = life.tracks[0].ops;
    tally->most_boots = life.most_boots;
    life_end(&life);
    ends_free(life.ends);
    ends_free(work.doubled);
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

int run_again(const struct plan *plan, const char *id)
{
    char name[64], map_name[96], ats[128], outcomes[160];
    unsigned long long seed;
    struct sim_map map;
    struct cut cuts[LIFE_CUTS_MAX];
    unsigned count = 0;
    const struct scenario *scenario = NULL;
    bool known = sscanf(id, "%63[^:]:%95[^:]:%127[^:]:%159[^:]:%llu", name, map_name, ats, outcomes, &seed) == 5 &&
                 shape_find(map_name, &map) && (scenario = scenario_find(name)) != NULL;
    if (known && strchr(ats, '/') != NULL) {
        return run_fault_again(scenario, &map, ats, outcomes, seed);
    }
    if (!known || !parse_cuts(ats, outcomes, cuts, &count)) {
        fprintf(stderr, "powerloss: not a case: '%s'; one is, for example, revert-full:nor_4k:200:weak:1\n", id);
        return 2;
    }
    life.verbose = plan->verbose;
    printf("clean run\n");
    bool ok = life_begin(&life, scenario, &map, seed);
    if (ok) {
        printf("cut\n");
        ok = life_cut(&life, 0, cuts, count, false, seed);
    }
    if (ok && life.cuts_done < count) {
        printf("%u of %u cuts were made: the life was over by then\n", life.cuts_done, count);
    }
    printf("%s%s\n", ok ? "passed" : "FAILED: ", ok ? "" : life.failure);
    life_end(&life);
    return ok ? 0 : 1;
}
