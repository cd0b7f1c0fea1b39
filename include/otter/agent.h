/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - fetch a job document and an image, install it, and report what came of it.
 *
 * The application calls otter_agent_step from a loop or a task; one call does at most one
 * send, receive, program or erase, or hashes one buffer, or decodes 512 bytes of a patched image.
 * No heap, no threads, no clock: time comes in as a monotonic millisecond count that may wrap.
 * SPEC.md has the protocol.
 * A reset at any moment is safe: the next start resumes the download where it stood.
 */
#ifndef OTTER_AGENT_H
#define OTTER_AGENT_H

#include "otter/agent_event.h"
#include "otter/transport.h"

struct otter_agent; /* complete in agent_object.h; contents private by convention */

/* All optional (NULL). Called from otter_agent_step; must not call back into the agent. */
struct otter_agent_hooks {
    void *ctx;
    bool (*may_download)(void *ctx, const struct otter_version *version, uint32_t size);
    bool (*may_reboot)(void *ctx);          /* asked until true; NULL: always */
    bool (*healthy)(void *ctx);             /* asked on trial until true; NULL: always */
    void (*reset)(void *ctx);               /* NULL: the application watches for REBOOT */
    uint32_t (*random)(void *ctx);          /* jitter; NULL: none */
    bool (*now)(void *ctx, int64_t *ret_unix); /* trusted wall clock; false or NULL: none */
    void (*on_event)(void *ctx, const struct otter_event *event);
};

/* Deltas: images made from the running one and a patch. What is not named is not linked. */
struct otter_patcher;
struct otter_delta; /* delta.h */
extern const struct otter_patcher otter_patcher;

/* Borrowed, outlives the agent. Zero or NULL means the default in brackets. */
struct otter_agent_config {
    struct otter_state *state;     /* opened; the agent's alone while it runs */
    const struct otter_key *keys, *job_keys; /* of images; of jobs, P-256: only signed ones */
    size_t keys_count, job_keys_count;       /* job_keys_count [0: jobs need no signature] */
    const struct otter_transport *tls;   /* NULL: no HTTPS */
    const struct otter_transport *plain; /* NULL: no HTTP */
    const char *host;
    uint16_t port;                 /* [443, or 8080 for plain] */
    bool use_plain;                /* the configured server speaks HTTP */
    const char *job_path;          /* ["/ota_update.json"] */
    const char *image_path;        /* direct flow: no job document, this image [job flow] */
    const char *report_path;       /* ["/report"] */
    bool no_report;
    const char *const *hosts_allowed; /* besides host; a job or redirect may name only these */
    size_t hosts_allowed_count;
    const char *board;             /* must equal the job's Board */
    const char *product, *manufacturer, *manufacturer_id, *serial; /* enforced when set */
    const char *ring;              /* takes a rollout that names it at once [none] */
    uint32_t hardware_revision;    /* within an Audience's HardwareMin..Max [0: none] */
    const char *device_id;         /* in reports; its place in a rollout [""] */
    const char *device_token;      /* Bearer token, for the configured server only [none] */
    const char *user_agent;        /* ["otter"] */
    uint32_t initial_ms;           /* first check after start [10 000] */
    uint32_t poll_ms;              /* between checks [86 400 000]; a job's PollSeconds wins */
    uint32_t poll_min_ms, poll_max_ms; /* bounds on both [5 000, 48.9 days] */
    uint32_t retry_ms;             /* first retry, doubles with jitter [5 000] */
    uint32_t retry_max_ms;         /* [3 600 000] */
    uint32_t stall_ms;             /* no byte for this long: connection given up [30 000] */
    uint32_t range_size;           /* bytes per request; 0: one streamed GET */
    uint16_t job_size_max;         /* bytes of job document; must fit io [io_size / 2] */
    bool permanent;                /* install without a trial */
    const struct otter_patcher *patcher; /* &otter_patcher: takes a job's Deltas [whole images only] */
    struct otter_delta *delta;     /* room for its work; needed with it */
    otter_startable_fn *startable; /* as the bootloader's; NULL: everything genuine is */
    struct otter_agent_hooks hooks;
    void *io;                      /* work buffer, the agent's alone, aligned for uint32_t */
    size_t io_size;                /* >= 2048 + program unit; half receives, half stages */
};

/* Check the configuration and bind the agent to it. OTTER_ERR_ARG: impossible; an error of
 * otter_image_parse: no image runs from the primary, so there is no version to compare. */
int otter_agent_init(struct otter_agent *agent, const struct otter_agent_config *config);

/* Do the next piece of work; returns ms until it wants to be called again (0: at once).
 * Calling earlier is harmless; during a transfer, call well within stall_ms. */
uint32_t otter_agent_step(struct otter_agent *agent, uint32_t now_ms);

void otter_agent_check_now(struct otter_agent *agent); /* poll at the next step; not before the first one */
void otter_agent_stop(struct otter_agent *agent);      /* closes the connection; keeps progress */
void otter_agent_start(struct otter_agent *agent);     /* after stop */
enum otter_agent_phase otter_agent_phase(const struct otter_agent *agent);
enum otter_outcome otter_agent_outcome(const struct otter_agent *agent);

/* Push: the application brings the bytes itself (serial line, BLE, its own protocol).
 * begin -> write ... -> finish: OTTER_OK once the image is verified and the swap requested.
 * The same rules as for a download; the agent must be idle or stopped. Until an error or finish it does nothing
 * else, nor ask its server: a push that breaks off is to be ended, by otter_agent_stop if need be. */
int otter_agent_push_begin(struct otter_agent *agent, uint32_t size);
int otter_agent_push_write(struct otter_agent *agent, const void *buf, size_t len);
int otter_agent_push_finish(struct otter_agent *agent);

#endif
