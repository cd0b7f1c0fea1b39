/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.c - `otter publish`: an image and its job document, into a folder to be served or
 * onto a server that takes PUT.
 *
 * The image goes first, under a name that no other content has; then the job document is
 * replaced in one step. A device sees the job before or the job after, and the image that it
 * names is there in both cases. Images of earlier jobs stay: a device may be in the middle
 * of one.
 */
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/job_deltas.h"
#include "tool/jws.h"
#include "tool/publish.h"
#include "tool/publish_deltas.h"
#include "tool/quantity.h"
#include "tool/rollout_book.h"

enum { LOCK_SECONDS = 30, PREFIX_MAX = 96, SEQUENCE_LEAP = 1000000 };

/* What the present document says; a place without one is fine. */
static int judge_previous(const struct publish_options *options, const struct publish_release *release,
                          const struct rollout_book *book)
{
    struct otter_version version;
    const char *text = book->present ? job_text(book->present, "Version") : NULL;
    bool parsed = text && tool_version_parse(text, &version);
    if (!book->present || options->force) {
        return 0;
    }
    if (!parsed) {
        return tool_refuse("'%s' is there but is no job document with a Version: --force replaces it", book->job_name);
    }
    if (otter_version_compare(&release->version, &version) <= 0) {
        return tool_refuse("'%s' offers version %s already, and devices take only a newer one than %s: raise "
                           "the version (`otter sign --version`), or give --force",
                           book->job_name, text, release->version_text);
    }
    return 0;
}

static int judge_terms(const struct publish_terms *terms, const struct publish_release *release)
{
    char text[TOOL_VERSION_SIZE];
    if (!terms->has_min_version || otter_version_compare(&terms->min_version, &release->version) < 0) {
        return 0;
    }
    return tool_refuse("--min-version %s is not below the image's %s: no device could take it",
                       tool_version_text(&terms->min_version, text), release->version_text);
}

/* Devices never go back: a slip of the finger must not use up what is left. */
static int choose_sequence(const struct publish_options *options, const struct publish_terms *terms,
                           const struct rollout_book *book, json_int_t *ret_sequence)
{
    int rc = rollout_book_next(book, ret_sequence);
    json_int_t next = *ret_sequence;
    if (rc != 0 || terms->sequence == 0) {
        return rc;
    }
    if (terms->sequence < next) {
        return tool_refuse("--sequence %lld was given away: the next one is %lld", (long long)terms->sequence,
                           (long long)next);
    }
    if (terms->sequence - next > SEQUENCE_LEAP && !options->force) {
        return tool_refuse("--sequence %lld is far above the next one, %lld, and devices never go back: --force if you "
                           "mean it", (long long)terms->sequence, (long long)next);
    }
    *ret_sequence = terms->sequence;
    return 0;
}

static void say_who(const json_t *job, int64_t now)
{
    struct rollout_view view;
    char share[TOOL_PERMILLE_SIZE];
    char time[TOOL_TIME_SIZE];
    json_int_t expires = 0;
    (void)rollout_view_of(job, now, &view);
    if (view.limited) {
        printf(", %s of devices%s%s", tool_permille_text(view.permille, share), view.rings[0] ? " and ring " : "",
               view.rings);
    }
    if (view.start > now) {
        printf(", from %s", tool_time_text(view.start, time));
    }
    if (job_number(job, "Expires", &expires)) {
        printf(", until %s", tool_time_text(expires, time));
    }
}

static void say(const struct publish_options *options, const struct publish_release *release,
                const struct publish_deltas *deltas, const struct rollout_book *book, const json_t *job)
{
    json_int_t sequence = 0;
    char *image_name = store_name(book->store, release->name);
    char *job_name = store_name(book->store, book->job_name);
    const char *origin = book->key ? tool_key_known_origin(book->key) : NULL;
    (void)job_number(job, "Sequence", &sequence);
    if (options->as_json) {
        json_t *said = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:b}", "job", job_name, "image", release->name,
                                 "version", release->version_text, "size", (json_int_t)release->bytes.len,
                                 "sha256", release->sha256, "sequence", sequence, "signed", book->key != NULL);
        if (options->delta_from) {
            job_put(said, "deltas", publish_deltas_json(deltas));
        }
        (void)json_dumpf(said, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(said);
    } else {
        printf("%s: version %s, %zu bytes\n%s: job %lld%s", image_name, release->version_text, release->bytes.len,
               job_name, (long long)sequence, book->key ? ", signed" : "");
        say_who(job, book->now);
        putchar('\n');
        publish_deltas_say(deltas, release);
        if (origin) {
            printf("for tests only: the job key is %s, which everybody has\n", origin);
        }
    }
    free(image_name);
    free(job_name);
}

