/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_show.c - live line, table and JSON of a fleet. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "otter/result.h"
#include "tool/fleet_show.h"
#include "tool/print.h"
#include "tool/terminal.h"

struct fleet_text fleet_number(uint64_t number)
{
    struct fleet_text text;
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text.text[at++] = ',';
        }
        text.text[at++] = digits[i];
    }
    text.text[at] = 0;
    return text;
}

static struct fleet_text size_text(uint64_t bytes)
{
    struct fleet_text text;
    if (bytes < 10 * 1024) {
        (void)snprintf(text.text, sizeof text.text, "%llu bytes", (unsigned long long)bytes);
    } else if (bytes < 1024u * 1024) {
        (void)snprintf(text.text, sizeof text.text, "%.1f KiB", (double)bytes / 1024);
    } else {
        (void)snprintf(text.text, sizeof text.text, "%.1f MiB", (double)bytes / 1024 / 1024);
    }
    return text;
}

/* ---- failures ---- */

static void count_one(struct fleet_count *counts, size_t *count, const char *name)
{
    size_t i = 0;
    while (i < *count && strcmp(counts[i].name, name) != 0) {
        i++;
    }
    if (i == FLEET_FAILURES_MAX) {
        return;
    }
    if (i == *count) {
        counts[(*count)++] = (struct fleet_count){name, 0};
    }
    counts[i].count++;
}

static int most_first(const void *a, const void *b)
{
    uint32_t left = ((const struct fleet_count *)a)->count;
    uint32_t right = ((const struct fleet_count *)b)->count;
    return (left < right) - (left > right);
}

size_t fleet_failures(const struct fleet *fleet, struct fleet_count ret_counts[FLEET_FAILURES_MAX])
{
    size_t count = 0;
    for (uint32_t i = 0; i < fleet->devices_count; i++) {
        const struct fleet_device *device = &fleet->devices[i];
        bool stuck = device->state == FLEET_SILENT || device->state == FLEET_UPDATING;
        if (device->state == FLEET_FAILED) {
            count_one(ret_counts, &count, device->reason);
        } else if (device->dead) {
            count_one(ret_counts, &count, "does not start");
        } else if (stuck && device->trouble) {
            count_one(ret_counts, &count, device->trouble);
        }
    }
    qsort(ret_counts, count, sizeof *ret_counts, most_first);
    return count;
}

/* ---- the live line ---- */

/* A line that is wider than the terminal could not be written over. */
void fleet_show_live(const struct fleet *fleet, uint64_t at_ms)
{
    const struct fleet_tally *tally = &fleet->tally;
    const uint32_t *states = tally->states;
    char line[384]; /* takes the longest of everything */
    (void)snprintf(line, sizeof line, "%7.1f s  %s devices: %s updated, %s updating, %s waiting, %s failed; %s polls, %s",
                   (double)at_ms / 1000, fleet_number(fleet->devices_count).text, fleet_number(states[FLEET_UPDATED]).text,
                   fleet_number(states[FLEET_UPDATING]).text, fleet_number(states[FLEET_WAITING]).text,
                   fleet_number(states[FLEET_FAILED]).text, fleet_number(tally->polls).text, size_text(tally->received).text);
    printf("\r%.*s\033[K", terminal_width() - 1, line);
    (void)fflush(stdout);
}

void fleet_show_live_end(void)
{
    fputs("\r\033[K", stdout);
}

/* ---- the table ---- */

static void row(const char *name, uint64_t number)
{
    printf("  %-16s %10s\n", name, fleet_number(number).text);
}

static void show_states(const struct fleet *fleet)
{
    static const struct {
        enum fleet_state state;
        const char *name;
    } rows[] = {{FLEET_UPDATED, "updated"},   {FLEET_CURRENT, "up to date"}, {FLEET_WAITING, "waiting"},
                {FLEET_OTHERS, "job for others"}, {FLEET_UPDATING, "updating"}, {FLEET_SILENT, "not in touch"}};
    const struct fleet_tally *tally = &fleet->tally;
    struct fleet_count failures[FLEET_FAILURES_MAX];
    size_t count = fleet_failures(fleet, failures);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (tally->states[rows[i].state] > 0 || rows[i].state == FLEET_UPDATED) {
            row(rows[i].name, tally->states[rows[i].state]);
        }
    }
    row("failed", tally->states[FLEET_FAILED]);
    for (size_t i = 0; i < count; i++) {
        printf("    %-14s %10s\n", failures[i].name, fleet_number(failures[i].count).text);
    }
}

