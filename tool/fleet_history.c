/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_history.c - what was: reports, rollouts, versions over time.
 */
#include "tool/fleet_view.h"

#define COPY(row, column, field) db_row_copy(row, column, field, sizeof(field))

/* ---- reports ---- */
struct reports {
    struct fleet_report *list;
    size_t max, count;
};

static void take_report(void *ctx, const struct db_row *row)
{
    struct reports *reports = ctx;
    if (reports->count == reports->max) {
        return;
    }
    struct fleet_report *report = &reports->list[reports->count++];
    report->serial = db_row_int(row, 0);
    COPY(row, 1, report->id);
    COPY(row, 2, report->device);
    report->at = db_row_int(row, 3);
    COPY(row, 4, report->from);
    COPY(row, 5, report->to);
    COPY(row, 6, report->result);
    COPY(row, 7, report->reason);
    report->attempts = db_row_int(row, 8);
    report->bytes = db_row_int(row, 9);
    report->seconds = db_row_int(row, 10);
    report->sequence = db_row_int(row, 11);
    COPY(row, 12, report->via);
    COPY(row, 13, report->source);
}

#define REPORT_COLUMNS                                                                                                 \
    "SELECT serial, id, device, at, from_version, to_version, result, reason, attempts, bytes, seconds, sequence, via," \
    " source"                                                                                                          \
    " FROM reports WHERE serial < $1"

enum db_result fleet_reports(struct db *db, const char *device, int64_t before, struct fleet_report *ret_list, size_t max,
                             size_t *ret_count)
{
    struct reports reports = {ret_list, max, 0};
    struct db_value below = db_int(before > 0 ? before : INT64_MAX);
    struct db_value limit = db_int((int64_t)max);
    enum db_result result =
        device ? db_query(db, REPORT_COLUMNS " AND device = $2 ORDER BY serial DESC LIMIT $3",
                          DB_VALUES(below, db_text(device), limit), take_report, &reports)
               : db_query(db, REPORT_COLUMNS " ORDER BY serial DESC LIMIT $2", DB_VALUES(below, limit), take_report,
                          &reports);
    *ret_count = reports.count;
    return result;
}

/* ---- rollouts ---- */
struct rollouts {
    struct fleet_rollout *list;
    size_t max, count;
};

static void take_rollout(void *ctx, const struct db_row *row)
{
    struct rollouts *rollouts = ctx;
    if (rollouts->count == rollouts->max) {
        return;
    }
    struct fleet_rollout *rollout = &rollouts->list[rollouts->count++];
    rollout->sequence = db_row_int(row, 0);
    rollout->at = db_row_int(row, 1);
    COPY(row, 2, rollout->action);
    COPY(row, 3, rollout->version);
    rollout->permille = db_row_int(row, 4);
    COPY(row, 5, rollout->rings);
    COPY(row, 6, rollout->who);
    COPY(row, 7, rollout->message);
}

enum db_result fleet_rollouts(struct db *db, struct fleet_rollout *ret_list, size_t max, size_t *ret_count)
{
    struct rollouts rollouts = {ret_list, max, 0};
    enum db_result result = db_query(db,
                                     "SELECT sequence, at, action, version, permille, rings, who, message FROM rollouts"
                                     " ORDER BY sequence DESC LIMIT $1",
                                     DB_VALUES(db_int((int64_t)max)), take_rollout, &rollouts);
    *ret_count = rollouts.count;
    return result;
}

/* ---- versions over time ---- */
struct points {
    struct fleet_point *list;
    size_t max, count;
};

static void take_point(void *ctx, const struct db_row *row)
{
    struct points *points = ctx;
    if (points->count == points->max) {
        return;
    }
    struct fleet_point *point = &points->list[points->count++];
    point->at = db_row_int(row, 0);
    COPY(row, 1, point->version);
    point->devices = db_row_int(row, 2);
}

/* The last points of each stretch of *ret_width seconds are few enough. */
static enum db_result width_of(struct db *db, int64_t from, int64_t to, size_t max, int64_t *ret_width)
{
    int64_t rows = 0;
    int64_t times = 0;
    struct db_values range = DB_VALUES(db_int(from), db_int(to));
    enum db_result result = db_number(db, "SELECT COUNT(*) FROM versions WHERE at BETWEEN $1 AND $2", range, &rows);
    if (result == DB_OK) {
        result = db_number(db, "SELECT COUNT(DISTINCT at) FROM versions WHERE at BETWEEN $1 AND $2", range, &times);
    }
    *ret_width = 1;
    if (result == DB_OK && (rows > (int64_t)max || times > FLEET_STEPS_MAX)) {
        int64_t each = (rows + times - 1) / times;
        int64_t stretches = (int64_t)max / each > 2 ? (int64_t)max / each - 1 : 1; /* one is cut in two */
        stretches = stretches < FLEET_STEPS_MAX ? stretches : FLEET_STEPS_MAX - 1;
        *ret_width = (to - from) / stretches + 1;
    }
    return result;
}

enum db_result fleet_versions(struct db *db, int64_t from, int64_t to, struct fleet_point *ret_list, size_t max,
                              size_t *ret_count)
{
    struct points points = {ret_list, max, 0};
    int64_t width = 1;
    enum db_result result = width_of(db, from, to, max, &width);
    if (result == DB_OK) {
        result = db_query(db,
                          "SELECT at, version, devices FROM versions WHERE at IN (SELECT MAX(at) FROM versions"
                          " WHERE at BETWEEN $1 AND $2 GROUP BY at / $3) ORDER BY at, version LIMIT $4",
                          DB_VALUES(db_int(from), db_int(to), db_int(width), db_int((int64_t)max)), take_point, &points);
    }
    *ret_count = points.count;
    return result;
}
