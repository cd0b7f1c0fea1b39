/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap_cost.h - one measured row of the swap cost bench, and what it is compared with.
 */
#ifndef OTTER_BENCH_SWAP_COST_H
#define OTTER_BENCH_SWAP_COST_H

#include "otter/result.h"
#include "sim/maps.h"

struct cost {
    uint64_t erases; /* sectors, blocks, row writes */
    uint64_t erased; /* bytes */
    uint64_t bytes;  /* programmed */
    uint64_t us;
};

struct row {
    const char *map;
    unsigned percent; /* of the largest image */
    uint32_t size;
    bool overwrite, similar;
    struct cost install, revert;
    unsigned install_records, revert_records; /* journal */
    struct cost floor;         /* both slots; overwrite: the primary */
    struct cost floor_primary; /* a revert by copying back writes nothing else */
};

/* Install, then (swap) revert; both images `percent` of the largest. similar: 70 % of the
 * 4 KiB pieces are the same. */
void measure(const struct sim_map *map, unsigned percent, bool similar, struct row *ret_row);

/* The geometries of the tables, by index; NULL name behind the last. */
bool bench_map(unsigned index, struct sim_map *ret_map);

/* MCUboot on the same geometry and size, as text ("scratch 65.2"); "" where not known. */
const char *mcuboot_figure(const char *map, unsigned percent, bool revert);

/* The most a row may be above its floor, in thousandths, with the reason when above 1020. */
struct limit {
    unsigned permille;
    const char *why;
};
struct limit limit_of(const struct row *row, bool revert);

#endif
