/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signed_rig.h - an agent that takes signed jobs only, and a job for it, of which any part is wrong
 * if a test says so.
 */
#ifndef OTTER_TEST_SIGNED_RIG_H
#define OTTER_TEST_SIGNED_RIG_H

#include "agent/job.h"
#include "agent_rig.h"
#include "job_rig.h"

static struct rig *rig;
static struct tool_key job_key, image_key;
static struct otter_key trusted;
static const struct otter_version next_version = {1, 1, 0, 0};
static struct {
    unsigned sequence, issued, expires;
    const char *version, *audience, *more;
} with;

static inline void open_keys(void)
{
    if (job_key.pkey == NULL) {
        assert_int_equal(tool_key_read(JOB_KEY, true, &job_key), 0);
        assert_int_equal(tool_key_read(IMAGE_KEY, true, &image_key), 0);
    }
    trusted = job_key.verify;
}

static inline int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    open_keys();
    rig = rig_create(&map);
    rig->config.job_keys = &trusted;
    rig->config.job_keys_count = 1;
    rig_start(rig);
    rig_offer(rig, next_version, 5000);
    with.sequence = 7;
    with.issued = 1800000000;
    with.expires = 1900000000;
    with.version = "1.1.0";
    with.audience = "\"Board\":\"B\"";
    with.more = "";
    return 0;
}

static inline int teardown(void **test)
{
    (void)test;
    rig_destroy(rig);
    return 0;
}

static inline const char *payload(void)
{
    static char text[2048];
    char sha[65];
    job_sha256(rig->image, rig->image_len, sha);
    snprintf(text, sizeof text,
             "{\"Version\":\"%s\",\"File\":\"/image.bin\",\"Size\":%zu,\"SHA256\":\"%s\",\"Sequence\":%u,"
             "\"Issued\":%u,\"Expires\":%u,\"Audience\":{%s}%s%s}",
             with.version, rig->image_len, sha, with.sequence, with.issued, with.expires, with.audience,
             with.more[0] != '\0' ? "," : "", with.more);
    return text;
}

/* The next check, of a document under another validator. */
static inline enum otter_outcome check(void)
{
    static unsigned number;
    snprintf(rig->job_etag, sizeof rig->job_etag, "\"%u\"", ++number);
    return rig_outcome(rig);
}

static inline enum otter_outcome check_signed(void)
{
    job_sign(&job_key, ES256, payload(), rig->job);
    return check();
}

static inline enum otter_outcome check_header(const char *header)
{
    job_sign(&job_key, header, payload(), rig->job);
    return check();
}

static inline int read_text(const char *text, size_t len)
{
    static uint32_t work[512];
    static struct otter_job job;
    char *copy = malloc(len); /* exactly as long: a byte too far is seen by asan */
    memcpy(copy, text, len);
    int err = otter_job_read(&rig->config, copy, len, work, sizeof work, &job);
    free(copy);
    return err;
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

#endif
