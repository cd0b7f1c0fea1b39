/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.h - the only way to a database: SQLite in a file, or PostgreSQL. One SQL text for both.
 *
 * Placeholders are $1, $2, ...; values never become part of the text. One connection belongs
 * to one thread. A connection that broke is opened again by the next call, at most once a
 * second; until then every call says DB_AWAY at once.
 */
#ifndef OTTER_TOOL_DB_H
#define OTTER_TOOL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

enum db_result {
    DB_OK = 0,
    DB_AWAY = -1,  /* not reachable, disk full, file gone: later */
    DB_AGAIN = -2, /* another transaction was in the way: roll back, begin anew */
    DB_WRONG = -3  /* the statement or a value cannot be taken */
};

/* where: a file (made when missing), or postgresql://user:password@host/name?... 0, or
 * TOOL_REFUSED after saying why. The schema is brought up to date. */
int db_open(const char *where, struct db **ret_db);
void db_close(struct db *db); /* NULL: nothing */

/* "fleet.db" or "PostgreSQL fleet at db.example": never a password. */
const char *db_name(const struct db *db);
/* Why the last call failed: one line. */
const char *db_why(const struct db *db);

/* Values, in the order of their placeholders. Text is UTF-8, borrowed during the call. */
struct db_value {
    const char *text; /* NULL: the number */
    int64_t number;
};
static inline struct db_value db_text(const char *text)
{
    return (struct db_value){text ? text : "", 0};
}
static inline struct db_value db_int(int64_t number)
{
    return (struct db_value){NULL, number};
}
struct db_values {
    const struct db_value *list;
    size_t count;
};
#define DB_NONE ((struct db_values){NULL, 0})
#define DB_VALUES(...)                                                                                                 \
    ((struct db_values){(const struct db_value[]){__VA_ARGS__},                                                       \
                        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})

/* A row is valid during the call of on_row only. NULL reads as "" and 0. */
struct db_row;
int64_t db_row_int(const struct db_row *row, int column);
const char *db_row_text(const struct db_row *row, int column);
/* Copies into an array, cut at a whole character. */
void db_row_copy(const struct db_row *row, int column, char *ret_text, size_t size);
typedef void db_on_row(void *ctx, const struct db_row *row);

/* One statement. ret_changed (or NULL): rows inserted, updated, deleted. */
enum db_result db_run(struct db *db, const char *sql, struct db_values values, int64_t *ret_changed);
enum db_result db_query(struct db *db, const char *sql, struct db_values values, db_on_row *on_row, void *ctx);
/* The first column of the first row; 0 where there is none. */
enum db_result db_number(struct db *db, const char *sql, struct db_values values, int64_t *ret_number);

/* A transaction that will write. What db_commit answered DB_OK to survives a power cut. */
enum db_result db_begin(struct db *db);
enum db_result db_commit(struct db *db);
void db_rollback(struct db *db);

#endif
