/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_backend.h - what a kind of database implements for db.c.
 */
#ifndef OTTER_TOOL_DB_BACKEND_H
#define OTTER_TOOL_DB_BACKEND_H

#include "tool/db.h"

struct db_row {
    int64_t (*number)(const struct db_row *row, int column);
    const char *(*text)(const struct db_row *row, int column);
    void *handle; /* sqlite3_stmt, PGresult */
    int index;    /* of the row in the result */
};

struct db_backend {
    const char *serial; /* column type of a number that counts up by itself, as primary key */
    const char *begin;  /* a transaction that will write */
    enum db_result (*connect)(struct db *db);
    bool (*is_connected)(struct db *db); /* without asking the network */
    void (*disconnect)(struct db *db);
    void (*take_back)(struct db *db); /* what connect made, when nothing came of it; disconnects. NULL: nothing */
    /* values.count may be 0; on_row may be NULL */
    enum db_result (*execute)(struct db *db, const char *sql, struct db_values values, db_on_row *on_row, void *ctx,
                              int64_t *ret_changed);
    enum db_result (*script)(struct db *db, const char *sql); /* several statements, without values */
    enum db_result (*lock_schema)(struct db *db);             /* inside a transaction: one process at a time */
};

struct db {
    const struct db_backend *backend;
    char *where;
    char name[256];
    char why[256];
    bool may_create; /* a file that is not there; never again once it was opened */
    bool has_made;   /* the file is of this open */
    int64_t tried; /* monotonic seconds of the last attempt to connect */
    void *handle;  /* sqlite3, PGconn */
    void *private; /* the backend's own */
};

extern const struct db_backend db_sqlite, db_postgres;

/* Note why, on one line; returns the result. */
enum db_result db_fail(struct db *db, enum db_result result, const char *why);
enum db_result db_script(struct db *db, const char *sql);

/* db_schema.c: make the tables, or bring those of an older version up to date. */
enum db_result db_schema_update(struct db *db);

#endif
