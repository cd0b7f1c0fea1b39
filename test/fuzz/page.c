/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - what a visitor asks the page (query, what stands behind a path), over a database full of
 * what devices said: the HTML has our tags and attributes only, the JSON is JSON, and no field is
 * longer than its place.
 *
 * Input: lines, each the text of one field: the query, the rest of the path, then name, board,
 * versions, result and reason of a report, then words of a rollout.
 */
#include "fuzz.h"

#include <jansson.h>
#include <unistd.h>

#include "tool/page_parts.h"

enum { LINES = 10, NOW = 1800000000 };

static char folder[] = "/tmp/otter-fuzz-XXXXXX";
static char path[64];
static struct db *db;
static struct serve serve;
static const struct serve_options options = {.as_json = 0};

static void clean(void)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    db_close(db);
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char name[80];
        (void)snprintf(name, sizeof name, "%s%s", path, tails[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/fleet.db", folder);
    REQUIRE(db_open(path, &db) == 0 && atexit(clean) == 0);
    serve.options = &options;
    fuzz_quiet();
    return 0;
}

/* ---- what a browser would see ---- */
static bool is_one_of(const char *word, size_t len, const char *words)
{
    char wanted[40];
    if (len + 3 > sizeof wanted) {
        return false;
    }
    (void)snprintf(wanted, sizeof wanted, " %.*s ", (int)len, word);
    return strstr(words, wanted) != NULL;
}

/* name="value", behind a space. */
static const char *check_attribute(const char *at)
{
    static const char names[] = " lang charset name content rel href src defer class id role tabindex data-live data-label data-confirm"
                                " aria-label aria-hidden aria-current aria-labelledby datetime title type value action method for min"
                                " max step size required autocomplete maxlength selected open viewBox preserveAspectRatio width height"
                                " x y x1 x2 y1 y2 d text-anchor ";
    size_t len = strcspn(at, " =>/");
    REQUIRE(is_one_of(at, len, names));
    bool leads = is_one_of(at, len, " href src action ");
    at += len;
    if (*at != '=') {
        return at;
    }
    REQUIRE(at[1] == '"');
    REQUIRE(!leads || at[2] == '/' || at[2] == '#' || strncmp(at + 2, "data:,", 6) == 0);
    at = strchr(at + 2, '"');
    REQUIRE(at != NULL);
    return at + 1;
}

static void check_html(const char *at)
{
    static const char tags[] = " html head meta title link script body a header nav span main h1 h2 footer time section p ul li ol pre"
                               " code strong table thead tbody tr th td dl dt dd form label input select option button details summary"
                               " div svg g path rect line text ";
    while ((at = strchr(at, '<')) != NULL) {
        at += at[1] == '/' ? 2 : 1;
        if (strncmp(at, "!doctype html>", 14) == 0) {
            continue;
        }
        size_t len = strcspn(at, " >/\n");
        REQUIRE(is_one_of(at, len, tags));
        for (at += len; *at != '>';) {
            REQUIRE(*at != 0);
            at = *at == ' ' || *at == '\n' || *at == '/' ? at + 1 : check_attribute(at);
        }
    }
}

static void visit(const struct page_route *route, const char *query, const char *rest, const struct serve_job *job)
{
    struct page_visit *visit = calloc(1, sizeof *visit);
    REQUIRE(visit != NULL);
    visit->serve = &serve;
    visit->route = route;
    visit->job = *job;
    visit->now = NOW;
    visit->status = 200;
    visit->is_local = true;
    (void)snprintf(visit->query, sizeof visit->query, "%s", query);
    (void)snprintf(visit->rest, sizeof visit->rest, "%s", rest);
    route->work(db, visit);
    if (visit->out) {
        (void)fclose(visit->out);
        visit->out = NULL;
    }
    const char *body = visit->fixed ? visit->fixed : visit->text;
    if (!route->is_api) {
        REQUIRE(body != NULL);
        check_html(body);
    } else if (visit->status == 200) {
        json_t *json = json_loads(body, 0, NULL);
        REQUIRE(json != NULL);
        json_decref(json);
    }
    page_visit_free(visit);
}

#define FIELD(to, line) (void)snprintf(to, sizeof(to), "%s", line)

static void fill(char *const *lines)
{
    struct fleet_report report = {.at = NOW - 5, .bytes = 5, .sequence = 1};
    struct fleet_rollout rollout = {.sequence = 1, .at = NOW - 60, .permille = 100};
    struct fleet_seen seen = {lines[2], lines[4], NOW - 3, true, true};
    bool is_new = false;
    FIELD(report.device, lines[2]);
    FIELD(report.id, lines[2]);
    FIELD(report.from, lines[4]);
    FIELD(report.to, lines[5]);
    FIELD(report.result, lines[6]);
    FIELD(report.reason, lines[7]);
    FIELD(report.via, lines[8]);
    FIELD(rollout.action, lines[6]);
    FIELD(rollout.version, lines[5]);
    FIELD(rollout.rings, lines[8]);
    FIELD(rollout.who, lines[9]);
    FIELD(rollout.message, lines[9]);
    REQUIRE(fleet_record_report(db, &report, lines[3], &is_new) == DB_OK);
    REQUIRE(fleet_record_seen(db, &seen) == DB_OK);
    REQUIRE(fleet_record_rollout(db, &rollout, &is_new) == DB_OK);
    REQUIRE(fleet_record_versions(db, NOW) == DB_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct page_route routes[] = {
        {"GET", "/", PAGE_VIEWER, false, page_overview},           {"GET", "/devices", PAGE_VIEWER, false, page_devices},
        {"GET", "/devices/", PAGE_VIEWER, false, page_device},     {"GET", "/rollouts", PAGE_VIEWER, false, page_rollouts},
        {"GET", "/api/summary", PAGE_VIEWER, true, page_api_summary}, {"GET", "/api/devices", PAGE_VIEWER, true, page_api_devices},
        {"GET", "/api/devices/", PAGE_VIEWER, true, page_api_device},
    };
    char *lines[LINES];
    struct serve_job job = {.exists = true, .permille = 100, .permille_now = 50};
    if (size > 2000) {
        return 0;
    }
    char *text = fuzz_text(data, size);
    char *rest = text;
    for (size_t i = 0; i < LINES; i++) {
        char *line = rest ? strsep(&rest, "\n") : NULL;
        lines[i] = line ? line : text + strlen(text);
    }
    bool is_text = fleet_is_name(lines[2]);
    for (size_t i = 3; i < LINES; i++) { /* reports come out of JSON: nothing but UTF-8 gets this far */
        json_t *line = json_string(lines[i]);
        is_text = is_text && line;
        json_decref(line);
    }
    if (is_text) {
        FIELD(job.version, lines[5]);
        FIELD(job.rings, lines[8]);
        job.halted = lines[9][0] == 'h';
        REQUIRE(db_begin(db) == DB_OK);
        fill(lines);
        for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
            visit(&routes[i], lines[0], lines[1], &job);
            visit(&routes[i], lines[0], lines[2], &job);
        }
        db_rollback(db);
    }
    free(text);
    return 0;
}
