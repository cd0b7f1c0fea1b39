/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - the job document: read, then judged. Keys and rules: SPEC.md, "Job document".
 */
#ifndef OTTER_AGENT_JOB_H
#define OTTER_AGENT_JOB_H

#include "agent/json.h"
#include "otter/agent_object.h"

/*
 * Read a document (its text is used up; `work` holds the places of its keys). 0: *ret_job is filled,
 * and its verdict says whether it is for this device and may be followed, apart from its
 * version. OTTER_ERR_CORRUPT, OTTER_ERR_NOSPACE: not a job document, or too long. A device
 * with job keys reads signed jobs only (jws.h); OTTER_ERR_AUTH: this is none.
 */
int otter_job_read(const struct otter_agent_config *config, char *text, size_t len, void *work,
                   size_t work_size, struct otter_job *ret_job);

/* Is its time over, by the trusted clock, or by a newer job that was accepted? */
bool otter_job_is_over(const struct otter_agent_config *config, const struct otter_job *job);

/* "1.2.3" or "1.2.3+4", nothing else. */
bool otter_job_version(const char *str, struct otter_version *ret_version, bool *ret_has_build);

/* A number, or a string of digits; an empty string says as much as no key. 0, or
 * OTTER_ERR_CORRUPT. */
int otter_job_number(const struct otter_json_member *member, uint32_t *ret_number);

/* 64 hexadecimal digits, nothing else. */
bool otter_job_hash(const char *value, uint8_t ret_hash[OTTER_HASH_SIZE]);

/* May this version follow the running one? NONE: yes. `has_build` false: the version was
 * given without one, and matches any. The same rule for a job and for an image header. */
enum otter_outcome otter_job_follows(const struct otter_state *state,
                                     const struct otter_version *running,
                                     const struct otter_version *version, bool has_build);

#endif
