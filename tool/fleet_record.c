/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_record.c - reports, polls, versions and rollouts into the database.
 */
#include <string.h>

#include "tool/fleet_record.h"

/* Length of the UTF-8 character at text; 0: none that may stand in a name. */
static size_t character(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } kinds[] = {{0x80, 0x00, 0x20}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t i = 0; i < 4; i++) {
        if ((text[0] & kinds[i].mask) != kinds[i].lead) {
            continue;
        }
        uint32_t value = text[0] & (unsigned char)~kinds[i].mask;
        for (size_t k = 1; k <= i; k++) {
            if ((text[k] & 0xc0) != 0x80) {
                return 0;
            }
            value = value << 6 | (text[k] & 0x3fu);
        }
        bool bad = value < kinds[i].least || (value >= 0x7f && value < 0xa0) || (value >= 0xd800 && value < 0xe000) ||
                   value > 0x10ffff;
        return bad ? 0 : i + 1;
    }
    return 0;
}

bool fleet_is_name(const char *device)
{
    size_t len = strlen(device);
    if (len == 0 || len >= FLEET_NAME_SIZE) {
        return false;
    }
    for (const char *at = device; *at;) {
        size_t n = character((const unsigned char *)at);
        if (n == 0) {
            return false;
        }
        at += n;
    }
    return true;
}

/* ---- reports ---- */
static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* What a report makes of a device. NULL: nothing changes. */
static const char *state_after(const char *result)
{
    static const char *const good[] = {"confirmed", "current", NULL};
    static const char *const neutral[] = {"deferred", "waiting", "none", "", NULL};
    if (is_one_of(result, good)) {
        return "ok";
    }
    if (strcmp(result, "installing") == 0) {
        return "updating";
    }
    if (strcmp(result, "reverted") == 0) {
        return "reverted";
    }
    return is_one_of(result, neutral) ? NULL : "failed";
}

static bool is_version(const char *text)
{
    return text[0] && strcmp(text, "0.0.0") != 0;
}

static enum db_result change_device(struct db *db, const struct fleet_report *report, const char *board)
{
    const char *state = state_after(report->result);
    bool good = state && strcmp(state, "ok") == 0;
    bool failed = state && strcmp(state, "failed") == 0;
    bool has_reason = report->reason[0] && strcmp(report->reason, "none") != 0;
    const char *version = strcmp(report->result, "confirmed") == 0 ? report->to : report->from;
    const char *reason = good ? "" : failed && !has_reason ? report->result : has_reason ? report->reason : "";
    return db_run(db,
                  "INSERT INTO devices(device, board, version, state, target, reason, first_seen, last_seen, changed)"
                  " VALUES($1, $2, $3, CASE WHEN $4 = '' THEN 'ok' ELSE $4 END, $5, $6, $7, $7, $7)"
                  " ON CONFLICT(device) DO UPDATE SET"
                  " board = CASE WHEN excluded.board = '' THEN devices.board ELSE excluded.board END,"
                  " version = CASE WHEN excluded.version = '' THEN devices.version ELSE excluded.version END,"
                  " state = CASE WHEN $4 = '' THEN devices.state ELSE $4 END,"
                  " target = CASE WHEN $4 = '' THEN devices.target ELSE excluded.target END,"
                  " reason = CASE WHEN $4 = '' THEN devices.reason ELSE excluded.reason END,"
                  " first_seen = CASE WHEN devices.first_seen = 0 THEN excluded.first_seen ELSE devices.first_seen END,"
                  " last_seen = excluded.last_seen, changed = excluded.changed",
                  DB_VALUES(db_text(report->device), db_text(board), db_text(is_version(version) ? version : ""),
                            db_text(state), db_text(good ? "" : report->to), db_text(reason), db_int(report->at)),
                  NULL);
}

enum db_result fleet_record_report(struct db *db, const struct fleet_report *report, const char *board, bool *ret_new)
{
    int64_t changed = 0;
    enum db_result result = db_run(
        db,
        "INSERT INTO reports(id, device, at, board, from_version, to_version, result, reason, attempts, bytes, seconds,"
        " sequence, via) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT(device, id) DO NOTHING",
        DB_VALUES(db_text(report->id), db_text(report->device), db_int(report->at), db_text(board),
                  db_text(report->from), db_text(report->to), db_text(report->result), db_text(report->reason),
                  db_int(report->attempts), db_int(report->bytes), db_int(report->seconds), db_int(report->sequence),
                  db_text(report->via)),
        &changed);
    if (result == DB_OK && changed > 0) {
        result = change_device(db, report, board);
    }
    if (result == DB_OK && changed > 0 && strcmp(report->result, "confirmed") == 0) {
        result = db_run(db, "DELETE FROM reports WHERE device = $1 AND to_version = $2 AND source = 'poll'",
                        DB_VALUES(db_text(report->device), db_text(report->to)), NULL);
    }
    *ret_new = changed > 0;
    return result;
}

