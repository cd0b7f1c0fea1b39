/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota_task.h - the OTA task: the agent with everything it needs, and the rules of a trial.
 *
 * A trial ends well (the agent confirms after a health check and a server contact), or here:
 * the health check fails and the image is given up; or it is not confirmed in time and the
 * application restarts itself, until the bootloader's count of trial boots is used up. What
 * cannot start is one line on the UART; the loop and the LED go on, and a trial still ends. What
 * may come right (journal, entropy, network) is tried again every minute; what was provisioned
 * wrong (a setting, a certificate, no key, another flash map) is not.
 */
#ifndef OTTER_APP_OTA_TASK_H
#define OTTER_APP_OTA_TASK_H

#include "app/ota-https/config.h"
#include "app/ota-https/health.h"
#include "otter/agent_object.h"

#define OTA_KEYS_MAX 4u
#define OTA_NETWORK_WAIT_MS 10000u /* the first check waits for the network, but not longer */

struct ota_task {
    struct config config;
    struct otter_key keys[OTA_KEYS_MAX];
    struct otter_state state;
    struct otter_agent agent;
    struct health health;
    enum health_verdict verdict;
    uint32_t start_ms; /* board_millis */
    uint32_t tried_ms; /* likewise: the last time that parts were started */
    uint32_t parts;    /* that are started */
    bool is_hopeless;  /* something was provisioned wrong */
    bool has_state;    /* the journal could be read */
    bool has_agent;    /* the agent could be started */
    bool has_network;  /* there was an address */
    bool waited;       /* the first check goes without one */
    bool checked, measured; /* a check has ended; and its memory was reported */
};

/* The LED task runs already; nothing that fails here is an error to the caller. */
void ota_task_start(struct ota_task *ota);

/* The next piece of work; returns ms until it wants to be called again. */
uint32_t ota_task_step(struct ota_task *ota);

#endif
