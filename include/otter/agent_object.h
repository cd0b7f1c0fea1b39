/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_object.h - the complete struct otter_agent, so that the application can own one.
 *
 * Apart from agent.h to keep that readable. Contents are private by convention: each
 * struct below belongs to the file of agent/ that is named beside it.
 */
#ifndef OTTER_AGENT_OBJECT_H
#define OTTER_AGENT_OBJECT_H

#include "otter/delta.h"
#include "otter/http_object.h"

#define OTTER_JOB_PATH_SIZE 256u /* path and query of a URL in a job document, with NUL */

struct otter_timer { /* wait.c */
    uint32_t start_ms, wait_ms;
};

struct otter_job { /* job.c: what a job document asks for */
    struct otter_version version, min_version;
    struct otter_place place;
    enum otter_outcome verdict; /* OTTER_OUTCOME_NONE: it is for us */
    bool has_build, has_sha256, has_report;
    bool delta; /* the file to fetch, path and file_size, is a patch that makes the image */
    uint32_t size, poll_seconds, sequence, issued, expires; /* 0: not given */
    uint32_t file_size;     /* bytes of the file to fetch; 0: not given */
    const char *patch_path; /* of the patch for the running image, in the document's text */
    uint32_t patch_size;    /* 0: there is none */
    uint32_t turn; /* Unix time of our turn in the rollout; 0: at once; OTTER_TURN_NEVER */
    uint8_t sha256[OTTER_HASH_SIZE];
    char path[OTTER_JOB_PATH_SIZE];
    char report_path[128];
};

struct otter_install { /* install.c: image bytes on their way into the secondary */
    const struct otter_area *slot;
    uint8_t *stage;
    size_t stage_size, stage_off, stage_len;
    uint32_t off;        /* programmed below it */
    uint32_t erased_end; /* erased below it */
    uint32_t saved_off;  /* remembered in the state */
    uint32_t limit;      /* the largest image, bytes */
    uint32_t end;        /* where this image ends; limit while not known */
    bool flushing, closing, told; /* told: the state knows, since begin */
};

struct otter_fetch { /* download.c: one image, over as many connections as it takes */
    uint32_t bytes;   /* received so far, skipped ones too */
    uint32_t start_ms;
    uint8_t tries;    /* without a byte of progress, in a row */
    uint8_t restarts; /* because the server's copy changed */
    /* what follows is forgotten when it begins again */
    uint32_t total;  /* bytes of the file; 0: not known yet; whole: of the image */
    uint32_t at;     /* bytes of the file that are here, in flash or used up by the patcher */
    uint32_t from, skip; /* where the request begins; bytes of the answer that are here */
    bool live, judged; /* install holds bytes of this source; the header was looked at */
    bool resumed;  /* bytes from before the last reset are in it */
    bool resuming; /* to be told once the server agreed */
    bool source_known, whole; /* whole: all bytes are there */
    bool cut;   /* the end of the connection ended it: the image must know its own size */
    struct otter_download mark; /* to be remembered; source: digest of path, validator and size */
    char validator[OTTER_VALIDATOR_SIZE]; /* strong; "": none known */
};

struct otter_patching { /* patch.c: a patch on its way through the decoder */
    struct otter_delta_io io;
    uint32_t fed;      /* bytes of the patch that the decoder took */
    uint32_t compared; /* bytes of the result that lie in the slot already */
    uint32_t refused;  /* first bytes of an image's SHA256: no more patches that make it */
    uint8_t breaks;    /* checks in a row that the network ended before there was a header */
};

struct otter_verify { /* verify.c */
    struct otter_image image;
    struct otter_image_check check;
    uint8_t stage;
};

struct otter_report { /* report.c */
    enum otter_outcome result; /* NONE: nothing to report */
    enum otter_reason reason;
    uint32_t bytes, seconds, sequence;
    uint8_t id[8];
    struct otter_timer timer;
    uint8_t attempts, tries;
    bool done; /* only the state has to hear of it */
    const char *via; /* "image", "delta"; NULL: nothing was fetched since the start */
    enum otter_outcome told; /* the last report that is done with, and its `to` */
    struct otter_version from, to, told_to;
    enum otter_agent_phase then; /* phase after this one */
};

struct otter_agent { /* agent.c; in the order of what is used most: small offsets, short code */
    const struct otter_agent_config *config;
    enum otter_agent_phase phase;
    enum otter_outcome outcome, judged; /* judged: what a 304 for job_validator means */
    uint8_t fails;             /* in a row; the exponent of the back-off */
    bool announced, begun;     /* the first phase was entered; this phase has begun its work */
    bool pushing, was_stopped; /* the application brings the bytes; it had stopped us before */
    bool reached, from_start;  /* on trial: the server answered; resume nothing */
    bool polled;               /* since the start, or a failure: the waits between polls are spread */
    uint8_t bad_times, bad_skips;   /* bad_source came to bad_outcome: polls that still */
    enum otter_outcome bad_outcome; /* leave it alone while it is the same */
    int err;
    struct otter_version running;
    uint32_t now_ms, poll_seconds, doc_len; /* poll_seconds: from the last job; 0: none */
    struct otter_timer timer;
    struct otter_install install;
    struct otter_fetch fetch;
    struct otter_patching patching;
    struct otter_report report;
    struct otter_job job;
    struct otter_http http;
    struct otter_verify verify;
    uint8_t bad_source[16];
    char job_validator[OTTER_VALIDATOR_SIZE];
};

#endif
