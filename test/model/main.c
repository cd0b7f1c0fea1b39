/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - random sequences against the model. A sequence that fails is made as short
 * as it gets and printed with the id that lives it again.
 */
#include "test/model/sequence.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAPS_MAX = 16, FAILURES_SHOWN = 5 };

static const char *const default_maps[] = {
    "psoc62_2m_ext_swap_single", "psoc62_512k_xip_swap_single", "xmc7200_int_swap_single",
    "psoc62_2m_ext_overwrite_single", "xmc7200_int_overwrite_single",
    "xmc7200_int_overwrite_single/trailers", "unequal_no_scratch", "nor_4k",
};

static const char usage[] =
    "usage: model [--map M]... [--sequences N | --seconds N] [--seed S]\n"
    "       model otter-model:MAP:SEED:STEPS     one sequence again, told; a failure prints it\n"
    "\n"
    "Random lives of a device beside a model of one page (`make model`).\n"
    "\n"
    "  --map M          may be repeated: as `powerloss --help` names them, or those with /trailers [eight of them]\n"
    "  --sequences N    so many for each map [1000]\n"
    "  --seconds N      as many as that time allows\n"
    "  --seed S         other sequences [1]\n";

struct tally {
    uint64_t sequences, boots, cuts, failures;
};

static void try(const char *map, uint64_t seed, struct tally *tally)
{
    struct sequence sequence;
    struct sequence_result result;
    char text[TEXT_SIZE];
    sequence_draw(&sequence, seed);
    sequence_live(&sequence, map, seed, false, &result);
    tally->sequences++;
    tally->boots += result.boots;
    tally->cuts += result.cuts;
    if (result.passed || ++tally->failures > FAILURES_SHOWN) {
        return;
    }
    sequence_shrink(&sequence, map, seed);
    sequence_live(&sequence, map, seed, false, &result);
    sequence_print(&sequence, text);
    printf("FAIL otter-model:%s:%llu:%s  %s\n", map, (unsigned long long)seed, text, result.failure);
    fflush(stdout);
}

static int run_again(const char *id)
{
    char map[96], text[TEXT_SIZE];
    unsigned long long seed;
    struct sequence sequence;
    struct sequence_result result;
    if (sscanf(id, "otter-model:%95[^:]:%llu:%1023s", map, &seed, text) != 3 || !sequence_parse(&sequence, text)) {
        fprintf(stderr, "model: not a sequence: %s\n", id);
        return 2;
    }
    sequence_live(&sequence, map, seed, true, &result);
    printf("%s%s\n", result.passed ? "passed" : "FAILED: ", result.failure);
    return result.passed ? 0 : 1;
}

static uint64_t run(const char *const *maps, unsigned count, uint64_t sequences, uint64_t seconds, uint64_t seed)
{
    struct tally tallies[MAPS_MAX] = {0};
    struct tally sum = {0};
    time_t end = time(NULL) + (time_t)seconds;
    for (uint64_t n = 0; seconds != 0 ? time(NULL) < end : n < sequences; n++) {
        for (unsigned i = 0; i < count; i++) {
            try(maps[i], seed * 1000003 + n, &tallies[i]);
        }
    }
    printf("%-40s %10s %10s %10s %10s\n", "map", "sequences", "boots", "power cuts", "failures");
    for (unsigned i = 0; i <= count; i++) {
        const struct tally *tally = i == count ? &sum : &tallies[i];
        printf("%-40s %10llu %10llu %10llu %10llu\n", i == count ? "all" : maps[i],
               (unsigned long long)tally->sequences, (unsigned long long)tally->boots,
               (unsigned long long)tally->cuts, (unsigned long long)tally->failures);
        sum.sequences += tally->sequences;
        sum.boots += tally->boots;
        sum.cuts += tally->cuts;
        sum.failures += tally->failures;
    }
    return tallies[0].sequences == 0 ? 1 : sum.failures;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"map", required_argument, NULL, 'm'},     {"sequences", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 't'}, {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    const char *maps[MAPS_MAX];
    unsigned count = 0;
    uint64_t sequences = 1000, seconds = 0, seed = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'm': maps[count < MAPS_MAX ? count++ : 0] = optarg; break;
        case 'n': sequences = strtoull(optarg, NULL, 10); break;
        case 't': seconds = strtoull(optarg, NULL, 10); break;
        case 's': seed = strtoull(optarg, NULL, 10); break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    if (optind < argc) {
        return run_again(argv[argc - 1]);
    }
    return run(count != 0 ? maps : default_maps, count != 0 ? count : (unsigned)(sizeof default_maps / sizeof *default_maps),
               sequences, seconds, seed) == 0 ? 0 : 1;
}
