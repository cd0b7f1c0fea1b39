/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.h - deltas: which patch a job offers, and the way from its bytes to those of the image.
 *
 * The agent reaches patch.c through this table only, so that one whose configuration does not
 * name otter_patcher has none of it.
 */
#ifndef OTTER_AGENT_PATCH_H
#define OTTER_AGENT_PATCH_H

#include "agent/json.h"
#include "otter/agent_object.h"

/* A job's Deltas while they are read. */
struct otter_patch_offer {
    const struct otter_agent_config *config;
    struct otter_job *job; /* patch_path and patch_size: the one for the running image */
    uint8_t running[OTTER_HASH_SIZE];
    bool has_running, is_ours; /* the entry's From is what runs */
    const char *path;          /* of the entry; NULL: not read yet */
    uint32_t size;
};

struct otter_patcher {
    /* A member that job.c does not know. 0, or OTTER_ERR_CORRUPT. */
    int (*offer)(struct otter_patch_offer *offer, const struct otter_json_member *member);

    /* A job that may be followed: take its patch in place of the image, if it has one. */
    void (*choose)(struct otter_agent *agent);

    /* The install is at its beginning, or where an earlier one stopped: the patch is needed from its
     * own first byte. */
    void (*begin)(struct otter_agent *agent);

    /* Bytes of the patch, at the place where the fetch is: how many are used up. Makes one piece of the
     * image, into the stage, or compares it with the slot. <0: it is no patch for this job. */
    int (*take)(struct otter_agent *agent, const uint8_t *bytes, size_t len);

    /* A check ends like this while the image comes by a patch. True: it goes on with the whole image. */
    bool (*give_up)(struct otter_agent *agent, enum otter_outcome outcome, int err);
};

#endif
