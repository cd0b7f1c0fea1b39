/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - every setting is checked here; a wrong one is named, and nothing is guessed.
 */
#include <string.h>

#include "app/ota-https/config.h"
#include "board/board.h"

#define HOST_MAX 253u /* of a name */
#define PATH_MAX_LEN 1023u
#define TEXT_MAX_LEN 127u
#define NUMBER_MAX 2147483647u
#define SPKI_SIZE 91u /* SubjectPublicKeyInfo of an uncompressed P-256 point */

struct reader {
    struct config *config;
    config_complain_fn *complain;
    bool sound;
};

static void complain(struct reader *reader, const char *name, const char *value, const char *wanted)
{
    reader->complain(name, value, wanted);
    reader->sound = false;
}

static const char *get(const char *name)
{
    size_t len;
    return board_setting(name, 0, &len);
}

/* Printable, at least one character, and no spaces unless they are allowed. */
static bool is_text(const char *value, size_t max, bool spaces)
{
    size_t len = 0;
    for (; value[len] != 0 && len <= max; len++) {
        if (value[len] < (spaces ? ' ' : '!') || value[len] > '~') {
            return false;
        }
    }
    return len > 0 && len <= max;
}

static void read_texts(struct reader *reader)
{
    struct otter_agent_config *agent = &reader->config->agent;
    const struct {
        const char *name;
        const char **ret_text;
    } texts[] = {
        {"board", &agent->board},
        {"product", &agent->product},
        {"manufacturer", &agent->manufacturer},
        {"manufacturer-id", &agent->manufacturer_id},
        {"serial", &agent->serial},
        {"device-id", &agent->device_id},
        {"ring", &agent->ring},
        {"token", &agent->device_token},
        {"sick", &reader->config->sick},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *value = get(texts[i].name);
        if (value != NULL && !is_text(value, TEXT_MAX_LEN, true)) {
            complain(reader, texts[i].name, value, "1 to 127 printable characters");
        } else {
            *texts[i].ret_text = value;
        }
    }
    if (agent->board == NULL && get("board") == NULL) {
        complain(reader, "board", NULL, NULL);
    }
}

static void read_paths(struct reader *reader)
{
    struct otter_agent_config *agent = &reader->config->agent;
    const struct {
        const char *name;
        const char **ret_path;
    } paths[] = {{"job-path", &agent->job_path}, {"image-path", &agent->image_path}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *value = get(paths[i].name);
        if (value != NULL && (value[0] != '/' || !is_text(value, PATH_MAX_LEN, false) || strchr(value, '#'))) {
            complain(reader, paths[i].name, value, "a path that begins with '/'");
        } else {
            *paths[i].ret_path = value;
        }
    }
}

static void read_hosts(struct reader *reader)
{
    static const char wanted[] = "the name or address of a server";
    struct otter_agent_config *agent = &reader->config->agent;
    size_t len;
    agent->host = get("host");
    if (agent->host == NULL || !is_text(agent->host, HOST_MAX, false)) {
        complain(reader, "host", agent->host, wanted);
    }
    for (size_t i = 0;; i++) {
        const char *value = board_setting("allow-host", i, &len);
        if (value == NULL) {
            break;
        }
        if (i >= CONFIG_HOSTS_MAX) {
            complain(reader, "allow-host", value, "one of at most 4");
            break;
        }
        if (!is_text(value, HOST_MAX, false)) {
            complain(reader, "allow-host", value, wanted);
        }
        reader->config->hosts[i] = value;
        agent->hosts_allowed_count = i + 1;
    }
    agent->hosts_allowed = reader->config->hosts;
}

/* A key that cannot be used is an error: without one, jobs would need no signature. */
static void read_job_keys(struct reader *reader)
{
    struct otter_agent_config *agent = &reader->config->agent;
    size_t len;
    for (size_t i = 0;; i++) {
        const char *key = board_setting("job-key", i, &len);
        if (key == NULL) {
            break;
        }
        if (i >= CONFIG_JOB_KEYS_MAX || len != SPKI_SIZE) {
            complain(reader, "job-key", "(binary)", "one of at most 4 ECDSA P-256 keys");
            break;
        }
        reader->config->job_keys[i] = (struct otter_key){.type = OTTER_SIG_ECDSA_P256,
                                                         .verify = otter_ecdsa_p256_verify,
                                                         .pubkey = (const uint8_t *)key,
                                                         .pubkey_len = len};
        agent->job_keys_count = i + 1;
    }
    agent->job_keys = reader->config->job_keys;
}

