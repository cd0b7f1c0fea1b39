/* SPDX-License-Identifier: Apache-2.0 */
/* provision_jobs.c - whose jobs a device takes, and how it names itself to its server. */
#include <stdlib.h>
#include <string.h>

#include "tool/jws.h"
#include "tool/provision.h"

#define TOKEN_MAX 127u

static int load_key(struct provision *p, const char *path, const struct tool_key *image_key)
{
    if (p->job_keys_count == PROVISION_JOB_KEYS_MAX) {
        return tool_usage("--job-key: at most %u keys", PROVISION_JOB_KEYS_MAX);
    }
    struct tool_key *key = &p->job_key[p->job_keys_count];
    int rc = tool_job_key_read(path, false, key);
    if (rc != 0) {
        return rc;
    }
    p->job_keys_count++;
    if (image_key && memcmp(key->hash, image_key->hash, sizeof key->hash) == 0) {
        return tool_refuse("'%s' is the key of the images: who signs jobs should not be able to sign images; "
                           "`otter keygen` makes one for jobs", path);
    }
    return 0;
}

/* One word of visible ASCII; a newline may follow. */
static int load_token(struct provision *p)
{
    struct tool_bytes file;
    int rc = tool_read_file(p->token_file, 4096, &file);
    if (rc != 0) {
        return rc;
    }
    size_t len = file.len;
    while (len > 0 && strchr(" \t\r\n", file.data[len - 1])) {
        len--;
    }
    bool good = len > 0 && len <= TOKEN_MAX;
    for (size_t i = 0; i < len; i++) {
        good = good && file.data[i] > ' ' && file.data[i] <= '~';
    }
    p->token = good ? strndup((const char *)file.data, len) : NULL;
    tool_bytes_free(&file);
    return p->token ? 0 : tool_refuse("'%s' is not a token: one word of at most %u characters", p->token_file, TOKEN_MAX);
}

int provision_load_jobs(struct provision *p, const struct tool_key *image_key)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && p->job_keys && p->job_keys[i]; i++) {
        rc = load_key(p, p->job_keys[i], image_key);
    }
    return rc == 0 && p->token_file ? load_token(p) : rc;
}
