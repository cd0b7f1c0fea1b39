/* SPDX-License-Identifier: Apache-2.0 */
/* publish_terms.c - who gets a release, from when and until when: options read strictly. */
#include <stdio.h>
#include <string.h>

#include "tool/publish.h"
#include "tool/quantity.h"

enum { LIFETIME = 30 * 86400, RING_LEN_MAX = 32 };

int publish_rings_join(const char *const *rings, char ret_rings[PUBLISH_RINGS_SIZE])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t at = 0;
    ret_rings[0] = 0;
    for (; rings && *rings; rings++) {
        size_t len = strlen(*rings);
        if (len == 0 || len > RING_LEN_MAX || strspn(*rings, letters) != len) {
            return tool_usage("--ring '%s': a name has 1 to %d letters, digits, '.', '_' or '-'", *rings, RING_LEN_MAX);
        }
        if (at + 1 + len + 1 > PUBLISH_RINGS_SIZE) {
            return tool_usage("--ring: all names together have at most %d letters", PUBLISH_RINGS_SIZE - 1);
        }
        at += (size_t)snprintf(ret_rings + at, PUBLISH_RINGS_SIZE - at, "%s%s", at > 0 ? "," : "", *rings);
    }
    return 0;
}

static int parse_rollout(const struct publish_options *o, int64_t now, struct publish_terms *terms)
{
    bool later = o->start || o->ramp;
    int rc = publish_rings_join(o->rings, terms->rings);
    if (rc != 0) {
        return rc;
    }
    terms->limited = o->rollout || o->rings || later;
    terms->permille = terms->rings[0] && !later ? 0 : 1000; /* a ring alone is that ring alone */
    if (o->rollout && !tool_permille_parse(o->rollout, &terms->permille)) {
        return tool_usage("--rollout takes 0%% to 100%%, e.g. 2.5%%");
    }
    if (terms->permille == 0 && !terms->rings[0]) {
        return tool_usage("--rollout 0%% lets nobody in: name a --ring that is to get it, or give more than 0%%");
    }
    if (o->start && !tool_time_parse(o->start, now, &terms->start)) {
        return tool_usage("--start takes a time in UTC, e.g. 2026-12-01T08:00Z, or +2h from now");
    }
    if (o->ramp && (!tool_duration_parse(o->ramp, &terms->ramp_seconds) || terms->ramp_seconds == 0)) {
        return tool_usage("--ramp takes a duration, e.g. 36h, 7d or 2w");
    }
    if (later && terms->permille == 0) {
        return tool_usage("--start and --ramp need a --rollout of more than 0%%");
    }
    terms->start = terms->ramp_seconds > 0 && !o->start ? now : terms->start;
    if (o->salt && (!o->salt[0] || strlen(o->salt) > PUBLISH_SALT_MAX)) {
        return tool_usage("--salt takes 1 to %d bytes", PUBLISH_SALT_MAX);
    }
    return o->salt && !terms->limited ? tool_usage("--salt needs a --rollout or --ring") : 0;
}

static int parse_expires(const struct publish_options *o, int64_t now, struct publish_terms *terms)
{
    terms->lifetime = o->job_key ? LIFETIME : 0;
    if (o->expires && (!tool_duration_parse(o->expires, &terms->lifetime) || terms->lifetime == 0)) {
        return tool_usage("--expires takes a duration, e.g. 12h, 30d or 8w");
    }
    if (now + terms->lifetime > (int64_t)UINT32_MAX) {
        return tool_usage("--expires: devices count to 2106-02-07T06:28:15Z");
    }
    if (terms->start > 0 && terms->lifetime > 0 && terms->start + terms->ramp_seconds >= now + terms->lifetime) {
        return tool_usage("the job is over before its rollout is complete: give a longer --expires");
    }
    return 0;
}

/* NULL: -1. */
static int parse_number(const char *option, const char *text, int64_t *ret_number)
{
    uint64_t number = 0;
    *ret_number = -1;
    if (text && (!tool_number(text, UINT32_MAX, &number) || number == 0)) {
        return tool_usage("%s takes a number from 1 to 4294967295", option);
    }
    *ret_number = text ? (int64_t)number : -1;
    return 0;
}

static int parse_hardware(const struct publish_options *o, struct publish_terms *terms)
{
    int rc = parse_number("--hardware-min", o->hardware_min, &terms->hardware_min);
    rc = rc == 0 ? parse_number("--hardware-max", o->hardware_max, &terms->hardware_max) : rc;
    if (rc == 0 && terms->hardware_min > terms->hardware_max && terms->hardware_max >= 0) {
        return tool_usage("--hardware-min is above --hardware-max: no device is in between");
    }
    return rc;
}

int publish_terms_parse(const struct publish_options *o, int64_t now, struct publish_terms *ret_terms)
{
    struct publish_terms terms = {.permille = 1000};
    int64_t sequence = -1;
    int rc = parse_rollout(o, now, &terms);
    rc = rc == 0 ? parse_expires(o, now, &terms) : rc;
    rc = rc == 0 ? parse_hardware(o, &terms) : rc;
    rc = rc == 0 ? parse_number("--sequence", o->sequence, &sequence) : rc;
    if (rc != 0) {
        return rc;
    }
    terms.sequence = sequence > 0 ? sequence : 0;
    terms.has_min_version = o->min_version != NULL;
    if (o->min_version && !tool_version_parse(o->min_version, &terms.min_version)) {
        return tool_usage("--min-version takes a version, e.g. 1.2.3");
    }
    *ret_terms = terms;
    return 0;
}
