/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_view.c - the whole fleet in numbers, and its devices page by page.
 */
#include <stdio.h>
#include <string.h>

#include "tool/fleet_view.h"

#define COPY(row, column, field) db_row_copy(row, column, field, sizeof(field))

/* ---- the whole fleet ---- */
struct counts {
    struct fleet_count *list;
    size_t count;
};

static void take_count(void *ctx, const struct db_row *row)
{
    struct counts *counts = ctx;
    if (counts->count < FLEET_COUNTS_MAX) {
        struct fleet_count *count = &counts->list[counts->count++];
        COPY(row, 0, count->name);
        count->devices = db_row_int(row, 1);
    }
}

static void take_state(void *ctx, const struct db_row *row)
{
    struct fleet_summary *summary = ctx;
    const struct {
        const char *name;
        int64_t *number;
    } states[] = {{"enrolled", &summary->enrolled}, {"ok", &summary->ok}, {"updating", &summary->updating},
                  {"reverted", &summary->reverted}, {"failed", &summary->failed}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (strcmp(db_row_text(row, 0), states[i].name) == 0) {
            *states[i].number = db_row_int(row, 1);
        }
    }
    summary->devices += db_row_int(row, 1);
}

static enum db_result count_groups(struct db *db, struct fleet_summary *summary)
{
    struct counts versions = {summary->versions, 0};
    struct counts reasons = {summary->reasons, 0};
    enum db_result result =
        db_query(db, "SELECT state, COUNT(*) FROM devices GROUP BY state", DB_NONE, take_state, summary);
    if (result == DB_OK) {
        result = db_query(db,
                          "SELECT version, COUNT(*) FROM devices WHERE version <> '' GROUP BY version"
                          " ORDER BY COUNT(*) DESC, version LIMIT 16",
                          DB_NONE, take_count, &versions);
    }
    if (result == DB_OK) {
        result = db_query(db,
                          "SELECT reason, COUNT(*) FROM devices WHERE state IN ('reverted', 'failed')"
                          " GROUP BY reason ORDER BY COUNT(*) DESC, reason LIMIT 16",
                          DB_NONE, take_count, &reasons);
    }
    summary->versions_count = versions.count;
    summary->reasons_count = reasons.count;
    return result;
}

static void take_traffic(void *ctx, const struct db_row *row)
{
    struct fleet_summary *summary = ctx;
    if (strcmp(db_row_text(row, 0), "delta") == 0) {
        summary->deltas = db_row_int(row, 1);
        summary->delta_bytes = db_row_int(row, 2);
    } else if (strcmp(db_row_text(row, 0), "image") == 0) {
        summary->images = db_row_int(row, 1);
        summary->image_bytes = db_row_int(row, 2);
    }
}

/* "installing" tells what was received: after the reset a device no longer knows it. Of the newest
 * reports only, so that a page of a million devices does not wait for it. */
static enum db_result count_traffic(struct db *db, struct fleet_summary *summary)
{
    return db_query(db, "SELECT via, COUNT(*), SUM(bytes) FROM reports WHERE to_version = $1 AND result = 'installing' AND bytes > 0"
                        " AND serial > (SELECT COALESCE(MAX(serial), 0) FROM reports) - $2 GROUP BY via",
                    DB_VALUES(db_text(summary->rollout.version), db_int(FLEET_TRAFFIC_REPORTS)), take_traffic, summary);
}

static enum db_result count_rollout(struct db *db, struct fleet_summary *summary)
{
    size_t count = 0;
    const char *version = summary->rollout.version;
    enum db_result result = fleet_rollouts(db, &summary->rollout, 1, &count);
    summary->has_rollout = count > 0;
    if (result == DB_OK && count > 0) {
        result = db_number(db, "SELECT COUNT(*) FROM devices WHERE version = $1", DB_VALUES(db_text(version)),
                           &summary->on_target);
    }
    if (result == DB_OK && count > 0) {
        result = db_number(db, "SELECT COUNT(*) FROM devices WHERE state IN ('reverted', 'failed') AND target = $1",
                           DB_VALUES(db_text(version)), &summary->failed_target);
    }
    if (result == DB_OK && count > 0) {
        result = count_traffic(db, summary);
    }
    return result;
}

enum db_result fleet_summary(struct db *db, int64_t now, struct fleet_summary *ret_summary)
{
    static const char seen[] = "SELECT COUNT(*) FROM devices WHERE last_seen >= $1";
    struct fleet_summary summary = {.devices = 0};
    enum db_result result = count_groups(db, &summary);
    if (result == DB_OK) {
        result = db_number(db, seen, DB_VALUES(db_int(now - 3600)), &summary.seen_hour);
    }
    if (result == DB_OK) {
        result = db_number(db, seen, DB_VALUES(db_int(now - 86400)), &summary.seen_day);
    }
    if (result == DB_OK) {
        result = db_number(db, "SELECT COUNT(*) FROM reports", DB_NONE, &summary.reports);
    }
    if (result == DB_OK) {
        result = db_number(db, "SELECT COALESCE(MAX(changed), 0) FROM devices", DB_NONE, &summary.changed);
    }
    if (result == DB_OK) {
        result = count_rollout(db, &summary);
    }
    if (result == DB_OK) {
        *ret_summary = summary;
    }
    return result;
}