/* The image and the patches that the job names. */
static size_t list_blobs(const struct publish_release *release, const struct publish_deltas *deltas,
                         struct store_blob blobs[STORE_BLOBS_MAX])
{
    size_t count = 0;
    blobs[count++] = (struct store_blob){release->name, &release->bytes};
    for (size_t i = 0; i < deltas->count; i++) {
        if (!deltas->list[i].dropped) {
            blobs[count++] = (struct store_blob){deltas->list[i].name, &deltas->list[i].bytes};
        }
    }
    return count;
}

static int write_document(const struct publish_options *options, const struct publish_release *release,
                          struct publish_deltas *deltas, struct rollout_book *book, json_t *job)
{
    struct store_blob blobs[STORE_BLOBS_MAX];
    const struct rollout_note note = {.action = "publish", .message = options->message};
    int rc = publish_deltas_put(options, book->key, deltas, job);
    if (rc == 0) {
        size_t count = list_blobs(release, deltas, blobs);
        rc = rollout_book_write(book, job, note, blobs, count);
    }
    if (rc == 0) {
        say(options, release, deltas, book, job);
    }
    return rc;
}

static int write_job(const struct publish_options *options, const struct publish_release *release,
                     struct rollout_book *book)
{
    struct publish_terms terms;
    struct publish_deltas deltas = {.count = 0};
    json_int_t sequence = 0;
    int rc = publish_terms_parse(options, book->now, &terms);
    rc = rc == 0 ? judge_previous(options, release, book) : rc;
    rc = rc == 0 ? judge_terms(&terms, release) : rc;
    rc = rc == 0 ? choose_sequence(options, &terms, book, &sequence) : rc;
    rc = rc == 0 ? publish_deltas_make(options, &terms, release, &deltas) : rc;
    if (rc == 0) {
        json_t *job = publish_job(options, &terms, release, book->key != NULL);
        rollout_stamp(job, sequence, book->now, terms.lifetime);
        rc = write_document(options, release, &deltas, book, job);
        json_decref(job);
    }
    publish_deltas_free(&deltas);
    return rc;
}

static int publish_to(const struct publish_options *options, const struct tool_key *job_key,
                      const struct publish_release *release)
{
    struct store *store = NULL;
    struct rollout_book book;
    const char *name = options->job ? options->job : job_key ? JOB_SIGNED : JOB_PLAIN;
    int rc = store_open(&options->place, STORE_MAKE, LOCK_SECONDS, &store);
    if (rc != 0) {
        return rc;
    }
    rc = rollout_book_open(store, name, job_key, options->force != 0, &book);
    if (rc == 0) {
        rc = write_job(options, release, &book);
        rollout_book_close(&book);
    }
    store_close(store, rc != 0);
    return rc;
}

static int publish(const struct publish_options *options)
{
    struct publish_release release = {.bytes = {NULL, 0}};
    struct tool_key job_key = {.pkey = NULL};
    int rc = options->job_key ? tool_job_key_read(options->job_key, true, &job_key) : 0;
    if (rc != 0) {
        return rc;
    }
    const struct tool_key *key = options->job_key ? &job_key : NULL;
    rc = publish_release_read(options, key, &release);
    rc = rc == 0 ? publish_to(options, key, &release) : rc;
    tool_bytes_free(&release.bytes);
    tool_key_free(&job_key);
    return rc;
}

static int check_job(const struct publish_options *options)
{
    const char *job = options->job;
    size_t len = job ? strlen(job) : 0;
    bool is_jws = len > 4 && strcmp(job + len - 4, ".jws") == 0;
    if (job && (strchr(job, '/') || job[0] == '.' || !job[0])) {
        return tool_usage("--job is a file name in the folder, such as ota_update.json");
    }
    if (job && is_jws != (options->job_key != NULL)) {
        return tool_usage("--job: the name of a signed document ends in .jws, and only with --job-key it is signed");
    }
    if (options->job_key && !options->board && !options->product) {
        return tool_usage("--board or --product is needed with --job-key: a signed job says for which devices it is");
    }
    return 0;
}

