/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operator.c - passwords as scrypt hashes: "scrypt$N$r$p$salt$hash", salt and hash in hex.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "tool/db_backend.h"
#include "tool/operator.h"
#include "tool/print.h"

enum { COST = 32768, BLOCK = 8, LANES = 1, SALT = 16, HASH = 32, TEXT_SIZE = 160 };

static bool derive(const char *password, const unsigned char salt[SALT], unsigned char ret_hash[HASH])
{
    return EVP_PBE_scrypt(password, strlen(password), salt, SALT, COST, BLOCK, LANES, 64u << 20, ret_hash, HASH) == 1;
}

static void text_of(const unsigned char salt[SALT], const unsigned char hash[HASH], char ret_text[TEXT_SIZE])
{
    char salt_text[2 * SALT + 1];
    char hash_text[2 * HASH + 1];
    snprintf(ret_text, TEXT_SIZE, "scrypt$%d$%d$%d$%s$%s", COST, BLOCK, LANES, tool_hex(salt, SALT, salt_text),
             tool_hex(hash, HASH, hash_text));
}

static enum db_result write_operator(struct db *db, const char *name, const char *text, int64_t now)
{
    enum db_result result = db_run(db,
                                   "INSERT INTO operators(name, password, made) VALUES($1, $2, $3)"
                                   " ON CONFLICT(name) DO UPDATE SET password = excluded.password, made = excluded.made",
                                   DB_VALUES(db_text(name), db_text(text), db_int(now)), NULL);
    return result == DB_OK
               ? db_run(db, "DELETE FROM sessions WHERE operator = $1", DB_VALUES(db_text(name)), NULL)
               : result;
}

static enum db_result finish(struct db *db, enum db_result result)
{
    result = result == DB_OK ? db_commit(db) : result;
    if (result != DB_OK) {
        db_rollback(db);
    }
    return result;
}

enum db_result operator_add(struct db *db, const char *name, const char *password, int64_t now)
{
    unsigned char salt[SALT];
    unsigned char hash[HASH];
    char text[TEXT_SIZE];
    if (RAND_bytes(salt, sizeof salt) != 1 || !derive(password, salt, hash)) {
        return db_fail(db, DB_AWAY, "the password cannot be hashed");
    }
    text_of(salt, hash, text);
    enum db_result result = db_begin(db);
    return result == DB_OK ? finish(db, write_operator(db, name, text, now)) : result;
}

enum db_result operator_remove(struct db *db, const char *name, bool *ret_known)
{
    int64_t changed = 0;
    enum db_result result = db_begin(db);
    if (result != DB_OK) {
        return result;
    }
    result = db_run(db, "DELETE FROM operators WHERE name = $1", DB_VALUES(db_text(name)), &changed);
    if (result == DB_OK) {
        result = db_run(db, "DELETE FROM sessions WHERE operator = $1", DB_VALUES(db_text(name)), NULL);
    }
    *ret_known = changed > 0;
    return finish(db, result);
}

enum db_result operator_count(struct db *db, int64_t *ret_count)
{
    return db_number(db, "SELECT COUNT(*) FROM operators", DB_NONE, ret_count);
}

static void take_text(void *ctx, const struct db_row *row)
{
    db_row_copy(row, 0, ctx, TEXT_SIZE);
}

enum db_result operator_check(struct db *db, const char *name, const char *password, bool *ret_right)
{
    char known[TEXT_SIZE] = "";
    char given[TEXT_SIZE];
    unsigned char salt[SALT] = {0};
    unsigned char hash[HASH];
    char front[40];
    size_t len = 0;
    *ret_right = false;
    enum db_result result =
        db_query(db, "SELECT password FROM operators WHERE name = $1", DB_VALUES(db_text(name)), take_text, known);
    int front_len = snprintf(front, sizeof front, "scrypt$%d$%d$%d$", COST, BLOCK, LANES);
    bool is_known = strncmp(known, front, (size_t)front_len) == 0 && strlen(known) > (size_t)front_len + 2 * SALT;
    if (is_known) {
        char salt_text[2 * SALT + 1];
        memcpy(salt_text, known + front_len, 2 * SALT);
        salt_text[2 * SALT] = 0;
        is_known = tool_unhex(salt_text, salt, &len) && len == SALT;
    }
    if (result != DB_OK || strlen(password) > OPERATOR_PASSWORD_MAX || !derive(password, salt, hash)) {
        return result;
    }
    text_of(salt, hash, given);
    *ret_right = is_known && strlen(known) == strlen(given) && CRYPTO_memcmp(known, given, strlen(given)) == 0;
    return DB_OK;
}
