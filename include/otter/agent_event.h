/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_event.h - what the agent tells: where it is, what a check came to, how far a download is.
 */
#ifndef OTTER_AGENT_EVENT_H
#define OTTER_AGENT_EVENT_H

#include "otter/state.h"

enum otter_agent_phase {
    OTTER_AGENT_STOPPED,
    OTTER_AGENT_IDLE,     /* waits for the next poll */
    OTTER_AGENT_JOB,      /* fetches and judges the job document */
    OTTER_AGENT_DOWNLOAD, /* image bytes go into the secondary */
    OTTER_AGENT_VERIFY,   /* digest and signature of what is in flash */
    OTTER_AGENT_REBOOT,   /* swap requested, waits for may_reboot */
    OTTER_AGENT_TRIAL,    /* runs unconfirmed: health check, server contact, confirm */
    OTTER_AGENT_REPORT    /* tells the server how it went */
};
const char *otter_agent_phase_str(enum otter_agent_phase phase);

/* What the last check came to; OTTER_OUTCOME_CURRENT is success, not an error. */
enum otter_outcome {
    OTTER_OUTCOME_NONE,        /* nothing finished yet */
    OTTER_OUTCOME_CURRENT,     /* already up to date */
    OTTER_OUTCOME_INSTALLING,  /* image verified, swap requested */
    OTTER_OUTCOME_CONFIRMED,   /* the trial passed */
    OTTER_OUTCOME_REVERTED,    /* the last image was not kept: reason */
    OTTER_OUTCOME_OLDER,       /* the job offers an older version */
    OTTER_OUTCOME_REJECTED,    /* the job offers an image that failed its trial here */
    OTTER_OUTCOME_NOT_FOR_US,  /* board, product, manufacturer or serial differ; after VERIFY:
                                  the image is genuine, but for another address or processor */
    OTTER_OUTCOME_BAD_JOB,     /* job document: not valid, or too long */
    OTTER_OUTCOME_FORBIDDEN,   /* job wants plain HTTP, or a host outside the allow-list */
    OTTER_OUTCOME_BAD_IMAGE,   /* wrong size, digest, signature or format */
    OTTER_OUTCOME_TOO_LARGE,   /* does not fit the slot */
    OTTER_OUTCOME_SERVER,      /* HTTP status or answer unusable: http_status */
    OTTER_OUTCOME_UNREACHABLE, /* no connection, or it broke, or silence */
    OTTER_OUTCOME_UNTRUSTED,   /* the server's certificate was not accepted */
    OTTER_OUTCOME_FLASH,       /* flash failed */
    OTTER_OUTCOME_DEFERRED,    /* a policy hook said not now */
    OTTER_OUTCOME_EXPIRED,     /* the job's time is over, by the trusted clock */
    OTTER_OUTCOME_TOO_OLD,     /* the running version is below the job's MinVersion */
    OTTER_OUTCOME_WAITING,     /* the job's rollout has not reached this device */
    OTTER_OUTCOME_UNSIGNED,    /* signed jobs only: not signed by a job key */
    OTTER_OUTCOME_REPLAYED     /* signed jobs only: older than one that was accepted */
};
enum { OTTER_OUTCOME_COUNT = OTTER_OUTCOME_REPLAYED + 1 };
const char *otter_outcome_str(enum otter_outcome outcome);

enum otter_event_kind {
    OTTER_EVENT_PHASE,    /* phase entered */
    OTTER_EVENT_OUTCOME,  /* a check ended: outcome, err, http_status, reason when reverted */
    OTTER_EVENT_PROGRESS, /* download: done of total bytes (total 0: not known) */
    OTTER_EVENT_RESUMED,  /* download continues at done */
    OTTER_EVENT_RETRY,    /* will try again in wait_ms: outcome says why */
    OTTER_EVENT_REPORTED  /* the server took the report of outcome (or takes none: http_status) */
};

struct otter_event {
    enum otter_event_kind kind;
    enum otter_agent_phase phase;
    enum otter_outcome outcome;
    enum otter_reason reason;
    int err;
    uint16_t http_status;          /* 0: none */
    struct otter_version version;  /* of the job or image concerned */
    uint32_t done, total, wait_ms; /* bytes of the image, however it comes */
    bool delta;                    /* download, verify: it comes by a patch */
};

#endif
