/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.h - the five flash maps as a table, for tests that need no JSON.
 *
 * The same numbers as the JSON files of flashmap/; a test compares the two.
 */
#ifndef OTTER_SIM_MAPS_H
#define OTTER_SIM_MAPS_H

#include "otter/state.h"
#include "sim/sim.h"

struct sim_place {
    unsigned device; /* index into parts */
    uint32_t base, size;
};

/* Plain values: take one, change it, build a board of it. */
struct sim_map {
    const char *name;
    struct sim_geometry parts[SIM_DEVICES_MAX];
    unsigned parts_count;
    struct sim_place primary, secondary, scratch, journal;
    enum otter_mode mode;
    uint32_t image_size_max, unit_max, primary_addr;
};

#define SIM_MAPS_COUNT 5u
const char *sim_map_name(unsigned index); /* NULL behind the last */
bool sim_map_find(const char *name, struct sim_map *ret_map);

/* Replace a part by another of the same size: "psoc6-2m" by "psoc6-2m-subsector". */
bool sim_map_use(struct sim_map *map, const char *part, const char *instead);

/* A fresh board and the layout on it (map_hash zero). path: as sim_board_create. */
int sim_map_build(const struct sim_map *map, struct sim_board *board, uint64_t seed,
                  const char *path, struct otter_layout *ret_layout);

/* The layout alone, on a board that was built from the same map. */
struct otter_layout sim_map_layout(const struct sim_map *map, const struct sim_board *board);

#endif
