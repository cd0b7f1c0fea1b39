/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - the plan in several processes, and the table of what came of it.
 */
#include "test/powerloss/run.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared by all processes. Job n is scenario n % scenarios_count on map n / scenarios_count. */
struct board_of_jobs {
    atomic_uint next;
    struct tally tallies[];
};

static void work_off(const struct plan *plan, struct board_of_jobs *jobs, unsigned count)
{
    for (unsigned n; (n = atomic_fetch_add(&jobs->next, 1)) < count;) {
        const struct scenario *scenario = &scenarios[n % scenarios_count];
        if (plan->scenario == NULL || strcmp(plan->scenario, scenario->name) == 0) {
            (plan->faults ? run_scenario_faults : run_scenario)(plan, scenario, plan->maps[n / scenarios_count],
                                                                &jobs->tallies[n]);
        }
    }
}

/* False: a process died. */
static bool work_in_processes(const struct plan *plan, struct board_of_jobs *jobs, unsigned count)
{
    bool good = true;
    fflush(stdout);
    for (unsigned i = 0; i < plan->jobs; i++) {
        pid_t child = fork();
        if (child == 0) {
            work_off(plan, jobs, count);
            fflush(stdout);
            _exit(0);
        }
        good = good && child > 0;
    }
    for (int status; wait(&status) > 0;) {
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good;
}

static void print_head(const char *first, const char *second)
{
    printf("%-30s %-18s %7s %8s %8s %8s %6s %6s %7s %7s %6s %8s %6s\n", first, second,
           "operat.", "cuts", "double", "3 to 10", "bricks", "wrong", "lost", "lost", "other",
           "longest", "most");
    printf("%-30s %-18s %7s %8s %8s %8s %6s %6s %7s %7s %6s %8s %6s\n", "", "", "", "", "cuts",
           "cuts", "", "image", "confirm", "reject", "", "recovery", "boots");
}

static void print_tally(const char *first, const char *second, const struct tally *tally)
{
    const uint64_t *harms = tally->harms;
    printf("%-30s %-18s %7llu %8llu %8llu %8llu %6llu %6llu %7llu %7llu %6llu %8llu %6u\n", first,
           second, (unsigned long long)tally->ops, (unsigned long long)tally->trials[0],
           (unsigned long long)tally->trials[1], (unsigned long long)tally->trials[2],
           (unsigned long long)harms[HARM_BRICK], (unsigned long long)harms[HARM_WRONG_IMAGE],
           (unsigned long long)harms[HARM_LOST_CONFIRM],
           (unsigned long long)harms[HARM_LOST_REJECT], (unsigned long long)harms[HARM_OTHER],
           (unsigned long long)tally->longest, tally->most_boots);
}

static void print_outcome(const char *first, const struct tally *tally, unsigned outcome)
{
    struct tally line = {.longest = tally->outcome[outcome].longest};
    memcpy(line.trials, tally->outcome[outcome].trials, sizeof line.trials);
    memcpy(line.harms, tally->outcome[outcome].harms, sizeof line.harms);
    print_tally(first, sim_outcome_str((enum sim_outcome)outcome), &line);
}

static void print_outcomes(const char *first, const struct tally *tally)
{
    for (unsigned outcome = 0; outcome < SIM_OUTCOMES; outcome++) {
        const uint64_t *trials = tally->outcome[outcome].trials;
        if (trials[0] + trials[1] + trials[2] != 0) {
            print_outcome(first, tally, outcome);
        }
    }
}

static void add(struct tally *sum, const struct tally *tally)
{
    sum->ops += tally->ops;
    for (unsigned i = 0; i < 3; i++) {
        sum->trials[i] += tally->trials[i];
    }
    for (unsigned i = 0; i < HARMS; i++) {
        sum->harms[i] += tally->harms[i];
    }
    sum->longest = tally->longest > sum->longest ? tally->longest : sum->longest;
    sum->most_boots = tally->most_boots > sum->most_boots ? tally->most_boots : sum->most_boots;
    for (unsigned o = 0; o < SIM_OUTCOMES; o++) {
        for (unsigned i = 0; i < 3; i++) {
            sum->outcome[o].trials[i] += tally->outcome[o].trials[i];
        }
        for (unsigned i = 0; i < HARMS; i++) {
            sum->outcome[o].harms[i] += tally->outcome[o].harms[i];
        }
        if (tally->outcome[o].longest > sum->outcome[o].longest) {
            sum->outcome[o].longest = tally->outcome[o].longest;
        }
    }
    for (unsigned i = 0; i < FAULT_AREAS * FAULT_KINDS; i++) {
        struct fault_line *to = &sum->faults[i / FAULT_KINDS][i % FAULT_KINDS];
        const struct fault_line *from = &tally->faults[i / FAULT_KINDS][i % FAULT_KINDS];
        to->trials += from->trials;
        to->not_started += from->not_started;
        to->failures += from->failures;
    }
}

static void print_cuts(const struct plan *plan, const struct tally *tallies, const struct tally *sum)
{
    print_head("map", "scenario");
    for (unsigned n = 0; n < plan->maps_count * scenarios_count; n++) {
        if (tallies[n].run) {
            print_tally(plan->maps[n / scenarios_count], scenarios[n % scenarios_count].name, &tallies[n]);
            if (plan->every_outcome) {
                print_outcomes("", &tallies[n]);
            }
        }
    }
    printf("\nby what the last cut left:\n");
    print_outcomes("", sum);
    print_tally("all", "", sum);
}

uint64_t run_plan(const struct plan *plan)
{
    unsigned count = plan->maps_count * scenarios_count;
    struct tally sum = {0};
    struct board_of_jobs *jobs =
        mmap(NULL, sizeof *jobs + count * sizeof(struct tally), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (jobs == MAP_FAILED) {
        abort();
    }
    bool whole = true;
    if (plan->jobs > 1) {
        whole = work_in_processes(plan, jobs, count);
    } else {
        work_off(plan, jobs, count);
    }
    for (unsigned n = 0; n < count; n++) {
        add(&sum, &jobs->tallies[n]);
    }
    uint64_t failures = whole ? 0 : 1;
    for (unsigned i = 0; i < HARMS; i++) {
        failures += sum.harms[i];
    }
    if (plan->faults) {
        print_faults(&sum);
        return failures;
    }
    print_cuts(plan, jobs->tallies, &sum);
    printf("%llu trials, %llu failures\n",
           (unsigned long long)(sum.trials[0] + sum.trials[1] + sum.trials[2]),
           (unsigned long long)failures);
    return failures;
}
