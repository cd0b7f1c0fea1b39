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
#include "agent/jws.h"
#include "agent/patch.h"
#include "agent/rollout.h"
#include "agent/text.h"
#include "agent/url.h"
#include "agent/wait.h"
#include "otter/result.h"

/* Keys that are known, by the type of their value. The identities of the root and those of
 * Audience are in the same order. */
enum key {
    BOARD,
    SERIAL = BOARD + 4,
    IDENTITIES,
    AUDIENCE_BOARD = IDENTITIES,
    VERSION = AUDIENCE_BOARD + IDENTITIES,
    FILE_PATH,
    REPORT,
    SHA256,
    SERVER,
    CONNECTION,
    MIN_VERSION,
    SALT,
    RINGS,
    MESSAGE,
    TOPIC,
    NUMBERS, /* from here numbers */
    PORT = NUMBERS,
    SIZE,
    SEQUENCE,
    ISSUED,
    EXPIRES,
    POLL_SECONDS,
    HARDWARE_MIN,
    HARDWARE_MAX,
    PERMILLE,
    START,
    RAMP_SECONDS,
    OBJECTS, /* from here objects */
    AUDIENCE = OBJECTS,
    ROLLOUT,
    KEYS
};

static const char in_audience[] = "Audience";
static const char in_rollout[] = "Rollout";

static const struct {
    const char *parent, *name; /* parent NULL: the root */
} keys[KEYS] = {
    [BOARD] = {NULL, "Board"},
    {NULL, "Product"},
    {NULL, "Manufacturer"},
    {NULL, "ManufacturerID"},
    [SERIAL] = {NULL, "SerialNumber"},
    [AUDIENCE_BOARD] = {in_audience, "Board"},
    {in_audience, "Product"},
    {in_audience, "Manufacturer"},
    {in_audience, "ManufacturerID"},
    {in_audience, "SerialNumber"},
    [VERSION] = {NULL, "Version"},
    [FILE_PATH] = {NULL, "File"},
    [REPORT] = {NULL, "Report"},
    [SHA256] = {NULL, "SHA256"},
    [SERVER] = {NULL, "Server"},
    [CONNECTION] = {NULL, "Connection"},
    [MIN_VERSION] = {NULL, "MinVersion"},
    [SALT] = {in_rollout, "Salt"},
    [RINGS] = {in_rollout, "Rings"},
    [MESSAGE] = {NULL, "Message"}, /* for people and for other transports: */
    [TOPIC] = {NULL, "UniqueTopicName"}, /* only their type matters */
    [PORT] = {NULL, "Port"},
    [SIZE] = {NULL, "Size"},
    [SEQUENCE] = {NULL, "Sequence"},
    [ISSUED] = {NULL, "Issued"},
    [EXPIRES] = {NULL, "Expires"},
    [POLL_SECONDS] = {NULL, "PollSeconds"},
    [HARDWARE_MIN] = {in_audience, "HardwareMin"},
    [HARDWARE_MAX] = {in_audience, "HardwareMax"},
    [PERMILLE] = {in_rollout, "Permille"},
    [START] = {in_rollout, "Start"},
    [RAMP_SECONDS] = {in_rollout, "RampSeconds"},
    [AUDIENCE] = {NULL, in_audience},
    [ROLLOUT] = {NULL, in_rollout},
};

enum { SALT_LEN_MAX = 64 };

struct reading {
    const struct otter_agent_config *config;
    const char *texts[NUMBERS];          /* NULL: not given */
    uint32_t numbers[OBJECTS - NUMBERS]; /* 0: not given */
    bool objects[KEYS - OBJECTS];        /* given */
    struct otter_patch_offer offer;
};

static bool is_signed(const struct otter_agent_config *config)
{
    return config->job_keys_count > 0;
}

static uint32_t number_of(const struct reading *reading, enum key key)
{
    return reading->numbers[key - NUMBERS];
}