static void show_versions(const struct fleet_tally *tally)
{
    char text[TOOL_VERSION_SIZE];
    const char *before = "";
    fputs("  versions          ", stdout);
    for (uint32_t i = 0; i < tally->versions_count; i++) {
        if (tally->version_devices[i] > 0) {
            printf("%s%s: %s", before, tool_version_text(&tally->versions[i], text),
                   fleet_number(tally->version_devices[i]).text);
            before = ", ";
        }
    }
    fputc('\n', stdout);
}

/* How the images came that were installed; received for them, what was fetched twice counted twice. */
static void show_ways(const struct fleet_tally *tally)
{
    if (tally->deltas == 0) {
        return;
    }
    printf("  %-16s %10s by patch, %s each", "images", fleet_number(tally->deltas).text, size_text(tally->delta_bytes / tally->deltas).text);
    if (tally->images > 0) {
        printf("; %s whole, %s each", fleet_number(tally->images).text, size_text(tally->image_bytes / tally->images).text);
    }
    fputc('\n', stdout);
}

static void show_traffic(const struct fleet_tally *tally)
{
    double mean;
    uint32_t peak;
    row("polls", tally->polls);
    if (fleet_tally_steady(tally, &mean, &peak)) {
        printf("    peak to mean  %10.2f  in bins of %.3g s\n", (double)peak / mean, tally->bin_ms / 1000);
    }
    row("connections", tally->connections);
    if (tally->full_handshakes + tally->resumed_handshakes > 0) {
        printf("    handshakes    %10s full, %s resumed\n", fleet_number(tally->full_handshakes).text,
               fleet_number(tally->resumed_handshakes).text);
    }
    printf("  %-16s %10s received, %s sent\n", "bytes", size_text(tally->received).text, size_text(tally->sent).text);
    show_ways(tally);
    printf("  %-16s %10s resets, %s power cuts, %s connections cut, %s downloads resumed\n", "events",
           fleet_number(tally->resets).text, fleet_number(tally->power_cuts).text, fleet_number(tally->drops).text,
           fleet_number(tally->resumed_downloads).text);
}

static void show_reports(const struct fleet_tally *tally)
{
    const char *before = "";
    fputs("  reports taken     ", stdout);
    for (unsigned i = 0; i < FLEET_OUTCOMES; i++) {
        if (tally->reports[i] > 0) {
            printf("%s%s %s", before, otter_outcome_str((enum otter_outcome)i), fleet_number(tally->reports[i]).text);
            before = ", ";
        }
    }
    puts(*before ? "" : "none");
}

void fleet_show_table(const struct fleet *fleet)
{
    const struct fleet_tally *tally = &fleet->tally;
    printf("%s devices, %.1f s, seed %llu\n", fleet_number(fleet->devices_count).text, tally->elapsed_s,
           (unsigned long long)fleet->seed);
    show_states(fleet);
    show_versions(tally);
    show_traffic(tally);
    if (tally->took_count > 0) {
        printf("  %-16s p50 %.2f s, p99 %.2f s, longest %.2f s\n", "update time", fleet_tally_quantile(tally, 0.5),
               fleet_tally_quantile(tally, 0.99), fleet_tally_quantile(tally, 1));
    }
    show_reports(tally);
}

/* ---- JSON ---- */

static void set_number(json_t *object, const char *key, uint64_t number)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)number));
}

static json_t *states_json(const struct fleet_tally *tally)
{
    json_t *states = json_object();
    for (int i = 0; i < FLEET_STATES; i++) {
        set_number(states, fleet_state_str((enum fleet_state)i), tally->states[i]);
    }
    return states;
}

static json_t *versions_json(const struct fleet_tally *tally)
{
    json_t *versions = json_object();
    char text[TOOL_VERSION_SIZE];
    for (uint32_t i = 0; i < tally->versions_count; i++) {
        set_number(versions, tool_version_text(&tally->versions[i], text), tally->version_devices[i]);
    }
    return versions;
}

