/* SPDX-License-Identifier: Apache-2.0 */
/* publish_release.c - the image to publish: judged, hashed, named. */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "tool/image_file.h"
#include "tool/publish.h"
#include "tool/served_folder.h"

enum { IMAGE_MAX = 256 << 20, HASH_SHOWN = 8 };

/* "dir/app-1.2.3.bin" with version 1.2.3 becomes "app"; odd characters become '-'. */
static void plain_name(const char *path, const char *version, char ret_name[PUBLISH_NAME_SIZE])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t len = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    size_t tail = strlen(version);
    if (len > tail + 1 && strncmp(base + len - tail, version, tail) == 0) {
        len -= tail + 1;
    }
    len = len < PUBLISH_NAME_SIZE - 1 ? len : PUBLISH_NAME_SIZE - 1;
    for (size_t i = 0; i < len; i++) {
        bool plain = isalnum((unsigned char)base[i]) || base[i] == '_' || base[i] == '-' || base[i] == '.';
        ret_name[i] = plain ? base[i] : '-';
    }
    ret_name[len] = 0;
    if (ret_name[0] == '.' || ret_name[0] == 0) {
        strcpy(ret_name, "image"); /* a dot file would not be served */
    }
}

static int judge_key(const struct publish_options *options, const struct tool_bytes *bytes)
{
    struct tool_key key;
    if (!options->key) {
        return tool_image_accepts(bytes, NULL);
    }
    int rc = tool_key_read(options->key, false, &key);
    if (rc == 0) {
        rc = tool_image_accepts(bytes, &key);
        tool_key_free(&key);
    }
    return rc;
}

/* The image's key stays offline, the job's is used every week: one for both would be neither. */
static int judge_purpose(const struct publish_options *options, const struct otter_view *view,
                         const struct tool_key *job_key)
{
    struct tool_verdict verdict;
    if (!job_key) {
        return 0;
    }
    tool_image_judge(view, &job_key->verify, 1, &verdict);
    if (verdict.fault != 0) {
        return 0;
    }
    return tool_refuse("'%s' signed the image: a job needs a key of its own (`otter keygen --type ecdsa-p256 job.pem`)",
                       options->job_key);
}

/* `otter serve` would not hand it out, and whoever fetches it would have the key. */
static int judge_content(const struct publish_options *options, const struct tool_bytes *bytes)
{
    struct tool_key_search search = {.found = false};
    tool_key_search(&search, bytes->data, bytes->len);
    return search.found ? tool_refuse("'%s' holds a private key, and everybody can fetch what is published: "
                                      "give each device its own, outside of the image", options->image) : 0;
}

int publish_release_read(const struct publish_options *options, const struct tool_key *job_key,
                         struct publish_release *ret_release)
{
    struct otter_flash flash;
    struct otter_area area;
    struct otter_image image;
    uint8_t hash[EVP_MAX_MD_SIZE];
    char name[PUBLISH_NAME_SIZE];
    struct publish_release *release = ret_release;
    int rc = tool_read_file(options->image, IMAGE_MAX, &release->bytes);
    rc = rc == 0 ? judge_key(options, &release->bytes) : rc;
    if (rc != 0) {
        return rc;
    }
    tool_memory_flash(&release->bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    if (otter_image_parse(&view, &image) != 0) {
        return tool_refuse("'%s' is not a signed image: `otter sign` makes one", options->image);
    }
    rc = judge_purpose(options, &view, job_key);
    rc = rc == 0 ? judge_content(options, &release->bytes) : rc;
    if (rc == 0 && EVP_Digest(release->bytes.data, release->bytes.len, hash, NULL, EVP_sha256(), NULL) != 1) {
        rc = tool_refuse("OpenSSL could not hash");
    }
    release->version = image.version;
    (void)tool_version_text(&image.version, release->version_text);
    (void)tool_hex(hash, rc == 0 ? 32 : 0, release->sha256);
    plain_name(options->image, release->version_text, name);
    snprintf(release->name, sizeof release->name, "%s-%s-%.*s.bin", name, release->version_text,
             HASH_SHOWN, release->sha256);
    for (char *c = release->name; *c; c++) {
        *c = *c == '+' ? '_' : *c; /* some servers read + as a space */
    }
    return rc;
}
