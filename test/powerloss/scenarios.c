/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenarios.c - the lives that power is cut in.
 *
 * sizes: percent of the largest image. An overwrite map has no trial: what was offered
 * last and taken runs in the end.
 */
#include "test/powerloss/life.h"

#include <string.h>

const struct scenario scenarios[] = {
    {
        .name = "confirm-full",
        .offers = {{1, CONFIRMS}}, .offers_count = 1,
        .sizes = {100, 100}, .versions = {1, 2}, .final = 1, .final_overwrite = 1,
    },
    {
        .name = "revert-full",
        .offers = {{1, HANGS}}, .offers_count = 1,
        .sizes = {100, 100}, .versions = {1, 2}, .final = 0, .swap_only = true,
    },
    {
        .name = "revert-90-50",
        .offers = {{1, RESETS}}, .offers_count = 1,
        .sizes = {90, 50}, .versions = {1, 2}, .final = 0, .swap_only = true,
    },
    {
        .name = "revert-50-95",
        .offers = {{1, GIVES_UP}}, .offers_count = 1,
        .sizes = {50, 95}, .versions = {1, 2}, .final = 0, .swap_only = true,
    },
    {
        .name = "chain-25",
        .offers = {{1, CONFIRMS}, {2, HANGS}}, .offers_count = 2,
        .sizes = {25, 25, 12}, .versions = {1, 2, 3}, .final = 1, .final_overwrite = 2,
        .progress = true,
    },
    {
        .name = "permanent-90",
        .offers = {{1, PERMANENT}}, .offers_count = 1,
        .sizes = {90, 90}, .versions = {1, 2}, .final = 1, .final_overwrite = 1,
        .progress = true,
    },
    {
        .name = "bootstrap-empty",
        .start = PRIMARY_EMPTY,
        .sizes = {60}, .versions = {1}, .final = 0, .final_overwrite = 0,
    },
    {
        .name = "bootstrap-garbage",
        .start = PRIMARY_GARBAGE,
        .sizes = {100}, .versions = {1}, .final = 0, .final_overwrite = 0,
    },
    {
        .name = "noise-confirm-25",
        .start = FACTORY_NOISE,
        .offers = {{1, CONFIRMS}}, .offers_count = 1,
        .sizes = {25, 30}, .versions = {1, 2}, .final = 1, .final_overwrite = 1,
    },
    {
        .name = "primary-dies",
        .offers = {{1, CONFIRMS}}, .offers_count = 1,
        .sizes = {50, 40}, .versions = {1, 2}, .final = 1,
        .primary_dies = true, .swap_only = true,
    },
    {
        .name = "download-rots",
        .offers = {{1, ROTS}}, .offers_count = 1,
        .sizes = {20, 25}, .versions = {1, 2}, .final = 0, .final_overwrite = 0,
    },
    {
        .name = "fallback-rots",
        .offers = {{1, FALLBACK_ROTS}}, .offers_count = 1,
        .sizes = {20, 15}, .versions = {1, 2}, .final = 1, .swap_only = true,
    },
    {
        .name = "downgrade",
        .offers = {{1, CONFIRMS}}, .offers_count = 1,
        .sizes = {20, 20}, .versions = {2, 1}, .final = 0, .final_overwrite = 0,
    },
    {
        .name = "counter-falls",
        .offers = {{1, CONFIRMS}, {2, COUNTS_DOWN}}, .offers_count = 2,
        .sizes = {20, 25, 15}, .versions = {1, 2, 3}, .counters = {1, 3, 2},
        .final = 1, .final_overwrite = 1,
    },
    {
        .name = "signed-jobs",
        .offers = {{1, CONFIRMS}, {2, GIVES_UP}, {3, CONFIRMS}}, .offers_count = 3,
        .sizes = {12, 10, 12, 8}, .versions = {1, 2, 3, 4},
        .final = 3, .final_overwrite = 3, .progress = true, .jobs = true,
    },
    {
        .name = "delta",
        .offers = {{1, CONFIRMS}}, .offers_count = 1,
        .sizes = {55, 55}, .versions = {1, 2}, .final = 1, .final_overwrite = 1, .delta = true,
    },
    {
        .name = "life-of-five",
        .offers = {{1, CONFIRMS}, {2, HANGS}, {3, PERMANENT}, {4, GIVES_UP}, {5, CONFIRMS}},
        .offers_count = 5,
        .sizes = {12, 10, 12, 8, 10, 12}, .versions = {1, 2, 3, 4, 5, 6},
        .final = 5, .final_overwrite = 5, .progress = true,
    },
};
const unsigned scenarios_count = sizeof scenarios / sizeof scenarios[0];

const struct scenario *scenario_find(const char *name)
{
    for (unsigned i = 0; i < scenarios_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return &scenarios[i];
        }
    }
    return NULL;
}

bool scenario_fits(const struct scenario *scenario, const struct sim_map *map)
{
    return !scenario->swap_only || map->mode == OTTER_MODE_SWAP;
}
