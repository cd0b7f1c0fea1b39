/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - `otter doctor`: would this device take this job and this image, and if not, why?
 *
 * The verdict is never worked out here: the real agent fetches the job and the image from a
 * server in memory, on a copy of the device's flash, and the real bootloader starts behind it.
 * This tool only says what came of it in words: the rule, both values, what to do.
 */
#ifndef OTTER_TOOL_DOCTOR_H
#define OTTER_TOOL_DOCTOR_H

#include <jansson.h>

#include "otter/agent.h"
#include "otter/boot.h"
#include "tool/device_folder.h"
#include "tool/image_file.h"
#include "tool/job_deltas.h"
#include "tool/provision.h"

/* What a device remembers that is not on the made flash. */
struct doctor_memory {
    struct otter_version running, floor;
    struct otter_reject rejects[OTTER_REJECTS_MAX];
    uint32_t rejects_count;
    uint32_t job_sequence;
};

/* A patch of the job, and its file. */
struct doctor_patch {
    struct job_delta delta; /* borrowed from the document */
    struct tool_bytes bytes;
    bool there;
};
enum { DOCTOR_PATCHES_MAX = 16 };

/* What is asked. */
struct doctor_case {
    struct device_folder device; /* flash: a private view, or made of a status */
    bool has_flash, is_made;
    struct doctor_memory memory; /* of a made device */
    json_t *told;                /* the status or the report that it was made of; NULL: neither */
    struct tool_key own_key, keys[HOST_KEYS_MAX];
    size_t keys_count;
    bool knows_keys;             /* the keys that images must be signed with */
    struct tool_bytes job, image;
    const char *job_name, *image_name; /* NULL: not given */
    json_t *document;            /* the job as JSON; NULL: none, or it cannot be read */
    struct doctor_patch patches[DOCTOR_PATCHES_MAX];
    size_t patches_count;
    int64_t now;                 /* Unix seconds */
};

/* What came of it. */
struct doctor_verdict {
    bool boots;                    /* something is started before all this */
    int boot_err;
    enum otter_outcome outcome;    /* of the check; NONE: no job and no image was given */
    int err;
    bool asked_image;              /* the job was followed as far as the image */
    bool asked_patch;              /* or a patch, before it or in place of it */
    uint8_t running_hash[OTTER_HASH_SIZE];
    bool takes;                    /* the bootloader starts the new image */
    enum otter_reason reason;      /* why it does not */
    enum otter_reason last_reason; /* why the image before was not kept */
    bool on_trial;                 /* the running image is not confirmed yet */
    struct otter_version running, offered;
    struct otter_version floor;
    uint32_t floor_counter, job_sequence, image_size_max;
    struct otter_reject rejects[OTTER_REJECTS_MAX];
    uint32_t rejects_count;
};

/* ---- the case ---- */
struct doctor_source {
    const char *device, *status, *report, *map;
    struct provision *provision;
    const char *const *keys;
};
/* 0 or an exit code; doctor_case_free in both cases. */
int doctor_case_open(struct doctor_case *doctor, const struct doctor_source *source);
void doctor_case_free(struct doctor_case *doctor);

/* ---- the verdict ---- */
void doctor_run(struct doctor_case *doctor, struct doctor_verdict *ret_verdict);

/* A server in memory: the job at the agent's job path, patches at theirs, the image at every other one. */
struct doctor_link {
    const struct doctor_case *doctor;
    const char *job_path;
    char request[2048];
    size_t request_len;
    char head[256];
    size_t head_len, head_off;
    const struct tool_bytes *body; /* NULL: none */
    size_t body_off;
    bool answering, asked_image, asked_patch;
};
void doctor_link_init(struct doctor_link *link, const struct doctor_case *doctor, const char *job_path,
                      struct otter_transport *ret_transport);

/* ---- patches ---- */
void doctor_patches_read(struct doctor_case *doctor); /* once the document is known */
void doctor_patches_free(struct doctor_case *doctor);

enum doctor_patch_state {
    DOCTOR_PATCH_NONE, /* there is nothing to say */
    DOCTOR_PATCH_TAKEN,
    DOCTOR_PATCH_OFFERED,
    DOCTOR_PATCH_OTHER_BASE,
    DOCTOR_PATCH_UNKNOWN,
    DOCTOR_PATCH_MISSING,
    DOCTOR_PATCH_DAMAGED,
    DOCTOR_PATCH_FAILS
};
const char *doctor_patch_word(enum doctor_patch_state state);
const char *doctor_patch_means(enum doctor_patch_state state);
/* *ret_patch: the one that it is about; NULL: none. */
enum doctor_patch_state doctor_patch_judge(const struct doctor_case *doctor, const struct doctor_verdict *verdict,
                                           const struct doctor_patch **ret_patch);

/* ---- words ---- */
struct doctor_rule {
    const char *word, *means, *todo;
};
/* NULL: none, which a test makes sure never happens. */
const struct doctor_rule *doctor_outcome(enum otter_outcome outcome);
const struct doctor_rule *doctor_reason(enum otter_reason reason);
const struct doctor_rule *doctor_fault(enum otter_image_fault fault);
const struct doctor_rule *doctor_word(const char *word); /* any of them by its word */
const struct doctor_rule *doctor_rules(size_t *ret_count);

/* The values that the verdict turned on: an array of {"what", "wanted", "found"} in words. */
json_t *doctor_values(const struct doctor_case *doctor, const struct doctor_verdict *verdict);

#endif
