/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - where job documents and images are put: a folder, or a server that takes PUT.
 *
 * One change is an image with its patches (or nothing new), a line of history and a job document,
 * in this order; a reader meets the job before or the job after, never one whose image is not there
 * yet. In a folder all of them are written aside before the first is renamed. A kill between leaves at
 * most a history line whose document did not come about, and an image that nothing names.
 */
#ifndef OTTER_TOOL_STORE_H
#define OTTER_TOOL_STORE_H

#include "tool/tool.h"

struct store_options {
    char *folder, *to, *history;
    char *user, *password_file, *token_file, *ca, *client_cert, *client_key, *s3_region;
};
struct poptOption;
/* The options that name a place, as a table to include; it and what it fills last for the run. */
const struct poptOption *store_option_table(struct store_options *options);
void store_options_free(struct store_options *options);
/* 0, or TOOL_USAGE after saying what does not fit together. */
int store_options_check(const struct store_options *options, bool for_change);

struct store;

/* For a change the place is locked, and a folder without private keys or made. wait_seconds: how
 * long for another's lock. 0 or an exit code after saying why. */
enum store_use { STORE_READ, STORE_CHANGE, STORE_MAKE };
int store_open(const struct store_options *options, enum store_use use, int wait_seconds, struct store **ret_store);
/* failed: a folder that store_open made is removed again, if nothing came into it. */
void store_close(struct store *store, bool failed);

/* "ota/app.bin", "https://host/ota/app.bin": for messages; free() it. */
char *store_name(const struct store *store, const char *name);
/* NULL: a server was named, and no history. */
const char *store_history_path(const struct store *store);

/* A name that is not there is no error: *ret_there is false. */
int store_get(struct store *store, const char *name, size_t size_max, struct tool_bytes *ret_bytes, bool *ret_there);

/* 0 when a file of this name and size is there, or TOOL_REFUSED after saying what is. */
int store_has(struct store *store, const char *name, size_t size);

/* A file whose name no other content has, so that it may be kept for ever: an image, a patch. */
struct store_blob {
    const char *name;
    const struct tool_bytes *bytes;
};
#define STORE_BLOBS_MAX 17u

struct store_change {
    const struct store_blob *blobs; /* in the order in which they are put */
    size_t blobs_count;             /* at most STORE_BLOBS_MAX; 0: what is there stays */
    const char *history;            /* the whole new text */
    const char *job_name;
    const struct tool_bytes *job;
};
/* *ret_told: the history has the new line, also when the rest failed. */
int store_put(struct store *store, const struct store_change *change, bool *ret_told);

/* Put another text in place of the history. */
int store_put_history(struct store *store, const char *text);

#endif
