/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_jws.c - a signed job document taken apart, also one that a device would refuse.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tool/inspect.h"
#include "tool/jws.h"

enum verdict { NOT_CHECKED, GOOD, BAD };

/* A part as JSON; NULL: it is none. */
static json_t *part_of(const struct tool_bytes *bytes)
{
    return bytes->data ? json_loadb((const char *)bytes->data, bytes->len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
                       : NULL;
}

static void print_part(const char *name, const struct tool_bytes *bytes)
{
    json_t *part = part_of(bytes);
    printf("  %s", name);
    if (part) {
        (void)json_dumpf(part, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
    } else {
        printf(bytes->data ? "not JSON, %zu bytes" : "not there", bytes->len);
    }
    putchar('\n');
    json_decref(part);
}

static void print(const char *path, const struct tool_jws *jws, const char *why, enum verdict verdict)
{
    static const char *const verdicts[] = {"not checked (--job-key KEY checks it)", "made with this key",
                                           "NOT made with this key, or the document was changed"};
    printf("%s: signed job document (JWS)\n", path);
    print_part("header ", &jws->header);
    print_part("payload ", &jws->payload);
    if (why) {
        printf("  refused: %s\n", why);
    } else {
        printf("  signature %s\n", verdicts[verdict]);
    }
}

static void print_json(const char *path, const struct tool_jws *jws, const char *why, enum verdict verdict)
{
    json_t *root = json_object();
    json_t *header = part_of(&jws->header);
    json_t *payload = part_of(&jws->payload);
    (void)json_object_set_new(root, "file", json_string(path));
    (void)json_object_set_new(root, "header", header ? header : json_null());
    (void)json_object_set_new(root, "payload", payload ? payload : json_null());
    (void)json_object_set_new(root, "fault", why ? json_string(why) : json_null());
    (void)json_object_set_new(root, "verified", verdict == NOT_CHECKED ? json_null() : json_boolean(verdict == GOOD));
    (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(root);
}

int inspect_jws(const char *path, const struct tool_bytes *bytes, const char *key_path, bool json)
{
    struct tool_key key = {.pkey = NULL};
    struct tool_jws jws;
    enum verdict verdict = NOT_CHECKED;
    int rc = key_path ? tool_job_key_read(key_path, false, &key) : 0;
    if (rc != 0) {
        return rc;
    }
    const char *why = tool_jws_parse(bytes->data, bytes->len, &jws);
    if (key_path) {
        verdict = !why && tool_jws_verify(&jws, &key) ? GOOD : BAD;
    }
    if (json) {
        print_json(path, &jws, why, verdict);
    } else {
        print(path, &jws, why, verdict);
    }
    tool_jws_free(&jws);
    tool_key_free(&key);
    return why || verdict == BAD ? TOOL_REFUSED : TOOL_OK;
}
