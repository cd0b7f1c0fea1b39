/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_platform.c - the platforms that maps are for, by the names of the replaced tools.
 *
 * A platform gives the chip's own flash (PSoC; an XMC has a platform file for that), the
 * core that runs the application, and a place for the journal: the one where the swap map
 * of the same platform has its status area, so that a change of mode moves nothing.
 */
#include <string.h>

#include "tool/flashmap_parts.h"

static const struct flashmap_platform platforms[] = {
    {"PSOC_062_512K", FLASHMAP_PSOC, "CM4", 0x80000, 0x10018000, 0x3C00},
    {"PSOC_062_2M", FLASHMAP_PSOC, "CM4", 0x200000, 0x101E8000, 0x6C00},
    {"PSOC_062_1M", FLASHMAP_PSOC, "CM4", 0x100000, 0, 0x6C00},
    {"PSOC_063_1M", FLASHMAP_PSOC, "CM4", 0x100000, 0, 0x6C00},
    {"XMC7200", FLASHMAP_XMC, "CM7", 0, 0x14030000, 0x2800},
    {NULL, FLASHMAP_PSOC, NULL, 0, 0, 0},
};

const struct flashmap_platform *flashmap_platform_next(const struct flashmap_platform *platform)
{
    platform = platform ? platform + 1 : platforms;
    return platform->name ? platform : NULL;
}

const struct flashmap_platform *flashmap_platform_find(const char *name)
{
    const struct flashmap_platform *platform = NULL;
    while ((platform = flashmap_platform_next(platform)) != NULL) {
        if (strcmp(platform->name, name) == 0) {
            return platform;
        }
    }
    return NULL;
}

const struct flashmap_builtin *flashmap_builtin_find(const char *name)
{
    for (const struct flashmap_builtin *builtin = flashmap_builtins; builtin->name; builtin++) {
        if (strcmp(builtin->name, name) == 0) {
            return builtin;
        }
    }
    return NULL;
}
