/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - job documents: what is taken keeps to this device, its servers and TLS; and what is JSON
 * here is JSON for a strict reader on the host, with the same members and values, and the other way
 * round.
 *
 * Input: flags, then the document.
 */
#include "fuzz.h"

#include <jansson.h>
#include <strings.h>

#include "agent/job.h"
#include "agent/json.h"
#include "agent/url.h"

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

/* ---- JSON: ours beside jansson ---- */

struct beside {
    const json_t *root; /* NULL: a number that jansson has no type for */
    size_t members;
};

static int compare(void *ctx, const struct otter_json_member *member)
{
    struct beside *beside = ctx;
    beside->members++;
    if (beside->root == NULL) {
        return 0;
    }
    const json_t *parent = member->parent != NULL ? json_object_get(beside->root, member->parent) : beside->root;
    const json_t *value = json_object_get(parent, member->key);
    REQUIRE(value != NULL);
    REQUIRE(json_is_string(value) == (member->kind == OTTER_JSON_STRING));
    REQUIRE(json_is_number(value) == (member->kind == OTTER_JSON_NUMBER));
    REQUIRE(json_is_object(value) == (member->kind == OTTER_JSON_OBJECT));
    if (json_is_string(value)) {
        REQUIRE(strcmp(json_string_value(value), member->value) == 0);
    } else if (json_is_integer(value)) {
        REQUIRE(json_integer_value(value) == strtoll(member->value, NULL, 10));
    }
    return 0;
}

static bool has_key_twice(json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        size_t same = 0;
        const char *other;
        json_t *other_value;
        json_object_foreach (object, other, other_value) {
            same += strcasecmp(key, other) == 0;
        }
        if (same > 1) {
            return true;
        }
    }
    return false;
}

/* Beyond the grammar: depth, and keys that differ in case only. */
static bool is_narrow(json_t *value, int depth)
{
    const char *key;
    json_t *item;
    size_t i;
    bool container = json_is_object(value) || json_is_array(value);
    bool narrow = !container || depth < OTTER_JSON_DEPTH_MAX;
    if (!narrow || (json_is_object(value) && has_key_twice(value))) {
        return false;
    }
    json_object_foreach (value, key, item) {
        narrow = narrow && is_narrow(item, depth + 1);
    }
    json_array_foreach (value, i, item) {
        narrow = narrow && is_narrow(item, depth + 1);
    }
    return narrow;
}

static size_t members_of(json_t *root)
{
    size_t count = json_object_size(root);
    const char *key;
    json_t *value;
    json_object_foreach (root, key, value) {
        count += json_object_size(value);
    }
    return count;
}

/* jansson refuses numbers that do not fit its types: these are as written here. It passes over
 * NUL between tokens; that is no JSON. */
static void check_json(struct fuzz_bytes bytes)
{
    static uint32_t work[65536];
    json_error_t error;
    json_t *root = json_loadb((const char *)bytes.at, bytes.left, JSON_REJECT_DUPLICATES, &error);
    bool unfit = root == NULL && json_error_code(&error) == json_error_numeric_overflow;
    struct beside beside = {.root = json_is_object(root) ? root : NULL};
    char *text = fuzz_text(bytes.at, bytes.left);
    int err = otter_json_read(text, bytes.left, work, sizeof work, compare, &beside);
    free(text);
    if (err == 0) {
        REQUIRE(json_is_object(root) || unfit);
        REQUIRE(unfit || beside.members == members_of(root));
    } else if (json_is_object(root) && memchr(bytes.at, 0, bytes.left) == NULL) {
        REQUIRE(!is_narrow(root, 0));
    }
    json_decref(root);
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
    check_json(bytes);
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
