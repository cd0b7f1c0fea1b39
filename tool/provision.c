/* SPDX-License-Identifier: Apache-2.0 */
/* provision.c - what a device is told at the factory: options, and whether they make sense. */
#include <stdlib.h>
#include <string.h>

#include "tool/flashmap_kits.h"
#include "tool/provision.h"
#include "tool/tool.h"

void provision_begin(struct provision *provision)
{
    *provision = (struct provision){.poll_ms = 10000, .initial_ms = 500, .retry_ms = 5000, .retry_max_ms = 3600000,
                                    .stall_ms = 30000, .trial_ms = 60000, .trial_boots = 3};
}

void provision_free(struct provision *p)
{
    char *const strings[] = {p->server,  p->ca,           p->cert,            p->key_file, p->board,     p->product,
                             p->manufacturer, p->manufacturer_id, p->serial, p->device_id, p->job_path,
                             p->image_path, p->host,      p->ring,            p->token_file, p->token};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        free(strings[i]);
    }
    tool_list_free(p->hosts);
    tool_list_free(p->job_keys);
    for (size_t i = 0; i < p->job_keys_count; i++) {
        tool_key_free(&p->job_key[i]);
    }
}

void provision_table(struct provision *o, struct poptOption table[PROVISION_OPTIONS])
{
    const struct poptOption options[] = {
        {"server", 0, POPT_ARG_STRING, &o->server, 0, "where to ask for updates", "https://HOST:PORT"},
        {"ca", 0, POPT_ARG_STRING, &o->ca, 0, "who must have signed the server's certificate", "FILE"},
        {"cert", 0, POPT_ARG_STRING, &o->cert, 0, "the device's own certificate, for servers that ask for one", "FILE"},
        {"key-file", 0, POPT_ARG_STRING, &o->key_file, 0, "and its private key", "FILE"},
        {"board", 0, POPT_ARG_STRING, &o->board, 0, "what a job's Board must be [the map's first kit]", "B"},
        {"product", 0, POPT_ARG_STRING, &o->product, 0, "what a job's Product must be [anything]", "P"},
        {"manufacturer", 0, POPT_ARG_STRING, &o->manufacturer, 0, "likewise Manufacturer", "M"},
        {"manufacturer-id", 0, POPT_ARG_STRING, &o->manufacturer_id, 0, "likewise ManufacturerID", "M"},
        {"serial", 0, POPT_ARG_STRING, &o->serial, 0, "likewise SerialNumber", "S"},
        {"device-id", 0, POPT_ARG_STRING, &o->device_id, 0, "its name in reports", "ID"},
        {"poll-seconds", 0, POPT_ARG_DOUBLE, &o->poll_s, 0, "between two checks [10]", "S"},
        {"poll-ms", 0, POPT_ARG_INT, &o->poll_ms, 0, "the same in milliseconds", "MS"},
        {"initial-ms", 0, POPT_ARG_INT, &o->initial_ms, 0, "before the first check [500]", "MS"},
        {"retry-ms", 0, POPT_ARG_INT, &o->retry_ms, 0, "before the first retry; it doubles [5000]", "MS"},
        {"retry-max-ms", 0, POPT_ARG_INT, &o->retry_max_ms, 0, "but not beyond this [3600000]", "MS"},
        {"stall-ms", 0, POPT_ARG_INT, &o->stall_ms, 0, "a silent connection is given up after this [30000]", "MS"},
        {"trial-boots", 0, POPT_ARG_INT, &o->trial_boots, 0, "boots that an unconfirmed image gets [3]", "N"},
        {"trial-ms", 0, POPT_ARG_INT, &o->trial_ms, 0, "not confirmed by then: it restarts itself [60000]", "MS"},
        {"health-ms", 0, POPT_ARG_INT, &o->health_ms, 0, "how long the application's health check takes [0]", "MS"},
        {"range", 0, POPT_ARG_INT, &o->range_size, 0, "bytes per request; 0: one streamed download [0]", "BYTES"},
        {"job-path", 0, POPT_ARG_STRING, &o->job_path, 0, "where the job document is [/ota_update.json; with --job-key /ota_update.jws]", "/FILE"},
        {"image-path", 0, POPT_ARG_STRING, &o->image_path, 0, "no job document: this image, if it is newer", "/FILE"},
        {"allow-host", 0, POPT_ARG_ARGV, &o->hosts, 0, "a job or redirect may name it too; may be repeated", "HOST"},
        {"job-key", 0, POPT_ARG_ARGV, &o->job_keys, 0, "jobs must be signed with it (or another one); may be repeated", "KEY.pem"},
        {"ring", 0, POPT_ARG_STRING, &o->ring, 0, "a rollout that names this ring takes it at once", "NAME"},
        {"hardware-revision", 0, POPT_ARG_INT, &o->hardware_revision, 0, "what a job's HardwareMin and HardwareMax are about [none]", "N"},
        {"token-file", 0, POPT_ARG_STRING, &o->token_file, 0, "the device's token for its server (`otter device enrol`)", "FILE"},
        {"permanent", 0, POPT_ARG_NONE, &o->permanent, 0, "install without a trial", NULL},
        {"no-report", 0, POPT_ARG_NONE, &o->no_report, 0, "send no reports", NULL},
        {"no-clock", 0, POPT_ARG_NONE, &o->no_clock, 0, "no trusted time: certificate dates are not checked", NULL},
        POPT_TABLEEND,
    };
    _Static_assert(sizeof options == PROVISION_OPTIONS * sizeof options[0], "provision.h says how many");
    memcpy(table, options, sizeof options);
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || port == 0 || port > 0xffff) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

