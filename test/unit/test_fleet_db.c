/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fleet_db.c - the fleet's database: what is written is what can be asked.
 *
 * On SQLite in a temporary file, or on the empty database that OTTER_TEST_DATABASE names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/db_backend.h"
#include "tool/fleet_record.h"

enum { NOW = 1800000000 };
static char folder[] = "/tmp/otter-test-XXXXXX";
static char path[64];

static const char *where(void)
{
    const char *given = getenv("OTTER_TEST_DATABASE");
    return given ? given : path;
}

static int set_up(void **state)
{
    struct db *db = NULL;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/fleet.db", folder);
    if (db_open(where(), &db) != 0) {
        return -1;
    }
    *state = db;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    db_close(*state);
    for (size_t i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, tails[i]);
        (void)unlink(name);
    }
    return rmdir(folder);
}

static int empty(void **state)
{
    return db_script(*state, "DELETE FROM devices; DELETE FROM tokens; DELETE FROM reports; DELETE FROM rollouts;"
                             "DELETE FROM versions;") == DB_OK ? 0 : -1;
}

static void report(struct db *db, const char *device, const char *id, const char *result, const char *to)
{
    struct fleet_report said = {.at = NOW, .attempts = 1, .bytes = 5000000000, .seconds = 3, .sequence = 7};
    bool is_new = false;
    snprintf(said.device, sizeof said.device, "%s", device);
    snprintf(said.id, sizeof said.id, "%s", id);
    snprintf(said.result, sizeof said.result, "%s", result);
    snprintf(said.to, sizeof said.to, "%s", to);
    strcpy(said.from, "1.0.0");
    strcpy(said.via, "delta");
    strcpy(said.reason, strcmp(result, "reverted") == 0 ? "watchdog" : "none");
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(fleet_record_report(db, &said, "B'1", &is_new), DB_OK);
    assert_true(is_new);
    assert_int_equal(fleet_record_report(db, &said, "other", &is_new), DB_OK);
    assert_false(is_new);
    assert_int_equal(db_commit(db), DB_OK);
}

static struct fleet_device device(struct db *db, const char *name)
{
    struct fleet_device got = {.device = ""};
    bool found = false;
    assert_int_equal(fleet_device(db, name, &got, &found), DB_OK);
    assert_true(found);
    return got;
}

