/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_postgres.c - PostgreSQL through libpq; statements are prepared once per connection.
 *
 * A server that does not answer must not hold this process for ever: connecting takes at most
 * 5 seconds, a statement 15, and a connection whose other end is silent is given up after 15.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/db_backend.h"

enum { STATEMENTS_MAX = 64, VALUES_MAX = 24, NUMBER_SIZE = 24, NAME_SIZE = 24 };

struct postgres {
    size_t count;
    char *known[STATEMENTS_MAX]; /* the statement "s<index>" */
};

static void disconnect(struct db *db)
{
    struct postgres *postgres = db->private;
    for (size_t i = 0; postgres && i < postgres->count; i++) {
        free(postgres->known[i]);
    }
    free(postgres);
    db->private = NULL;
    PQfinish(db->handle);
    db->handle = NULL;
}

static enum db_result judge(struct db *db, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return DB_OK;
    }
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    enum db_result kind = DB_WRONG;
    if (PQstatus(db->handle) != CONNECTION_OK || !code) {
        kind = DB_AWAY;
    } else if (strncmp(code, "40", 2) == 0 || strcmp(code, "55P03") == 0) {
        kind = DB_AGAIN; /* deadlock, serialization; a lock that was not to be had */
    } else if (strncmp(code, "53", 2) == 0 || strncmp(code, "57", 2) == 0 || strncmp(code, "58", 2) == 0 ||
               strncmp(code, "08", 2) == 0 || strcmp(code, "25006") == 0) {
        kind = DB_AWAY; /* no room, shutting down, its disk, a standby that cannot be written */
    }
    return db_fail(db, kind, why ? why : PQerrorMessage(db->handle));
}

static enum db_result script(struct db *db, const char *sql)
{
    PGresult *result = PQexec(db->handle, sql);
    enum db_result verdict = judge(db, result);
    PQclear(result);
    return verdict;
}

static void quiet(void *ctx, const PGresult *notice)
{
    (void)ctx;
    (void)notice;
}

static enum db_result connect_server(struct db *db)
{
    static const char *const names[] = {"connect_timeout", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
                                        "keepalives_count", "application_name", "client_encoding", "dbname", NULL};
    const char *const values[] = {"5", "15000", "10", "3", "3", "otter", "UTF8", db->where, NULL};
    db->private = calloc(1, sizeof(struct postgres));
    db->handle = db->private ? PQconnectdbParams(names, values, 1) : NULL;
    if (!db->handle) {
        disconnect(db);
        return db_fail(db, DB_AWAY, "out of memory");
    }
    const char *host = PQhost(db->handle);
    const char *name = PQdb(db->handle);
    if (name) {
        snprintf(db->name, sizeof db->name, "PostgreSQL %s%s%s", name, host && host[0] ? " at " : "", host ? host : "");
    }
    if (PQstatus(db->handle) != CONNECTION_OK) {
        (void)db_fail(db, DB_AWAY, PQerrorMessage(db->handle));
        disconnect(db);
        return DB_AWAY;
    }
    (void)PQsetNoticeReceiver(db->handle, quiet, NULL);
    return script(db, "SET statement_timeout = 15000; SET idle_in_transaction_session_timeout = 30000;"
                      "SET synchronous_commit = on");
}

static bool is_connected(struct db *db)
{
    return db->handle && PQstatus(db->handle) == CONNECTION_OK;
}

/* The name of a prepared statement; "" when all places are taken: then it is sent whole. */
static enum db_result prepare(struct db *db, const char *sql, size_t values, char ret_name[NAME_SIZE])
{
    struct postgres *postgres = db->private;
    for (size_t i = 0; i < postgres->count; i++) {
        if (strcmp(postgres->known[i], sql) == 0) {
            snprintf(ret_name, NAME_SIZE, "s%zu", i);
            return DB_OK;
        }
    }
    ret_name[0] = 0;
    if (postgres->count == STATEMENTS_MAX) {
        return DB_OK;
    }
    snprintf(ret_name, NAME_SIZE, "s%zu", postgres->count);
    PGresult *result = PQprepare(db->handle, ret_name, sql, (int)values, NULL);
    enum db_result verdict = judge(db, result);
    PQclear(result);
    if (verdict == DB_OK && (postgres->known[postgres->count] = strdup(sql)) != NULL) {
        postgres->count++;
    }
    return verdict;
}

static int64_t number(const struct db_row *row, int column)
{
    return strtoll(PQgetvalue(row->handle, row->index, column), NULL, 10);
}

static const char *text(const struct db_row *row, int column)
{
    return PQgetvalue(row->handle, row->index, column);
}

static PGresult *send_whole(struct db *db, const char *name, const char *sql, struct db_values values)
{
    char numbers[VALUES_MAX][NUMBER_SIZE];
    const char *texts[VALUES_MAX];
    for (size_t i = 0; i < values.count; i++) {
        if (!values.list[i].text) {
            snprintf(numbers[i], NUMBER_SIZE, "%lld", (long long)values.list[i].number);
        }
        texts[i] = values.list[i].text ? values.list[i].text : numbers[i];
    }
    int count = (int)values.count;
    return name[0] ? PQexecPrepared(db->handle, name, count, texts, NULL, NULL, 0)
                   : PQexecParams(db->handle, sql, count, NULL, texts, NULL, NULL, 0);
}

static enum db_result execute(struct db *db, const char *sql, struct db_values values, db_on_row *on_row, void *ctx,
                              int64_t *ret_changed)
{
    char name[NAME_SIZE] = "";
    if (values.count > VALUES_MAX) {
        return db_fail(db, DB_WRONG, "too many values");
    }
    enum db_result verdict = values.count > 0 ? prepare(db, sql, values.count, name) : DB_OK;
    if (verdict != DB_OK) {
        return verdict;
    }
    PGresult *result = values.count > 0 ? send_whole(db, name, sql, values) : PQexec(db->handle, sql);
    verdict = judge(db, result);
    if (verdict == DB_OK && strcmp(sql, "COMMIT") == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        verdict = db_fail(db, DB_WRONG, "the transaction was rolled back"); /* COMMIT after an error */
    }
    struct db_row row = {number, text, result, 0};
    for (; verdict == DB_OK && on_row && row.index < PQntuples(result); row.index++) {
        on_row(ctx, &row);
    }
    if (verdict == DB_OK && ret_changed) {
        *ret_changed = strtoll(PQcmdTuples(result), NULL, 10);
    }
    PQclear(result);
    return verdict;
}

static enum db_result lock_schema(struct db *db)
{
    return script(db, "SELECT pg_advisory_xact_lock(1869902949)");
}

const struct db_backend db_postgres = {"BIGSERIAL PRIMARY KEY", "BEGIN", connect_server, is_connected,
                                       disconnect, NULL, execute, script, lock_schema};
