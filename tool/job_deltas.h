/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_deltas.h - the member Deltas of a job document: patches, the newest base first.
 *
 * A device reads a job into a buffer of job_size_max bytes, and one that does not fit is no job
 * at all: patches give way, those of the oldest bases first.
 */
#ifndef OTTER_TOOL_JOB_DELTAS_H
#define OTTER_TOOL_JOB_DELTAS_H

#include "tool/job_file.h"

/* What the smallest device takes: half of an io buffer of 4 KiB. */
#define JOB_SIZE_MAX 2048u

struct job_delta {
    const char *from;   /* hash of the base, as its TLV has it: 64 hex digits */
    const char *file;   /* path of the patch */
    json_int_t size;    /* of the patch, as sha256 */
    const char *sha256;
};
void job_delta_add(json_t *job, const struct job_delta *delta);
size_t job_deltas_count(const json_t *job);
/* False: there is no such one, or it is not as docs/spec/50-job.md has it. Borrowed from the job. */
bool job_delta_get(const json_t *job, size_t index, struct job_delta *ret_delta);
void job_delta_remove(json_t *job, size_t index); /* the last one takes Deltas along */

/* Bytes of the file, once `otter rollout` has made of its Rollout what it can (rings aside).
 * 0, or TOOL_REFUSED after saying why. */
int job_size_grown(const json_t *job, const struct tool_key *key, size_t *ret_size);

/* Remove the last patches until the file, grown, has at most size_max bytes or there are none.
 * *ret_dropped: how many. */
int job_deltas_fit(json_t *job, const struct tool_key *key, size_t size_max, size_t *ret_dropped);

#endif
