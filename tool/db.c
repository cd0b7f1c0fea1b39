/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.c - what both kinds of database share: opening, opening again, rows, transactions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/db_backend.h"
#include "tool/tool.h"

enum { RETRY_SECONDS = 1 };

static int64_t now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

enum db_result db_fail(struct db *db, enum db_result result, const char *why)
{
    snprintf(db->why, sizeof db->why, "%s", why && why[0] ? why : "no reason given");
    db->why[strcspn(db->why, "\r\n")] = 0;
    return result;
}

static enum db_result ensure(struct db *db)
{
    if (db->backend->is_connected(db)) {
        return DB_OK;
    }
    int64_t now = now_seconds();
    if (now - db->tried < RETRY_SECONDS) {
        return DB_AWAY; /* why is what the last attempt said */
    }
    db->tried = now;
    db->backend->disconnect(db);
    enum db_result result = db->backend->connect(db);
    return result == DB_OK ? db_schema_update(db) : result; /* it may be a restored copy */
}

static bool is_postgres(const char *where)
{
    return strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0;
}

int db_open(const char *where, struct db **ret_db)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db || !(db->where = strdup(where))) {
        free(db);
        return tool_refuse("out of memory");
    }
    db->backend = is_postgres(where) ? &db_postgres : &db_sqlite;
    snprintf(db->name, sizeof db->name, "%s", is_postgres(where) ? "PostgreSQL" : where);
    db->may_create = true;
    enum db_result result = db->backend->connect(db);
    db->may_create = false;
    if (result == DB_OK) {
        result = db_schema_update(db);
    }
    if (result != DB_OK) {
        int rc = tool_refuse("cannot use the database %s: %s", db->name, db->why);
        if (db->backend->take_back) {
            db->backend->take_back(db);
        }
        db_close(db);
        return rc;
    }
    *ret_db = db;
    return 0;
}

void db_close(struct db *db)
{
    if (db) {
        db->backend->disconnect(db);
        free(db->where);
        free(db);
    }
}

const char *db_name(const struct db *db)
{
    return db->name;
}

const char *db_why(const struct db *db)
{
    return db->why;
}

int64_t db_row_int(const struct db_row *row, int column)
{
    return row->number(row, column);
}

const char *db_row_text(const struct db_row *row, int column)
{
    const char *text = row->text(row, column);
    return text ? text : "";
}

void db_row_copy(const struct db_row *row, int column, char *ret_text, size_t size)
{
    const char *text = db_row_text(row, column);
    size_t len = strlen(text);
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--; /* not in the middle of a character */
        }
    }
    memcpy(ret_text, text, len);
    ret_text[len] = 0;
}

enum db_result db_query(struct db *db, const char *sql, struct db_values values, db_on_row *on_row, void *ctx)
{
    enum db_result result = ensure(db);
    return result == DB_OK ? db->backend->execute(db, sql, values, on_row, ctx, NULL) : result;
}

enum db_result db_run(struct db *db, const char *sql, struct db_values values, int64_t *ret_changed)
{
    int64_t changed = 0;
    enum db_result result = ensure(db);
    if (result == DB_OK) {
        result = db->backend->execute(db, sql, values, NULL, NULL, &changed);
    }
    if (result == DB_OK && ret_changed) {
        *ret_changed = changed;
    }
    return result;
}

struct first {
    int64_t number;
    bool found;
};

static void take_first(void *ctx, const struct db_row *row)
{
    struct first *first = ctx;
    if (!first->found) {
        *first = (struct first){db_row_int(row, 0), true};
    }
}

enum db_result db_number(struct db *db, const char *sql, struct db_values values, int64_t *ret_number)
{
    struct first first = {0, false};
    enum db_result result = db_query(db, sql, values, take_first, &first);
    if (result == DB_OK) {
        *ret_number = first.number;
    }
    return result;
}

enum db_result db_script(struct db *db, const char *sql)
{
    return db->backend->script(db, sql);
}

enum db_result db_begin(struct db *db)
{
    enum db_result result = ensure(db);
    return result == DB_OK ? db->backend->execute(db, db->backend->begin, DB_NONE, NULL, NULL, NULL) : result;
}

enum db_result db_commit(struct db *db)
{
    if (!db->backend->is_connected(db)) {
        return DB_AWAY;
    }
    return db->backend->execute(db, "COMMIT", DB_NONE, NULL, NULL, NULL);
}

void db_rollback(struct db *db)
{
    if (db->backend->is_connected(db)) {
        char why[sizeof db->why];
        memcpy(why, db->why, sizeof why); /* the first cause is the one to tell */
        (void)db->backend->execute(db, "ROLLBACK", DB_NONE, NULL, NULL, NULL);
        memcpy(db->why, why, sizeof why);
    }
}