static void test_a_report_is_stored_once_and_moves_its_device(void **state)
{
    struct db *db = *state;
    struct fleet_report list[4];
    size_t count = 0;
    report(db, "d1", "1", "reverted", "1.1.0");
    struct fleet_device got = device(db, "d1");
    assert_string_equal(got.state, "reverted");
    assert_string_equal(got.reason, "watchdog");
    assert_string_equal(got.target, "1.1.0");
    assert_string_equal(got.version, "1.0.0");
    assert_string_equal(got.board, "B'1");
    report(db, "d1", "2", "deferred", "1.1.0");
    assert_string_equal(device(db, "d1").state, "reverted");
    report(db, "d1", "3", "confirmed", "1.2.0");
    got = device(db, "d1");
    assert_string_equal(got.state, "ok");
    assert_string_equal(got.version, "1.2.0");
    assert_string_equal(got.reason, "");
    report(db, "d2", "3", "bad-image", "1.2.0");
    assert_string_equal(device(db, "d2").reason, "bad-image");
    assert_int_equal(fleet_reports(db, "d1", 0, list, 4, &count), DB_OK);
    assert_int_equal(count, 3);
    assert_string_equal(list[0].id, "3");
    assert_true(list[0].bytes == 5000000000);
    assert_int_equal(fleet_reports(db, "d1", list[1].serial, list, 4, &count), DB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(fleet_reports(db, NULL, 0, list, 4, &count), DB_OK);
    assert_int_equal(count, 4);
}

static void test_what_was_rolled_back_is_not_there(void **state)
{
    struct db *db = *state;
    struct fleet_report said = {.at = NOW, .id = "1", .device = "d1", .result = "confirmed"};
    bool is_new = false;
    bool found = true;
    struct fleet_device got;
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(fleet_record_report(db, &said, "", &is_new), DB_OK);
    db_rollback(db);
    assert_int_equal(fleet_device(db, "d1", &got, &found), DB_OK);
    assert_false(found);
    assert_int_equal(db_run(db, "INSERT INTO nowhere VALUES($1)", DB_VALUES(db_int(1)), NULL), DB_WRONG);
    assert_true(strlen(db_why(db)) > 0);
}

static void seen(struct db *db, const char *name, const char *version, int64_t at, bool fetches)
{
    struct fleet_seen what = {name, version, at, fetches, false};
    assert_int_equal(fleet_record_seen(db, &what), DB_OK);
}

static void test_polls_follow_a_device_but_never_overrule_a_later_report(void **state)
{
    struct db *db = *state;
    char token[FLEET_TOKEN_SIZE];
    assert_true(fleet_token_make(token));
    assert_int_equal(fleet_enrol(db, "d1", "early", token, NOW - 100), DB_OK);
    assert_string_equal(device(db, "d1").state, "enrolled");
    seen(db, "d1", "1.0.0", NOW - 50, false);
    struct fleet_device got = device(db, "d1");
    assert_string_equal(got.state, "ok");
    assert_string_equal(got.version, "1.0.0");
    assert_int_equal(got.first_seen, NOW - 50);
    seen(db, "d1", "1.0.0", NOW - 40, true);
    assert_string_equal(device(db, "d1").state, "updating");
    assert_int_equal(device(db, "d1").changed, NOW - 40);
    seen(db, "d1", "1.0.0", NOW - 30, true);
    assert_int_equal(device(db, "d1").changed, NOW - 40);
    seen(db, "d1", "1.1.0", NOW - 20, false);
    assert_string_equal(device(db, "d1").state, "ok");
    report(db, "d1", "1", "reverted", "1.1.0");
    seen(db, "d1", "1.1.0", NOW, false);
    got = device(db, "d1");
    assert_string_equal(got.state, "reverted");
    assert_string_equal(got.version, "1.0.0");
    seen(db, "d1", "", NOW + 5, false);
    got = device(db, "d1");
    assert_string_equal(got.version, "1.0.0");
    assert_int_equal(got.last_seen, NOW + 5);
    assert_string_equal(got.ring, "early");
}

static void seen_again(struct db *db, const char *name, const char *version, int64_t at)
{
    struct fleet_seen what = {name, version, at, false, true};
    assert_int_equal(fleet_record_seen(db, &what), DB_OK);
}

static void test_an_update_that_was_never_told_of_is_settled_by_polls(void **state)
{
    struct db *db = *state;
    struct fleet_report list[4];
    size_t count = 0;
    report(db, "d1", "1", "installing", "1.1.0");
    seen_again(db, "d1", "1.0.0", NOW + 1);
    assert_string_equal(device(db, "d1").state, "updating");
    seen(db, "d1", "1.1.0", NOW + 2, false); /* on trial: it may still come back */
    assert_string_equal(device(db, "d1").state, "updating");
    assert_string_equal(device(db, "d1").version, "1.1.0");
    for (int i = 0; i < 3; i++) {
        seen_again(db, "d1", "1.1.0", NOW + 60 + i);
        struct fleet_device got = device(db, "d1");
        assert_string_equal(got.state, "ok");
        assert_string_equal(got.target, "");
        assert_int_equal(got.changed, NOW + 60);
        assert_int_equal(fleet_reports(db, "d1", 0, list, 4, &count), DB_OK);
        assert_int_equal(count, 2);
        assert_string_equal(list[0].result, "confirmed");
        assert_string_equal(list[0].source, "poll");
        assert_string_equal(list[0].from, "1.0.0");
        assert_string_equal(list[0].to, "1.1.0");
        assert_int_equal(list[0].sequence, 7);
        assert_int_equal(list[0].at, NOW + 60);
        assert_string_equal(list[1].source, "report");
    }
    report(db, "d1", "2", "confirmed", "1.1.0"); /* late, in place of what was made up */
    seen_again(db, "d1", "1.1.0", NOW + 90);
    assert_int_equal(fleet_reports(db, "d1", 0, list, 4, &count), DB_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].source, "report");
}

