/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - the job document: what it asks for, and whether this device may follow.
 *
 * A document cannot name a host that the configuration does not, cannot leave TLS, and
 * cannot put a byte on the request line that does not belong there.
 */
#include <string.h>

#include "agent/job.h"
#include "agent/json.h"
#include "agent/text.h"
#include "agent/url.h"
#include "otter/result.h"

struct reading {
    const struct otter_agent_config *config;
    struct otter_job *job;
    const char *server, *connection; /* NULL: not given */
    bool has_version, differs;
    uint8_t seen; /* a bit for each identity */
};

/* A key, and where its counterpart lies in a struct. */
struct key {
    const char *name;
    size_t off;
};

/* What names a kind of device, or (the last) one device: it must be ours where we have one. */
enum { IDENTITIES = 5, SERIAL = 4 };
static const struct key identities[IDENTITIES] = {
    {"Board", offsetof(struct otter_agent_config, board)},
    {"Product", offsetof(struct otter_agent_config, product)},
    {"Manufacturer", offsetof(struct otter_agent_config, manufacturer)},
    {"ManufacturerID", offsetof(struct otter_agent_config, manufacturer_id)},
    {"SerialNumber", offsetof(struct otter_agent_config, serial)}};

static const struct key numbers[] = {
    {"Port", offsetof(struct otter_job, port)},
    {"Size", offsetof(struct otter_job, size)},
    {"Sequence", offsetof(struct otter_job, sequence)},
    {"Issued", offsetof(struct otter_job, issued)},
    {"Expires", offsetof(struct otter_job, expires)},
    {"PollSeconds", offsetof(struct otter_job, poll_seconds)}};

/* Index of the name among `count` keys; `count`: none of them. */
static size_t find_key(const struct key *keys, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && !otter_text_same(name, keys[i].name)) {
        i++;
    }
    return i;
}

static const char *ours(const struct otter_agent_config *config, size_t identity)
{
    const char *value;
    memcpy(&value, (const char *)config + identities[identity].off, sizeof value);
    return value;
}

bool otter_job_version(const char *str, struct otter_version *ret_version, bool *ret_has_build)
{
    static const uint32_t most[] = {UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX};
    static const char behind[] = "..+";
    const char *end = str + strlen(str);
    uint32_t parts[4] = {0};
    size_t count = 0;
    while (count < 4) {
        bool leading_zero = str[0] == '0' && str[1] >= '0' && str[1] <= '9';
        if (leading_zero || !otter_text_read_u32(&str, end, most[count], &parts[count])) {
            return false;
        }
        count++;
        if (count == 4 || *str != behind[count - 1]) {
            break;
        }
        str++;
    }
    if (count < 3 || str != end) {
        return false;
    }
    ret_version->major = (uint8_t)parts[0];
    ret_version->minor = (uint8_t)parts[1];
    ret_version->revision = (uint16_t)parts[2];
    ret_version->build = parts[3];
    *ret_has_build = count == 4;
    return true;
}

static int take_version(struct reading *reading, const char *value)
{
    struct otter_job *job = reading->job;
    reading->has_version = otter_job_version(value, &job->version, &job->has_build);
    return reading->has_version ? 0 : OTTER_ERR_CORRUPT;
}

/* A path that fits, or nothing. */
static int take_path(const char *value, char *path, size_t size)
{
    size_t len = strlen(value);
    if (!otter_url_path_ok(value)) {
        return OTTER_ERR_CORRUPT;
    }
    if (len >= size) {
        return OTTER_ERR_NOSPACE;
    }
    memcpy(path, value, len + 1);
    return 0;
}

static int take_file(struct reading *reading, const char *value)
{
    return take_path(value, reading->job->path, sizeof reading->job->path);
}

static int take_report(struct reading *reading, const char *value)
{
    reading->job->has_report = true;
    if (*value == '\0') {
        return 0;
    }
    return take_path(value, reading->job->report_path, sizeof reading->job->report_path);
}

static int take_server(struct reading *reading, const char *value)
{
    reading->server = *value != '\0' ? value : NULL;
    return 0;
}

static int take_connection(struct reading *reading, const char *value)
{
    reading->connection = *value != '\0' ? value : NULL;
    return 0;
}

