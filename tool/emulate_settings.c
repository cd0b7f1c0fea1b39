/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_settings.c - the options of a device as the names that firmware asks for (docs/boards.md). */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tool/emulate.h"
#include "tool/emulate_otp.h"

#define SMALL_FILE_MAX (1024u * 1024u)

static void add_names(struct emulate_otp *otp, const struct emulate *emulate)
{
    const struct provision *p = &emulate->provision;
    const struct {
        const char *name, *text;
    } texts[] = {
        {"host", p->host},         {"board", emulate->board_name},     {"product", p->product},
        {"serial", p->serial},     {"manufacturer", p->manufacturer},  {"manufacturer-id", p->manufacturer_id},
        {"device-id", p->device_id}, {"job-path", p->job_path},        {"image-path", p->image_path},
        {"tls", emulate->options.tls}, {"sick", emulate->options.sick}, {"plain", p->plain ? "1" : NULL},
        {"permanent", p->permanent ? "1" : NULL}, {"no-report", p->no_report ? "1" : NULL},
        {"no-clock", p->no_clock ? "1" : NULL},   {"ring", p->ring},    {"token", p->token},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        emulate_otp_text(otp, texts[i].name, texts[i].text);
    }
    for (size_t i = 0; p->hosts && p->hosts[i]; i++) {
        emulate_otp_text(otp, "allow-host", p->hosts[i]);
    }
}

static void add_numbers(struct emulate_otp *otp, const struct emulate *emulate)
{
    const struct provision *p = &emulate->provision;
    const struct {
        const char *name;
        long number;
    } numbers[] = {
        {"initial-ms", p->initial_ms}, {"poll-ms", p->poll_ms},   {"retry-ms", p->retry_ms},
        {"retry-max-ms", p->retry_max_ms}, {"stall-ms", p->stall_ms}, {"range", p->range_size},
        {"health-ms", p->health_ms},   {"trial-ms", p->trial_ms}, {"trial-boots", p->trial_boots},
        {"hardware-revision", p->hardware_revision},
        {"pace", (long)(emulate->options.pace * 1000.0 + 0.5)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        emulate_otp_number(otp, numbers[i].name, numbers[i].number);
    }
    if (p->host) {
        emulate_otp_number(otp, "port", p->port);
    }
}

static int add_file(struct emulate_otp *otp, const char *name, const char *path)
{
    struct tool_bytes bytes;
    int rc = path ? tool_read_file(path, SMALL_FILE_MAX, &bytes) : 0;
    if (path && rc == 0) {
        emulate_otp_add(otp, name, bytes.data, bytes.len);
        tool_bytes_free(&bytes);
    }
    return rc;
}

static int make_settings(const struct emulate *emulate, struct emulate_otp *otp)
{
    emulate_otp_add(otp, "key", emulate->key.der.data, emulate->key.der.len);
    for (size_t i = 0; i < emulate->provision.job_keys_count; i++) {
        const struct tool_key *key = &emulate->provision.job_key[i];
        emulate_otp_add(otp, "job-key", key->der.data, key->der.len);
    }
    add_names(otp, emulate);
    add_numbers(otp, emulate);
    int rc = add_file(otp, "ca", emulate->provision.ca);
    rc = rc ? rc : add_file(otp, "cert", emulate->provision.cert);
    rc = rc ? rc : add_file(otp, "cert-key", emulate->provision.key_file);
    return rc ? rc : emulate_otp_finish(otp, emulate->board->otp_size);
}

int emulate_settings(struct emulate *emulate)
{
    struct emulate_otp otp = {.failed = false};
    int rc = make_settings(emulate, &otp);
    if (rc == 0) {
        emulate->settings_fd = memfd_create("otter-settings", 0);
        bool written = emulate->settings_fd >= 0 && write(emulate->settings_fd, otp.bytes.data, otp.bytes.len) == (ssize_t)otp.bytes.len;
        rc = written ? 0 : tool_refuse("cannot keep the factory settings: %s", strerror(errno));
    }
    tool_bytes_free(&otp.bytes);
    return rc;
}
