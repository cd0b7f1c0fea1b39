/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_sweep.c - what is old goes, a little at a time: reports, and the fine steps of the plot.
 */
#include "tool/fleet_record.h"

enum { ROWS = 500, MINUTE = 60, HOUR = 3600, DAY = 86400 };

enum db_result fleet_sweep_reports(struct db *db, int64_t before, int64_t *io_from)
{
    int64_t to = -1;
    enum db_result result = db_number(db,
                                      "SELECT COALESCE(MAX(at), -1) FROM (SELECT at FROM reports WHERE at >= $1 AND at < $2"
                                      " ORDER BY at LIMIT $3) AS oldest",
                                      DB_VALUES(db_int(*io_from), db_int(before), db_int(ROWS)), &to);
    if (result == DB_OK && to >= 0) {
        result = db_run(db,
                        "DELETE FROM reports WHERE at >= $1 AND at <= $2 AND EXISTS"
                        " (SELECT 1 FROM reports AS newer WHERE newer.device = reports.device AND newer.serial > reports.serial)",
                        DB_VALUES(db_int(*io_from), db_int(to)), NULL);
    }
    if (result == DB_OK) {
        *io_from = to >= 0 ? to + 1 : FLEET_SWEPT;
    }
    return result;
}

/* Of each stretch of `width` seconds the last points stay. */
static enum db_result thin_out(struct db *db, int64_t from, int64_t to, int64_t width)
{
    return db_run(db,
                  "DELETE FROM versions WHERE at >= $1 AND at < $2 AND EXISTS (SELECT 1 FROM versions AS later"
                  " WHERE later.at > versions.at AND later.at < versions.at - versions.at % $3 + $3)",
                  DB_VALUES(db_int(from), db_int(to), db_int(width)), NULL);
}

enum db_result fleet_sweep_versions(struct db *db, int64_t now)
{
    enum db_result result = thin_out(db, now - 2 * DAY, now - HOUR - now % MINUTE, MINUTE);
    return result == DB_OK ? thin_out(db, 0, now - 2 * DAY - now % HOUR, HOUR) : result;
}