/* What does not go into JSON would be left out of it: a job for others than was meant. */
static int check_texts(const struct publish_options *o)
{
    const struct {
        const char *option, *text;
        bool may_be_empty;
    } texts[] = {{"--board", o->board, false}, {"--product", o->product, false}, {"--manufacturer", o->manufacturer, false},
                 {"--manufacturer-id", o->manufacturer_id, false}, {"--serial", o->serial, false},
                 {"--message", o->message, true}, {"--server", o->server, false}, {"--salt", o->salt, true}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = texts[i].text;
        if (text && !text[0] && !texts[i].may_be_empty) {
            return tool_usage("%s is empty: leave it out, or say what it is", texts[i].option);
        }
        if (!tool_is_text(text)) {
            return tool_usage("%s is no UTF-8 text", texts[i].option);
        }
    }
    return 0;
}

/* As devices take it: visible letters of ASCII, with room for the image's name behind. */
static int check_prefix(const char *prefix)
{
    size_t len = prefix ? strlen(prefix) : 0;
    if (prefix && (prefix[0] != '/' || prefix[len - 1] == '/')) {
        return tool_usage("--prefix starts with '/' and does not end with it, such as /updates");
    }
    for (size_t i = 0; i < len; i++) {
        if (prefix[i] <= ' ' || prefix[i] > '~' || prefix[i] == '#') {
            return tool_usage("--prefix is a path of visible ASCII letters without '#'");
        }
    }
    return len > PREFIX_MAX ? tool_usage("--prefix has at most %d letters", PREFIX_MAX) : 0;
}

static int check(const struct publish_options *options, const char **args)
{
    struct publish_terms terms;
    int rc = 0;
    if (args[0]) {
        return tool_usage("'%s' is not an option; `otter publish --help` lists them", args[0]);
    }
    if (!options->image || (!options->place.folder && !options->place.to)) {
        return tool_usage("--image and --folder (or --to) are needed");
    }
    if (options->port < 0 || options->port > UINT16_MAX) {
        return tool_usage("--port takes 1 to 65535");
    }
    if (options->poll_seconds < 0) {
        return tool_usage("--poll-seconds takes a number of seconds");
    }
    if (options->report && options->report[0] && options->report[0] != '/') {
        return tool_usage("--report is a path on the server, such as /report");
    }
    if (options->connection && strcmp(options->connection, "HTTPS") != 0 &&
        strcmp(options->connection, "HTTP") != 0) {
        return tool_usage("--connection is HTTPS or HTTP");
    }
    rc = check_prefix(options->prefix);
    rc = rc == 0 ? check_texts(options) : rc;
    rc = rc == 0 ? check_job(options) : rc;
    rc = rc == 0 ? publish_deltas_check(options) : rc;
    rc = rc == 0 ? store_options_check(&options->place, true) : rc;
    return rc == 0 ? publish_terms_parse(options, (int64_t)time(NULL), &terms) : rc;
}

static void free_options(struct publish_options *options)
{
    char *const all[] = {options->image, options->key, options->job_key, options->job, options->message,
                         options->manufacturer, options->manufacturer_id, options->product, options->serial,
                         options->board, options->connection, options->server, options->prefix, options->report,
                         options->rollout, options->salt, options->start, options->ramp, options->expires,
                         options->min_version, options->hardware_min, options->hardware_max, options->sequence,
                         options->delta_address};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    tool_list_free(options->rings);
    tool_list_free(options->delta_from);
    store_options_free(&options->place);
}

/* popt takes the tables by a pointer that is not const, and does not write there. */
static void *table_of(const struct poptOption *table)
{
    return (void *)(uintptr_t)table;
}

struct tables {
    const struct poptOption *place, *who, *rollout, *patches;
};