static void test_polls_settle_nothing_that_went_another_way(void **state)
{
    struct db *db = *state;
    struct fleet_report list[4];
    size_t count = 0;
    report(db, "back", "1", "installing", "1.1.0");
    seen(db, "back", "1.1.0", NOW + 1, false);
    seen_again(db, "back", "1.0.0", NOW + 5); /* came back, and says so later if ever */
    assert_string_equal(device(db, "back").state, "ok");
    assert_string_equal(device(db, "back").version, "1.0.0");
    assert_string_equal(device(db, "back").target, "");
    report(db, "failed", "1", "reverted", "1.1.0");
    seen_again(db, "failed", "1.1.0", NOW);
    assert_string_equal(device(db, "failed").state, "reverted");
    seen(db, "fetching", "1.0.0", NOW, true); /* never said what it installs */
    seen_again(db, "fetching", "1.1.0", NOW + 9);
    assert_string_equal(device(db, "fetching").state, "ok");
    seen(db, "given up", "1.0.0", NOW, true); /* a rollout that was halted meanwhile */
    seen(db, "given up", "1.0.0", NOW + 1, false);
    assert_string_equal(device(db, "given up").state, "updating");
    seen_again(db, "given up", "1.0.0", NOW + 2);
    assert_string_equal(device(db, "given up").state, "ok");
    assert_int_equal(device(db, "given up").changed, NOW + 2);
    assert_int_equal(fleet_reports(db, NULL, 0, list, 4, &count), DB_OK);
    assert_int_equal(count, 2);
}

static void put_report(struct db *db, const char *name, const char *id, int64_t at)
{
    report(db, name, id, "confirmed", "1.1.0");
    assert_int_equal(db_run(db, "UPDATE reports SET at = $1 WHERE device = $2 AND id = $3",
                            DB_VALUES(db_int(at), db_text(name), db_text(id)), NULL), DB_OK);
}

static int64_t count_of(struct db *db, const char *sql)
{
    int64_t count = -1;
    assert_int_equal(db_number(db, sql, DB_NONE, &count), DB_OK);
    return count;
}

static void test_old_reports_go_but_a_devices_newest_stays(void **state)
{
    struct db *db = *state;
    int steps = 0;
    char id[16];
    for (int i = 0; i < 600; i++) { /* more than one step removes */
        snprintf(id, sizeof id, "%d", i);
        put_report(db, "busy", id, NOW - 100000 + 2 * i);
    }
    put_report(db, "asleep", "1", NOW - 200000);
    put_report(db, "asleep", "2", NOW - 200000);
    put_report(db, "awake", "1", NOW - 90001);
    put_report(db, "awake", "2", NOW - 10);
    for (int64_t from = 0; from != FLEET_SWEPT; steps++) {
        assert_int_equal(fleet_sweep_reports(db, NOW - 90000, &from), DB_OK);
        assert_in_range(steps, 0, 9);
    }
    assert_in_range(steps, 3, 4);
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM reports"), 3);
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM reports WHERE device = 'busy' AND id = '599'"), 1);
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM reports WHERE device = 'asleep' AND id = '2'"), 1);
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM reports WHERE device = 'awake' AND id = '2'"), 1);
}

/* Whatever second a fleet was counted in: a minute keeps its last count for two days, an hour for ever. */
static void test_the_plot_gets_coarser_but_never_loses_a_stretch(void **state)
{
    enum { HOUR = 3600, DAY = 86400, BEGIN = NOW - NOW % HOUR - 3 * DAY };
    struct db *db = *state;
    seen(db, "a", "1.0.0", NOW, false);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(fleet_record_versions(db, BEGIN + 17 * 60 + 10 * i), DB_OK);           /* three days ago */
        assert_int_equal(fleet_record_versions(db, BEGIN + DAY + HOUR + 18 * 60 + 20 * i), DB_OK); /* within two */
        assert_int_equal(fleet_record_versions(db, BEGIN + 3 * DAY - 60 + 10 * i), DB_OK);      /* within the hour */
    }
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM versions"), 18);
    assert_int_equal(fleet_sweep_versions(db, BEGIN + 3 * DAY), DB_OK);
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM versions"), 1 + 2 + 6);
    assert_int_equal(count_of(db, "SELECT MIN(at) FROM versions") % HOUR, 17 * 60 + 50);
    assert_int_equal(fleet_sweep_versions(db, BEGIN + 9 * DAY), DB_OK);
    assert_int_equal(count_of(db, "SELECT COUNT(*) FROM versions"), 3);
}

