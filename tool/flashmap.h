/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap.h - a flash map: which devices a board has, and what lies where on them.
 *
 * Maps are JSON files in one of two dialects (SPEC.md, "Flash maps"). flashmap_load reads
 * one, finds the platform, checks every rule and works out what a bootloader needs to
 * know. A map that loads without errors is safe to build a layout from.
 */
#ifndef OTTER_TOOL_FLASHMAP_H
#define OTTER_TOOL_FLASHMAP_H

#include "otter/state.h"

#define FLASHMAP_DEVICES_MAX 8u
#define FLASHMAP_AREAS_MAX 16u
#define FLASHMAP_APPS_MAX 4u
#define FLASHMAP_KEY_SIZE 80u

struct flashmap_device {
    char name[16];   /* "internal", "external", "code_large", ...; a C identifier */
    char model[24];  /* of an external chip, when the map names it */
    char timing[24]; /* key into the simulator's time model */
    uint32_t addr;   /* where the CPU sees it */
    uint32_t size;
    uint32_t sector_size, block_size, prog_size; /* as in struct otter_flash */
    uint32_t
        bank_size; /* logical banks, for parts that cannot erase the bank they run from; 0: one */
    uint8_t erased;
    bool row_write; /* one operation erases and programs a sector */
    bool xip;       /* external, and code runs from it in place */
    bool external;
};

enum flashmap_role {
    FLASHMAP_BOOTLOADER,
    FLASHMAP_PRIMARY,
    FLASHMAP_SECONDARY,
    FLASHMAP_SCRATCH,
    FLASHMAP_STATUS, /* the map's place for swap records */
    FLASHMAP_STATE   /* the map's own new key, or assigned by the tool */
};

struct flashmap_area {
    enum flashmap_role role;
    uint8_t app;   /* 1.. for slots, else 0 */
    bool assigned; /* not in the map: the tool chose it */
    uint32_t addr, size;
    uint32_t device, base;            /* index, and offset in it */
    char key[FLASHMAP_KEY_SIZE];      /* JSON path of the address */
    char size_key[FLASHMAP_KEY_SIZE]; /* and of the size */
    char label[20];                   /* "primary", "secondary", "primary_2", ... */
};

enum flashmap_dialect { FLASHMAP_PSOC, FLASHMAP_XMC };

/* What follows from the map for one application; all zero where a rule was broken. */
struct flashmap_geometry {
    uint32_t primary, secondary;            /* area indices */
    uint32_t boundary_first, boundary_step; /* slot offsets where a swap unit may end; swap only */
    uint32_t image_size_max;
    uint32_t hole_size; /* room for the displaced image beyond the slot; swap only */
    uint32_t unit_size; /* swap unit for the largest image */
    uint32_t units;     /* of the largest image */
    uint32_t records;   /* journal records from the request to the start of the new image */
};

struct flashmap {
    char name[64]; /* file name without folder and ".json" */
    char platform[24];
    const char *core; /* that runs the application: "CM4", "CM7" */
    enum flashmap_dialect dialect;
    enum otter_mode mode;
    bool mode_by_key; /* said by `upgrade` or --mode, not concluded */
    bool xip;         /* an application runs in place from external flash */
    bool trailers;    /* "state": "trailer": no journal, MCUboot's flags in the slots */
    struct flashmap_device devices[FLASHMAP_DEVICES_MAX];
    uint32_t devices_count;
    struct flashmap_area areas[FLASHMAP_AREAS_MAX];
    uint32_t areas_count;
    uint32_t apps_count;
    int journal;                   /* area index, -1: none */
    int scratch;                   /* area index of the scratch that a swap uses, -1: none */
    uint32_t cell_size, half_size; /* of the journal */
    uint32_t trailer_size;         /* what the replaced bootloader keeps at a slot's end */
    uint32_t unit_max;
    struct flashmap_geometry geometry[FLASHMAP_APPS_MAX];
    uint8_t hash[OTTER_HASH_SIZE]; /* SHA-256 of flashmap_canonical() */
};

/* Messages, one plain line each. Zero-initialise; free with flashmap_report_free. */
struct flashmap_lines {
    char **line;
    uint32_t count;
};
struct flashmap_report {
    struct flashmap_lines errors;
    struct flashmap_lines notes; /* what the tool decided or wants known */
};
void flashmap_report_free(struct flashmap_report *report);

/* All optional (NULL). */
struct flashmap_options {
    const char *kit;      /* one of flashmap_kits */
    const char *platform; /* a platform's name, or a platform file */
    const char *mode;     /* "swap" or "overwrite" */
};

/* Load a built-in map (by name) or a file. 0, or TOOL_REFUSED with all reasons in
 * report->errors; a file that cannot be read is said on stderr at once, and then there may
 * be none. *ret_map is written as far as it was understood. */
int flashmap_load(const char *source, const struct flashmap_options *options,
                  struct flashmap *ret_map, struct flashmap_report *report);

/* The same from bytes in memory; `name` stands in messages. */
int flashmap_parse(const char *name, const char *text, size_t len,
                   const struct flashmap_options *options, struct flashmap *ret_map,
                   struct flashmap_report *report);

/* For commands: load, print every error as one line on stderr, free the report. */
int flashmap_open(const char *source, const struct flashmap_options *options,
                  struct flashmap *ret_map);

/* Area of that role (and application, 1..), or NULL. The journal: flashmap_journal. */
const struct flashmap_area *flashmap_find(const struct flashmap *map, enum flashmap_role role,
                                          uint8_t app);
const struct flashmap_area *flashmap_journal(const struct flashmap *map);

/* The layout of application 1 over flash[i] for map->devices[i]. Only for a map that
 * loaded; the devices are borrowed by the layout. flash[i].size etc. are the caller's. */
void flashmap_layout(const struct flashmap *map, const struct otter_flash *const *flash,
                     struct otter_layout *ret_layout);

/* The text that the map hash is taken over; free() it. NULL: out of memory. */
char *flashmap_canonical(const struct flashmap *map);

#endif
