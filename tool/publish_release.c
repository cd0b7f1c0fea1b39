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

/* What `otter publish` put behind a version: a dash and eight digits of a hash. */
static size_t without_hash(const char *base, size_t len)
{
    if (len < HASH_SHOWN + 2 || base[len - HASH_SHOWN - 1] != '-') {
        return len;
    }
    size_t digits = 0;
    while (digits < HASH_SHOWN && isxdigit((unsigned char)base[len - 1 - digits])) {
        digits++;
    }
    return digits == HASH_SHOWN ? len - HASH_SHOWN - 1 : len;
}

static bool ends_in_version(const char *base, size_t len, const char *version)
{
    size_t tail = strlen(version);
    for (size_t i = 0; i < tail && len > tail + 1; i++) {
        char c = base[len - tail + i];
        if (c != version[i] && !(version[i] == '+' && c == '_')) {
            return false;
        }
    }
    return len > tail + 1;
}

void publish_stem(const char *path, const char *version, char ret_stem[PUBLISH_NAME_SIZE])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t len = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    size_t before = without_hash(base, len);
    if (ends_in_version(base, before, version)) {
        len = before - strlen(version) - 1;
    } else if (ends_in_version(base, len, version)) {
        len -= strlen(version) + 1;
    }
    len = len < PUBLISH_NAME_SIZE - 1 ? len : PUBLISH_NAME_SIZE - 1;
    for (size_t i = 0; i < len; i++) {
        bool plain = isalnum((unsigned char)base[i]) || base[i] == '_' || base[i] == '-' || base[i] == '.';
        ret_stem[i] = plain ? base[i] : '-';
    }
    ret_stem[len] = 0;
    if (ret_stem[0] == '.' || ret_stem[0] == 0) {
        strcpy(ret_stem, "image"); /* a dot file would not be served */
    }
}

static int judge_key(const struct publish_options *options, const struct tool_bytes *bytes)
{
    struct tool_key key;
    if (!options->key) {
        return tool_image_accepts(options->image, bytes, NULL);
    }
    int rc = tool_key_read(options->key, false, &key);
    if (rc == 0) {
        rc = tool_image_accepts(options->image, bytes, &key);
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

void publish_plain_name(char *name)
{
    for (char *c = name; *c; c++) {
        *c = *c == '+' ? '_' : *c;
    }
}

int publish_release_read(const struct publish_options *options, const struct tool_key *job_key,
                         struct publish_release *ret_release)
{
    struct otter_flash flash;
    struct otter_area area;
    struct otter_image image;
    uint8_t hash[EVP_MAX_MD_SIZE];
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
    memcpy(release->hash, image.hash, sizeof release->hash);
    publish_stem(options->image, release->version_text, release->stem);
    snprintf(release->name, sizeof release->name, "%s-%s-%.*s.bin", release->stem, release->version_text,
             HASH_SHOWN, release->sha256);
    publish_plain_name(release->name);
    return rc;
}
