/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.h - the bootloader: everything but the jump.
 *
 * otter_boot finishes what a reset interrupted, decides, verifies, swaps or reverts, and
 * names the image to start. It may be cut at any flash operation and called again.
 */
#ifndef OTTER_BOOT_H
#define OTTER_BOOT_H

#include "otter/state.h"

enum otter_boot_event_kind {
    OTTER_BOOT_FOUND,        /* state was read: phase, reason */
    OTTER_BOOT_JOURNAL_NEW,  /* no valid journal: the first record begins one */
    OTTER_BOOT_REFUSED,      /* the requested image is not installed: reason, version */
    OTTER_BOOT_SWAP,         /* begins: from `from` to `version` */
    OTTER_BOOT_SWAP_RESUMED, /* goes on after a reset */
    OTTER_BOOT_PROGRESS,     /* done and total bytes of a swap, revert or overwrite */
    OTTER_BOOT_TRIAL,        /* starts an unconfirmed image: attempt */
    OTTER_BOOT_REVERT,       /* begins: reason */
    OTTER_BOOT_REVERT_RESUMED,
    OTTER_BOOT_BOOTSTRAP,    /* the primary is invalid, the secondary is installed */
    OTTER_BOOT_PRIMARY_BAD,  /* the primary does not verify: err; reason WRONG_PLACE: it
                                does, but is not startable here */
    OTTER_BOOT_START,        /* this image is started: version */
    OTTER_BOOT_NOTHING,      /* nothing bootable: err */
    OTTER_BOOT_OTHER_MAP     /* the journal is another flash map's: nothing is touched */
};

struct otter_boot_event {
    enum otter_boot_event_kind kind;
    enum otter_phase phase;
    enum otter_reason reason;
    struct otter_version version;
    struct otter_version from;
    uint32_t done, total; /* bytes */
    uint8_t attempt, attempts_allowed;
    int err;
};

/* Outlives the call only. Zero means default where a default is named. */
struct otter_boot_config {
    const struct otter_layout *layout;
    const struct otter_key *keys; /* any of them may have signed */
    size_t keys_count;
    uint8_t trial_boots;     /* 1..15; 0: 3. A power cut on trial costs one */
    bool reset_by_watchdog;  /* the cause of this reset, from the board */
    otter_startable_fn *startable; /* NULL: everything genuine is */
    void *buf;               /* work buffer, owned during the call, aligned for uint32_t */
    size_t buf_size;         /* >= 2 * the largest program unit, at least 512; more is faster */
    void (*feed)(void *ctx); /* NULL: no watchdog; called at least once per flash step */
    void (*on_event)(void *ctx, const struct otter_boot_event *event); /* NULL: silent */
    void *ctx;
};

struct otter_boot_choice {
    struct otter_image image; /* verified, in the primary */
    uint32_t entry_addr;      /* CPU address of the payload (vector table), nowhere else to be had */
    bool on_trial;
    uint8_t attempt;          /* of attempts_allowed, when on trial */
    enum otter_reason reason; /* why the previous image was not kept, until acknowledged */
};

/* 0: start *ret_choice. OTTER_ERR_ARG: the configuration is impossible. Else there is nothing
 * to start, and the last event says why: OTTER_BOOT_OTHER_MAP, or OTTER_BOOT_NOTHING with what
 * is wrong with the primary (OTTER_ERR_REFUSED: genuine, but for another place or kind). */
int otter_boot(const struct otter_boot_config *config, struct otter_boot_choice *ret_choice);

#endif
