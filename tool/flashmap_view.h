/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_view.h - a checked flash map as people and programs want to see it.
 */
#ifndef OTTER_TOOL_FLASHMAP_VIEW_H
#define OTTER_TOOL_FLASHMAP_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "tool/flashmap.h"

/* A device from end to end, by address: areas, what lies in the same erase sector as an
 * area but outside it, and free gaps. */
struct flashmap_segment {
    const struct flashmap_area *area; /* NULL: nobody's */
    const struct flashmap_area *with; /* erased together with this one; NULL: free */
    uint32_t addr, size;
};
#define FLASHMAP_SEGMENTS_MAX (4 * FLASHMAP_AREAS_MAX + 1)
uint32_t flashmap_segments(const struct flashmap *map, uint32_t device,
                           struct flashmap_segment segments[FLASHMAP_SEGMENTS_MAX]);
bool flashmap_device_used(const struct flashmap *map, uint32_t device);

/* "1.75 MiB", "160 KiB", "512 B"; and with thousands separated, "1,834,496". */
struct flashmap_text {
    char text[32];
};
struct flashmap_text flashmap_size_text(uint32_t size);
struct flashmap_text flashmap_count_text(uint32_t count);
struct flashmap_text flashmap_hash_text(const struct flashmap *map, uint32_t digits);

/* Modelled seconds for the largest image of application 1, journal included, typical
 * times of the simulator's parts. fast: rows erased by larger blocks, then programmed,
 * where the part can; equal to slow elsewhere. Negative: a part without a time model. */
struct flashmap_time {
    double slow_s, fast_s;
};
struct flashmap_time flashmap_install_time(const struct flashmap *map); /* swap or overwrite */
struct flashmap_time flashmap_revert_time(const struct flashmap *map);  /* swap only */

/* The map and its report (NULL: none) as JSON; json_decref it. */
json_t *flashmap_to_json(const struct flashmap *map, const struct flashmap_report *report);

/* Drawn with characters. wide: UTF-8 lines in place of ASCII; colour: ANSI colours. */
void flashmap_draw(FILE *out, const struct flashmap *map, bool wide, bool colour);

/* Drawn as SVG. */
void flashmap_draw_svg(FILE *out, const struct flashmap *map);

/* The C header, and the linker fragment (header_size: of the image, in front of the code). */
void flashmap_write_header(FILE *out, const struct flashmap *map);
void flashmap_write_linker(FILE *out, const struct flashmap *map, uint32_t header_size);

#endif
