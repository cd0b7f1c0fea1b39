/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_record.h - what is written about a fleet. Inside a transaction of the caller.
 */
#ifndef OTTER_TOOL_FLEET_RECORD_H
#define OTTER_TOOL_FLEET_RECORD_H

#include "tool/fleet_view.h"

/* 1 to 64 bytes of UTF-8 without control characters. */
bool fleet_is_name(const char *device);

/* A report, once: a second one with the same device and id changes nothing. */
enum db_result fleet_record_report(struct db *db, const struct fleet_report *report, const char *board, bool *ret_new);

/* A device asked for something. What was reported since then stays. One that fetched an image, never
 * said that it installs it, and now asks for news, has given it up: it is fine as it is. One that said "installing", and
 * now runs that version and is not on trial, has confirmed it: power was cut before its report.
 * That is written down as a report whose source is "poll"; should the device's own come later, it
 * takes its place. */
struct fleet_seen {
    const char *device;
    const char *version; /* "": not said */
    int64_t at;
    bool fetches; /* an image */
    bool again;   /* asks whether what it was told is still so: never on trial */
};
enum db_result fleet_record_seen(struct db *db, const struct fleet_seen *seen);

/* How many devices run which version, for the five seconds that `now` is in. */
enum db_result fleet_record_versions(struct db *db, int64_t now);

/* By sequence; one that is known stays as it is. */
enum db_result fleet_record_rollout(struct db *db, const struct fleet_rollout *rollout, bool *ret_new);

/* ---- what is old goes (fleet_sweep.c) ---- */
/* Some hundred reports from before `before`, the oldest first, but never the newest of a device.
 * *io_from: 0 at the start of a pass, then as it was left; FLEET_SWEPT: the pass is over. */
enum { FLEET_SWEPT = -1 };
enum db_result fleet_sweep_reports(struct db *db, int64_t before, int64_t *io_from);
/* After an hour a minute has one step of the plot, after two days an hour has one. */
enum db_result fleet_sweep_versions(struct db *db, int64_t now);

/* ---- tokens: only the SHA-256 of one is kept ---- */
enum { FLEET_HASH_SIZE = 65 };
void fleet_token_hash(const char *token, char ret_hash[FLEET_HASH_SIZE]);
/* 32 random bytes, base64url. False: no random numbers. */
enum { FLEET_TOKEN_SIZE = 44 };
bool fleet_token_make(char ret_token[FLEET_TOKEN_SIZE]);
/* A new token for a device; those that it had count no more. ring NULL: as before. */
enum db_result fleet_enrol(struct db *db, const char *device, const char *ring, const char *token, int64_t now);
enum db_result fleet_revoke(struct db *db, const char *device, int64_t now, bool *ret_known);
/* Whose token this is: "" nobody's. */
enum db_result fleet_token_device(struct db *db, const char *hash, char ret_device[FLEET_NAME_SIZE]);
enum db_result fleet_is_revoked(struct db *db, const char *device, bool *ret_revoked);

#endif
