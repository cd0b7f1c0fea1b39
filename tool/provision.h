/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision.h - what a device is told at the factory: its server, whom it trusts, who it is.
 *
 * The same options for the host board (`otter device init`) and the emulated boards
 * (`otter emulate`).
 */
#ifndef OTTER_TOOL_PROVISION_H
#define OTTER_TOOL_PROVISION_H

#include <popt.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool/flashmap.h"
#include "tool/key.h"

#define PROVISION_OPTIONS 31u /* with the end of the table */
#define PROVISION_HOSTS_MAX 4u
#define PROVISION_JOB_KEYS_MAX 4u
#define PROVISION_BOARD_SIZE 64u

struct provision {
    char *server, *ca, *cert, *key_file;
    char *board, *product, *manufacturer, *manufacturer_id, *serial, *device_id;
    char *job_path, *image_path, *ring, *token_file;
    const char **job_keys; /* files; any: only signed jobs are taken; NULL: none; ends with NULL */
    const char **hosts; /* allowed besides the server's; NULL: none; ends with NULL */
    double poll_s;
    int poll_ms, initial_ms, retry_ms, retry_max_ms, stall_ms, trial_ms, health_ms;
    int trial_boots, range_size, hardware_revision, permanent, no_report, no_clock;
    /* what provision_check took from `server` */
    char *host; /* NULL: no server was given */
    uint16_t port;
    bool plain;
    /* what provision_load_jobs read */
    struct tool_key job_key[PROVISION_JOB_KEYS_MAX];
    size_t job_keys_count;
    char *token; /* NULL: none */
};

/* All defaults; release with provision_free. */
void provision_begin(struct provision *provision);
void provision_free(struct provision *provision);

/* The options, to be included in a command's table. */
void provision_table(struct provision *provision, struct poptOption table[PROVISION_OPTIONS]);

/* Numbers, paths and the server's address make sense and belong together: 0 or TOOL_USAGE after
 * saying what does not. Opens no file. */
int provision_check(struct provision *provision);

/* The certificates and the key are what their options say: 0 or TOOL_REFUSED. */
int provision_check_certificates(const struct provision *provision);

/* Read the job keys and the token: 0, or TOOL_REFUSED after saying why not. A job key is P-256, and
 * no key of images (image_key NULL: that is not known). */
int provision_load_jobs(struct provision *provision, const struct tool_key *image_key);

/* The Board string: --board, else that of `kit` (NULL: of the first kit with the map's platform). */
int provision_board(const struct provision *provision, const struct flashmap *map, const char *kit,
                    char ret_board[PROVISION_BOARD_SIZE]);

#endif