static void test_tokens_are_kept_as_hashes_and_can_be_revoked(void **state)
{
    struct db *db = *state;
    char token[FLEET_TOKEN_SIZE];
    char other[FLEET_TOKEN_SIZE];
    char hash[FLEET_HASH_SIZE];
    char owner[FLEET_NAME_SIZE];
    int64_t count = -1;
    bool known = true;
    assert_true(fleet_token_make(token) && fleet_token_make(other));
    assert_int_equal(strlen(token), 43);
    assert_string_not_equal(token, other);
    assert_int_equal(fleet_enrol(db, "d1", NULL, token, NOW), DB_OK);
    assert_int_equal(db_number(db, "SELECT COUNT(*) FROM tokens WHERE hash = $1", DB_VALUES(db_text(token)), &count),
                     DB_OK);
    assert_int_equal(count, 0);
    fleet_token_hash(token, hash);
    assert_int_equal(fleet_token_device(db, hash, owner), DB_OK);
    assert_string_equal(owner, "d1");
    assert_int_equal(fleet_enrol(db, "d1", NULL, other, NOW), DB_OK);
    assert_int_equal(fleet_token_device(db, hash, owner), DB_OK);
    assert_string_equal(owner, "");
    fleet_token_hash(other, hash);
    assert_int_equal(fleet_token_device(db, hash, owner), DB_OK);
    assert_string_equal(owner, "d1");
    assert_int_equal(fleet_revoke(db, "d1", NOW, &known), DB_OK);
    assert_true(known);
    assert_int_equal(fleet_token_device(db, hash, owner), DB_OK);
    assert_string_equal(owner, "");
    assert_int_equal(fleet_is_revoked(db, "d1", &known), DB_OK);
    assert_true(known);
    assert_int_equal(fleet_revoke(db, "nobody", NOW, &known), DB_OK);
    assert_false(known);
}

static void test_the_summary_counts(void **state)
{
    struct db *db = *state;
    struct fleet_summary summary;
    struct fleet_rollout rollout = {.sequence = 3, .at = NOW, .permille = 100, .action = "publish", .version = "1.1.0"};
    bool is_new = false;
    assert_int_equal(fleet_summary(db, NOW, &summary), DB_OK);
    assert_int_equal(summary.devices, 0);
    assert_false(summary.has_rollout);
    assert_int_equal(fleet_record_rollout(db, &rollout, &is_new), DB_OK);
    assert_true(is_new);
    assert_int_equal(fleet_record_rollout(db, &rollout, &is_new), DB_OK);
    assert_false(is_new);
    report(db, "a", "1", "confirmed", "1.1.0");
    report(db, "b", "1", "reverted", "1.1.0");
    report(db, "c", "1", "bad-image", "1.1.0");
    seen(db, "d", "1.0.0", NOW - 7200, false);
    assert_int_equal(fleet_summary(db, NOW, &summary), DB_OK);
    assert_int_equal(summary.devices, 4);
    assert_int_equal(summary.ok, 2);
    assert_int_equal(summary.reverted, 1);
    assert_int_equal(summary.failed, 1);
    assert_int_equal(summary.seen_hour, 3);
    assert_int_equal(summary.seen_day, 4);
    assert_int_equal(summary.reports, 3);
    assert_int_equal(summary.versions_count, 2);
    assert_string_equal(summary.versions[0].name, "1.0.0");
    assert_int_equal(summary.versions[0].devices, 3);
    assert_int_equal(summary.reasons_count, 2);
    assert_true(summary.has_rollout);
    assert_int_equal(summary.on_target, 1);
    assert_int_equal(summary.failed_target, 2);
    assert_int_equal(summary.changed, NOW);
}

