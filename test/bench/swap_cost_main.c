/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap_cost_main.c - print the rows of the swap cost bench, or check them.
 */
#include "test/bench/swap_cost.h"

#include <stdio.h>
#include <string.h>

enum format { TEXT, MARKDOWN, JSON, CHECK };

static const unsigned percents[] = {25, 90, 100};

static double ratio(uint64_t cost, uint64_t least)
{
    return least == 0 ? 0 : (double)cost / (double)least;
}

static const char *operation(const struct row *row, bool revert)
{
    return revert ? "revert" : row->overwrite ? "overwrite" : "swap";
}

static void print_markdown(const struct row *row, bool revert)
{
    const struct cost *cost = revert ? &row->revert : &row->install;
    const struct cost *least = &row->floor;
    printf("| %s | %u %% | %s | %llu / %llu | %.3f | %.3f | %u | %.2f / %.2f | **%.3f** | %s | %s |\n",
           row->map, row->percent, operation(row, revert), (unsigned long long)cost->erases,
           (unsigned long long)least->erases, ratio(cost->erased, least->erased),
           ratio(cost->bytes, least->bytes), revert ? row->revert_records : row->install_records,
           (double)cost->us / 1e6, (double)least->us / 1e6, ratio(cost->us, least->us),
           row->similar ? "" : mcuboot_figure(row->map, row->percent, revert),
           row->similar ? "" : limit_of(row, revert).why);
}

static void print_text(const struct row *row, bool revert)
{
    const struct cost *cost = revert ? &row->revert : &row->install;
    const struct cost *least = &row->floor;
    const char *mcuboot = row->similar ? "" : mcuboot_figure(row->map, row->percent, revert);
    printf("  %-44s %3u %% %-9s %4llu erases (%4llu) %6.2f s (%5.2f)  erased %.3f  programmed "
           "%.3f  time %.3f%s%s\n",
           row->map, row->percent, operation(row, revert), (unsigned long long)cost->erases,
           (unsigned long long)least->erases, (double)cost->us / 1e6, (double)least->us / 1e6,
           ratio(cost->erased, least->erased), ratio(cost->bytes, least->bytes),
           ratio(cost->us, least->us), mcuboot[0] != 0 ? "   MCUboot: " : "", mcuboot);
}

static void print_json(const struct row *row, bool revert)
{
    const struct cost *cost = revert ? &row->revert : &row->install;
    const struct cost *least = &row->floor;
    printf("{\"map\":\"%s\",\"percent\":%u,\"bytes\":%u,\"operation\":\"%s\",\"similar\":%s,"
           "\"records\":%u,\"erases\":%llu,\"erased\":%llu,\"programmed\":%llu,\"us\":%llu,"
           "\"floor_erases\":%llu,\"floor_erased\":%llu,\"floor_programmed\":%llu,"
           "\"floor_us\":%llu,\"floor_primary_us\":%llu}\n",
           row->map, row->percent, row->size, operation(row, revert),
           row->similar ? "true" : "false", revert ? row->revert_records : row->install_records,
           (unsigned long long)cost->erases, (unsigned long long)cost->erased,
           (unsigned long long)cost->bytes, (unsigned long long)cost->us,
           (unsigned long long)least->erases, (unsigned long long)least->erased,
           (unsigned long long)least->bytes, (unsigned long long)least->us,
           (unsigned long long)row->floor_primary.us);
}

static bool within(uint64_t cost, uint64_t least, unsigned permille)
{
    return cost * 1000 <= least * permille;
}

static unsigned check(const struct row *row, bool revert)
{
    const struct cost *cost = revert ? &row->revert : &row->install;
    unsigned permille = limit_of(row, revert).permille;
    bool good = within(cost->us, row->floor.us, permille) &&
                within(cost->bytes, row->floor.bytes, permille) &&
                within(cost->erased, row->floor.erased, permille);
    if (!good) {
        printf("FAIL %s, %u %%, %s: time %.4f, programmed %.4f, erased %.4f, limit %.3f\n",
               row->map, row->percent, operation(row, revert), ratio(cost->us, row->floor.us),
               ratio(cost->bytes, row->floor.bytes), ratio(cost->erased, row->floor.erased),
               permille / 1000.0);
    }
    return good ? 0 : 1;
}

