/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c - `otter doctor`: options, and the verdict for a person or as JSON.
 *
 * Exit code 0: the device takes it (or, with nothing offered, it is well); 1: it does not.
 */
#include <popt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otter/result.h"
#include "tool/doctor.h"
#include "tool/job_file.h"
#include "tool/jws.h"
#include "tool/print.h"

enum { IMAGE_MAX = 256 << 20 };

struct options {
    char *device, *status, *report, *map, *job, *image;
    const char **keys;
    long long now;
    int as_json, list;
};

/* ---- the files ---- */
/* Unreadable as a job is an answer too, so nothing is refused here but a missing file. */
static void read_document(struct doctor_case *doctor)
{
    enum job_trust trust;
    struct tool_catch before = tool_catch_begin(NULL, 0);
    if (job_file_parse(doctor->job_name, &doctor->job, NULL, &doctor->document, &trust) != 0) {
        doctor->document = NULL;
    }
    tool_catch_end(before);
}

static int read_files(const struct options *options, struct doctor_case *doctor)
{
    int rc = 0;
    doctor->now = options->now >= 0 ? options->now : (int64_t)time(NULL);
    if (options->job) {
        rc = tool_read_file(options->job, JOB_FILE_MAX, &doctor->job);
        doctor->job_name = options->job;
    }
    if (rc == 0 && options->image) {
        rc = tool_read_file(options->image, IMAGE_MAX, &doctor->image);
        doctor->image_name = options->image;
    }
    if (rc == 0 && doctor->job_name) {
        read_document(doctor);
        doctor_patches_read(doctor);
    }
    return rc;
}

/* ---- the verdict ---- */
/* The whole answer in a word: an outcome's, a reason's, or "takes". */
static const struct doctor_rule *rule_of(const struct doctor_case *doctor, const struct doctor_verdict *verdict)
{
    static const struct doctor_rule takes = {"takes", "the device takes it", "nothing: it installs at its next poll"};
    static const struct doctor_rule fetches = {"fetches", "the device follows the job and fetches the image",
                                               "give --image to have the image judged as well"};
    static const struct doctor_rule dead = {"no-start", "nothing on the device can be started",
                                            "program it again; `otter inspect` shows what is in its slots"};
    if (!verdict->boots) {
        return &dead;
    }
    if (verdict->takes) {
        return &takes;
    }
    if (verdict->outcome == OTTER_OUTCOME_SERVER && verdict->asked_image && !doctor->image_name) {
        return &fetches;
    }
    if (verdict->outcome == OTTER_OUTCOME_INSTALLING) {
        return doctor_reason(verdict->reason);
    }
    return doctor_outcome(verdict->outcome);
}

static bool is_good(const struct doctor_rule *rule)
{
    return strcmp(rule->word, "takes") == 0 || strcmp(rule->word, "fetches") == 0 || strcmp(rule->word, "current") == 0 ||
           strcmp(rule->word, "none") == 0;
}

/* Only an outcome has two sides; what the bootloader says is a word of its own. */
static json_t *values_of(const struct doctor_case *doctor, const struct doctor_verdict *verdict, const struct doctor_rule *rule)
{
    const struct doctor_rule *outcome = doctor_outcome(verdict->outcome);
    return rule == outcome ? doctor_values(doctor, verdict) : json_array();
}

static void print_rule(const char *what, const struct doctor_rule *rule)
{
    printf("%-10s %s: %s\n%-10s %s\n", what, rule->word, rule->means, "do", rule->todo);
}

/* What a report said, or what the device still has to report. */
static void print_past(const struct doctor_case *doctor, const struct doctor_verdict *verdict)
{
    const char *result = json_string_value(json_object_get(doctor->told, "result"));
    const char *reason = json_string_value(json_object_get(doctor->told, "reason"));
    const struct doctor_rule *rule = result ? doctor_word(result) : NULL;
    if (rule) {
        print_rule("reported", rule);
    }
    rule = reason && strcmp(reason, "none") != 0 ? doctor_word(reason) : NULL;
    if (!result && verdict->last_reason != OTTER_REASON_NONE) {
        rule = doctor_reason(verdict->last_reason);
    }
    if (rule) {
        print_rule("because", rule);
    }
}

static void print_patch(const struct doctor_case *doctor, const struct doctor_verdict *verdict)
{
    const struct doctor_patch *patch;
    enum doctor_patch_state state = doctor_patch_judge(doctor, verdict, &patch);
    if (state == DOCTOR_PATCH_NONE) {
        return;
    }
    printf("%-10s %s: %s\n", "patch", doctor_patch_word(state), doctor_patch_means(state));
    if (patch) {
        const char *slash = strrchr(patch->delta.file, '/');
        printf("%-10s %s, %lld bytes\n", "", slash ? slash + 1 : patch->delta.file, (long long)patch->delta.size);
    }
}

static json_t *patch_json(const struct doctor_case *doctor, const struct doctor_verdict *verdict)
{
    const struct doctor_patch *patch;
    enum doctor_patch_state state = doctor_patch_judge(doctor, verdict, &patch);
    json_t *said = json_pack("{s:s, s:s}", "state", doctor_patch_word(state), "means", doctor_patch_means(state));
    if (patch) {
        (void)json_object_update_new(said, json_pack("{s:s, s:I}", "file", patch->delta.file, "size", patch->delta.size));
    }
    return said;
}

