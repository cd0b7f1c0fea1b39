/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_sqlite.c - SQLite in a file, with a write-ahead log: who reads waits for nobody, and a
 * commit is on the disk when it is answered (synchronous=FULL).
 *
 * A file that was removed or replaced under a running process is noticed at the next
 * transaction; writing on into a file without a name would lose everything.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/db_backend.h"

enum { BUSY_MS = 5000, STATEMENTS_MAX = 64, PAGE_BYTES = 4096 };

struct sqlite {
    struct stat file;
    size_t count;
    struct {
        char *sql;
        sqlite3_stmt *statement;
    } known[STATEMENTS_MAX];
};

static enum db_result judge(struct db *db, int rc)
{
    enum db_result result = DB_WRONG;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return DB_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: result = DB_AGAIN; break;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
    case SQLITE_NOMEM: result = DB_AWAY; break;
    default: break;
    }
    return db_fail(db, result, sqlite3_errmsg(db->handle));
}

static void disconnect(struct db *db)
{
    struct sqlite *sqlite = db->private;
    for (size_t i = 0; sqlite && i < sqlite->count; i++) {
        sqlite3_finalize(sqlite->known[i].statement);
        free(sqlite->known[i].sql);
    }
    free(sqlite);
    db->private = NULL;
    (void)sqlite3_close(db->handle);
    db->handle = NULL;
}

static enum db_result script(struct db *db, const char *sql)
{
    return judge(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

/* Who can read it has the hashes of tokens and passwords: a new one is its owner's alone. */
static bool create_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd); /* SQLite makes a database of an empty file, and its log with the same mode */
    }
    return fd >= 0;
}

/* A full disk: the file goes again, unless somebody else uses it by now. The last one who closes a
 * database removes its log, and a file without a table has one page at most. */
static void take_back(struct db *db)
{
    struct stat file;
    struct stat log;
    char *log_path = NULL;
    disconnect(db);
    if (db->has_made && asprintf(&log_path, "%s-wal", db->where) >= 0 && lstat(log_path, &log) != 0 &&
        lstat(db->where, &file) == 0 && file.st_size <= PAGE_BYTES) {
        (void)unlink(db->where);
    }
    free(log_path);
}

static enum db_result connect_file(struct db *db)
{
    sqlite3 *handle = NULL;
    if (db->may_create) {
        db->has_made = create_private(db->where);
    }
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);
    int rc = sqlite3_open_v2(db->where, &handle,
                             SQLITE_OPEN_READWRITE | (db->may_create ? SQLITE_OPEN_CREATE : 0), NULL);
    db->handle = handle;
    db->private = sqlite;
    if (!handle || !sqlite) {
        disconnect(db);
        return db_fail(db, DB_AWAY, "out of memory");
    }
    enum db_result result = judge(db, rc);
    if (result == DB_OK) {
        (void)sqlite3_extended_result_codes(handle, 1);
        (void)sqlite3_busy_timeout(handle, BUSY_MS);
        result = script(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                            "PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=67108864;");
    }
    if (result == DB_OK && stat(db->where, &sqlite->file) != 0) {
        result = db_fail(db, DB_AWAY, "the file is gone");
    }
    if (result != DB_OK) {
        disconnect(db);
        return result == DB_AGAIN ? DB_AWAY : result;
    }
    return DB_OK;
}

static bool is_connected(struct db *db)
{
    struct sqlite *sqlite = db->private;
    struct stat now;
    if (!db->handle || !sqlite) {
        return false;
    }
    if (!sqlite3_get_autocommit(db->handle)) {
        return true; /* in a transaction: it was looked at when that began */
    }
    return stat(db->where, &now) == 0 && now.st_ino == sqlite->file.st_ino && now.st_dev == sqlite->file.st_dev;
}

static enum db_result prepare(struct db *db, const char *sql, sqlite3_stmt **ret_statement, bool *ret_keep)
{
    struct sqlite *sqlite = db->private;
    for (size_t i = 0; i < sqlite->count; i++) {
        if (strcmp(sqlite->known[i].sql, sql) == 0) {
            *ret_statement = sqlite->known[i].statement;
            *ret_keep = true;
            return DB_OK;
        }
    }
    enum db_result result = judge(db, sqlite3_prepare_v2(db->handle, sql, -1, ret_statement, NULL));
    char *copy = result == DB_OK && sqlite->count < STATEMENTS_MAX ? strdup(sql) : NULL;
    *ret_keep = copy != NULL;
    if (copy) {
        sqlite->known[sqlite->count].sql = copy;
        sqlite->known[sqlite->count++].statement = *ret_statement;
    }
    return result;
}

/* $1 is a name to SQLite: ask which number it has given it. */
static enum db_result bind(struct db *db, sqlite3_stmt *statement, struct db_values values)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < values.count && rc == SQLITE_OK; i++) {
        char name[24];
        snprintf(name, sizeof name, "$%zu", i + 1);
        int index = sqlite3_bind_parameter_index(statement, name);
        const struct db_value *value = &values.list[i];
        if (index > 0) {
            rc = value->text ? sqlite3_bind_text(statement, index, value->text, -1, SQLITE_STATIC)
                             : sqlite3_bind_int64(statement, index, value->number);
        }
    }
    return judge(db, rc);
}

static int64_t number(const struct db_row *row, int column)
{
    return sqlite3_column_int64(row->handle, column);
}

static const char *text(const struct db_row *row, int column)
{
    return (const char *)sqlite3_column_text(row->handle, column);
}

static enum db_result execute(struct db *db, const char *sql, struct db_values values, db_on_row *on_row, void *ctx,
                              int64_t *ret_changed)
{
    sqlite3_stmt *statement = NULL;
    bool keep = false;
    enum db_result result = prepare(db, sql, &statement, &keep);
    if (result == DB_OK) {
        result = bind(db, statement, values);
    }
    struct db_row row = {number, text, statement, 0};
    int rc = SQLITE_DONE;
    while (result == DB_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (on_row) {
            on_row(ctx, &row);
        }
        row.index++;
    }
    if (result == DB_OK) {
        result = judge(db, rc);
    }
    if (result == DB_OK && ret_changed) {
        *ret_changed = sqlite3_changes(db->handle);
    }
    if (statement) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
    }
    if (!keep) {
        (void)sqlite3_finalize(statement);
    }
    return result;
}

static enum db_result lock_schema(struct db *db)
{
    (void)db;
    return DB_OK; /* BEGIN IMMEDIATE has the only write lock there is */
}

const struct db_backend db_sqlite = {"INTEGER PRIMARY KEY AUTOINCREMENT", "BEGIN IMMEDIATE", connect_file, is_connected,
                                     disconnect, take_back, execute, script, lock_schema};
