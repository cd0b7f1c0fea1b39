/* SPDX-License-Identifier: Apache-2.0 */
/* job_deltas.c - the member Deltas of a job document: patches, the newest base first. */
#include <string.h>

#include "tool/job_deltas.h"

void job_delta_add(json_t *job, const struct job_delta *delta)
{
    json_t *list = job_get(job, "Deltas");
    if (!json_is_array(list)) {
        job_put(job, "Deltas", json_array());
        list = job_get(job, "Deltas");
    }
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "From", delta->from, "File", delta->file, "Size",
                                                delta->size, "SHA256", delta->sha256));
}

size_t job_deltas_count(const json_t *job)
{
    return json_array_size(job_get(job, "Deltas"));
}

bool job_delta_get(const json_t *job, size_t index, struct job_delta *ret_delta)
{
    const json_t *entry = json_array_get(job_get(job, "Deltas"), index);
    *ret_delta = (struct job_delta){job_text(entry, "From"), job_text(entry, "File"), 0, job_text(entry, "SHA256")};
    return ret_delta->from && ret_delta->file && ret_delta->sha256 && job_number(entry, "Size", &ret_delta->size);
}

void job_delta_remove(json_t *job, size_t index)
{
    (void)json_array_remove(job_get(job, "Deltas"), index);
    if (job_deltas_count(job) == 0) {
        job_put(job, "Deltas", NULL);
    }
}

int job_size_grown(const json_t *job, const struct tool_key *key, size_t *ret_size)
{
    struct tool_bytes bytes = {NULL, 0};
    json_t *grown = json_deep_copy(job);
    json_t *rollout = job_get(grown, "Rollout");
    if (!json_is_object(rollout)) { /* a halt makes one */
        rollout = json_object();
        job_put(grown, "Rollout", rollout);
    }
    job_put(grown, "Sequence", json_integer(UINT32_MAX));
    job_put(rollout, "Permille", json_integer(1000));
    job_put(rollout, "Start", json_integer(UINT32_MAX));
    job_put(rollout, "RampSeconds", json_integer(UINT32_MAX));
    int rc = job_file_write(grown, key, &bytes);
    *ret_size = bytes.len;
    json_decref(grown);
    tool_bytes_free(&bytes);
    return rc;
}

int job_deltas_fit(json_t *job, const struct tool_key *key, size_t size_max, size_t *ret_dropped)
{
    *ret_dropped = 0;
    for (size_t count = job_deltas_count(job); count > 0; count--) {
        size_t size = 0;
        int rc = job_size_grown(job, key, &size);
        if (rc != 0 || size <= size_max) {
            return rc;
        }
        job_delta_remove(job, count - 1);
        (*ret_dropped)++;
    }
    return 0;
}