static int run(struct publish_options *o, int argc, const char **argv, const struct tables *tables)
{
    const struct poptOption table[] = {
        {"image", 'i', POPT_ARG_STRING, &o->image, 0, "the signed image", "FILE"},
        {"key", 'k', POPT_ARG_STRING, &o->key, 0, "check the image's signature with this key", "KEY.pem"},
        {"message", 0, POPT_ARG_STRING, &o->message, 0, "for people who read the job", "TEXT"},
        {"server", 0, POPT_ARG_STRING, &o->server, 0, "the image is fetched from here [where the job is]", "HOST"},
        {"port", 0, POPT_ARG_INT, &o->port, 0, "and from this port", "N"},
        {"connection", 0, POPT_ARG_STRING, &o->connection, 0, "HTTPS or HTTP [as the job; HTTPS with --server]", NULL},
        {"prefix", 0, POPT_ARG_STRING, &o->prefix, 0, "path under which the folder is served [none]", "PATH"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "where devices report to; empty: nowhere [/report]", "PATH"},
        {"poll-seconds", 0, POPT_ARG_INT, &o->poll_seconds, 0, "how often devices ask [theirs]", "N"},
        {"job", 0, POPT_ARG_STRING, &o->job, 0, "name of the job document [ota_update.json; signed: .jws]", "NAME"},
        {"force", 0, POPT_ARG_NONE, &o->force, 0, "publish a version that is not newer, replace what is no job", NULL},
        {"json", 0, POPT_ARG_NONE, &o->as_json, 0, "say what was published as JSON", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, table_of(tables->place), 0, "Where to:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, table_of(tables->who), 0, "For which devices:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, table_of(tables->rollout), 0, "Signed jobs and rollouts:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, table_of(tables->patches), 0, "Patches (docs/delta.md):", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("publish", argc, argv, table, "--image IMAGE --folder DIR|--to URL [option...]", &context, &args,
                     &rc) == 0) {
        rc = check(o, args);
        rc = rc == 0 ? publish(o) : rc;
        poptFreeContext(context);
    }
    return rc;
}

int tool_publish(int argc, const char **argv)
{
    struct publish_options o = {.deltas = PUBLISH_DELTAS, .job_size_max = JOB_SIZE_MAX};
    const struct poptOption who[] = {
        {"board", 'b', POPT_ARG_STRING, &o.board, 0, "for this board only", "NAME"},
        {"product", 0, POPT_ARG_STRING, &o.product, 0, "for this product only", "NAME"},
        {"manufacturer", 0, POPT_ARG_STRING, &o.manufacturer, 0, "of this manufacturer only", "NAME"},
        {"manufacturer-id", 0, POPT_ARG_STRING, &o.manufacturer_id, 0, "of this manufacturer only", "ID"},
        {"serial", 0, POPT_ARG_STRING, &o.serial, 0, "for this one device only", "NUMBER"},
        {"hardware-min", 0, POPT_ARG_STRING, &o.hardware_min, 0, "from this hardware revision on", "N"},
        {"hardware-max", 0, POPT_ARG_STRING, &o.hardware_max, 0, "up to this hardware revision", "N"},
        {"min-version", 0, POPT_ARG_STRING, &o.min_version, 0, "only devices that run this version or a newer one",
         "V"},
        POPT_TABLEEND};
    const struct poptOption rollout[] = {
        {"job-key", 'j', POPT_ARG_STRING, &o.job_key, 0, "sign the job with this key (P-256, not the image's)",
         "KEY.pem"},
        {"expires", 0, POPT_ARG_STRING, &o.expires, 0, "the job is over after this time [signed: 30d]", "TIME"},
        {"sequence", 0, POPT_ARG_STRING, &o.sequence, 0, "number of the job [one more than the last]", "N"},
        {"rollout", 0, POPT_ARG_STRING, &o.rollout, 0, "this share of the devices first, e.g. 2.5%", "SHARE"},
        {"ring", 0, POPT_ARG_ARGV, &o.rings, 0, "devices of this ring in any case (repeatable)", "NAME"},
        {"salt", 0, POPT_ARG_STRING, &o.salt, 0, "decides which devices are first [the image's hash]", "TEXT"},
        {"start", 0, POPT_ARG_STRING, &o.start, 0, "not before, e.g. 2026-12-01T08:00Z or +2h", "WHEN"},
        {"ramp", 0, POPT_ARG_STRING, &o.ramp, 0, "from nobody to the share in this time, e.g. 7d", "TIME"},
        POPT_TABLEEND};
    const struct poptOption patches[] = {
        {"delta-from", 0, POPT_ARG_ARGV, &o.delta_from, 0, "patches from earlier releases: an image, or a folder (repeatable)",
         "DIR|FILE"},
        {"deltas", 0, POPT_ARG_INT, &o.deltas, 0, "from so many, the newest [4]", "N"},
        {"delta-address", 0, POPT_ARG_STRING, &o.delta_address, 0, "where the image runs [its header, else guessed]", "A|MAP"},
        {"job-size-max", 0, POPT_ARG_INT, &o.job_size_max, 0, "bytes of job document that devices take [2048]", "N"},
        POPT_TABLEEND};
    const struct tables tables = {store_option_table(&o.place), who, rollout, patches};
    int rc = run(&o, argc, argv, &tables);
    free_options(&o);
    return rc;
}
