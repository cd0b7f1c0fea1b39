/* SPDX-License-Identifier: Apache-2.0 */
/* job_file.c - job documents as files: plain JSON, or the same signed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tool/job_file.h"
#include "tool/jws.h"
#include "tool/print.h"

static const char *name_of(const json_t *job, const char *key)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)job, name, value) {
        if (strcasecmp(name, key) == 0) {
            return name;
        }
    }
    return NULL;
}

json_t *job_get(const json_t *job, const char *key)
{
    const char *name = name_of(job, key);
    return name ? json_object_get(job, name) : NULL;
}

const char *job_text(const json_t *job, const char *key)
{
    return json_string_value(job_get(job, key));
}

bool job_number(const json_t *job, const char *key, json_int_t *ret_number)
{
    const json_t *value = job_get(job, key);
    const char *text = json_string_value(value);
    uint64_t number = 0;
    if (text && isdigit((unsigned char)text[0]) && (text[1] | 0x20) != 'x' && tool_number(text, UINT32_MAX, &number)) {
        *ret_number = (json_int_t)number;
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > (json_int_t)UINT32_MAX) {
        return false;
    }
    *ret_number = json_integer_value(value);
    return true;
}

void job_put(json_t *job, const char *key, json_t *value)
{
    const char *name = name_of(job, key);
    if (value) {
        (void)json_object_set_new(job, name ? name : key, value);
    } else if (name) {
        (void)json_object_del(job, name);
    }
}

bool tool_is_text(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    bool good = !text || value;
    json_decref(value);
    return good;
}

static int parse_json(const char *name, const void *text, size_t len, json_t **ret_job)
{
    json_t *job = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(job)) {
        json_decref(job);
        return tool_refuse("'%s' is no job document (`otter publish --force` replaces it)", name);
    }
    *ret_job = job;
    return 0;
}

int job_file_parse(const char *name, const struct tool_bytes *bytes, const struct tool_key *key,
                   json_t **ret_job, enum job_trust *ret_trust)
{
    struct tool_jws jws;
    if (!tool_jws_is(bytes->data, bytes->len)) {
        *ret_trust = JOB_IS_PLAIN;
        return parse_json(name, bytes->data, bytes->len, ret_job);
    }
    const char *why = tool_jws_parse(bytes->data, bytes->len, &jws);
    int rc = why ? tool_refuse("'%s' is no signed job document: %s", name, why)
                 : parse_json(name, jws.payload.data, jws.payload.len, ret_job);
    if (rc == 0) {
        *ret_trust = key && tool_jws_verify(&jws, key) ? JOB_VERIFIED : JOB_NOT_VERIFIED;
    }
    tool_jws_free(&jws);
    return rc;
}

int job_file_write(const json_t *job, const struct tool_key *key, struct tool_bytes *ret_bytes)
{
    size_t style = key ? JSON_COMPACT : JSON_INDENT(2);
    char *text = json_dumps(job, style | JSON_PRESERVE_ORDER);
    char *whole = NULL;
    int rc = text ? 0 : tool_refuse("out of memory (are all options UTF-8?)");
    if (rc == 0 && key) {
        rc = tool_jws_sign(key, text, strlen(text), &whole);
    } else if (rc == 0 && asprintf(&whole, "%s\n", text) < 0) {
        rc = tool_refuse("out of memory");
    }
    free(text);
    if (rc == 0) {
        *ret_bytes = (struct tool_bytes){(uint8_t *)whole, strlen(whole)};
    }
    return rc;
}
