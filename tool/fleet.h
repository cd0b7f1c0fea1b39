/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - thousands of simulated devices in one process, and what is counted of them.
 *
 * Each device is the real bootloader and the real agent over simulated flash of its own
 * (fleet_flash.h), with a real socket and real TLS to the server. One thread steps whoever is
 * due (fleet_loop.h). A reset, a power cut or a watchdog takes the device's RAM and leaves its
 * flash, as on a board.
 */
#ifndef OTTER_TOOL_FLEET_H
#define OTTER_TOOL_FLEET_H

#include <setjmp.h>

#include "tool/fleet_chance.h"
#include "tool/fleet_flash.h"
#include "tool/fleet_keys.h"
#include "tool/fleet_tally.h"
#include "tool/provision.h"

#define FLEET_DEVICES_MAX 100000

struct fleet_options {
    char *boards, *versions, *image, *rings, *tokens, *until, *plot, *list;
    char *fail, *drop, *power_cut;
    const char **keys, **job_keys;
    int devices, size, slot_kib, as_json;
    long long seed;
    double duration_s, spread_s;
    struct provision device; /* server, ca, product, times: the same for all */
};

/* Where devices start: an image of one version in the primary slot. */
struct fleet_factory {
    struct otter_version version;
    char *path;
};

struct fleet_device;

struct fleet {
    const struct fleet_options *options;
    double fail, drop, power_cut; /* parts of 1 */
    uint64_t seed;
    struct fleet_choices boards, versions, rings;
    struct fleet_keys keys, job_keys;
    struct sim_map map;
    struct fleet_factory factories[FLEET_CHOICES_MAX];
    struct tool_bytes ca, tokens, cert, cert_key;
    struct fleet_device *devices;
    uint32_t devices_count;
    uint8_t *arenas; /* TLS memory of each device, touched only while it is on */
    int epoll;
    jmp_buf lost; /* where a power cut of the device under way leads */
    struct fleet_tally tally;
    uint64_t started_ms;
};

#endif