static void test_devices_come_page_by_page_and_odd_names_stay_text(void **state)
{
    static const char odd[] = "<b>'; DROP TABLE devices; --";
    struct db *db = *state;
    struct fleet_device list[8];
    struct fleet_filter filter = {.after = NULL};
    size_t count = 0;
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "Dev_%02d", i);
        seen(db, name, i < 5 ? "1.0.0" : "1.1.0", NOW + i, false);
    }
    seen(db, odd, "100%", NOW, false);
    assert_int_equal(fleet_devices(db, &filter, list, 8, &count), DB_OK);
    assert_int_equal(count, 8);
    filter.after = list[7].device;
    assert_int_equal(fleet_devices(db, &filter, list, 8, &count), DB_OK);
    assert_int_equal(count, 3);
    filter = (struct fleet_filter){.version = "1.1.0", .state = "ok", .text = "dev_0", .after = "Dev_06"};
    assert_int_equal(fleet_devices(db, &filter, list, 8, &count), DB_OK);
    assert_int_equal(count, 3);
    filter = (struct fleet_filter){.text = "%"};
    assert_int_equal(fleet_devices(db, &filter, list, 8, &count), DB_OK);
    assert_int_equal(count, 0);
    filter = (struct fleet_filter){.text = "'; drop"};
    assert_int_equal(fleet_devices(db, &filter, list, 8, &count), DB_OK);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].device, odd);
    assert_int_equal(fleet_changes(db, NOW + 7, list, 8, &count), DB_OK);
    assert_int_equal(count, 3);
    assert_string_equal(list[0].device, "Dev_07");
}

static void test_versions_over_time(void **state)
{
    struct db *db = *state;
    struct fleet_point points[8];
    size_t count = 0;
    seen(db, "a", "1.0.0", NOW - 600, false);
    assert_int_equal(fleet_record_versions(db, NOW - 600), DB_OK);
    seen(db, "b", "1.0.0", NOW - 598, false);
    assert_int_equal(fleet_record_versions(db, NOW - 598), DB_OK);
    seen(db, "a", "1.1.0", NOW, false);
    seen(db, "b", "1.1.0", NOW, false);
    assert_int_equal(fleet_record_versions(db, NOW), DB_OK);
    assert_int_equal(fleet_versions(db, NOW - 3600, NOW, points, 8, &count), DB_OK);
    assert_int_equal(count, 3);
    assert_int_equal(points[0].at, NOW - 600);
    assert_int_equal(points[0].devices, 2);
    assert_string_equal(points[1].version, "1.0.0");
    assert_int_equal(points[1].devices, 0);
    assert_int_equal(points[2].devices, 2);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(fleet_record_versions(db, NOW + 60 * i), DB_OK);
    }
    assert_int_equal(fleet_versions(db, NOW - 3600, NOW + 6000, points, 8, &count), DB_OK);
    assert_in_range(count, 3, 8);
    assert_true(points[count - 1].at > NOW + 4000);
}

static void test_names_of_devices(void **state)
{
    char long_name[80];
    (void)state;
    memset(long_name, 'x', sizeof long_name);
    long_name[65] = 0;
    static const char *const good[] = {"a", "device 1", "Gerät-ü", "設備", "<i>'\"&"};
    static const char *const bad[] = {"", "a\nb", "a\x7f", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xc3", "\xc2\x85"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fleet_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(fleet_is_name(bad[i]));
    }
    assert_false(fleet_is_name(long_name));
    long_name[64] = 0;
    assert_true(fleet_is_name(long_name));
}

static void test_a_second_process_finds_the_same_and_a_newer_one_is_refused(void **state)
{
    struct db *other = NULL;
    bool found = false;
    struct fleet_device got;
    seen(*state, "a", "1.0.0", NOW, false);
    assert_int_equal(db_open(where(), &other), 0);
    assert_int_equal(fleet_device(other, "a", &got, &found), DB_OK);
    assert_true(found);
    db_close(other);
    assert_int_equal(db_run(*state, "UPDATE meta SET version = version + $1", DB_VALUES(db_int(1)), NULL), DB_OK);
    assert_int_equal(db_open(where(), &other), 1);
    assert_int_equal(db_run(*state, "UPDATE meta SET version = version - $1", DB_VALUES(db_int(1)), NULL), DB_OK);
}

