/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_values.c - what a verdict turned on: what was wanted, and what was found, in words.
 *
 * Only words: the verdict is the agent's (doctor_run.c). A function for each outcome that has
 * two sides.
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/doctor.h"
#include "tool/job_file.h"
#include "tool/jws.h"
#include "tool/print.h"
#include "tool/rollout_edit.h"

struct sides {
    json_t *list;
    const struct doctor_case *doctor;
    const struct doctor_verdict *verdict;
};

static void add(struct sides *sides, const char *what, const char *wanted, const char *found)
{
    (void)json_array_append_new(sides->list, json_pack("{s:s, s:s, s:s}", "what", what, "wanted", wanted, "found", found));
}

static const char *job_word(const struct sides *sides, const char *key)
{
    const char *value = job_text(sides->doctor->document, key);
    return value ? value : "";
}

static void add_versions(struct sides *sides, const char *rule, const struct otter_version *than)
{
    char bound[TOOL_VERSION_SIZE];
    char wanted[TOOL_VERSION_SIZE + 32];
    char found[TOOL_VERSION_SIZE];
    snprintf(wanted, sizeof wanted, "%s %s", rule, tool_version_text(than, bound));
    add(sides, "version", wanted, tool_version_text(&sides->verdict->offered, found));
}

static void say_current(struct sides *sides)
{
    add_versions(sides, "newer than", &sides->verdict->running);
}

static void say_older(struct sides *sides)
{
    const struct doctor_verdict *verdict = sides->verdict;
    char wanted[48];
    add_versions(sides, "newer than the running", &verdict->running);
    if (otter_version_compare(&verdict->floor, &verdict->running) > 0) {
        add_versions(sides, "not below the floor", &verdict->floor);
    }
    if (verdict->floor_counter > 0) {
        snprintf(wanted, sizeof wanted, "at least %u", (unsigned)verdict->floor_counter);
        add(sides, "security counter", wanted, "that of the image");
    }
}

static void say_rejected(struct sides *sides)
{
    char found[TOOL_VERSION_SIZE];
    for (uint32_t i = 0; i < sides->verdict->rejects_count; i++) {
        char rejected[TOOL_VERSION_SIZE + 8];
        char version[TOOL_VERSION_SIZE];
        snprintf(rejected, sizeof rejected, "not %s", tool_version_text(&sides->verdict->rejects[i].version, version));
        add(sides, "version", rejected, tool_version_text(&sides->verdict->offered, found));
    }
}

