/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometries.c - flash maps for every combination of sector, program unit, erased value and
 * kind of slots, at true sector size.
 *
 * "4096-8-ff-equal": sectors of 4096 bytes, program units of 8, erased 0xff. Kinds: "equal": two
 * slots of five sectors; "unequal": the secondary's device has sectors of half the size; "inside":
 * both slots begin in the middle of a sector. Journal and scratch lie on the primary's device.
 */
#include "test/powerloss/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3, SECTORS = 10, UNITS = 10, ERASED = 2, SLOT_SECTORS = 5 };
static const char *const kinds[KINDS] = {"equal", "unequal", "inside"};
static const char *const erased_values[ERASED] = {"ff", "00"};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The index-th combination, into its name; false: there is none. */
static bool combine(unsigned index, char name[32])
{
    unsigned kind = index % KINDS;
    unsigned erased = index / KINDS % ERASED;
    unsigned unit = index / KINDS / ERASED % UNITS;
    unsigned sector = index / KINDS / ERASED / UNITS;
    if (sector >= SECTORS) {
        return false;
    }
    snprintf(name, 32, "%u-%u-%s-%s", 512u << sector, 1u << unit, erased_values[erased], kinds[kind]);
    return true;
}

const char *geometry_name(unsigned index)
{
    static char names[SECTORS * UNITS * ERASED * KINDS][32];
    return combine(index, names[index % (SECTORS * UNITS * ERASED * KINDS)])
               ? names[index]
               : NULL;
}

static struct sim_geometry part(const char *name, uint32_t sector, uint32_t unit, uint8_t erased)
{
    struct sim_geometry part = {
        .sector_size = sector, .prog_size = unit, .page_size = larger(unit, 256), .erased = erased,
        .erase_us = 45000, .page_us = 700,
    };
    snprintf(part.name, sizeof part.name, "%s", name);
    return part;
}

/* "4096-8-ff-equal" into its parts; false: it is none of ours. */
static bool parse(const char *name, uint32_t *ret_sector, uint32_t *ret_unit, uint8_t *ret_erased,
                  const char **ret_kind)
{
    char value[3], kind[16], again[32];
    unsigned sector, unit, k = 0;
    if (sscanf(name, "%u-%u-%2[f0]-%15s", &sector, &unit, value, kind) != 4 || sector < 512 ||
        sector > 0x40000 || unit > OTTER_PROG_SIZE_MAX || unit == 0 || sector % unit != 0) {
        return false;
    }
    while (k < KINDS && strcmp(kind, kinds[k]) != 0) {
        k++;
    }
    snprintf(again, sizeof again, "%u-%u-%s-%s", sector, unit, value, kind);
    if (k == KINDS || strcmp(name, again) != 0 || value[0] != value[1]) {
        return false;
    }
    *ret_sector = sector;
    *ret_unit = unit;
    *ret_erased = value[0] == 'f' ? 0xff : 0;
    *ret_kind = kinds[k];
    return true;
}

bool geometry_find(const char *name, struct sim_map *ret_map)
{
    uint32_t sector, unit;
    uint8_t erased;
    const char *kind;
    if (!parse(name, &sector, &unit, &erased, &kind)) {
        return false;
    }
    bool unequal = strcmp(kind, "unequal") == 0;
    uint32_t inside = strcmp(kind, "inside") == 0 ? larger(sector / 2 / unit * unit, 0) : 0;
    uint32_t slot = SLOT_SECTORS * sector;
    uint32_t cell = larger(unit, 32);
    uint32_t half = larger(6, (12 * cell + sector - 1) / sector) * sector;
    struct sim_map map = {.parts_count = unequal ? 2 : 1, .mode = OTTER_MODE_SWAP};
    uint32_t at = 0;
    map.primary = (struct sim_place){0, at + inside, slot};
    at += slot + sector;
    if (!unequal) {
        map.secondary = (struct sim_place){0, at + inside, slot};
        at += slot + sector;
    } else {
        map.secondary = (struct sim_place){1, 0, slot};
        map.parts[1] = part("other", larger(sector / 2, unit), unit, erased);
        map.parts[1].size = slot;
    }
    map.scratch = (struct sim_place){0, at, sector};
    at += sector;
    map.journal = (struct sim_place){0, at, 2 * half};
    at += 2 * half;
    map.parts[0] = part("main", sector, unit, erased);
    map.parts[0].size = at;
    map.image_size_max = slot - inside;
    map.unit_max = 2 * sector;
    *ret_map = map;
    return true;
}
