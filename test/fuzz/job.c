/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - job documents: what is taken keeps to this device, its servers and TLS; and what is JSON
 * here is JSON for a strict reader on the host, with the same members and values, and the other way
 * round.
 *
 * Input: flags, then the document.
 */
#include "fuzz.h"

#include "agent/job.h"
#include "agent/url.h"
#include "json_beside.h"

enum { PLAIN = 1, BOTH = 2, SERIAL = 4, CLOCK = 8, SMALL = 16 };

static const struct otter_transport transport;
static const char *const allowed[] = {"cdn.example", "::1"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static bool now(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    *ret_unix = 1700000000;
    return true;
}

static void check_job(const struct otter_agent_config *config, const struct otter_job *job)
{
    REQUIRE(otter_url_path_ok(job->path) && strlen(job->path) < sizeof job->path);
    REQUIRE(strlen(job->report_path) < sizeof job->report_path);
    REQUIRE(job->report_path[0] == '\0' || otter_url_path_ok(job->report_path));
    if (job->verdict != OTTER_OUTCOME_NONE) {
        REQUIRE(job->verdict == OTTER_OUTCOME_NOT_FOR_US || job->verdict == OTTER_OUTCOME_EXPIRED ||
                job->verdict == OTTER_OUTCOME_FORBIDDEN);
        return;
    }
    const struct otter_place *place = &job->place;
    REQUIRE(place->host == config->host || place->host == allowed[0] || place->host == allowed[1]);
    REQUIRE(place->tls || config->use_plain);
    REQUIRE((place->tls ? config->tls : config->plain) != NULL && place->port != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint32_t work[4096];
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    struct otter_job job;
    struct otter_job again;
    struct otter_agent_config config = {.host = "home.example", .board = "B", .hosts_allowed = allowed,
                                        .hosts_allowed_count = 2, .use_plain = (flags & PLAIN) != 0,
                                        .serial = (flags & SERIAL) != 0 ? "S1" : NULL};
    config.tls = (flags & BOTH) != 0 || !config.use_plain ? &transport : NULL;
    config.plain = (flags & BOTH) != 0 || config.use_plain ? &transport : NULL;
    config.hooks.now = (flags & CLOCK) != 0 ? now : NULL;
    size_t work_size = (flags & SMALL) != 0 ? 4u * (1 + size % 64) : sizeof work;
    REQUIRE(json_beside(bytes.at, bytes.left) == NULL);
    char *text = fuzz_text(bytes.at, bytes.left);
    int err = otter_job_read(&config, text, bytes.left, work, work_size, &job);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_CORRUPT || err == OTTER_ERR_NOSPACE);
    free(text);
    if (err == OTTER_OK) {
        check_job(&config, &job);
        text = fuzz_text(bytes.at, bytes.left);
        REQUIRE(otter_job_read(&config, text, bytes.left, work, sizeof work, &again) == OTTER_OK);
        REQUIRE(strcmp(job.path, again.path) == 0 && job.verdict == again.verdict);
        free(text);
    }
    return 0;
}