static int take_text(struct reading *reading, const char *value)
{
    (void)reading; /* for people and for other transports: only its type matters */
    (void)value;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_sha256(struct reading *reading, const char *value)
{
    if (strlen(value) != 2 * OTTER_HASH_SIZE) {
        return OTTER_ERR_CORRUPT;
    }
    for (size_t i = 0; i < OTTER_HASH_SIZE; i++) {
        int high = hex_digit(value[2 * i]);
        int low = hex_digit(value[2 * i + 1]);
        if (high < 0 || low < 0) {
            return OTTER_ERR_CORRUPT;
        }
        reading->job->sha256[i] = (uint8_t)(high << 4 | low);
    }
    reading->job->has_sha256 = true;
    return 0;
}

static int take_identity(struct reading *reading, size_t index,
                         const struct otter_json_member *member)
{
    const char *own = ours(reading->config, index);
    if (member->kind != OTTER_JSON_STRING) {
        return OTTER_ERR_CORRUPT;
    }
    if (*member->value == '\0') {
        return 0;
    }
    reading->seen |= (uint8_t)(1u << index);
    reading->differs = reading->differs || (own != NULL && strcmp(member->value, own) != 0);
    return 0;
}

/* A number, or a string of digits; an empty string is as good as no key. */
static int take_number(struct reading *reading, size_t index,
                       const struct otter_json_member *member)
{
    const char *at = member->value;
    const char *end = at + strlen(at);
    uint32_t number = 0;
    if (member->kind == OTTER_JSON_OTHER) {
        return OTTER_ERR_CORRUPT;
    }
    if (at != end && (!otter_text_read_u32(&at, end, UINT32_MAX, &number) || at != end)) {
        return OTTER_ERR_CORRUPT;
    }
    memcpy((char *)reading->job + numbers[index].off, &number, sizeof number);
    return 0;
}

static int take_member(void *ctx, const struct otter_json_member *member)
{
    static const struct {
        const char *key;
        int (*take)(struct reading *reading, const char *value);
    } strings[] = {{"Message", take_text},    {"UniqueTopicName", take_text},
                   {"Version", take_version}, {"File", take_file},
                   {"Report", take_report},   {"Server", take_server},
                   {"SHA256", take_sha256},   {"Connection", take_connection}};
    const size_t numbers_count = sizeof numbers / sizeof numbers[0];
    struct reading *reading = ctx;
    size_t index = find_key(numbers, numbers_count, member->key);
    if (index < numbers_count) {
        return take_number(reading, index, member);
    }
    index = find_key(identities, IDENTITIES, member->key);
    if (index < IDENTITIES) {
        return take_identity(reading, index, member);
    }
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        if (otter_text_same(member->key, strings[i].key)) {
            return member->kind == OTTER_JSON_STRING ? strings[i].take(reading, member->value)
                                                     : OTTER_ERR_CORRUPT;
        }
    }
    return 0; /* unknown keys are for devices to come */
}

/* The hardware's names must be given where we know ours; a serial number narrows a job to
 * one device, so a job without it is for all. */
static bool is_for_us(const struct reading *reading)
{
    for (size_t i = 0; i < SERIAL; i++) {
        if (ours(reading->config, i) != NULL && (reading->seen >> i & 1) == 0) {
            return false;
        }
    }
    return !reading->differs;
}

/* HTTPS or HTTP, or as at home. False: MQTT, something new, or away from TLS. */
static bool settle_tls(const struct reading *reading, struct otter_place *place)
{
    bool home = place->tls;
    if (reading->connection != NULL) {
        place->tls = otter_text_same(reading->connection, "HTTPS");
        if (!place->tls && !otter_text_same(reading->connection, "HTTP")) {
            return false;
        }
    }
    return place->tls || !home;
}

/* Where the image is. False: not allowed. */
static bool settle_place(const struct reading *reading, struct otter_place *ret_place)
{
    const struct otter_agent_config *config = reading->config;
    struct otter_place home = otter_url_home(config);
    struct otter_place place = home;
    if (reading->server != NULL) {
        place.host = otter_url_host(config, reading->server, strlen(reading->server));
    }
    if (place.host == NULL || !settle_tls(reading, &place)) {
        return false;
    }
    if (reading->job->port != 0) {
        place.port = (uint16_t)reading->job->port;
    } else if (place.host != home.host || place.tls != home.tls) {
        place.port = place.tls ? 443 : 8080;
    }
    *ret_place = place;
    return (place.tls ? config->tls : config->plain) != NULL;
}

static bool is_over(const struct otter_agent_config *config, const struct otter_job *job)
{
    int64_t now;
    return job->expires != 0 && config->hooks.now != NULL &&
           config->hooks.now(config->hooks.ctx, &now) && now > (int64_t)job->expires;
}

int otter_job_read(const struct otter_agent_config *config, char *text, size_t len, void *work,
                   size_t work_size, struct otter_job *ret_job)
{
    struct reading reading = {.config = config, .job = ret_job};
    memset(ret_job, 0, sizeof *ret_job);
    int err = otter_json_read(text, len, work, work_size, take_member, &reading);
    if (err < 0) {
        return err;
    }
    if (!reading.has_version || ret_job->path[0] == '\0' || ret_job->port > UINT16_MAX) {
        return OTTER_ERR_CORRUPT;
    }
    ret_job->verdict = OTTER_OUTCOME_NONE;
    if (!is_for_us(&reading)) {
        ret_job->verdict = OTTER_OUTCOME_NOT_FOR_US;
    } else if (is_over(config, ret_job)) {
        ret_job->verdict = OTTER_OUTCOME_EXPIRED;
    } else if (!settle_place(&reading, &ret_job->place)) {
        ret_job->verdict = OTTER_OUTCOME_FORBIDDEN;
    }
    return 0;
}

enum otter_outcome otter_job_follows(const struct otter_state *state,
                                     const struct otter_version *running,
                                     const struct otter_version *version, bool has_build)
{
    struct otter_version given = *version;
    struct otter_version ours = *running;
    struct otter_version floor = state->floor_version;
    if (!has_build) {
        given.build = ours.build = floor.build = 0;
    }
    int order = otter_version_compare(&given, &ours);
    if (order == 0) {
        return OTTER_OUTCOME_CURRENT;
    }
    if (order < 0 || otter_version_compare(&given, &floor) < 0) {
        return OTTER_OUTCOME_OLDER;
    }
    for (uint32_t i = 0; i < state->rejects_count; i++) {
        struct otter_version rejected = state->rejects[i].version;
        rejected.build = has_build ? rejected.build : 0;
        if (otter_version_compare(&given, &rejected) == 0) {
            return OTTER_OUTCOME_REJECTED;
        }
    }
    return OTTER_OUTCOME_NONE;
}
