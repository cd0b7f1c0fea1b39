/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - the host board's chip: bootloader, then application, over a flash file.
 *
 * A struct host_device is prepared once by the process that is the board; every power
 * cycle runs host_device_program on a copy of it (board.h), so what it changes there is
 * RAM: lost at the next reset.
 */
#ifndef OTTER_BOARD_HOST_DEVICE_H
#define OTTER_BOARD_HOST_DEVICE_H

#include "board/host/board.h"
#include "otter/agent.h"
#include "otter/boot.h"
#include "sim/sim.h"

#define HOST_KEYS_MAX 4u
#define HOST_HOSTS_MAX 4u

/* What a product would keep in its configuration area. Strings are borrowed. */
struct host_config {
    const char *host;
    uint16_t port;
    bool plain; /* HTTP */
    const char *board, *product, *manufacturer, *manufacturer_id, *serial, *device_id;
    const char *job_path, *image_path; /* NULL: the agent's default; job flow */
    const char *ring, *token;          /* NULL: none */
    struct otter_key job_keys[HOST_KEYS_MAX];
    size_t job_keys_count; /* any: only signed jobs are taken */
    uint32_t hardware_revision;
    const char *hosts[HOST_HOSTS_MAX]; /* allowed besides host */
    size_t hosts_count;
    const void *ca, *cert, *key; /* PEM or DER; NULL: none */
    size_t ca_len, cert_len, key_len;
    uint32_t initial_ms, poll_ms, retry_ms, retry_max_ms, stall_ms;
    uint32_t range_size;
    uint32_t health_ms; /* the health check takes this long */
    uint32_t trial_ms;  /* not confirmed by then: the application restarts itself */
    uint8_t trial_boots;
    bool permanent, no_report;
    bool no_clock; /* no trusted time: certificate dates are not checked */
};

/* When power fails: at the n-th flash operation from power-on of this cycle. */
struct host_cut {
    uint64_t after; /* 0: never */
    enum sim_outcome outcome;
};

/* Shared with the board's process: what it wants to know after the chip is gone. */
struct host_tally {
    uint64_t ops;     /* flash operations of this cycle */
    uint64_t time_us; /* modelled time of them */
};

struct host_device {
    struct host_config config;
    struct otter_key keys[HOST_KEYS_MAX];
    size_t keys_count;
    struct otter_layout layout; /* over flash.devices */
    struct sim_board flash;     /* opened by each cycle */
    const char *flash_path;
    uint64_t seed; /* of torn bits */
    struct host_cut cut;
    double pace;     /* flash takes this part of its modelled time; 0: none */
    bool tell_led;   /* an event for every toggle */
    struct host_tally *tally;
};

/* All that the configuration and the keys decide; state, transports, hooks and the buffer are
 * left to the caller. Borrows the device. */
void host_agent_config(const struct host_device *device, struct otter_agent_config *ret_config);

/* ctx: a struct host_device. */
void host_device_program(void *ctx, struct host_chip *chip);

#endif
