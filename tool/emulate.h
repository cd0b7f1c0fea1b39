/* SPDX-License-Identifier: Apache-2.0 */
/* emulate.h - one `otter emulate`: what was asked for, and what it was made into. */
#ifndef OTTER_TOOL_EMULATE_H
#define OTTER_TOOL_EMULATE_H

#include "tool/board.h"
#include "tool/emulate_cut.h"
#include "tool/emulate_flash.h"
#include "tool/key.h"
#include "tool/provision.h"
#include "tool/watch.h"

struct emulate_options {
    char *map, *flash, *firmware, *bootloader, *key, *tls, *sick, *uart, *icount;
    const char **cuts;
    double pace;
    int cuts_count, gdb_port;
    long long cuts_seed; /* -1: a new one */
};

struct emulate {
    struct emulate_options options;
    struct provision provision;
    struct watch watch;
    struct emulate_cuts cuts;
    const char *image_path; /* NULL: none was named */
    const struct board_kind *board;
    struct flashmap map; /* placed on the board */
    char board_name[PROVISION_BOARD_SIZE]; /* a job's Board */
    struct tool_key key;
    char *bootloader;
    struct tool_bytes image; /* signed; empty: the flash file has one */
    struct emulate_flash flash;
    int settings_fd; /* the one-time memory's contents; -1: none yet */
};

/* Power on until an end; the exit code. Nothing runs on when it returns. */
int emulate_run(struct emulate *emulate);

/* A file without a name that holds the board's factory settings: 0, or TOOL_REFUSED. */
int emulate_settings(struct emulate *emulate);

#endif