/* Version 1 had reports without `via` and `source`. */
static void test_a_database_of_version_1_is_brought_up_and_keeps_its_reports(void **state)
{
    struct db *other = NULL;
    struct fleet_report got;
    struct fleet_summary summary;
    size_t count = 0;
    const struct fleet_rollout rollout = {.sequence = 1, .at = NOW, .action = "publish", .version = "1.1.0", .permille = 1000};
    bool is_new = false;
    report(*state, "a", "1", "installing", "1.1.0");
    assert_int_equal(fleet_record_rollout(*state, &rollout, &is_new), DB_OK);
    assert_int_equal(fleet_summary(*state, NOW, &summary), DB_OK);
    assert_int_equal(summary.deltas, 1);
    assert_true(summary.delta_bytes == 5000000000);
    assert_int_equal(db_script(*state, "ALTER TABLE reports DROP COLUMN via; ALTER TABLE reports DROP COLUMN source;"
                                       "UPDATE meta SET version = 1"), DB_OK);
    assert_int_equal(db_open(where(), &other), 0);
    assert_int_equal(fleet_reports(other, "a", 0, &got, 1, &count), DB_OK);
    assert_int_equal(count, 1);
    assert_string_equal(got.result, "installing");
    assert_string_equal(got.via, "");
    assert_string_equal(got.source, "report");
    assert_int_equal(fleet_summary(other, NOW, &summary), DB_OK);
    assert_int_equal(summary.deltas + summary.images, 0);
    report(other, "a", "2", "installing", "1.1.0");
    assert_int_equal(fleet_reports(other, "a", 0, &got, 1, &count), DB_OK);
    assert_string_equal(got.via, "delta");
    db_close(other);
}

static void test_a_file_that_is_gone_is_noticed(void **state)
{
    struct db *db = NULL;
    char name[80];
    (void)state;
    snprintf(name, sizeof name, "%s/gone.db", folder);
    assert_int_equal(db_open(name, &db), 0);
    assert_int_equal(unlink(name), 0);
    char tail[96];
    snprintf(tail, sizeof tail, "%s-wal", name);
    (void)unlink(tail);
    snprintf(tail, sizeof tail, "%s-shm", name);
    (void)unlink(tail);
    assert_int_not_equal(db_begin(db), DB_OK);
    db_close(db);
    (void)unlink(name);
    assert_int_equal(db_open("/nowhere/at/all.db", &db), 1);
    assert_int_equal(db_open(folder, &db), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_report_is_stored_once_and_moves_its_device, empty),
        cmocka_unit_test_setup(test_what_was_rolled_back_is_not_there, empty),
        cmocka_unit_test_setup(test_polls_follow_a_device_but_never_overrule_a_later_report, empty),
        cmocka_unit_test_setup(test_an_update_that_was_never_told_of_is_settled_by_polls, empty),
        cmocka_unit_test_setup(test_polls_settle_nothing_that_went_another_way, empty),
        cmocka_unit_test_setup(test_old_reports_go_but_a_devices_newest_stays, empty),
        cmocka_unit_test_setup(test_the_plot_gets_coarser_but_never_loses_a_stretch, empty),
        cmocka_unit_test_setup(test_tokens_are_kept_as_hashes_and_can_be_revoked, empty),
        cmocka_unit_test_setup(test_the_summary_counts, empty),
        cmocka_unit_test_setup(test_devices_come_page_by_page_and_odd_names_stay_text, empty),
        cmocka_unit_test_setup(test_versions_over_time, empty),
        cmocka_unit_test(test_names_of_devices),
        cmocka_unit_test_setup(test_a_second_process_finds_the_same_and_a_newer_one_is_refused, empty),
        cmocka_unit_test_setup(test_a_database_of_version_1_is_brought_up_and_keeps_its_reports, empty),
        cmocka_unit_test(test_a_file_that_is_gone_is_noticed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