static void print_verdict(const struct doctor_case *doctor, const struct doctor_verdict *verdict, const struct doctor_rule *rule)
{
    char running[TOOL_VERSION_SIZE];
    json_t *values = values_of(doctor, verdict, rule);
    size_t i;
    json_t *value;
    if (verdict->boots) {
        printf("%-10s runs %s%s\n", "device", tool_version_text(&verdict->running, running),
               verdict->on_trial ? ", on trial: it must confirm that before it takes another" : "");
    }
    print_past(doctor, verdict);
    if (!doctor->job_name && !doctor->image_name && verdict->boots) {
        json_decref(values);
        return;
    }
    printf("%-10s %s: %s\n", "verdict", rule->word, rule->means);
    json_array_foreach(values, i, value)
    {
        printf("%-10s %s: wanted %s, found %s\n", "", json_string_value(json_object_get(value, "what")),
               json_string_value(json_object_get(value, "wanted")), json_string_value(json_object_get(value, "found")));
    }
    print_patch(doctor, verdict);
    printf("%-10s %s\n", "do", rule->todo);
    json_decref(values);
}

static void print_json(const struct doctor_case *doctor, const struct doctor_verdict *verdict, const struct doctor_rule *rule)
{
    char running[TOOL_VERSION_SIZE];
    json_t *root = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "verdict", rule->word, "ok", (int)is_good(rule), "means",
                             rule->means, "do", rule->todo, "running",
                             verdict->boots ? tool_version_text(&verdict->running, running) : "", "outcome",
                             otter_outcome_str(verdict->outcome), "reason", otter_reason_str(verdict->reason), "err",
                             otter_err_str(verdict->err), "values", values_of(doctor, verdict, rule), "patch",
                             patch_json(doctor, verdict));
    (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(root);
}

static int examine(const struct options *options, struct provision *provision)
{
    static struct doctor_case doctor;
    struct doctor_verdict verdict;
    const struct doctor_source source = {options->device, options->status, options->report,
                                         options->map,    provision,       (const char *const *)options->keys};
    memset(&doctor, 0, sizeof doctor);
    int rc = doctor_case_open(&doctor, &source);
    rc = rc ? rc : read_files(options, &doctor);
    if (rc == 0 && options->image && !doctor.knows_keys) {
        rc = tool_usage("--key is needed with --image: the key that the device trusts");
    }
    if (rc == 0) {
        doctor_run(&doctor, &verdict);
        const struct doctor_rule *rule = rule_of(&doctor, &verdict);
        (options->as_json ? print_json : print_verdict)(&doctor, &verdict, rule);
        rc = is_good(rule) ? TOOL_OK : TOOL_REFUSED;
    }
    doctor_case_free(&doctor);
    return rc;
}

/* ---- a word, or all of them ---- */
static int explain(const char *const *words)
{
    for (; *words; words++) {
        const struct doctor_rule *rule = doctor_word(*words);
        if (!rule) {
            return tool_refuse("'%s' is no outcome, reason or fault; `otter doctor --list` shows them all", *words);
        }
        printf("%s: %s\n%-10s %s\n", rule->word, rule->means, "do", rule->todo);
    }
    return TOOL_OK;
}

static int list_all(void)
{
    size_t count;
    const struct doctor_rule *rules = doctor_rules(&count);
    for (size_t i = 0; i < count; i++) {
        printf("%-18s %s\n", rules[i].word, rules[i].means);
    }
    return TOOL_OK;
}

static int answer(const struct options *options, struct provision *provision, const char *const *words)
{
    int sources = (options->device != NULL) + (options->status != NULL) + (options->report != NULL);
    if (options->list) {
        return list_all();
    }
    if (sources == 0 && words && words[0]) {
        return explain(words);
    }
    if (sources != 1 || (words && words[0])) {
        return tool_usage("one of --device, --status and --report is needed, or a word to explain: `otter doctor watchdog`");
    }
    int rc = provision_check(provision);
    rc = rc ? rc : provision_load_jobs(provision, NULL);
    return rc ? rc : examine(options, provision);
}

int tool_doctor(int argc, const char **argv)
{
    struct options o = {.now = -1};
    struct provision provision;
    struct poptOption told[PROVISION_OPTIONS];
    provision_begin(&provision);
    provision_table(&provision, told);
    const struct poptOption table[] = {
        {"device", 'd', POPT_ARG_STRING, &o.device, 0, "a host board's folder: its flash is read, never written", "DIR"},
        {"status", 0, POPT_ARG_STRING, &o.status, 0, "what `otter device status --json` said of a device", "FILE"},
        {"report", 0, POPT_ARG_STRING, &o.report, 0, "what a device reported, as JSON", "FILE"},
        {"map", 0, POPT_ARG_STRING, &o.map, 0, "its flash map, with --status or --report [the status's]", "MAP"},
        {"key", 'k', POPT_ARG_ARGV, &o.keys, 0, "a key that it trusts, likewise; may be repeated", "KEY.pem"},
        {"job", 'j', POPT_ARG_STRING, &o.job, 0, "a job document, plain or signed", "FILE"},
        {"image", 'i', POPT_ARG_STRING, &o.image, 0, "the image that the job names, or one without a job", "FILE"},
        {"now", 0, POPT_ARG_LONGLONG, &o.now, 0, "the time on the device's clock, Unix seconds [now]", "T"},
        {"list", 0, POPT_ARG_NONE, &o.list, 0, "every way in which an update can end", NULL},
        {"json", 0, POPT_ARG_NONE, &o.as_json, 0, "one JSON object for machines", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, told, 0, "The device, with --status or --report:", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("doctor", argc, argv, table, "--device DIR | --status FILE | --report FILE [--job FILE] [--image FILE]; or WORD...",
                     &context, &args, &rc) == 0) {
        rc = answer(&o, &provision, (const char *const *)args);
        poptFreeContext(context);
    }
    char *const strings[] = {o.device, o.status, o.report, o.map, o.job, o.image};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        free(strings[i]);
    }
    tool_list_free(o.keys);
    provision_free(&provision);
    return rc;
}
