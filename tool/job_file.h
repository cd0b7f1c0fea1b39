/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_file.h - job documents as files: plain JSON, or the same signed.
 *
 * Keys are found in any case of letters, numbers with or without quotes, as devices do.
 */
#ifndef OTTER_TOOL_JOB_FILE_H
#define OTTER_TOOL_JOB_FILE_H

#include <jansson.h>

#include "tool/key.h"

#define JOB_FILE_MAX (1u << 20)
#define JOB_PLAIN "ota_update.json"
#define JOB_SIGNED "ota_update.jws"

/* The member, borrowed; NULL: not there. */
json_t *job_get(const json_t *job, const char *key);
const char *job_text(const json_t *job, const char *key); /* NULL: not there, or no string */
/* 0 to UINT32_MAX; false: not there, or no such number. */
bool job_number(const json_t *job, const char *key, json_int_t *ret_number);
/* In place of the member of that name, or behind the last. Takes the value; NULL removes it. */
void job_put(json_t *job, const char *key, json_t *value);

/* Can it be in a document: UTF-8, or NULL? */
bool tool_is_text(const char *text);

enum job_trust { JOB_IS_PLAIN, JOB_VERIFIED, JOB_NOT_VERIFIED };

/* The document in these bytes; key NULL: a signed one is JOB_NOT_VERIFIED. `name` is for messages.
 * 0, or TOOL_REFUSED after saying why: no JSON object, no JWS. Release with json_decref. */
int job_file_parse(const char *name, const struct tool_bytes *bytes, const struct tool_key *key,
                   json_t **ret_job, enum job_trust *ret_trust);

/* The bytes of the file: with a key signed and short, else plain and readable. */
int job_file_write(const json_t *job, const struct tool_key *key, struct tool_bytes *ret_bytes);

#endif
