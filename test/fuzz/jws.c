/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws.c - signed jobs beside the host tool's reader: the same texts are taken apart in the same way,
 * and a job that is taken says everything that a signed one must.
 *
 * Every signature that arrives at the key is taken, so that what lies behind it is reached; what
 * arrives must be DER in its shortest form, of the 64 bytes that the tool reads.
 *
 * Input: flags, then the document.
 */
#include "fuzz.h"

#include <jansson.h>
#include <strings.h>

#include "agent/job.h"
#include "agent/json.h"
#include "agent/jws.h"
#include "tool/jws.h"

enum { REFUSES = 1, CLOCK = 2, NAMED = 4 };

static const struct otter_transport transport;
static uint8_t taken[64];
static uint8_t taken_hash[OTTER_HASH_SIZE];
static bool refuses;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* A positive INTEGER in its shortest form, into 32 bytes; returns what is behind it. */
static const uint8_t *take_integer(const uint8_t *der, const uint8_t *end, uint8_t *out)
{
    REQUIRE(end - der >= 3 && der[0] == 2 && der[1] >= 1 && der[1] <= 33 && der + 2 + der[1] <= end);
    size_t len = der[1];
    const uint8_t *bytes = der + 2;
    REQUIRE((bytes[0] & 0x80) == 0);
    REQUIRE(len == 1 || bytes[0] != 0 || (bytes[1] & 0x80) != 0);
    if (len == 33) {
        bytes++;
        len--;
    }
    memset(out, 0, 32);
    memcpy(out + 32 - len, bytes, len);
    return bytes + len;
}

static int verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE], const uint8_t *sig, size_t len)
{
    (void)key;
    REQUIRE(len >= 8 && sig[0] == 0x30 && sig[1] == len - 2);
    const uint8_t *at = take_integer(sig + 2, sig + len, taken);
    at = take_integer(at, sig + len, taken + 32);
    REQUIRE(at == sig + len);
    memcpy(taken_hash, hash, sizeof taken_hash);
    return refuses ? OTTER_ERR_AUTH : OTTER_OK;
}

/* Narrower than the tool: depth, keys that differ in case only, no NUL. */
static bool is_narrow(json_t *value, int depth)
{
    const char *key;
    const char *other;
    json_t *item;
    json_t *other_item;
    size_t i;
    bool narrow = depth < OTTER_JSON_DEPTH_MAX || (!json_is_object(value) && !json_is_array(value));
    json_object_foreach (value, key, item) {
        size_t same = 0;
        json_object_foreach (value, other, other_item) {
            same += strcasecmp(key, other) == 0;
        }
        narrow = narrow && same == 1 && is_narrow(item, depth + 1);
    }
    json_array_foreach (value, i, item) {
        narrow = narrow && is_narrow(item, depth + 1);
    }
    return narrow;
}

static bool is_narrow_header(const struct tool_bytes *header)
{
    json_t *root = json_loadb((const char *)header->data, header->len, JSON_REJECT_DUPLICATES, NULL);
    bool narrow = root != NULL && memchr(header->data, 0, header->len) == NULL && is_narrow(root, 0);
    json_decref(root);
    return narrow;
}

static void check_beside_the_tool(const struct otter_key *key, struct fuzz_bytes bytes)
{
    static uint32_t work[65536];
    char *text = fuzz_text(bytes.at, bytes.left);
    struct otter_jws jws = {.keys = key, .keys_count = 1, .text = text, .len = bytes.left,
                            .work = work, .work_size = sizeof work};
    int err = otter_jws_open(&jws);
    struct tool_jws beside;
    const char *wrong = tool_jws_parse(bytes.at, bytes.left, &beside);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_AUTH);
    if (err == OTTER_OK) {
        REQUIRE(!refuses && (wrong == NULL || (strstr(wrong, "header") != NULL && !is_narrow_header(&beside.header))));
        REQUIRE(jws.len == beside.payload.len && memcmp(jws.text, beside.payload.data, jws.len) == 0);
        REQUIRE(memcmp(taken, beside.signature, sizeof taken) == 0);
        REQUIRE(memcmp(taken_hash, beside.hash, sizeof taken_hash) == 0);
        REQUIRE(jws.text >= text && jws.text + jws.len <= text + bytes.left);
    } else {
        REQUIRE(wrong != NULL || refuses || !is_narrow_header(&beside.header));
    }
    tool_jws_free(&beside);
    free(text);
}

static bool now(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    *ret_unix = 1850000000;
    return true;
}

static void check_job(const struct otter_key *key, unsigned flags, struct fuzz_bytes bytes)
{
    static uint32_t work[4096];
    struct otter_state state = {.job_sequence = 5, .job_issued = 1800000000};
    struct otter_job job;
    struct otter_agent_config config = {.state = &state, .host = "home.example", .tls = &transport, .board = "B",
                                        .job_keys = key, .job_keys_count = 1, .hardware_revision = flags >> 4};
    config.hooks.now = (flags & CLOCK) != 0 ? now : NULL;
    config.device_id = (flags & NAMED) != 0 ? "d" : NULL;
    config.ring = (flags & NAMED) != 0 ? "beta" : NULL;
    char *text = fuzz_text(bytes.at, bytes.left);
    int err = otter_job_read(&config, text, bytes.left, work, sizeof work, &job);
    free(text);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_CORRUPT || err == OTTER_ERR_NOSPACE || err == OTTER_ERR_AUTH);
    REQUIRE(err != OTTER_OK || !refuses);
    if (err == OTTER_OK && (job.verdict == OTTER_OUTCOME_NONE || job.verdict == OTTER_OUTCOME_FORBIDDEN)) {
        REQUIRE(job.sequence >= state.job_sequence && job.expires >= state.job_issued);
        REQUIRE((flags & CLOCK) == 0 || job.expires >= 1850000000);
        REQUIRE(job.has_sha256 && job.size != 0 && job.issued != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    const struct otter_key key = {.type = OTTER_SIG_ECDSA_P256, .verify = verify};
    refuses = (flags & REFUSES) != 0;
    check_beside_the_tool(&key, bytes);
    check_job(&key, flags, bytes);
    return 0;
}
