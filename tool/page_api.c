/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_api.c - the same as JSON, for machines.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tool/page_parts.h"

enum { DEVICES_MAX = 500 };

static void answer_json(struct page_visit *visit, json_t *root)
{
    visit->text = root ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    visit->len = visit->text ? strlen(visit->text) : 0;
    visit->status = visit->text ? visit->status : 503;
    json_decref(root);
}

static json_t *counts_json(const struct fleet_count *list, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        (void)json_object_set_new(object, list[i].name, json_integer(list[i].devices));
    }
    return object;
}

static json_t *job_json(const struct serve_job *job)
{
    return job->exists ? json_pack("{s:s, s:I, s:i, s:i, s:s, s:b, s:b}", "version", job->version, "sequence", (json_int_t)job->sequence,
                                   "permille", job->permille, "permille_now", job->permille_now, "rings", job->rings, "halted",
                                   (int)job->halted, "signed", (int)job->is_signed)
                       : json_null();
}

void page_api_summary(struct db *db, struct page_visit *visit)
{
    struct fleet_summary s;
    if (fleet_summary(db, visit->now, &s) != DB_OK) {
        visit->status = 503;
        return;
    }
    answer_json(visit, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "devices",
                                 (json_int_t)s.devices, "enrolled", (json_int_t)s.enrolled, "ok", (json_int_t)s.ok, "updating",
                                 (json_int_t)s.updating, "reverted", (json_int_t)s.reverted, "failed", (json_int_t)s.failed,
                                 "seen_hour", (json_int_t)s.seen_hour, "seen_day", (json_int_t)s.seen_day, "reports",
                                 (json_int_t)s.reports, "versions", counts_json(s.versions, s.versions_count), "reasons",
                                 counts_json(s.reasons, s.reasons_count), "on_target", (json_int_t)s.on_target, "failed_target",
                                 (json_int_t)s.failed_target, "deltas", (json_int_t)s.deltas, "delta_bytes",
                                 (json_int_t)s.delta_bytes, "images", (json_int_t)s.images, "image_bytes",
                                 (json_int_t)s.image_bytes, "changed", (json_int_t)s.changed, "job", job_json(&visit->job)));
}

static json_t *device_json(const struct fleet_device *d)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "device", d->device, "board", d->board, "version",
                     d->version, "state", d->state, "target", d->target, "reason", d->reason, "ring", d->ring, "first_seen",
                     (json_int_t)d->first_seen, "last_seen", (json_int_t)d->last_seen, "changed", (json_int_t)d->changed, "enrolled",
                     (json_int_t)d->enrolled, "revoked", (json_int_t)d->revoked);
}

static size_t limit_of(const char *query)
{
    char text[8];
    page_field(query, "limit", text, sizeof text);
    unsigned long wanted = strtoul(text, NULL, 10);
    return wanted == 0 ? 100 : wanted < DEVICES_MAX ? wanted : DEVICES_MAX;
}

void page_api_devices(struct db *db, struct page_visit *visit)
{
    char after[FLEET_NAME_SIZE];
    char text[FLEET_NAME_SIZE];
    char state[FLEET_WORD_SIZE];
    char version[FLEET_WORD_SIZE];
    size_t count = 0;
    size_t limit = limit_of(visit->query);
    page_field(visit->query, "after", after, sizeof after);
    page_field(visit->query, "q", text, sizeof text);
    page_field(visit->query, "state", state, sizeof state);
    page_field(visit->query, "version", version, sizeof version);
    const struct fleet_filter filter = {after, text, state, version};
    struct fleet_device *list = calloc(limit + 1, sizeof *list);
    if (!list || fleet_devices(db, &filter, list, limit + 1, &count) != DB_OK) {
        free(list);
        visit->status = 503;
        return;
    }
    json_t *devices = json_array();
    for (size_t i = 0; i < count && i < limit; i++) {
        (void)json_array_append_new(devices, device_json(&list[i]));
    }
    answer_json(visit, json_pack("{s:o, s:s}", "devices", devices, "next", count > limit ? list[limit - 1].device : ""));
    free(list);
}

static json_t *reports_json(const struct fleet_report *list, size_t count)
{
    json_t *reports = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct fleet_report *r = &list[i];
        (void)json_array_append_new(
            reports, json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s}", "serial", (json_int_t)r->serial, "at",
                               (json_int_t)r->at, "id", r->id, "from", r->from, "to", r->to, "result", r->result, "reason", r->reason,
                               "attempts", (json_int_t)r->attempts, "bytes", (json_int_t)r->bytes, "seconds", (json_int_t)r->seconds,
                               "sequence", (json_int_t)r->sequence, "via", r->via, "source", r->source));
    }
    return reports;
}

void page_api_device(struct db *db, struct page_visit *visit)
{
    struct fleet_device device;
    struct fleet_report reports[PAGE_ROWS];
    size_t count = 0;
    bool found = false;
    if (fleet_device(db, visit->rest, &device, &found) != DB_OK ||
        (found && fleet_reports(db, visit->rest, 0, reports, PAGE_ROWS, &count) != DB_OK)) {
        visit->status = 503;
    } else if (!found) {
        visit->status = 404;
    } else {
        answer_json(visit, json_pack("{s:o, s:o}", "device", device_json(&device), "reports", reports_json(reports, count)));
    }
}