static unsigned show(enum format format, const struct row *row)
{
    unsigned failures = 0;
    for (unsigned revert = 0; revert < (row->overwrite ? 1u : 2u); revert++) {
        switch (format) {
        case TEXT: print_text(row, revert != 0); break;
        case MARKDOWN: print_markdown(row, revert != 0); break;
        case JSON: print_json(row, revert != 0); break;
        case CHECK: failures += check(row, revert != 0); break;
        }
    }
    return failures;
}

static void begin_table(enum format format, const char *title)
{
    if (format == TEXT) {
        printf("%s\n", title);
    } else if (format == MARKDOWN) {
        printf("\n## %s\n\n"
               "| map | image | | erases / floor | erased bytes, ratio | programmed bytes, ratio "
               "| records | s / floor | time, ratio | MCUboot, s | why above 1.02 |\n"
               "|---|---|---|---|---|---|---|---|---|---|---|\n", title);
    }
}

static unsigned run(enum format format, unsigned from, unsigned to, bool similar)
{
    struct sim_map map;
    unsigned failures = 0;
    for (unsigned i = from; i < to && bench_map(i, &map); i++) {
        for (unsigned p = 0; p < sizeof percents / sizeof percents[0]; p++) {
            struct row row;
            measure(&map, percents[p], similar, &row);
            failures += show(format, &row);
        }
    }
    return failures;
}

static bool parse(int argc, char **argv, enum format *ret_format)
{
    static const char *const names[] = {"--text", "--markdown", "--json", "--check"};
    *ret_format = TEXT;
    for (unsigned i = 0; argc == 2 && i < 4; i++) {
        if (strcmp(argv[1], names[i]) == 0) {
            *ret_format = (enum format)i;
            return true;
        }
    }
    return argc == 1;
}

int main(int argc, char **argv)
{
    enum format format;
    if (!parse(argc, argv, &format)) {
        fprintf(stderr, "usage: swap_cost [--markdown | --json | --check]\n");
        return 2;
    }
    if (format == MARKDOWN) {
        printf("# What does a swap cost?\n\n"
               "Written by `swap_cost --markdown` (test/bench); a test compares. Flash of true size,\n"
               "simulated; seconds are the time model's (sim/parts.c), without reads and cryptography.\n"
               "The journal is in every figure. Image: percent of the largest; old and new one of the\n"
               "same size. Floor: every used sector of each slot erased once, every used byte programmed\n"
               "once, no journal (overwrite: the primary only). A revert copies back and writes only the\n"
               "primary, so it lies below that floor. Erases count a row write of 512 bytes like a sector\n"
               "of 256 KiB: the bytes say more.\n");
    }
    begin_table(format, "The five maps");
    unsigned failures = run(format, 0, SIM_MAPS_COUNT, false);
    if (format == CHECK) {
        printf("swap cost: %u rows above their limit\n", failures);
        return failures == 0 ? 0 : 1;
    }
    begin_table(format, "PSOC 6: subsector or sector erase and row program, in place of row writes");
    (void)run(format, SIM_MAPS_COUNT, SIM_MAPS_COUNT + 4, false);
    if (format == MARKDOWN) {
        printf("\nErase and row program cost a part of what row writes cost, best with subsectors: a\n"
               "slot and a swap's units seldom begin where a 256 KiB sector does, and rows outside a\n"
               "whole sector (or subsector) are still written in one operation each.\n");
    }
    begin_table(format, "Other geometries, to compare with MCUboot");
    (void)run(format, SIM_MAPS_COUNT + 4, 100, false);
    begin_table(format, "The five maps, new image 70 % the same as the old");
    (void)run(format, 0, SIM_MAPS_COUNT, true);
    return 0;
}
