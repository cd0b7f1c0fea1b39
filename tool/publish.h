/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.h - the parts of `otter publish`: options, terms, release, document.
 */
#ifndef OTTER_TOOL_PUBLISH_H
#define OTTER_TOOL_PUBLISH_H

#include <jansson.h>

#include "otter/image.h"
#include "tool/key.h"
#include "tool/print.h"
#include "tool/store.h"

enum { PUBLISH_NAME_SIZE = 96, PUBLISH_RINGS_SIZE = 129, PUBLISH_SALT_MAX = 64 };

/* As typed. */
struct publish_options {
    struct store_options place;
    char *image, *key, *job_key, *job;
    char *message, *manufacturer, *manufacturer_id, *product, *serial, *board;
    char *connection, *server, *prefix, *report;
    char *rollout, *salt, *start, *ramp, *expires, *min_version, *hardware_min, *hardware_max, *sequence;
    char *delta_address;
    const char **rings, **delta_from;
    int port, poll_seconds, force, as_json, deltas, job_size_max;
};

/* Who gets it, from when, until when: as numbers. */
struct publish_terms {
    bool limited;                   /* there is to be a Rollout */
    int permille;
    char rings[PUBLISH_RINGS_SIZE]; /* "name,name"; "" none */
    int64_t start, ramp_seconds;    /* 0: none */
    int64_t lifetime;               /* seconds from now to Expires; 0: it does not end */
    bool has_min_version;
    struct otter_version min_version;
    int64_t hardware_min, hardware_max; /* -1: none */
    json_int_t sequence;            /* asked for; 0: the next one */
};
/* 0, or TOOL_USAGE after saying what is wrong with which option. */
int publish_terms_parse(const struct publish_options *options, int64_t now, struct publish_terms *ret_terms);
/* "a", "b" becomes "a,b"; NULL or none: "". Names are letters, digits, '.', '_' and '-'. */
int publish_rings_join(const char *const *rings, char ret_rings[PUBLISH_RINGS_SIZE]);

/* The image, as it is to lie there. */
struct publish_release {
    struct tool_bytes bytes;
    struct otter_version version;
    uint8_t hash[OTTER_HASH_SIZE]; /* of the image, by which devices know it */
    char stem[PUBLISH_NAME_SIZE];  /* "app" of app-1.2.3.bin */
    char version_text[TOOL_VERSION_SIZE];
    char sha256[65];
    char name[PUBLISH_NAME_SIZE + TOOL_VERSION_SIZE + 32];
};
/* job_key NULL: plain. Refuses what no device takes, a key for two purposes, keys in the image. */
int publish_release_read(const struct publish_options *options, const struct tool_key *job_key,
                         struct publish_release *ret_release);

/* "dir/app-1.2.3.bin" and "app-1.2.3-5b59d270.bin" with version 1.2.3 become "app"; odd characters
 * become '-'. */
void publish_stem(const char *path, const char *version, char ret_stem[PUBLISH_NAME_SIZE]);
void publish_plain_name(char *name); /* some servers read + as a space */

/* The document of this release; Sequence, Issued and Expires come with rollout_stamp. */
json_t *publish_job(const struct publish_options *options, const struct publish_terms *terms,
                    const struct publish_release *release, bool is_signed);

#endif
