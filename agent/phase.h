/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phase.h - the phases of the agent: one function each, and what they share.
 *
 * A phase function does one piece of work and returns ms until it wants to be called
 * again. It changes phase with otter_agent_enter or otter_agent_end only.
 */
#ifndef OTTER_AGENT_PHASE_H
#define OTTER_AGENT_PHASE_H

#include "otter/agent_object.h"

enum {
    OTTER_AGENT_NET_MS = 1,   /* between looks at a connection that has nothing now */
    OTTER_AGENT_ASK_MS = 1000 /* between questions to a hook that said not yet */
};

uint32_t otter_idle_step(struct otter_agent *agent);
uint32_t otter_job_step(struct otter_agent *agent);      /* job_phase.c */
uint32_t otter_download_step(struct otter_agent *agent); /* download.c */
uint32_t otter_verify_step(struct otter_agent *agent);   /* verify.c */
uint32_t otter_reboot_step(struct otter_agent *agent);   /* trial.c */
uint32_t otter_trial_step(struct otter_agent *agent);    /* trial.c */
uint32_t otter_report_step(struct otter_agent *agent);   /* report.c */

void otter_agent_enter(struct otter_agent *agent, enum otter_agent_phase phase);

/* The check came to this: say so, and go to IDLE (past REPORT when there is something to
 * report), until the next poll or, after a failure that may pass, the next try. */
void otter_agent_end(struct otter_agent *agent, enum otter_outcome outcome, int err);

/* The image that runs: what lies in the primary. As otter_image_parse. */
int otter_agent_running(const struct otter_agent_config *config, struct otter_image *ret_image);

/* What a failed exchange is to be called. */
enum otter_outcome otter_agent_blame(int err);

/* Where the job document is. */
const char *otter_job_path(const struct otter_agent_config *config);

/* What this answer came to: a 304 for its validator will mean the same. */
void otter_job_remember(struct otter_agent *agent, enum otter_outcome outcome);

/* Hand out an event; all that it does not get here is known from where the agent is. */
void otter_agent_tell(struct otter_agent *agent, enum otter_event_kind kind,
                      enum otter_outcome outcome, int err, uint32_t wait_ms);

/* Is there a job document behind this image? Not in the direct flow, nor when it is pushed. */
bool otter_agent_has_job(const struct otter_agent *agent);

/* A new image begins: forget how the last one came along. */
void otter_fetch_reset(struct otter_agent *agent);

/* The server's file, or what is in flash, is not the one that was begun: begin again. */
void otter_fetch_restart(struct otter_agent *agent);

/* This file came to no good: leave it alone for the next poll, or, if it was so before, for
 * the next 2, 4, ... 128. */
void otter_fetch_distrust(struct otter_agent *agent, enum otter_outcome outcome);

/* Look at the first bytes of the image, once they are staged: may it follow? NONE: yes. */
enum otter_outcome otter_fetch_judge(struct otter_agent *agent);
enum { OTTER_FETCH_HEADER = 32 };

enum otter_verify_stage {
    OTTER_VERIFY_PARSE,
    OTTER_VERIFY_FILE,   /* the job's SHA256 over every byte of the file */
    OTTER_VERIFY_IMAGE,  /* hash and signature of the image */
    OTTER_VERIFY_FORGET, /* the download's progress */
    OTTER_VERIFY_REQUEST
};

/* Keep this in mind for the server, unless it takes no reports. */
void otter_report_note(struct otter_agent *agent, enum otter_outcome result);
bool otter_report_is_due(const struct otter_agent *agent);

#endif
