/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_deltas.c - patches from earlier releases: made, judged, named in the job.
 *
 * Each is applied again before it is used (delta_make does), so what is published gives back the
 * image byte for byte.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/delta.h"
#include "tool/delta_place.h"
#include "tool/job_deltas.h"
#include "tool/progress.h"
#include "tool/publish_deltas.h"

enum { HASH_SHOWN = 8, STEM_SHOWN = 48, JOB_SIZE_MIN = 512 };

int publish_deltas_check(const struct publish_options *options)
{
    if (options->deltas < 1 || options->deltas > PUBLISH_DELTAS_MAX) {
        return tool_usage("--deltas takes 1 to %d", PUBLISH_DELTAS_MAX);
    }
    if (options->delta_address && !options->delta_from) {
        return tool_usage("--delta-address is for patches: give --delta-from DIR|FILE");
    }
    if (options->job_size_max < JOB_SIZE_MIN || options->job_size_max > UINT16_MAX) {
        return tool_usage("--job-size-max takes %d to %d bytes", JOB_SIZE_MIN, UINT16_MAX);
    }
    return 0;
}

/* ---- one patch ---- */
static void on_progress(void *ctx, uint32_t done, uint32_t total)
{
    progress_show(ctx, done, total);
}

static void name_patch(struct publish_delta *delta, const struct publish_release *release)
{
    snprintf(delta->name, sizeof delta->name, "%.*s-%s-%s-%.*s.delta", STEM_SHOWN, release->stem, delta->version_text,
             release->version_text, HASH_SHOWN, delta->sha256);
    publish_plain_name(delta->name);
}

static int make_one(struct publish_delta *delta, struct delta_address told, const struct delta_file *result,
                    const struct publish_release *release)
{
    struct delta_file base;
    struct delta_stats stats;
    struct progress progress;
    uint8_t hash[EVP_MAX_MD_SIZE];
    int rc = delta_file_read(delta->path, DELTA_FILE_BASE, &base);
    if (rc == 0) {
        struct delta_address address = delta_address_choose(told, &base, result);
        const struct delta_options options = {.has_address = address.source != DELTA_UNKNOWN, .address = address.value,
                                              .base = base.base, .progress = on_progress, .ctx = &progress};
        progress_begin(&progress, delta->version_text);
        rc = delta_make(&base.bytes, &result->bytes, &options, &delta->bytes, &stats);
        progress_end(&progress);
    }
    delta_file_free(&base);
    if (rc == 0 && EVP_Digest(delta->bytes.data, delta->bytes.len, hash, NULL, EVP_sha256(), NULL) != 1) {
        rc = tool_refuse("OpenSSL could not hash");
    }
    if (rc == 0) {
        (void)tool_hex(hash, 32, delta->sha256);
        name_patch(delta, release);
        bool worth = (uint64_t)delta->bytes.len * 100 <= (uint64_t)release->bytes.len * PUBLISH_DELTA_PERCENT_MAX;
        delta->dropped = worth ? NULL : "it would save too little, at most 80 % of the image is worth it";
    }
    return rc;
}

/* ---- all of them ---- */
/* An address, or a flash map whose primary slot it is. */
static int read_address(const struct publish_options *options, const struct delta_file *result, struct delta_address *ret_told)
{
    uint64_t number = 0;
    char *text = options->delta_address;
    bool is_number = text && tool_number(text, UINT32_MAX, &number);
    const struct delta_place place = {.address = is_number ? text : NULL, .map = is_number ? NULL : text};
    return delta_place_read(&place, result, ret_told);
}

int publish_deltas_make(const struct publish_options *options, const struct publish_terms *terms,
                        const struct publish_release *release, struct publish_deltas *ret_deltas)
{
    struct delta_file result;
    struct delta_address told;
    struct tool_bytes copy = {malloc(release->bytes.len + 1), release->bytes.len};
    memset(ret_deltas, 0, sizeof *ret_deltas);
    if (!options->delta_from || !copy.data) {
        free(copy.data);
        return options->delta_from ? tool_refuse("out of memory") : 0;
    }
    memcpy(copy.data, release->bytes.data, copy.len);
    int rc = delta_file_take(options->image, copy, DELTA_FILE_RESULT, &result);
    rc = rc == 0 ? read_address(options, &result, &told) : rc;
    rc = rc == 0 ? publish_bases_find(options, terms, release, ret_deltas) : rc;
    for (size_t i = 0; i < ret_deltas->count && rc == 0; i++) {
        rc = make_one(&ret_deltas->list[i], told, &result, release);
    }
    delta_file_free(&result);
    return rc;
}

void publish_deltas_free(struct publish_deltas *deltas)
{
    for (size_t i = 0; i < deltas->count; i++) {
        free(deltas->list[i].path);
        tool_bytes_free(&deltas->list[i].bytes);
    }
    deltas->count = 0;
}

/* ---- into the job ---- */
int publish_deltas_put(const struct publish_options *options, const struct tool_key *key, struct publish_deltas *deltas,
                       json_t *job)
{
    char file[512];
    size_t dropped = 0;
    for (size_t i = 0; i < deltas->count; i++) {
        const struct publish_delta *delta = &deltas->list[i];
        snprintf(file, sizeof file, "%s/%s", options->prefix ? options->prefix : "", delta->name);
        const struct job_delta entry = {delta->base, file, (json_int_t)delta->bytes.len, delta->sha256};
        if (!delta->dropped) {
            job_delta_add(job, &entry);
        }
    }
    int rc = job_deltas_fit(job, key, (size_t)options->job_size_max, &dropped);
    for (size_t i = deltas->count; i-- > 0 && dropped > 0;) {
        if (!deltas->list[i].dropped) {
            deltas->list[i].dropped = "no room in the job document (--job-size-max)";
            dropped--;
        }
    }
    return rc;
}

/* ---- what was done ---- */
static double percent_of(const struct publish_delta *delta, const struct publish_release *release)
{
    return 100.0 * (double)delta->bytes.len / (double)release->bytes.len;
}

void publish_deltas_say(const struct publish_deltas *deltas, const struct publish_release *release)
{
    for (size_t i = 0; i < deltas->count; i++) {
        const struct publish_delta *delta = &deltas->list[i];
        if (delta->dropped) {
            printf("no patch from version %s: %s (%zu bytes, %.1f %% of the image)\n", delta->version_text, delta->dropped,
                   delta->bytes.len, percent_of(delta, release));
        } else {
            printf("%s: patch from version %s, %zu bytes, %.1f %% of the image\n", delta->name, delta->version_text,
                   delta->bytes.len, percent_of(delta, release));
        }
    }
    if (deltas->others > 0) {
        printf("not used: %zu older image%s of another name, such as '%s'; name a file with --delta-from to have a patch from it\n",
               deltas->others, deltas->others == 1 ? "" : "s", deltas->other);
    }
}

json_t *publish_deltas_json(const struct publish_deltas *deltas)
{
    json_t *list = json_array();
    for (size_t i = 0; i < deltas->count; i++) {
        const struct publish_delta *delta = &deltas->list[i];
        json_t *entry = json_pack("{s:s, s:s, s:s, s:I, s:s, s:b}", "from", delta->version_text, "base", delta->base, "file",
                                  delta->name, "size", (json_int_t)delta->bytes.len, "sha256", delta->sha256, "published",
                                  delta->dropped == NULL);
        if (delta->dropped) {
            (void)json_object_set_new(entry, "why", json_string(delta->dropped));
        }
        (void)json_array_append_new(list, entry);
    }
    return list;
}
