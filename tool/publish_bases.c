/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_bases.c - which earlier releases get a patch: the newest ones that are older.
 *
 * In a folder only images of the same name count (app-1.0.0.bin for app-1.1.0.bin): it may hold
 * those of other boards, and an image does not say for which board it is. A file that was named
 * is taken as it is.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool/delta_file.h"
#include "tool/publish_deltas.h"

struct search {
    const struct publish_options *options;
    const struct publish_terms *terms;
    const struct publish_release *release;
    struct publish_deltas *deltas;
};

static bool is_known(const struct publish_deltas *deltas, const char *base)
{
    for (size_t i = 0; i < deltas->count; i++) {
        if (strcmp(deltas->list[i].base, base) == 0) {
            return true;
        }
    }
    return false;
}

/* Newest first; when there are enough, the oldest gives way. */
static int add(const struct search *search, const char *path, const struct otter_image *image)
{
    struct publish_deltas *deltas = search->deltas;
    struct publish_delta delta = {.version = image->version};
    size_t most = (size_t)search->options->deltas;
    size_t at = 0;
    (void)tool_hex(image->hash, sizeof image->hash, delta.base);
    (void)tool_version_text(&image->version, delta.version_text);
    while (at < deltas->count && otter_version_compare(&deltas->list[at].version, &image->version) >= 0) {
        at++;
    }
    if (at == most || is_known(deltas, delta.base)) {
        return 0;
    }
    delta.path = strdup(path);
    if (!delta.path) {
        return tool_refuse("out of memory");
    }
    if (deltas->count == most) {
        free(deltas->list[--deltas->count].path);
    }
    memmove(&deltas->list[at + 1], &deltas->list[at], (deltas->count - at) * sizeof delta);
    deltas->list[at] = delta;
    deltas->count++;
    return 0;
}

static bool is_older(const struct search *search, const struct otter_image *image)
{
    bool taken = !search->terms->has_min_version || otter_version_compare(&image->version, &search->terms->min_version) >= 0;
    return taken && otter_version_compare(&image->version, &search->release->version) < 0;
}

static int take_named(const struct search *search, const char *path)
{
    struct delta_file file;
    char text[TOOL_VERSION_SIZE];
    int rc = delta_file_read(path, DELTA_FILE_BASE, &file);
    if (rc == 0 && !file.is_image) {
        rc = tool_refuse("'%s' is not a signed image: a patch begins with one that devices run", path);
    } else if (rc == 0 && !is_older(search, &file.image)) {
        rc = tool_refuse("'%s' has version %s: no device goes from there to %s", path, tool_version_text(&file.image.version, text),
                         search->release->version_text);
    }
    rc = rc == 0 ? add(search, path, &file.image) : rc;
    delta_file_free(&file);
    return rc;
}

static bool begins_as_image(const char *path)
{
    static const uint8_t magic[4] = {0x3d, 0xb8, 0xf3, 0x96};
    uint8_t head[sizeof magic];
    struct stat st;
    FILE *in = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rbe") : NULL;
    bool same = in && fread(head, 1, sizeof head, in) == sizeof head && memcmp(head, magic, sizeof magic) == 0;
    if (in) {
        (void)fclose(in);
    }
    return same;
}

/* What is no good image is passed over: a folder holds whatever it holds. */
static int take_found(const struct search *search, const char *path)
{
    struct delta_file file;
    char stem[PUBLISH_NAME_SIZE];
    char version[TOOL_VERSION_SIZE];
    int rc = 0;
    if (!begins_as_image(path)) {
        return 0;
    }
    struct tool_catch before = tool_catch_begin(NULL, 0);
    bool good = delta_file_read(path, DELTA_FILE_BASE, &file) == 0 && file.is_image;
    tool_catch_end(before);
    if (good && is_older(search, &file.image)) {
        publish_stem(path, tool_version_text(&file.image.version, version), stem);
        if (strcmp(stem, search->release->stem) == 0) {
            rc = add(search, path, &file.image);
        } else {
            search->deltas->others++;
            memcpy(search->deltas->other, stem, sizeof stem);
        }
    }
    delta_file_free(&file);
    return rc;
}

static int take_folder(const struct search *search, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    int rc = count < 0 ? tool_refuse("cannot read the folder '%s'", folder) : 0;
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (rc == 0 && asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0) {
            path = NULL;
            rc = tool_refuse("out of memory");
        }
        rc = rc == 0 ? take_found(search, path) : rc;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int publish_bases_find(const struct publish_options *options, const struct publish_terms *terms,
                       const struct publish_release *release, struct publish_deltas *deltas)
{
    const struct search search = {options, terms, release, deltas};
    struct stat st;
    int rc = 0;
    for (const char **from = options->delta_from; from && *from && rc == 0; from++) {
        bool is_folder = stat(*from, &st) == 0 && S_ISDIR(st.st_mode);
        rc = is_folder ? take_folder(&search, *from) : take_named(&search, *from);
    }
    return rc;
}
