/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_paths.c - where devices report to: what the documents in the folder name.
 *
 * Known before the first request is answered: a device takes a 405 for "this server wants no
 * reports" and forgets what it had to tell. Paths that the documents named before are kept, for
 * devices that still have such a document.
 */
#include <stdio.h>
#include <string.h>

#include "tool/job_file.h"
#include "tool/serve_rollout.h"

static bool knows(const struct serve_paths *paths, const char *path)
{
    for (size_t i = 0; i < SERVE_PATHS_MAX; i++) {
        if (strcmp(paths->list[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static void learn(struct serve_paths *paths, const char *path)
{
    char clean[SERVE_PATH_SIZE];
    int n = snprintf(clean, sizeof clean, "%.*s", path ? (int)strcspn(path, "?#") : 0, path ? path : "");
    if (clean[0] == '/' && n < (int)sizeof clean && !knows(paths, clean)) {
        memcpy(paths->list[paths->next], clean, sizeof clean);
        paths->next = (paths->next + 1) % SERVE_PATHS_MAX;
    }
}

void serve_paths_read(struct serve_paths *paths, const char *file)
{
    struct tool_bytes bytes = {NULL, 0};
    json_t *document = NULL;
    enum job_trust trust;
    struct tool_catch before = tool_catch_begin(NULL, 0); /* whoever looks at the job itself says it */
    if (tool_read_file(file, JOB_FILE_MAX, &bytes) == 0 && job_file_parse(file, &bytes, NULL, &document, &trust) == 0) {
        learn(paths, job_text(document, "Report"));
    }
    tool_catch_end(before);
    json_decref(document);
    tool_bytes_free(&bytes);
}

void serve_paths_add(struct serve_paths *paths, const struct serve_paths *more)
{
    for (size_t i = 0; i < SERVE_PATHS_MAX; i++) {
        learn(paths, more->list[i]);
    }
}

bool serve_paths_has(const struct serve_paths *paths, const char *path)
{
    return path[0] && knows(paths, path);
}
