/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_patch.c - the patches of a job: what the device does with them, in words.
 *
 * A patch that does not lead to the image is no refusal: the device takes the whole image. The
 * files are looked for beside the image that was given, and beside the job.
 */
#include <libgen.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "tool/doctor.h"
#include "tool/job_deltas.h"
#include "tool/print.h"

enum { PATCH_MAX = 16 << 20 };

static const struct {
    const char *word, *means;
} words[] = {
    [DOCTOR_PATCH_NONE] = {"none", ""},
    [DOCTOR_PATCH_TAKEN] = {"takes", "the image comes by this patch"},
    [DOCTOR_PATCH_OFFERED] = {"offered", "it is from the image that runs: the device fetches it first"},
    [DOCTOR_PATCH_OTHER_BASE] = {"other-base", "no patch is from the image that runs: the device fetches the whole image"},
    [DOCTOR_PATCH_UNKNOWN] = {"unknown", "a report does not tell the hash of the image that runs: whether one of the patches is from it, the device knows"},
    [DOCTOR_PATCH_MISSING] = {"missing", "it is neither beside the image nor beside the job: if the server has none either, the device fetches the whole image"},
    [DOCTOR_PATCH_DAMAGED] = {"damaged", "it has not the Size and SHA256 that the job names: the device gives it up and fetches the whole image; publish again"},
    [DOCTOR_PATCH_FAILS] = {"fails", "it does not make the job's image out of the one that runs: the device gives it up and fetches the whole image; publish again"},
};

const char *doctor_patch_word(enum doctor_patch_state state)
{
    return words[state].word;
}

const char *doctor_patch_means(enum doctor_patch_state state)
{
    return words[state].means;
}

/* ---- the files ---- */
/* The last part of `file`, in the folder that `beside` lies in. */
static char *path_beside(const char *beside, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *copy = beside ? strdup(beside) : NULL;
    char *path = NULL;
    if (copy && asprintf(&path, "%s/%s", dirname(copy), slash ? slash + 1 : file) < 0) {
        path = NULL;
    }
    free(copy);
    return path;
}

static bool read_beside(const char *beside, const char *file, struct tool_bytes *ret_bytes)
{
    struct tool_catch before = tool_catch_begin(NULL, 0);
    char *path = path_beside(beside, file);
    bool there = path && tool_read_file(path, PATCH_MAX, ret_bytes) == 0;
    tool_catch_end(before);
    free(path);
    return there;
}

void doctor_patches_read(struct doctor_case *doctor)
{
    size_t count = job_deltas_count(doctor->document);
    for (size_t i = 0; i < count && doctor->patches_count < DOCTOR_PATCHES_MAX; i++) {
        struct doctor_patch *patch = &doctor->patches[doctor->patches_count];
        if (!job_delta_get(doctor->document, i, &patch->delta)) {
            continue;
        }
        patch->there = read_beside(doctor->image_name, patch->delta.file, &patch->bytes) ||
                       read_beside(doctor->job_name, patch->delta.file, &patch->bytes);
        doctor->patches_count++;
    }
}

void doctor_patches_free(struct doctor_case *doctor)
{
    for (size_t i = 0; i < doctor->patches_count; i++) {
        tool_bytes_free(&doctor->patches[i].bytes);
    }
    doctor->patches_count = 0;
}

/* ---- the verdict ---- */
static bool is_damaged(const struct doctor_patch *patch)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char text[2 * SHA256_DIGEST_LENGTH + 1];
    SHA256(patch->bytes.data, patch->bytes.len, hash);
    return patch->delta.size != (json_int_t)patch->bytes.len ||
           strcasecmp(tool_hex(hash, sizeof hash, text), patch->delta.sha256) != 0;
}

/* The hash of what runs, as far as it is known. */
static bool running_hash(const struct doctor_case *doctor, const struct doctor_verdict *verdict, char ret_text[2 * OTTER_HASH_SIZE + 1])
{
    const char *told = json_string_value(json_object_get(json_object_get(doctor->told, "primary"), "sha256"));
    if (!doctor->is_made) {
        (void)tool_hex(verdict->running_hash, OTTER_HASH_SIZE, ret_text);
        return true;
    }
    bool known = told && strlen(told) == 2 * (size_t)OTTER_HASH_SIZE;
    memcpy(ret_text, known ? told : "", known ? 2 * OTTER_HASH_SIZE + 1 : 1);
    return known;
}

enum doctor_patch_state doctor_patch_judge(const struct doctor_case *doctor, const struct doctor_verdict *verdict,
                                           const struct doctor_patch **ret_patch)
{
    char running[2 * OTTER_HASH_SIZE + 1];
    *ret_patch = NULL;
    if (doctor->patches_count == 0 || !(verdict->asked_image || verdict->asked_patch)) {
        return DOCTOR_PATCH_NONE;
    }
    if (!running_hash(doctor, verdict, running)) {
        return DOCTOR_PATCH_UNKNOWN;
    }
    for (size_t i = 0; i < doctor->patches_count && !*ret_patch; i++) {
        *ret_patch = strcasecmp(doctor->patches[i].delta.from, running) == 0 ? &doctor->patches[i] : NULL;
    }
    if (!*ret_patch) {
        return DOCTOR_PATCH_OTHER_BASE;
    }
    if (verdict->asked_patch && !verdict->asked_image && verdict->outcome == OTTER_OUTCOME_INSTALLING) {
        return DOCTOR_PATCH_TAKEN;
    }
    if (!(*ret_patch)->there) {
        return doctor->image_name ? DOCTOR_PATCH_MISSING : DOCTOR_PATCH_OFFERED;
    }
    if (is_damaged(*ret_patch)) {
        return DOCTOR_PATCH_DAMAGED;
    }
    return doctor->is_made || !doctor->image_name ? DOCTOR_PATCH_OFFERED : DOCTOR_PATCH_FAILS;
}