/* What stands behind the host: nothing, ":PORT", or either with a "/". */
static bool parse_rest(const char *text, uint16_t *port)
{
    char number[8] = "";
    if (*text == ':') {
        size_t len = strcspn(text + 1, "/");
        if (len >= sizeof number) {
            return false;
        }
        memcpy(number, text + 1, len);
        text += 1 + len;
        if (!parse_port(number, port)) {
            return false;
        }
    }
    return *text == 0 || strcmp(text, "/") == 0;
}

/* https://HOST[:PORT][/] or http://...; an IPv6 address stands in brackets. */
static int parse_server(struct provision *provision)
{
    const char *url = provision->server;
    provision->plain = strncmp(url, "http://", 7) == 0;
    provision->port = provision->plain ? 8080 : 443;
    bool good = provision->plain || strncmp(url, "https://", 8) == 0;
    if (good) {
        const char *host = url + (provision->plain ? 7 : 8);
        bool bracket = *host == '[';
        host += bracket ? 1 : 0;
        size_t len = strcspn(host, bracket ? "]" : ":/");
        const char *rest = host + len + (bracket && host[len] ? 1 : 0);
        provision->host = strndup(host, len);
        good = provision->host && len > 0 && len < 254 && parse_rest(rest, &provision->port);
    }
    return good ? 0 : tool_usage("--server '%s' is not https://HOST[:PORT] or http://HOST[:PORT]", url);
}

static int check_numbers(struct provision *o)
{
    if (o->poll_s < 0 || o->poll_s > 2000000) {
        return tool_usage("--poll-seconds %g is not a number from 0 to 2,000,000", o->poll_s);
    }
    if (o->poll_s > 0) {
        o->poll_ms = (int)(o->poll_s * 1000.0 + 0.5);
    }
    const struct {
        const char *name;
        int value, min;
    } numbers[] = {
        {"poll-ms", o->poll_ms, 1},   {"initial-ms", o->initial_ms, 0}, {"retry-ms", o->retry_ms, 1},
        {"retry-max-ms", o->retry_max_ms, 1}, {"stall-ms", o->stall_ms, 1}, {"trial-ms", o->trial_ms, 1},
        {"health-ms", o->health_ms, 0},       {"range", o->range_size, 0},
        {"hardware-revision", o->hardware_revision, 0},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].value < numbers[i].min) {
            return tool_usage("--%s %d is less than %d", numbers[i].name, numbers[i].value, numbers[i].min);
        }
    }
    if (o->trial_boots < 1 || o->trial_boots > 15) {
        return tool_usage("--trial-boots %d is not 1 to 15", o->trial_boots);
    }
    return 0;
}

static int check_server(struct provision *o)
{
    int rc = parse_server(o);
    if (rc == 0 && !o->plain && !o->ca) {
        return tool_usage("--ca is needed: the certificate of whoever signed the server's (`otter certs` makes one)");
    }
    return rc;
}

static size_t hosts_count(const struct provision *o)
{
    size_t count = 0;
    while (o->hosts && o->hosts[count]) {
        count++;
    }
    return count;
}

/* A name in a list: no comma, no space, at most 63 characters. */
static bool is_ring(const char *name)
{
    return !name || (*name && strlen(name) < 64 && strcspn(name, ", \t\r\n") == strlen(name));
}

static bool is_relative(const char *path)
{
    return path && path[0] != '/';
}

int provision_check(struct provision *o)
{
    if (!o->cert != !o->key_file) {
        return tool_usage("--cert and --key-file belong together");
    }
    if (is_relative(o->job_path) || is_relative(o->image_path)) {
        return tool_usage("--job-path and --image-path begin with '/'");
    }
    if (hosts_count(o) > PROVISION_HOSTS_MAX) {
        return tool_usage("--allow-host: at most %u hosts", PROVISION_HOSTS_MAX);
    }
    if (!is_ring(o->ring)) {
        return tool_usage("--ring '%s' is not a name of 1 to 63 characters without commas and spaces", o->ring);
    }
    int rc = check_numbers(o);
    return rc || !o->server ? rc : check_server(o);
}

int provision_board(const struct provision *provision, const struct flashmap *map, const char *kit_name,
                    char ret_board[PROVISION_BOARD_SIZE])
{
    const struct flashmap_kit *kit = kit_name ? flashmap_kit_find(kit_name) : NULL;
    for (const struct flashmap_kit *at = flashmap_kits; !kit && at->target; at++) {
        kit = strcmp(at->platform, map->platform) == 0 ? at : NULL;
    }
    if (provision->board && strlen(provision->board) < PROVISION_BOARD_SIZE) {
        strcpy(ret_board, provision->board);
        return 0;
    }
    if (provision->board) {
        return tool_usage("--board '%s' is longer than %u characters", provision->board, PROVISION_BOARD_SIZE - 1);
    }
    if (!kit) {
        return tool_usage("no kit has the platform %s: --board is needed", map->platform);
    }
    flashmap_kit_board(kit, ret_board, PROVISION_BOARD_SIZE);
    return 0;
}