/* ---- devices ---- */
#define DEVICE_COLUMNS                                                                                                 \
    "SELECT device, board, version, state, target, reason, ring, first_seen, last_seen, changed, enrolled, revoked"    \
    " FROM devices"

struct devices {
    struct fleet_device *list;
    size_t max, count;
};

static void take_device(void *ctx, const struct db_row *row)
{
    struct devices *devices = ctx;
    if (devices->count == devices->max) {
        return;
    }
    struct fleet_device *device = &devices->list[devices->count++];
    COPY(row, 0, device->device);
    COPY(row, 1, device->board);
    COPY(row, 2, device->version);
    COPY(row, 3, device->state);
    COPY(row, 4, device->target);
    COPY(row, 5, device->reason);
    COPY(row, 6, device->ring);
    device->first_seen = db_row_int(row, 7);
    device->last_seen = db_row_int(row, 8);
    device->changed = db_row_int(row, 9);
    device->enrolled = db_row_int(row, 10);
    device->revoked = db_row_int(row, 11);
}

/* '%text%', lower case where it is ASCII, its own % and _ taken literally. */
static void pattern_of(const char *text, char *ret_pattern, size_t size)
{
    size_t len = 0;
    ret_pattern[len++] = '%';
    for (; *text && len + 4 < size; text++) {
        if (strchr("%_!", *text)) {
            ret_pattern[len++] = '!';
        }
        ret_pattern[len++] = *text;
    }
    ret_pattern[len++] = '%';
    ret_pattern[len] = 0;
}

/* Only conditions that are wanted get into the text: each then finds its index. */
struct clause {
    char sql[768];
    struct db_value values[6];
    size_t count;
};

static void require(struct clause *clause, const char *condition, const char *tail, struct db_value value)
{
    clause->values[clause->count++] = value;
    size_t len = strlen(clause->sql);
    snprintf(clause->sql + len, sizeof clause->sql - len, "%s%s$%zu%s", clause->count == 1 ? " WHERE " : " AND ",
             condition, clause->count, tail);
}

static bool given(const char *text)
{
    return text && text[0];
}

enum db_result fleet_devices(struct db *db, const struct fleet_filter *filter, struct fleet_device *ret_list, size_t max,
                             size_t *ret_count)
{
    char pattern[2 * FLEET_NAME_SIZE + 4];
    struct devices devices = {ret_list, max, 0};
    struct clause clause = {.sql = DEVICE_COLUMNS, .count = 0};
    if (given(filter->after)) {
        require(&clause, "device > ", "", db_text(filter->after));
    }
    if (given(filter->state)) {
        require(&clause, "state = ", "", db_text(filter->state));
    }
    if (given(filter->version)) {
        require(&clause, "version = ", "", db_text(filter->version));
    }
    if (given(filter->text)) {
        pattern_of(filter->text, pattern, sizeof pattern);
        require(&clause, "LOWER(device) LIKE LOWER(", ") ESCAPE '!'", db_text(pattern));
    }
    clause.values[clause.count++] = db_int((int64_t)max);
    size_t len = strlen(clause.sql);
    snprintf(clause.sql + len, sizeof clause.sql - len, " ORDER BY device LIMIT $%zu", clause.count);
    enum db_result result =
        db_query(db, clause.sql, (struct db_values){clause.values, clause.count}, take_device, &devices);
    *ret_count = devices.count;
    return result;
}

enum db_result fleet_device(struct db *db, const char *device, struct fleet_device *ret_device, bool *ret_found)
{
    struct devices devices = {ret_device, 1, 0};
    enum db_result result =
        db_query(db, DEVICE_COLUMNS " WHERE device = $1", DB_VALUES(db_text(device)), take_device, &devices);
    *ret_found = devices.count == 1;
    return result;
}

enum db_result fleet_changes(struct db *db, int64_t since, struct fleet_device *ret_list, size_t max, size_t *ret_count)
{
    struct devices devices = {ret_list, max, 0};
    enum db_result result = db_query(db, DEVICE_COLUMNS " WHERE changed >= $1 ORDER BY changed, device LIMIT $2",
                                     DB_VALUES(db_int(since), db_int((int64_t)max)), take_device, &devices);
    *ret_count = devices.count;
    return result;
}
