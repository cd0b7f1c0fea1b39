/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what the factory set (board_setting), as configurations of the agent and of TLS.
 */
#ifndef OTTER_APP_CONFIG_H
#define OTTER_APP_CONFIG_H

#include "otter/agent.h"

#define CONFIG_HOSTS_MAX 4u      /* allow-host */
#define CONFIG_JOB_KEYS_MAX 4u
#define CONFIG_INITIAL_MS 500u   /* defaults, where the agent's are for products in the field */
#define CONFIG_POLL_MS 10000u
#define CONFIG_TRIAL_MS 60000u

struct config_bytes { /* PEM or DER, valid for ever; data NULL: none */
    const char *data;
    size_t len;
};

struct config {
    struct otter_agent_config agent; /* what settings say; the caller adds state, keys, and so on */
    const char *hosts[CONFIG_HOSTS_MAX];
    struct otter_key job_keys[CONFIG_JOB_KEYS_MAX];
    struct config_bytes ca, cert, cert_key;
    const char *tls; /* only this version, "1.2" or "1.3"; NULL: both */
    uint32_t health_ms; /* the health check takes this long */
    uint32_t trial_ms;  /* not confirmed by then: the application restarts itself */
    const char *sick;   /* tests: the version whose health check fails; NULL: none */
    bool no_clock;      /* do not trust the clock */
};

/* Told once for every setting that is missing (value NULL) or wrong. */
typedef void config_complain_fn(const char *name, const char *value, const char *wanted);

/* Read all settings. False when anything was complained about: then nothing may be fetched,
 * but health_ms and trial_ms have values to go by. */
bool config_read(struct config *ret_config, config_complain_fn *complain);

#endif
