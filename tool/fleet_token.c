/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_token.c - the secrets by which devices without a certificate are known.
 *
 * A token has 256 random bits, so one hash without salt keeps it; the database is asked for the
 * hash, whose way through an index says nothing about a token, and what it finds is compared
 * once more in constant time.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "tool/fleet_record.h"
#include "tool/print.h"

void fleet_token_hash(const char *token, char ret_hash[FLEET_HASH_SIZE])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token, strlen(token), hash);
    (void)tool_hex(hash, sizeof hash, ret_hash);
}

bool fleet_token_make(char ret_token[FLEET_TOKEN_SIZE])
{
    unsigned char raw[33] = {0};
    char text[48];
    if (RAND_priv_bytes(raw, 32) != 1) {
        return false;
    }
    (void)EVP_EncodeBlock((unsigned char *)text, raw, sizeof raw);
    OPENSSL_cleanse(raw, sizeof raw);
    for (size_t i = 0; i < FLEET_TOKEN_SIZE - 1; i++) {
        ret_token[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    ret_token[FLEET_TOKEN_SIZE - 1] = 0;
    OPENSSL_cleanse(text, sizeof text);
    return true;
}

enum db_result fleet_enrol(struct db *db, const char *device, const char *ring, const char *token, int64_t now)
{
    char hash[FLEET_HASH_SIZE];
    fleet_token_hash(token, hash);
    enum db_result result =
        db_run(db,
               "INSERT INTO devices(device, ring, enrolled, changed) VALUES($1, $2, $3, $3) ON CONFLICT(device)"
               " DO UPDATE SET enrolled = excluded.enrolled, revoked = 0,"
               " ring = CASE WHEN excluded.ring = '' THEN devices.ring ELSE excluded.ring END",
               DB_VALUES(db_text(device), db_text(ring), db_int(now)), NULL);
    if (result == DB_OK) {
        result = db_run(db, "UPDATE tokens SET revoked = $2 WHERE device = $1 AND revoked = 0",
                        DB_VALUES(db_text(device), db_int(now)), NULL);
    }
    if (result == DB_OK) {
        result = db_run(db, "INSERT INTO tokens(hash, device, made) VALUES($1, $2, $3)",
                        DB_VALUES(db_text(hash), db_text(device), db_int(now)), NULL);
    }
    return result;
}

enum db_result fleet_revoke(struct db *db, const char *device, int64_t now, bool *ret_known)
{
    int64_t changed = 0;
    enum db_result result = db_run(db, "UPDATE devices SET revoked = $2 WHERE device = $1",
                                   DB_VALUES(db_text(device), db_int(now)), &changed);
    if (result == DB_OK) {
        result = db_run(db, "UPDATE tokens SET revoked = $2 WHERE device = $1 AND revoked = 0",
                        DB_VALUES(db_text(device), db_int(now)), NULL);
    }
    *ret_known = changed > 0;
    return result;
}

struct owner {
    char hash[FLEET_HASH_SIZE];
    char device[FLEET_NAME_SIZE];
};

static void take_owner(void *ctx, const struct db_row *row)
{
    struct owner *owner = ctx;
    db_row_copy(row, 0, owner->hash, sizeof owner->hash);
    db_row_copy(row, 1, owner->device, sizeof owner->device);
}

enum db_result fleet_token_device(struct db *db, const char *hash, char ret_device[FLEET_NAME_SIZE])
{
    struct owner owner = {"", ""};
    enum db_result result = db_query(db, "SELECT hash, device FROM tokens WHERE hash = $1 AND revoked = 0",
                                     DB_VALUES(db_text(hash)), take_owner, &owner);
    bool same = strlen(hash) == FLEET_HASH_SIZE - 1 && CRYPTO_memcmp(owner.hash, hash, FLEET_HASH_SIZE) == 0;
    memcpy(ret_device, owner.device, FLEET_NAME_SIZE);
    if (!same) {
        ret_device[0] = 0;
    }
    return result;
}

enum db_result fleet_is_revoked(struct db *db, const char *device, bool *ret_revoked)
{
    int64_t revoked = 0;
    enum db_result result = db_number(db, "SELECT COUNT(*) FROM devices WHERE device = $1 AND revoked > 0",
                                      DB_VALUES(db_text(device)), &revoked);
    *ret_revoked = revoked > 0;
    return result;
}
