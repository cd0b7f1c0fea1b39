/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_kits.h - the kits that the replaced system ran on, by TARGET name.
 */
#ifndef OTTER_TOOL_FLASHMAP_KITS_H
#define OTTER_TOOL_FLASHMAP_KITS_H

#include <stddef.h>

struct flashmap_kit {
    const char *target;    /* "CY8CPROTO-062S2-43439" */
    const char *platform;  /* "PSOC_062_2M" */
    const char *map;       /* the default one */
    const char *other_map; /* NULL: none */
    const char *mcu;
    const char *wifi;
};
extern const struct flashmap_kit flashmap_kits[]; /* target NULL ends it */

/* By TARGET, by "APP_" and TARGET, or by Board string. NULL: not one of them. */
const struct flashmap_kit *flashmap_kit_find(const char *name);

/* "APP_CY8CPROTO_062S2_43439": what a job's Board must say for this kit. */
void flashmap_kit_board(const struct flashmap_kit *kit, char *ret_board, size_t size);

#endif
