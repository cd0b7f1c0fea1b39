/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_deltas.h - patches from earlier releases to the one that is published.
 */
#ifndef OTTER_TOOL_PUBLISH_DELTAS_H
#define OTTER_TOOL_PUBLISH_DELTAS_H

#include "tool/publish.h"

enum { PUBLISH_DELTAS = 4, PUBLISH_DELTAS_MAX = 16 };

/* More than this share of the image, in percent, and a patch is not worth its place: each entry
 * costs every device some 200 bytes of job document, and where a patch fails its bytes were in vain. */
enum { PUBLISH_DELTA_PERCENT_MAX = 80 };

struct publish_delta {
    char *path;                            /* of the base */
    char base[65];                         /* its image hash */
    struct otter_version version;
    char version_text[TOOL_VERSION_SIZE];
    struct tool_bytes bytes;               /* the patch */
    char sha256[65];                       /* of the patch */
    char name[PUBLISH_NAME_SIZE + 2 * TOOL_VERSION_SIZE + 32];
    const char *dropped;                   /* why the job does not name it; NULL: it does */
};
struct publish_deltas {
    struct publish_delta list[PUBLISH_DELTAS_MAX]; /* the newest base first */
    size_t count;
    size_t others;                                 /* images in the folders that have another name */
    char other[PUBLISH_NAME_SIZE];                 /* one of those names */
};

/* 0, or TOOL_USAGE after saying what is wrong with which option. */
int publish_deltas_check(const struct publish_options *options);

/* The earlier releases: paths, versions and hashes, without patches. 0 or TOOL_REFUSED after saying why. */
int publish_bases_find(const struct publish_options *options, const struct publish_terms *terms,
                       const struct publish_release *release, struct publish_deltas *deltas);

/* Find the bases, make the patches. 0 or TOOL_REFUSED after saying why. Free in both cases. */
int publish_deltas_make(const struct publish_options *options, const struct publish_terms *terms,
                        const struct publish_release *release, struct publish_deltas *ret_deltas);
void publish_deltas_free(struct publish_deltas *deltas);

/* Name them in the job, as many as there is room for; key NULL: plain. */
int publish_deltas_put(const struct publish_options *options, const struct tool_key *key, struct publish_deltas *deltas,
                       json_t *job);

void publish_deltas_say(const struct publish_deltas *deltas, const struct publish_release *release);
json_t *publish_deltas_json(const struct publish_deltas *deltas);

#endif
