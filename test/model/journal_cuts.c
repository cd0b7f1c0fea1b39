/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_cuts.c - the journal alone: sessions that append, act and are cut, as in
 * test/promela/journal.pml, with the real slot/journal.c on simulated flash.
 *
 * The state is a number that counts up. A session appends what it read, acts upon it, appends the
 * next number, acts upon that, and so on until power is lost in a write. What was acted upon must
 * be known at every later power on.
 */
#include "otter/result.h"
#include "slot/journal.h"
#include "test/powerloss/shapes.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 12, APPENDS_MAX = 6, OPS_MAX = 9, MAPS_MAX = 8, FAILURES_SHOWN = 5 };

static const char usage[] =
    "usage: journal_cuts [--map M]... [--lives N] [--seed S]\n"
    "       journal_cuts otter-journal:MAP:SEED     one life again, told; a failure prints it\n"
    "\n"
    "Lives of the journal alone, cut in a dozen sessions; what was acted upon must be known for ever.\n"
    "\n"
    "  --map M      may be repeated: as `powerloss --help` names them [four of them]\n"
    "  --lives N    so many for each map [10000]\n"
    "  --seed S     other lives [1]\n";

struct life {
    struct sim_board board;
    struct otter_layout layout;
    struct otter_journal journal;
    uint32_t value, read_value; /* what is to be stored; what was read */
    uint32_t acted;
    bool told;
};

static jmp_buf out;

static void on_lost(void *ctx)
{
    (void)ctx;
    longjmp(out, 1);
}

static void take(void *ctx, const struct otter_record *record)
{
    struct life *life = ctx;
    if (record == NULL) {
        life->read_value = 0;
    } else if (record->type == OTTER_RECORD_STATE) {
        memcpy(&life->read_value, record->body, sizeof life->read_value);
    }
}

static bool give(void *ctx, uint32_t index, struct otter_record *ret_record)
{
    const struct life *life = ctx;
    memset(ret_record, 0, sizeof *ret_record);
    ret_record->type = OTTER_RECORD_STATE;
    memcpy(ret_record->body, &life->value, sizeof life->value);
    return index == 0;
}

static int append(struct life *life, const struct otter_journal_reader *reader)
{
    struct otter_record record;
    (void)give(life, 0, &record);
    return otter_journal_append(&life->journal, &record, reader);
}

/* False: something that was acted upon is forgotten. */
static bool session(struct life *life, unsigned appends)
{
    static const uint8_t map_hash[OTTER_HASH_SIZE];
    const struct otter_journal_reader reader = {life, take, give};
    sim_board_power_on(&life->board);
    int err = otter_journal_open(&life->journal, &life->layout.journal, map_hash, &reader);
    life->value = life->read_value;
    if (life->told) {
        printf("    read %u (%d), acted upon %u; half 0x%x, next 0x%x%s\n", life->value, err, life->acted,
               life->journal.half_off, life->journal.next_off, life->journal.repeat_head ? ", in doubt" : "");
    }
    if (err < 0 || life->value < life->acted || life->value > life->acted + 1) {
        return false;
    }
    for (unsigned i = 0; i < appends; i++, life->value++) {
        if (append(life, &reader) != OTTER_OK) {
            return false;
        }
        life->acted = life->value;
    }
    return true;
}

static bool live(const struct sim_map *map, uint64_t seed, bool told)
{
    static struct life life;
    static unsigned n;
    static bool ok;
    static uint64_t random;
    memset(&life, 0, sizeof life);
    life.told = told;
    random = seed;
    if (sim_map_build(map, &life.board, seed, NULL, &life.layout) != 0) {
        return false;
    }
    life.board.power.lost = on_lost;
    ok = true;
    n = 0;
    if (setjmp(out) != 0 && told) {
        printf("    cut: %s\n", sim_outcome_str(life.board.power.outcome));
    }
    while (ok && n++ < SESSIONS) {
        enum sim_outcome outcome = sim_random(&random) % 4 != 0 ? SIM_UNSTABLE
                                                               : (enum sim_outcome)(sim_random(&random) % SIM_OUTCOMES_USUAL);
        /* A life begins with more of them: somewhere in a half. */
        unsigned appends = n == 1 ? 1 + (unsigned)(sim_random(&random) % 60) : APPENDS_MAX;
        sim_power_cut_after(&life.board.power, 1 + sim_random(&random) % (n == 1 ? 120 : OPS_MAX), outcome);
        ok = session(&life, appends);
        life.board.power.cut_at = 0;
    }
    for (n = 0; ok && n < 3; n++) {
        ok = session(&life, 0);
    }
    sim_board_close(&life.board);
    return ok;
}

static uint64_t live_many(const char *name, uint64_t lives, uint64_t seed)
{
    struct sim_map map;
    uint64_t failures = 0;
    if (!shape_find(name, &map)) {
        fprintf(stderr, "journal_cuts: no map is called %s\n", name);
        return 1;
    }
    for (uint64_t n = 0; n < lives; n++) {
        uint64_t number = seed * 1000000007 + n;
        if (!live(&map, number, false) && ++failures <= FAILURES_SHOWN) {
            printf("FAIL otter-journal:%s:%llu  what was acted upon is forgotten\n", name, (unsigned long long)number);
            fflush(stdout);
        }
    }
    printf("%-30s %llu lives, %llu failures\n", name, (unsigned long long)lives, (unsigned long long)failures);
    return failures;
}

static int run_again(const char *id)
{
    char name[96];
    unsigned long long seed;
    struct sim_map map;
    if (sscanf(id, "otter-journal:%95[^:]:%llu", name, &seed) != 2 || !shape_find(name, &map)) {
        fprintf(stderr, "journal_cuts: not a life: %s\n", id);
        return 2;
    }
    bool ok = live(&map, seed, true);
    printf("%s\n", ok ? "passed" : "FAILED");
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"map", required_argument, NULL, 'm'}, {"lives", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *maps[MAPS_MAX] = {"rows_tiny_journal", "xmc7200_int_swap_single", "psoc62_512k_xip_swap_single", "nor_4k"};
    unsigned count = 0;
    uint64_t lives = 10000, seed = 1, failures = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'm': maps[count < MAPS_MAX ? count++ : 0] = optarg; break;
        case 'n': lives = strtoull(optarg, NULL, 10); break;
        case 's': seed = strtoull(optarg, NULL, 10); break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    if (optind < argc) {
        return run_again(argv[argc - 1]);
    }
    for (unsigned i = 0; i < (count != 0 ? count : 4); i++) {
        failures += live_many(maps[i], lives, seed);
    }
    return failures == 0 ? 0 : 1;
}