/* ---- polls ---- */
/* The report that a device owes: it is "ok", but an update is still noted. */
static enum db_result make_up(struct db *db, const struct fleet_seen *seen)
{
    enum db_result result =
        db_run(db,
               "INSERT INTO reports(id, device, at, board, from_version, to_version, result, reason, attempts, bytes, seconds,"
               " sequence, source) SELECT 'poll-' || CAST($2 AS TEXT), device, CAST($2 AS BIGINT), board,"
               " COALESCE((SELECT from_version FROM reports WHERE reports.device = devices.device AND to_version = target"
               "  AND result = 'installing' ORDER BY serial DESC LIMIT 1), ''),"
               " target, 'confirmed', 'none', 0, 0, 0,"
               " COALESCE((SELECT sequence FROM reports WHERE reports.device = devices.device AND to_version = target"
               "  AND result = 'installing' ORDER BY serial DESC LIMIT 1), 0), 'poll'"
               " FROM devices WHERE device = $1 ON CONFLICT(device, id) DO NOTHING",
               DB_VALUES(db_text(seen->device), db_int(seen->at)), NULL);
    return result != DB_OK ? result
                           : db_run(db, "UPDATE devices SET target = '' WHERE device = $1", DB_VALUES(db_text(seen->device)), NULL);
}

static void take_flag(void *ctx, const struct db_row *row)
{
    *(bool *)ctx = db_row_int(row, 0) != 0;
}

#define IS_LATE "(devices.changed >= $3 AND devices.state <> 'enrolled')"
#define ARRIVES "(devices.state = 'updating' AND devices.target <> '' AND $2 = devices.target)"
#define GAVE_UP "($4 = 0 AND $5 > 0 AND devices.state = 'updating' AND devices.target = '')"
#define DIFFERS "($2 <> '' AND $2 <> devices.version)"

enum db_result fleet_record_seen(struct db *db, const struct fleet_seen *seen)
{
    bool owes = false;
    /* changed: the moment of the newest report; a poll of that second or before knows less. */
    enum db_result result = db_query(
        db,
        "INSERT INTO devices(device, version, state, first_seen, last_seen, changed)"
        " VALUES($1, $2, CASE WHEN $4 > 0 THEN 'updating' ELSE 'ok' END, $3, $3, $3)"
        " ON CONFLICT(device) DO UPDATE SET"
        " last_seen = CASE WHEN devices.last_seen < $3 THEN $3 ELSE devices.last_seen END,"
        " first_seen = CASE WHEN devices.first_seen = 0 THEN $3 ELSE devices.first_seen END,"
        " version = CASE WHEN $2 = '' OR " IS_LATE " THEN devices.version ELSE $2 END,"
        " state = CASE WHEN " IS_LATE " THEN devices.state WHEN $4 > 0 THEN 'updating'"
        "  WHEN " ARRIVES " THEN CASE WHEN $5 > 0 THEN 'ok' ELSE 'updating' END WHEN " GAVE_UP " THEN 'ok'"
        "  WHEN devices.state = 'enrolled' OR " DIFFERS " THEN 'ok' ELSE devices.state END,"
        " reason = CASE WHEN devices.changed < $3 AND ($4 > 0 OR " DIFFERS ") THEN '' ELSE devices.reason END,"
        " target = CASE WHEN " IS_LATE " OR $4 > 0 OR " ARRIVES " OR NOT " DIFFERS " THEN devices.target ELSE '' END,"
        " changed = CASE WHEN devices.state = 'enrolled' OR (devices.changed < $3 AND (" DIFFERS
        "  OR ($4 > 0 AND devices.state <> 'updating') OR ($5 > 0 AND " ARRIVES ") OR " GAVE_UP ")) THEN $3 ELSE devices.changed END"
        " RETURNING CASE WHEN state = 'ok' AND target <> '' THEN 1 ELSE 0 END",
        DB_VALUES(db_text(seen->device), db_text(seen->version), db_int(seen->at), db_int(seen->fetches), db_int(seen->again)),
        take_flag, &owes);
    return result == DB_OK && owes ? make_up(db, seen) : result;
}

/* ---- versions over time ---- */
enum { STEP_SECONDS = 5 };

enum db_result fleet_record_versions(struct db *db, int64_t now)
{
    static const char *const statements[] = {
        "INSERT INTO versions(at, version, devices) SELECT CAST($1 AS BIGINT), version, COUNT(*) FROM devices"
        " WHERE version <> '' GROUP BY version ON CONFLICT(at, version) DO UPDATE SET devices = excluded.devices",
        "INSERT INTO versions(at, version, devices) SELECT CAST($1 AS BIGINT), version, 0 FROM versions"
        " WHERE at = (SELECT MAX(at) FROM versions WHERE at < $1) AND devices > 0"
        " ON CONFLICT(at, version) DO NOTHING",
        "UPDATE versions SET devices = 0 WHERE at = $1 AND devices > 0 AND NOT EXISTS"
        " (SELECT 1 FROM devices WHERE devices.version = versions.version)",
    };
    enum db_result result = DB_OK;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && result == DB_OK; i++) {
        result = db_run(db, statements[i], DB_VALUES(db_int(now - now % STEP_SECONDS)), NULL);
    }
    return result;
}

/* ---- rollouts ---- */
enum db_result fleet_record_rollout(struct db *db, const struct fleet_rollout *rollout, bool *ret_new)
{
    int64_t changed = 0;
    enum db_result result =
        db_run(db,
               "INSERT INTO rollouts(sequence, at, action, version, permille, rings, who, message)"
               " VALUES($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT(sequence) DO UPDATE SET at = excluded.at,"
               " action = excluded.action, who = excluded.who, message = excluded.message"
               " WHERE rollouts.action = 'seen' AND excluded.action <> 'seen'",
               DB_VALUES(db_int(rollout->sequence), db_int(rollout->at), db_text(rollout->action),
                         db_text(rollout->version), db_int(rollout->permille), db_text(rollout->rings),
                         db_text(rollout->who), db_text(rollout->message)),
               &changed);
    *ret_new = changed > 0;
    return result;
}
