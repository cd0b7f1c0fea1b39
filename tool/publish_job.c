/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_job.c - the job document of a release.
 *
 * The keys and their order are those of the replaced system's document, then the new ones.
 */
#include <stdio.h>

#include "tool/job_file.h"
#include "tool/publish.h"

enum { SALT_SHOWN = 16 };

static void put_text(json_t *job, const char *key, const char *value)
{
    if (value) {
        job_put(job, key, json_string(value));
    }
}

static void put_number(json_t *job, const char *key, int64_t value, int64_t none)
{
    if (value != none) {
        job_put(job, key, json_integer(value));
    }
}

static void put_devices(json_t *to, const struct publish_options *options, const char *id_key)
{
    put_text(to, "Manufacturer", options->manufacturer);
    put_text(to, id_key, options->manufacturer_id);
    put_text(to, "Product", options->product);
    put_text(to, "SerialNumber", options->serial);
    put_text(to, "Board", options->board);
}

/* The same image has the same devices first, another image has others. */
static json_t *rollout_of(const struct publish_options *options, const struct publish_terms *terms,
                          const struct publish_release *release)
{
    char salt[SALT_SHOWN + 1];
    json_t *rollout = json_object();
    snprintf(salt, sizeof salt, "%.*s", SALT_SHOWN, release->sha256);
    put_number(rollout, "Permille", terms->permille, -1);
    put_text(rollout, "Salt", options->salt ? options->salt : salt);
    put_text(rollout, "Rings", terms->rings[0] ? terms->rings : NULL);
    put_number(rollout, "Start", terms->start, 0);
    put_number(rollout, "RampSeconds", terms->ramp_seconds, 0);
    return rollout;
}

static void put_conditions(json_t *job, const struct publish_options *options, const struct publish_terms *terms,
                           const struct publish_release *release, bool is_signed)
{
    char text[TOOL_VERSION_SIZE];
    if (terms->has_min_version) {
        put_text(job, "MinVersion", tool_version_text(&terms->min_version, text));
    }
    if (is_signed || terms->hardware_min >= 0 || terms->hardware_max >= 0) {
        json_t *audience = json_object();
        put_devices(audience, options, "ManufacturerID");
        put_number(audience, "HardwareMin", terms->hardware_min, -1);
        put_number(audience, "HardwareMax", terms->hardware_max, -1);
        job_put(job, "Audience", audience);
    }
    if (terms->limited) {
        job_put(job, "Rollout", rollout_of(options, terms, release));
    }
}

json_t *publish_job(const struct publish_options *options, const struct publish_terms *terms,
                    const struct publish_release *release, bool is_signed)
{
    char file[512];
    char port[8];
    const char *connection = options->connection ? options->connection : options->server ? "HTTPS" : NULL;
    json_t *job = json_object();
    snprintf(file, sizeof file, "%s/%s", options->prefix ? options->prefix : "", release->name);
    snprintf(port, sizeof port, "%d", options->port);
    put_text(job, "Message", options->message ? options->message : is_signed ? NULL : "Update Available");
    put_devices(job, options, "ManufacturerId");
    put_text(job, "Version", release->version_text);
    put_text(job, "Connection", connection);
    put_text(job, "Server", options->server);
    put_text(job, "Port", options->port ? port : NULL);
    put_text(job, "File", file);
    job_put(job, "Size", json_integer((json_int_t)release->bytes.len));
    put_text(job, "SHA256", release->sha256);
    job_put(job, "Sequence", json_integer(0));
    put_text(job, "Report", options->report);
    put_number(job, "PollSeconds", options->poll_seconds, 0);
    put_conditions(job, options, terms, release, is_signed);
    return job;
}
