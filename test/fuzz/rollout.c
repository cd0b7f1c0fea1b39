/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout.c - a job document from anywhere, as `otter rollout` reads and changes it: whatever a
 * device takes can be halted, and stays what it was otherwise; bytes alone never pass as signed.
 *
 * Input: flags, then the document.
 */
#include "fuzz.h"

#include "agent/job.h"
#include "agent/rollout.h"
#include "tool/job_file.h"
#include "tool/jws.h"
#include "tool/rollout_edit.h"

#define KEY OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256-other.pem"
enum { NOW = 1800000000, RAMP = 4 };

static struct tool_key key;
static const struct otter_transport transport;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    REQUIRE(tool_job_key_read(KEY, false, &key) == 0);
    fuzz_quiet();
    return 0;
}

static int read_as_device(const uint8_t *data, size_t len, struct otter_job *ret_job)
{
    static uint32_t work[4096];
    const struct otter_agent_config config = {.host = "h", .tls = &transport, .device_id = "d"};
    char *text = fuzz_text(data, len);
    int err = otter_job_read(&config, text, len, work, sizeof work, ret_job);
    free(text);
    return err;
}

static void check_change(const json_t *json, const struct rollout_order *order, const struct otter_job *was)
{
    struct tool_bytes text;
    struct otter_job job;
    json_t *next = NULL;
    if (rollout_edit(json, order, 77, NOW, NULL, &next) != 0) {
        REQUIRE(order->action != ROLLOUT_RENEW);
        return;
    }
    REQUIRE(job_file_write(next, NULL, &text) == 0);
    int err = read_as_device(text.data, text.len, &job);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_NOSPACE);
    if (err == OTTER_OK) {
        REQUIRE(job.sequence == 77 && strcmp(job.path, was->path) == 0 && job.size == was->size);
        REQUIRE(otter_version_compare(&job.version, &was->version) == 0);
        REQUIRE(order->action != ROLLOUT_HALT || job.turn == OTTER_TURN_NEVER);
        REQUIRE(order->action != ROLLOUT_RENEW || job.turn == was->turn);
    }
    tool_bytes_free(&text);
    json_decref(next);
}

static void check_taken(const json_t *json, unsigned flags, const struct otter_job *was)
{
    struct rollout_view view;
    const struct rollout_order orders[] = {
        {.action = ROLLOUT_HALT},
        {.action = ROLLOUT_RENEW},
        {.action = ROLLOUT_RAISE, .permille = (int)(flags * 4) % 1001, .ramp_seconds = flags & RAMP ? 86400 : 0, .force = true},
    };
    REQUIRE(rollout_view_of(json, NOW, &view)); /* what a device takes can be told of */
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        check_change(json, &orders[i], was);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    struct otter_job job;
    json_t *json = NULL;
    enum job_trust trust = JOB_IS_PLAIN;
    char *copy = fuzz_text(bytes.at, bytes.left);
    const struct tool_bytes text = {(uint8_t *)copy, bytes.left};
    if (job_file_parse("it", &text, &key, &json, &trust) == 0) {
        REQUIRE(trust != JOB_VERIFIED);
        if (trust == JOB_IS_PLAIN && read_as_device(text.data, text.len, &job) == OTTER_OK) {
            check_taken(json, flags, &job);
        }
        json_decref(json);
    }
    free(copy);
    return 0;
}