static json_t *reports_json(const struct fleet_tally *tally)
{
    json_t *reports = json_object();
    for (unsigned i = 0; i < FLEET_OUTCOMES; i++) {
        if (tally->reports[i] > 0) {
            set_number(reports, otter_outcome_str((enum otter_outcome)i), tally->reports[i]);
        }
    }
    return reports;
}

static json_t *bins_json(const struct fleet_tally *tally)
{
    json_t *bins = json_array();
    size_t end = (size_t)(tally->elapsed_s * 1000 / tally->bin_ms); /* whole ones */
    for (size_t i = 0; i < end && i < tally->bins_count; i++) {
        (void)json_array_append_new(bins, json_integer(tally->bins[i]));
    }
    return bins;
}

static void add_times(json_t *object, const struct fleet_tally *tally)
{
    double mean;
    uint32_t peak;
    if (tally->took_count > 0) {
        (void)json_object_set_new(object, "update_seconds",
                                  json_pack("{s:f, s:f, s:f}", "p50", fleet_tally_quantile(tally, 0.5), "p99",
                                            fleet_tally_quantile(tally, 0.99), "max", fleet_tally_quantile(tally, 1)));
    }
    if (fleet_tally_steady(tally, &mean, &peak)) {
        (void)json_object_set_new(object, "polls_steady",
                                  json_pack("{s:f, s:f, s:I}", "bin_seconds", tally->bin_ms / 1000, "mean", mean, "peak",
                                            (json_int_t)peak));
    }
    (void)json_object_set_new(object, "poll_bins", bins_json(tally));
}

static void add_end(json_t *object, const struct fleet *fleet)
{
    const struct fleet_tally *tally = &fleet->tally;
    struct fleet_count failures[FLEET_FAILURES_MAX];
    size_t count = fleet_failures(fleet, failures);
    json_t *failed = json_object();
    for (size_t i = 0; i < count; i++) {
        set_number(failed, failures[i].name, failures[i].count);
    }
    (void)json_object_set_new(object, "failures", failed);
    (void)json_object_set_new(object, "reports", reports_json(tally));
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {
        {"connections", tally->connections}, {"sent", tally->sent},           {"drops", tally->drops},
        {"power_cuts", tally->power_cuts},   {"resets", tally->resets},       {"reverts", tally->reverts},
        {"resumed_downloads", tally->resumed_downloads},
        {"full_handshakes", tally->full_handshakes}, {"resumed_handshakes", tally->resumed_handshakes},
        {"deltas", tally->deltas},           {"delta_bytes", tally->delta_bytes},
        {"images", tally->images},           {"image_bytes", tally->image_bytes},
        {"seed", fleet->seed},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        set_number(object, numbers[i].name, numbers[i].number);
    }
    add_times(object, tally);
}

void fleet_show_json(const struct fleet *fleet, uint64_t at_ms, bool end)
{
    const struct fleet_tally *tally = &fleet->tally;
    json_t *object = json_pack("{s:s, s:f, s:I, s:o, s:o}", "event", end ? "end" : "fleet", "seconds", (double)at_ms / 1000,
                               "devices", (json_int_t)fleet->devices_count, "states", states_json(tally), "versions",
                               versions_json(tally));
    set_number(object, "polls", tally->polls);
    set_number(object, "received", tally->received);
    if (end) {
        add_end(object, fleet);
    }
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    puts(line ? line : "{}");
    (void)fflush(stdout);
    free(line);
    json_decref(object);
}

static void list_one(FILE *out, const struct fleet_device *device)
{
    const struct fleet_tally *tally = &device->fleet->tally;
    char version[TOOL_VERSION_SIZE] = "";
    if (device->started) {
        (void)tool_version_text(&tally->versions[device->version], version);
    }
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "device", device->id, "board", device->board, "ring",
                               device->ring ? device->ring : "", "version", version, "state",
                               fleet_state_str(device->state), "reason", device->reason ? device->reason : "");
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    fprintf(out, "%s\n", line ? line : "{}");
    free(line);
    json_decref(object);
}

void fleet_show_list(FILE *out, const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->devices_count; i++) {
        list_one(out, &fleet->devices[i]);
    }
}