/* ---- for whom ---- */
static bool is_said(const struct sides *sides, const char *what)
{
    size_t i;
    json_t *value;
    json_array_foreach(sides->list, i, value)
    {
        if (strcmp(json_string_value(json_object_get(value, "what")), what) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_name(struct sides *sides, const json_t *where, const char *key, const char *ours, bool needed)
{
    const char *theirs = job_text(where, key);
    bool missing = needed && ours && (!theirs || !theirs[0]);
    bool differs = ours && theirs && theirs[0] && strcmp(ours, theirs) != 0;
    if ((missing || differs) && !is_said(sides, key)) {
        add(sides, key, ours, missing ? "not named in the job" : theirs);
    }
}

static void compare_names(struct sides *sides, const json_t *where, bool needed)
{
    const struct host_config *config = &sides->doctor->device.device.config;
    const struct {
        const char *key, *ours;
        bool needed;
    } names[] = {{"Board", config->board, needed},
                 {"Product", config->product, needed},
                 {"Manufacturer", config->manufacturer, needed},
                 {"ManufacturerID", config->manufacturer_id, needed},
                 {"SerialNumber", config->serial, false}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        compare_name(sides, where, names[i].key, names[i].ours, names[i].needed);
    }
}

static void say_not_for_us(struct sides *sides)
{
    const struct host_config *config = &sides->doctor->device.device.config;
    const json_t *audience = job_get(sides->doctor->document, "Audience");
    json_int_t least = 0;
    json_int_t most = 0;
    char ours[24];
    char theirs[64];
    compare_names(sides, sides->doctor->document, audience == NULL);
    if (json_is_object(audience)) {
        compare_names(sides, audience, true);
    }
    bool has_least = job_number(audience, "HardwareMin", &least);
    bool has_most = job_number(audience, "HardwareMax", &most);
    if (has_least || has_most) {
        snprintf(ours, sizeof ours, "%u", (unsigned)config->hardware_revision);
        snprintf(theirs, sizeof theirs, has_most ? "%lld to %lld" : "%lld and above", (long long)least, (long long)most);
        add(sides, "hardware revision", ours, theirs);
    }
    if (json_array_size(sides->list) == 0) {
        add(sides, "image", "built for this processor and this slot", "another address or processor");
    }
}

static void say_forbidden(struct sides *sides)
{
    const struct host_config *config = &sides->doctor->device.device.config;
    char wanted[512];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%s", config->host);
    for (size_t i = 0; i < config->hosts_count && len < sizeof wanted; i++) {
        len += (size_t)snprintf(wanted + len, sizeof wanted - len, ", %s", config->hosts[i]);
    }
    if (job_word(sides, "Server")[0]) {
        add(sides, "Server", wanted, job_word(sides, "Server"));
    }
    if (job_word(sides, "Connection")[0]) {
        add(sides, "Connection", config->plain ? "HTTP or HTTPS" : "HTTPS", job_word(sides, "Connection"));
    }
}

/* ---- the image ---- */
static void say_bad_image(struct sides *sides)
{
    const struct doctor_case *doctor = sides->doctor;
    struct otter_flash flash;
    struct otter_area area;
    struct tool_verdict verdict;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[2 * SHA256_DIGEST_LENGTH + 1];
    char version[TOOL_VERSION_SIZE];
    json_int_t size = 0;
    if (!doctor->image_name) {
        return;
    }
    snprintf(text, sizeof text, "%zu", doctor->image.len);
    if (job_number(doctor->document, "Size", &size) && size != 0 && (size_t)size != doctor->image.len) {
        char wanted[24];
        snprintf(wanted, sizeof wanted, "%lld", (long long)size);
        add(sides, "Size", wanted, text);
    }
    SHA256(doctor->image.data, doctor->image.len, hash);
    if (job_word(sides, "SHA256")[0] && strcasecmp(job_word(sides, "SHA256"), tool_hex(hash, sizeof hash, text)) != 0) {
        add(sides, "SHA256", job_word(sides, "SHA256"), text);
    }
    tool_memory_flash(&doctor->image, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    tool_image_judge(&view, doctor->device.device.keys, doctor->device.device.keys_count, &verdict);
    if (verdict.fault != 0) {
        const struct doctor_rule *rule = doctor_fault((enum otter_image_fault)verdict.fault);
        add(sides, "image", rule->todo, rule->means);
    } else if (doctor->document && strcmp(job_word(sides, "Version"), tool_version_text(&verdict.image.version, version)) != 0) {
        add(sides, "version of the image", job_word(sides, "Version"), version);
    }
}

static void say_too_large(struct sides *sides)
{
    json_int_t size = (json_int_t)sides->doctor->image.len;
    char wanted[32];
    char found[24];
    if (size == 0) {
        (void)job_number(sides->doctor->document, "Size", &size);
    }
    snprintf(wanted, sizeof wanted, "at most %u", (unsigned)sides->verdict->image_size_max);
    snprintf(found, sizeof found, "%lld", (long long)size);
    add(sides, "bytes", wanted, found);
}

/* ---- times and turns ---- */
static void time_words(int64_t at, char ret_text[32])
{
    struct tm tm;
    time_t time = (time_t)at;
    if (!gmtime_r(&time, &tm) || strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        snprintf(ret_text, 32, "%lld", (long long)at);
    }
}

static void say_expired(struct sides *sides)
{
    json_int_t expires = 0;
    char wanted[48];
    char found[32];
    char now[32];
    (void)job_number(sides->doctor->document, "Expires", &expires);
    time_words(expires, found);
    time_words(sides->doctor->now, now);
    snprintf(wanted, sizeof wanted, "after %s", now);
    add(sides, "Expires", wanted, found);
}

static void say_too_old(struct sides *sides)
{
    char running[TOOL_VERSION_SIZE];
    char wanted[TOOL_VERSION_SIZE + 48];
    snprintf(wanted, sizeof wanted, "at least %.40s", job_word(sides, "MinVersion"));
    add(sides, "running version", wanted, tool_version_text(&sides->verdict->running, running));
}

/* The device's place: docs/spec/50-job.md, Rollout. */
static unsigned bucket_of(const char *salt, const char *device)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[512];
    int len = snprintf(text, sizeof text, "%s%s", salt, device);
    SHA256((const unsigned char *)text, len < (int)sizeof text ? (size_t)len : sizeof text - 1, hash);
    uint32_t word = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    return word % 1000;
}

static void say_waiting(struct sides *sides)
{
    const struct host_config *config = &sides->doctor->device.device.config;
    struct rollout_view view;
    char wanted[96];
    char found[64];
    if (!rollout_view_of(sides->doctor->document, sides->doctor->now, &view)) {
        return;
    }
    if (config->device_id && config->device_id[0]) {
        unsigned bucket = bucket_of(view.salt, config->device_id);
        snprintf(wanted, sizeof wanted, "more than %u thousandths (this device's place)", bucket);
    } else {
        snprintf(wanted, sizeof wanted, "1000 thousandths (the device has no id to find its place by)");
    }
    snprintf(found, sizeof found, "%d thousandths now%s", view.permille_now, view.halted ? ": halted" : "");
    add(sides, "rollout", wanted, found);
    add(sides, "ring", config->ring && config->ring[0] ? config->ring : "(none)", view.rings[0] ? view.rings : "no ring named");
}

/* ---- signed jobs ---- */
static void say_unsigned(struct sides *sides)
{
    const struct doctor_case *doctor = sides->doctor;
    struct tool_jws jws;
    if (!tool_jws_is(doctor->job.data, doctor->job.len)) {
        add(sides, "job", "signed (JWS)", "not signed");
        return;
    }
    const char *wrong = tool_jws_parse(doctor->job.data, doctor->job.len, &jws);
    add(sides, "signature", "ES256 by a job key of the device", wrong ? wrong : "by another key, or not of these bytes");
    tool_jws_free(&jws);
}

static void say_replayed(struct sides *sides)
{
    json_int_t sequence = 0;
    char wanted[32];
    char found[24];
    (void)job_number(sides->doctor->document, "Sequence", &sequence);
    snprintf(wanted, sizeof wanted, "at least %u", (unsigned)sides->verdict->job_sequence);
    snprintf(found, sizeof found, "%lld", (long long)sequence);
    add(sides, "Sequence", wanted, found);
}

static void say_bad_job(struct sides *sides)
{
    static const char *const needed[] = {"Version", "File"};
    const struct doctor_case *doctor = sides->doctor;
    json_error_t error;
    if (doctor->device.device.config.job_keys_count == 0 && tool_jws_is(doctor->job.data, doctor->job.len)) {
        add(sides, "job", "a plain one: the device has no job key (--job-key)", "a signed one (JWS)");
        return;
    }
    json_t *root = doctor->document ? json_incref(doctor->document)
                                    : json_loadb((const char *)doctor->job.data, doctor->job.len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        char found[JSON_ERROR_TEXT_LENGTH + 32];
        snprintf(found, sizeof found, "line %d: %s", error.line, error.text);
        add(sides, "job", "strict JSON", found);
        return;
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!job_text(root, needed[i])) {
            add(sides, needed[i], "a text", "missing");
        }
    }
    json_decref(root);
    if (json_array_size(sides->list) == 0) {
        add(sides, "job", "values as in docs/spec/50-job.md", "a value of another form, or a document that is too long");
    }
}

json_t *doctor_values(const struct doctor_case *doctor, const struct doctor_verdict *verdict)
{
    static const struct {
        enum otter_outcome outcome;
        void (*say)(struct sides *sides);
    } sayings[] = {{OTTER_OUTCOME_CURRENT, say_current},       {OTTER_OUTCOME_OLDER, say_older},
                   {OTTER_OUTCOME_REJECTED, say_rejected},     {OTTER_OUTCOME_NOT_FOR_US, say_not_for_us},
                   {OTTER_OUTCOME_FORBIDDEN, say_forbidden},   {OTTER_OUTCOME_BAD_IMAGE, say_bad_image},
                   {OTTER_OUTCOME_TOO_LARGE, say_too_large},   {OTTER_OUTCOME_EXPIRED, say_expired},
                   {OTTER_OUTCOME_TOO_OLD, say_too_old},       {OTTER_OUTCOME_WAITING, say_waiting},
                   {OTTER_OUTCOME_UNSIGNED, say_unsigned},     {OTTER_OUTCOME_REPLAYED, say_replayed},
                   {OTTER_OUTCOME_BAD_JOB, say_bad_job}};
    struct sides sides = {json_array(), doctor, verdict};
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++) {
        if (sayings[i].outcome == verdict->outcome) {
            sayings[i].say(&sides);
        }
    }
    return sides.list;
}
