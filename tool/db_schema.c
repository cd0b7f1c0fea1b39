/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_schema.c - the tables, and how those of an older version become those of this one.
 *
 * Step n brings version n - 1 to version n; a new database runs them all. Steps are never
 * changed once released. Times are Unix seconds. SERIAL stands for the backend's own word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/db_backend.h"

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE devices(device TEXT PRIMARY KEY, board TEXT NOT NULL DEFAULT '', version TEXT NOT NULL DEFAULT '',"
    " state TEXT NOT NULL DEFAULT 'enrolled', target TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
    " ring TEXT NOT NULL DEFAULT '', first_seen BIGINT NOT NULL DEFAULT 0, last_seen BIGINT NOT NULL DEFAULT 0,"
    " changed BIGINT NOT NULL DEFAULT 0, enrolled BIGINT NOT NULL DEFAULT 0,"
    " revoked BIGINT NOT NULL DEFAULT 0);"
    "CREATE INDEX devices_state ON devices(state, device);"
    "CREATE INDEX devices_version ON devices(version, device);"
    "CREATE INDEX devices_changed ON devices(changed);"
    "CREATE INDEX devices_last_seen ON devices(last_seen);"
    "CREATE TABLE tokens(hash TEXT PRIMARY KEY, device TEXT NOT NULL, made BIGINT NOT NULL,"
    " revoked BIGINT NOT NULL DEFAULT 0);"
    "CREATE INDEX tokens_device ON tokens(device);"
    "CREATE TABLE reports(serial SERIAL, id TEXT NOT NULL, device TEXT NOT NULL, at BIGINT NOT NULL,"
    " board TEXT NOT NULL, from_version TEXT NOT NULL, to_version TEXT NOT NULL, result TEXT NOT NULL,"
    " reason TEXT NOT NULL, attempts BIGINT NOT NULL, bytes BIGINT NOT NULL, seconds BIGINT NOT NULL,"
    " sequence BIGINT NOT NULL, UNIQUE(device, id));"
    "CREATE INDEX reports_of_version ON reports(to_version, result, device);"
    "CREATE INDEX reports_at ON reports(at);"
    "CREATE TABLE rollouts(sequence BIGINT PRIMARY KEY, at BIGINT NOT NULL, action TEXT NOT NULL, version TEXT NOT NULL,"
    " permille BIGINT NOT NULL, rings TEXT NOT NULL, who TEXT NOT NULL, message TEXT NOT NULL);"
    "CREATE TABLE versions(at BIGINT NOT NULL, version TEXT NOT NULL, devices BIGINT NOT NULL,"
    " PRIMARY KEY(at, version));"
    "CREATE TABLE operators(name TEXT PRIMARY KEY, password TEXT NOT NULL, made BIGINT NOT NULL);"
    "CREATE TABLE sessions(hash TEXT PRIMARY KEY, operator TEXT NOT NULL, csrf TEXT NOT NULL, ends BIGINT NOT NULL);",
    /* 2 */
    "ALTER TABLE reports ADD COLUMN via TEXT NOT NULL DEFAULT '';",
    /* 3 */
    "ALTER TABLE reports ADD COLUMN source TEXT NOT NULL DEFAULT 'report';",
};
enum { VERSION = sizeof steps / sizeof steps[0] };

/* The step with the backend's word for SERIAL. */
static enum db_result run_step(struct db *db, const char *step)
{
    static const char word[] = " SERIAL,";
    const char *at = strstr(step, word);
    char *text = NULL;
    int n = at ? asprintf(&text, "%.*s %s,%s", (int)(at - step), step, db->backend->serial, at + sizeof word - 1)
               : asprintf(&text, "%s", step);
    if (n < 0) {
        return db_fail(db, DB_AWAY, "out of memory");
    }
    enum db_result result = db_script(db, text);
    free(text);
    return result;
}

static enum db_result bring_up(struct db *db)
{
    int64_t version = 0;
    enum db_result result = db->backend->lock_schema(db);
    if (result == DB_OK) {
        result = db_script(db, "CREATE TABLE IF NOT EXISTS meta(version BIGINT NOT NULL)");
    }
    if (result == DB_OK) {
        result = db_number(db, "SELECT version FROM meta", DB_NONE, &version);
    }
    if (result == DB_OK && version > VERSION) {
        return db_fail(db, DB_WRONG, "it was made by a newer version of otter");
    }
    for (int64_t step = version; result == DB_OK && step < VERSION; step++) {
        result = run_step(db, steps[step]);
    }
    if (result == DB_OK && version < VERSION) {
        result = db_run(db, version == 0 ? "INSERT INTO meta(version) VALUES($1)" : "UPDATE meta SET version = $1",
                        DB_VALUES(db_int(VERSION)), NULL);
    }
    return result;
}

enum db_result db_schema_update(struct db *db)
{
    enum db_result result = db_begin(db);
    if (result != DB_OK) {
        return result;
    }
    result = bring_up(db);
    if (result == DB_OK) {
        return db_commit(db);
    }
    db_rollback(db);
    return result;
}