/* A text that is empty says as much as none where it is optional. */
static const char *text_of(const struct reading *reading, enum key key)
{
    const char *text = reading->texts[key];
    return text != NULL && *text != '\0' ? text : NULL;
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

/* A number, or a string of digits; an empty string is as good as no key. */
int otter_job_number(const struct otter_json_member *member, uint32_t *ret_number)
{
    const char *at = member->value;
    const char *end = at + strlen(at);
    if (member->kind > OTTER_JSON_NUMBER) {
        return OTTER_ERR_CORRUPT;
    }
    bool good = at == end || (otter_text_read_u32(&at, end, UINT32_MAX, ret_number) && at == end);
    return good ? 0 : OTTER_ERR_CORRUPT;
}

static bool is_in(const char *parent, const char *given)
{
    return parent == NULL || given == NULL ? parent == given : otter_text_same(parent, given);
}

static int take_member(void *ctx, const struct otter_json_member *member)
{
    struct reading *reading = ctx;
    size_t key = 0;
    while (key < KEYS && !(otter_text_same(member->key, keys[key].name) &&
                           is_in(keys[key].parent, member->parent))) {
        key++;
    }
    if (key == KEYS) { /* unknown keys are for devices to come */
        const struct otter_patcher *patcher = reading->config->patcher;
        return patcher != NULL ? patcher->offer(&reading->offer, member) : 0;
    }
    if (key >= OBJECTS) {
        reading->objects[key - OBJECTS] = true;
        return member->kind == OTTER_JSON_OBJECT ? 0 : OTTER_ERR_CORRUPT;
    }
    if (key >= NUMBERS) {
        return otter_job_number(member, &reading->numbers[key - NUMBERS]);
    }
    reading->texts[key] = member->value;
    return member->kind == OTTER_JSON_STRING ? 0 : OTTER_ERR_CORRUPT;
}

/* A path that fits, or nothing. */
static int settle_path(const char *value, char *path, size_t size)
{
    if (value == NULL || !otter_url_path_ok(value)) {
        return OTTER_ERR_CORRUPT;
    }
    size_t len = strlen(value);
    if (len >= size) {
        return OTTER_ERR_NOSPACE;
    }
    memcpy(path, value, len + 1);
    return 0;
}

static int settle_paths(const struct reading *reading, struct otter_job *job)
{
    int err = settle_path(reading->texts[FILE_PATH], job->path, sizeof job->path);
    job->has_report = reading->texts[REPORT] != NULL;
    if (err < 0 || text_of(reading, REPORT) == NULL) {
        return err;
    }
    return settle_path(reading->texts[REPORT], job->report_path, sizeof job->report_path);
}

bool otter_job_hash(const char *value, uint8_t ret_hash[OTTER_HASH_SIZE])
{
    for (size_t i = 0; i < OTTER_HASH_SIZE; i++) {
        unsigned high = otter_text_hex(*value++);
        unsigned low = high <= 15 ? otter_text_hex(*value++) : high;
        if (low > 15) {
            return false;
        }
        ret_hash[i] = (uint8_t)(high << 4 | low);
    }
    return *value == '\0';
}

static bool settle_sha256(const char *value, struct otter_job *job)
{
    job->has_sha256 = value != NULL;
    return value == NULL || otter_job_hash(value, job->sha256);
}

static bool settle_versions(const struct reading *reading, struct otter_job *job)
{
    const char *version = reading->texts[VERSION];
    const char *least = reading->texts[MIN_VERSION];
    bool has_build;
    return version != NULL && otter_job_version(version, &job->version, &job->has_build) &&
           (least == NULL || otter_job_version(least, &job->min_version, &has_build));
}

/* What a signed job may not leave open. */
static bool is_bound(const struct reading *reading)
{
    return number_of(reading, SEQUENCE) != 0 && number_of(reading, ISSUED) != 0 &&
           number_of(reading, EXPIRES) != 0 && number_of(reading, SIZE) != 0 &&
           reading->texts[SHA256] != NULL && reading->objects[AUDIENCE - OBJECTS];
}

static bool settle_turn(const struct reading *reading, struct otter_job *job)
{
    const struct otter_rollout rollout = {.salt = reading->texts[SALT],
                                          .rings = reading->texts[RINGS],
                                          .permille = number_of(reading, PERMILLE),
                                          .start = number_of(reading, START),
                                          .ramp_seconds = number_of(reading, RAMP_SECONDS)};
    if (!reading->objects[ROLLOUT - OBJECTS]) {
        return true;
    }
    job->turn = otter_rollout_turn(reading->config, &rollout);
    return rollout.permille <= OTTER_ROLLOUT_WHOLE &&
           (rollout.salt == NULL || strlen(rollout.salt) <= SALT_LEN_MAX);
}

static int settle(const struct reading *reading, struct otter_job *job)
{
    job->size = job->file_size = number_of(reading, SIZE);
    job->sequence = number_of(reading, SEQUENCE);
    job->issued = number_of(reading, ISSUED);
    job->expires = number_of(reading, EXPIRES);
    job->poll_seconds = number_of(reading, POLL_SECONDS);
    if (!settle_versions(reading, job) || number_of(reading, PORT) > UINT16_MAX ||
        !settle_sha256(reading->texts[SHA256], job) || !settle_turn(reading, job) ||
        (is_signed(reading->config) && !is_bound(reading))) {
        return OTTER_ERR_CORRUPT;
    }
    return settle_paths(reading, job);
}

/* 0: not given. */
static bool is_revision_ours(const struct reading *reading)
{
    uint32_t most = number_of(reading, HARDWARE_MAX);
    uint32_t own = reading->config->hardware_revision;
    return own >= number_of(reading, HARDWARE_MIN) && (most == 0 || (own != 0 && own <= most));
}

/* The hardware's names must be given where we know ours: in a plain job those of the root, in
 * a signed one board and product of the audience. A serial number narrows a job to one
 * device, so a job without it is for all. */
static bool is_for_us(const struct reading *reading)
{
    const struct otter_agent_config *config = reading->config;
    const size_t first = is_signed(config) ? AUDIENCE_BOARD : BOARD;
    const size_t count = is_signed(config) ? 2 : SERIAL;
    const char *const ours[IDENTITIES] = {config->board, config->product, config->manufacturer,
                                          config->manufacturer_id, config->serial};
    for (size_t i = 0; i < 2 * IDENTITIES; i++) {
        const char *own = ours[i % IDENTITIES];
        const char *given = text_of(reading, (enum key)(BOARD + i));
        bool needed = i - first < count;
        if (own != NULL && (given != NULL ? strcmp(given, own) != 0 : needed)) {
            return false;
        }
    }
    return is_revision_ours(reading);
}

/* HTTPS or HTTP, or as at home. False: MQTT, something new, or away from TLS. */
static bool settle_tls(const struct reading *reading, struct otter_place *place)
{
    bool home = place->tls;
    const char *connection = text_of(reading, CONNECTION);
    if (connection != NULL) {
        place->tls = otter_text_same(connection, "HTTPS");
        if (!place->tls && !otter_text_same(connection, "HTTP")) {
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
    const char *server = text_of(reading, SERVER);
    uint32_t port = number_of(reading, PORT);
    if (server != NULL) {
        place.host = otter_url_host(config, server, strlen(server));
    }
    if (place.host == NULL || !settle_tls(reading, &place)) {
        return false;
    }
    if (port != 0) {
        place.port = (uint16_t)port;
    } else if (place.host != home.host || place.tls != home.tls) {
        place.port = place.tls ? 443 : 8080;
    }
    *ret_place = place;
    return (place.tls ? config->tls : config->plain) != NULL;
}

bool otter_job_is_over(const struct otter_agent_config *config, const struct otter_job *job)
{
    int64_t now;
    if (is_signed(config) && job->expires < config->state->job_issued) {
        return true;
    }
    return job->expires != 0 && otter_wait_clock(config, &now) && now > (int64_t)job->expires;
}

static enum otter_outcome judge(const struct reading *reading, struct otter_job *job)
{
    const struct otter_agent_config *config = reading->config;
    if (!is_for_us(reading)) {
        return OTTER_OUTCOME_NOT_FOR_US;
    }
    if (is_signed(config) && job->sequence < config->state->job_sequence) {
        return OTTER_OUTCOME_REPLAYED;
    }
    if (otter_job_is_over(config, job)) {
        return OTTER_OUTCOME_EXPIRED;
    }
    return settle_place(reading, &job->place) ? OTTER_OUTCOME_NONE : OTTER_OUTCOME_FORBIDDEN;
}

int otter_job_read(const struct otter_agent_config *config, char *text, size_t len, void *work,
                   size_t work_size, struct otter_job *ret_job)
{
    struct reading reading = {.config = config, .offer = {.config = config, .job = ret_job}};
    struct otter_jws jws = {.keys = config->job_keys,
                            .keys_count = config->job_keys_count,
                            .text = text,
                            .len = len,
                            .work = work,
                            .work_size = work_size};
    memset(ret_job, 0, sizeof *ret_job);
    int err = is_signed(config) ? otter_jws_open(&jws) : 0;
    if (err == 0) {
        err = otter_json_read(jws.text, jws.len, work, work_size, take_member, &reading);
    }
    if (err == 0) {
        err = settle(&reading, ret_job);
    }
    if (err == 0) {
        ret_job->verdict = judge(&reading, ret_job);
    }
    return err;
}

static int compare(struct otter_version version, bool has_build, const struct otter_version *other)
{
    if (!has_build) {
        version.build = other->build; /* any */
    }
    return otter_version_compare(&version, other);
}

enum otter_outcome otter_job_follows(const struct otter_state *state,
                                     const struct otter_version *running,
                                     const struct otter_version *version, bool has_build)
{
    int order = compare(*version, has_build, running);
    if (order == 0) {
        return OTTER_OUTCOME_CURRENT;
    }
    if (order < 0 || compare(*version, has_build, &state->floor_version) < 0) {
        return OTTER_OUTCOME_OLDER;
    }
    for (uint32_t i = 0; i < state->rejects_count; i++) {
        if (compare(*version, has_build, &state->rejects[i].version) == 0) {
            return OTTER_OUTCOME_REJECTED;
        }
    }
    return OTTER_OUTCOME_NONE;
}
