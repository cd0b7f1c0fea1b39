/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_view.h - what can be asked about a fleet: plain structs from the database.
 *
 * Every text comes from devices or operators: anything printable, and also <, &, quotes. Cut
 * at the size of its field. Times are Unix seconds, 0: never. Each function is one or a few
 * indexed queries and belongs on a database thread (serve_work), not in the event loop.
 */
#ifndef OTTER_TOOL_FLEET_VIEW_H
#define OTTER_TOOL_FLEET_VIEW_H

#include "tool/db.h"

enum { FLEET_NAME_SIZE = 65, FLEET_WORD_SIZE = 41, FLEET_COUNTS_MAX = 16, FLEET_TRAFFIC_REPORTS = 100000 };

/* ---- the whole fleet ---- */
struct fleet_count {
    char name[FLEET_NAME_SIZE]; /* a version, or a reason */
    int64_t devices;
};

struct fleet_rollout {
    int64_t sequence, at, permille;
    char action[FLEET_WORD_SIZE]; /* publish, raise, halt, resume, renew, seen (no history) */
    char version[FLEET_WORD_SIZE];
    char rings[256];
    char who[FLEET_NAME_SIZE];
    char message[256];
};

struct fleet_summary {
    int64_t devices;  /* all that are known */
    int64_t enrolled; /* never seen yet */
    int64_t ok, updating, reverted, failed;
    int64_t seen_hour, seen_day; /* asked for something within the last hour, day */
    int64_t reports;
    struct fleet_count versions[FLEET_COUNTS_MAX]; /* most devices first; of those that said one */
    size_t versions_count;
    struct fleet_count reasons[FLEET_COUNTS_MAX]; /* devices reverted or failed, by reason */
    size_t reasons_count;
    bool has_rollout;
    struct fleet_rollout rollout; /* the newest */
    int64_t on_target;            /* devices that run its version */
    int64_t failed_target;        /* devices reverted or failed on the way to it */
    int64_t deltas, delta_bytes;  /* among the newest reports: downloads of it that were patches, and their bytes */
    int64_t images, image_bytes;  /* those that were the whole image */
    int64_t changed;              /* time of the newest change of any device */
};
enum db_result fleet_summary(struct db *db, int64_t now, struct fleet_summary *ret_summary);

/* ---- devices ---- */
struct fleet_device {
    char device[FLEET_NAME_SIZE];
    char board[FLEET_NAME_SIZE];
    char version[FLEET_WORD_SIZE];
    char state[FLEET_WORD_SIZE];  /* enrolled, ok, updating, reverted, failed */
    char target[FLEET_WORD_SIZE]; /* the version of the update under way or failed; "" */
    char reason[FLEET_NAME_SIZE]; /* why reverted or failed; "" */
    char ring[FLEET_NAME_SIZE];
    int64_t first_seen, last_seen, changed, enrolled;
    int64_t revoked; /* its reports are refused since then */
};

struct fleet_filter {
    const char *after;   /* device of the last one on the page before; "" or NULL: from the start */
    const char *text;    /* anywhere in the device's name; "" or NULL: all */
    const char *state;   /* likewise, exactly */
    const char *version; /* likewise, exactly */
};
/* In order of their names, at most max. */
enum db_result fleet_devices(struct db *db, const struct fleet_filter *filter, struct fleet_device *ret_list, size_t max,
                             size_t *ret_count);
enum db_result fleet_device(struct db *db, const char *device, struct fleet_device *ret_device, bool *ret_found);
/* Changed at `since` or later, oldest change first. Times are whole seconds, and another
 * process may commit late: ask again from two seconds before the newest that you have. */
enum db_result fleet_changes(struct db *db, int64_t since, struct fleet_device *ret_list, size_t max, size_t *ret_count);

/* ---- reports ---- */
struct fleet_report {
    int64_t serial, at, attempts, bytes, seconds, sequence;
    char id[FLEET_NAME_SIZE];
    char device[FLEET_NAME_SIZE];
    char from[FLEET_WORD_SIZE], to[FLEET_WORD_SIZE];
    char result[FLEET_WORD_SIZE]; /* otter_outcome_str: confirmed, reverted, bad-image, ... */
    char reason[FLEET_NAME_SIZE];
    char via[FLEET_WORD_SIZE];    /* image, delta; "": not said */
    char source[FLEET_WORD_SIZE]; /* "report"; "poll": never told, but its questions show it */
};
/* Newest first; before: serial of the last one on the page before, 0: from the newest. device
 * NULL: of all devices. */
enum db_result fleet_reports(struct db *db, const char *device, int64_t before, struct fleet_report *ret_list, size_t max,
                             size_t *ret_count);

/* ---- rollouts and versions over time ---- */
/* Newest first. */
enum db_result fleet_rollouts(struct db *db, struct fleet_rollout *ret_list, size_t max, size_t *ret_count);

struct fleet_point {
    int64_t at; /* start of five seconds */
    char version[FLEET_WORD_SIZE];
    int64_t devices; /* that ran it at their end */
};
/* In order of time. While nothing changes there are no points: draw on from the ones before. A
 * version that nobody runs any more has one point with 0 devices. When there are more than `max`
 * points, or more than FLEET_STEPS_MAX times, the last ones of longer stretches are given. */
enum { FLEET_STEPS_MAX = 500 };
enum db_result fleet_versions(struct db *db, int64_t from, int64_t to, struct fleet_point *ret_list, size_t max,
                              size_t *ret_count);

#endif
