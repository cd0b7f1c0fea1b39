/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_show.h - a patch as people and programs want to see it: where its bytes went.
 */
#ifndef OTTER_TOOL_DELTA_SHOW_H
#define OTTER_TOOL_DELTA_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "tool/delta.h"

/* Bytes of one kind, rounded so that all kinds together are the patch. */
struct delta_part {
    const char *name, *what; /* "literals", "bytes that are nowhere in the base" */
    uint32_t bytes;
};

struct delta_view {
    const char *path; /* of the patch */
    struct otter_delta_header header;
    uint32_t size;    /* of the patch */
    const char *address_from;   /* NULL: as the patch says */
    bool has_stats;             /* what follows is known */
    struct delta_part parts[DELTA_KINDS];
    struct delta_stats stats;
};
/* Of a patch whose head is good; stats NULL: only the head is shown. */
void delta_view_of(const char *path, const struct tool_bytes *patch, const struct delta_stats *stats, struct delta_view *ret_view);

const char *delta_filter_name(unsigned filter);

/* On stdout: a line of JSON, or as a person reads it. */
void delta_say(const struct delta_view *view, bool as_json);
void delta_show(FILE *out, const struct delta_view *view); /* width and colours of stdout */
json_t *delta_show_json(const struct delta_view *view);
void delta_show_svg(FILE *out, const struct delta_view *view);

#endif