/* Digits only; false also when it is more than NUMBER_MAX. */
static bool parse_number(const char *value, uint32_t *ret_number)
{
    uint32_t number = 0;
    const char *at = value;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint32_t digit = (uint32_t)(*at - '0');
        if (number > (NUMBER_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return at != value && *at == 0;
}

static void read_numbers(struct reader *reader)
{
    struct otter_agent_config *agent = &reader->config->agent;
    const struct {
        const char *name;
        uint32_t least;
        uint32_t *ret_number;
    } numbers[] = {
        {"initial-ms", 0, &agent->initial_ms},   {"poll-ms", 1, &agent->poll_ms},
        {"retry-ms", 1, &agent->retry_ms},       {"retry-max-ms", 1, &agent->retry_max_ms},
        {"stall-ms", 1, &agent->stall_ms},       {"range", 0, &agent->range_size},
        {"hardware-revision", 0, &agent->hardware_revision},
        {"health-ms", 0, &reader->config->health_ms}, {"trial-ms", 1, &reader->config->trial_ms},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const char *value = get(numbers[i].name);
        uint32_t number;
        if (value == NULL) {
            continue;
        }
        if (!parse_number(value, &number) || number < numbers[i].least) {
            complain(reader, numbers[i].name, value,
                     numbers[i].least == 0 ? "a number from 0 to 2147483647" : "a number from 1 to 2147483647");
        } else {
            *numbers[i].ret_number = number;
        }
    }
    agent->initial_ms = agent->initial_ms != 0 ? agent->initial_ms : 1; /* 0 would be the default */
    agent->poll_min_ms = 1;
}

static void read_port(struct reader *reader)
{
    const char *value = get("port");
    uint32_t port = 0;
    if (value != NULL && (!parse_number(value, &port) || port == 0 || port > 65535)) {
        complain(reader, "port", value, "a number from 1 to 65535");
        port = 0;
    }
    reader->config->agent.port = (uint16_t)port;
}

static void read_switches(struct reader *reader)
{
    struct otter_agent_config *agent = &reader->config->agent;
    const struct {
        const char *name;
        bool *ret_on;
    } switches[] = {
        {"plain", &agent->use_plain},
        {"permanent", &agent->permanent},
        {"no-report", &agent->no_report},
        {"no-clock", &reader->config->no_clock},
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        const char *value = get(switches[i].name);
        if (value != NULL && strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
            complain(reader, switches[i].name, value, "0 or 1");
        } else {
            *switches[i].ret_on = value != NULL && value[0] == '1';
        }
    }
}

static void read_tls(struct reader *reader)
{
    struct config *config = reader->config;
    config->ca.data = board_setting("ca", 0, &config->ca.len);
    config->cert.data = board_setting("cert", 0, &config->cert.len);
    config->cert_key.data = board_setting("cert-key", 0, &config->cert_key.len);
    config->tls = get("tls");
    if (config->ca.data == NULL && !config->agent.use_plain) {
        complain(reader, "ca", NULL, NULL);
    }
    if (config->cert.data == NULL && config->cert_key.data != NULL) {
        complain(reader, "cert", NULL, NULL);
    }
    if (config->cert.data != NULL && config->cert_key.data == NULL) {
        complain(reader, "cert-key", NULL, NULL);
    }
    if (config->tls != NULL && strcmp(config->tls, "1.2") != 0 && strcmp(config->tls, "1.3") != 0) {
        complain(reader, "tls", config->tls, "1.2 or 1.3");
    }
}

bool config_read(struct config *ret_config, config_complain_fn *on_wrong)
{
    struct reader reader = {.config = ret_config, .complain = on_wrong, .sound = true};
    *ret_config = (struct config){
        .agent = {.initial_ms = CONFIG_INITIAL_MS, .poll_ms = CONFIG_POLL_MS}, .trial_ms = CONFIG_TRIAL_MS};
    read_texts(&reader);
    read_paths(&reader);
    read_hosts(&reader);
    read_job_keys(&reader);
    read_port(&reader);
    read_numbers(&reader);
    read_switches(&reader);
    read_tls(&reader);
    return reader.sound;
}
