/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - where job documents and images are put: the folder, the lock, the order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool/rollout_history.h"
#include "tool/served_folder.h"
#include "tool/store.h"
#include "tool/store_http.h"

#define ASIDE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct store {
    const struct store_options *options; /* borrowed */
    struct store_http *http;             /* NULL: a folder */
    char *history;
    int lock; /* a directory held locked; -1 */
    bool made;
};

const struct poptOption *store_option_table(struct store_options *o)
{
    static struct poptOption table[11];
    const struct poptOption all[11] = {
        {"folder", 'f', POPT_ARG_STRING, &o->folder, 0, "the folder to be served", "DIR"},
        {"to", 0, POPT_ARG_STRING, &o->to, 0, "instead: a server that takes PUT", "URL"},
        {"history", 0, POPT_ARG_STRING, &o->history, 0, "what was done when, by whom [DIR.history.jsonl]", "FILE"},
        {"user", 0, POPT_ARG_STRING, &o->user, 0, "name for the server's password (basic)", "NAME"},
        {"password-file", 0, POPT_ARG_STRING, &o->password_file, 0, "file whose first line is the password", "FILE"},
        {"token-file", 0, POPT_ARG_STRING, &o->token_file, 0, "file whose first line is a bearer token", "FILE"},
        {"ca", 0, POPT_ARG_STRING, &o->ca, 0, "CA of the server, PEM [this machine's]", "FILE"},
        {"client-cert", 0, POPT_ARG_STRING, &o->client_cert, 0, "certificate to show to the server, PEM", "FILE"},
        {"client-key", 0, POPT_ARG_STRING, &o->client_key, 0, "its private key, PEM", "FILE"},
        {"s3-region", 0, POPT_ARG_STRING, &o->s3_region, 0,
         "sign as S3 wants it; keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "REGION"},
        POPT_TABLEEND};
    memcpy(table, all, sizeof table);
    return table;
}

void store_options_free(struct store_options *options)
{
    char *const all[] = {options->folder, options->to, options->history, options->user, options->password_file,
                         options->token_file, options->ca, options->client_cert, options->client_key,
                         options->s3_region};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static int check_secrets(const struct store_options *o)
{
    if (!o->user != !o->password_file) {
        return tool_usage("--user and --password-file belong together");
    }
    if (!o->client_cert != !o->client_key) {
        return tool_usage("--client-cert and --client-key belong together");
    }
    if (!!o->user + !!o->token_file + !!o->s3_region > 1) {
        return tool_usage("choose one of --user, --token-file and --s3-region");
    }
    return 0;
}

int store_options_check(const struct store_options *o, bool for_change)
{
    if (!o->folder == !o->to) {
        return tool_usage(o->folder ? "--folder and --to: one of them" : "--folder or --to is needed: where it is to be");
    }
    if (o->folder && (o->user || o->password_file || o->token_file || o->ca || o->client_cert || o->client_key ||
                      o->s3_region)) {
        return tool_usage("--user, --token-file, --ca, --client-cert and --s3-region are for a server: give --to");
    }
    if (o->to && strncmp(o->to, "https://", 8) != 0 && strncmp(o->to, "http://", 7) != 0) {
        return tool_usage("--to is a URL, such as https://ota.example/updates/");
    }
    if (o->to && (strpbrk(o->to, "?#") || strchr(o->to, '@'))) {
        return tool_usage("--to is a plain URL: no name or password in it, no ? and no #");
    }
    if (o->to && for_change && !o->history) {
        return tool_usage("--history FILE is needed with --to: a file of yours that is not on the server");
    }
    return check_secrets(o);
}

/* A directory is locked rather than a file: nothing has to be made or left for it. */
static int lock(struct store *store, const char *directory, int wait_seconds)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    store->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->lock < 0) {
        return tool_refuse("cannot read the folder '%s': %s", directory, strerror(errno));
    }
    for (int tries = 20 * wait_seconds; flock(store->lock, LOCK_EX | LOCK_NB) != 0; tries--) {
        if (errno != EWOULDBLOCK) {
            (void)close(store->lock); /* a file system without locks: as safe as it gets */
            store->lock = -1;
            return 0;
        }
        if (tries <= 0) {
            return tool_refuse("another otter is at work in '%s': try again when it is done", directory);
        }
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static bool is_aside(const char *name)
{
    const char *at = strstr(name, TOOL_ASIDE);
    size_t len = at ? strlen(at) : 0;
    return len == sizeof TOOL_ASIDE - 1 + 6 && strspn(at + sizeof TOOL_ASIDE - 1, ASIDE_LETTERS) == 6;
}

/* What a killed run wrote aside: nobody else is at work while we hold the lock. */
static void sweep(const struct store *store)
{
    DIR *folder = opendir(store->options->folder);
    const struct dirent *entry = folder ? readdir(folder) : NULL;
    for (; entry; entry = readdir(folder)) {
        if (is_aside(entry->d_name)) {
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
}

/* The history must not be handed out with the folder. */
static int outside(const char *history, const char *folder)
{
    char *copy = strdup(history);
    char *place = copy ? realpath(dirname(copy), NULL) : NULL;
    char *real = realpath(folder, NULL);
    size_t len = real ? strlen(real) : 0;
    bool inside = place && real && strncmp(place, real, len) == 0 && (place[len] == '/' || place[len] == 0);
    free(copy);
    free(place);
    free(real);
    return inside ? tool_refuse("'%s' lies in the served folder, where everybody can fetch it: choose another --history",
                                history) : 0;
}

/* Told before anything is written: the place beside the folder may be somebody else's. */
static int may_write(const char *history)
{
    char *copy = strdup(history);
    const char *place = copy ? dirname(copy) : NULL;
    int rc = place && access(place, W_OK) != 0
                 ? tool_refuse("cannot write the history '%s': %s (--history FILE puts it elsewhere)", history,
                               strerror(errno)) : 0;
    free(copy);
    return rc;
}

static int open_folder(struct store *store, enum store_use use, int wait_seconds)
{
    const struct store_options *o = store->options;
    int rc = use == STORE_MAKE ? tool_make_folder(o->folder, &store->made) : 0;
    if (rc == 0 && use != STORE_READ && !store->made) {
        rc = tool_folder_without_keys(o->folder);
    }
    if (rc == 0) {
        store->history = o->history ? strdup(o->history) : rollout_history_path(o->folder);
        rc = !store->history ? TOOL_REFUSED : use == STORE_READ ? 0 : outside(store->history, o->folder);
    }
    rc = rc == 0 && use != STORE_READ ? may_write(store->history) : rc;
    rc = rc == 0 && use != STORE_READ ? lock(store, o->folder, wait_seconds) : rc;
    if (rc == 0 && store->lock >= 0) {
        sweep(store);
    }
    return rc;
}

static int open_server(struct store *store, enum store_use use, int wait_seconds)
{
    const struct store_options *o = store->options;
    char *copy = o->history ? strdup(o->history) : NULL;
    store->history = o->history ? strdup(o->history) : NULL;
    int rc = copy && use != STORE_READ ? may_write(o->history) : 0;
    rc = rc == 0 && copy && use != STORE_READ ? lock(store, dirname(copy), wait_seconds) : rc;
    free(copy);
    return rc == 0 ? store_http_open(o, &store->http) : rc;
}

int store_open(const struct store_options *options, enum store_use use, int wait_seconds, struct store **ret_store)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store) {
        return tool_refuse("out of memory");
    }
    store->options = options;
    store->lock = -1;
    int rc = options->folder ? open_folder(store, use, wait_seconds) : open_server(store, use, wait_seconds);
    if (rc != 0) {
        store_close(store, true);
        return rc;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store, bool failed)
{
    if (store && failed && store->made) {
        (void)rmdir(store->options->folder);
    }
    if (store && store->lock >= 0) {
        (void)close(store->lock);
    }
    if (store) {
        store_http_close(store->http);
        free(store->history);
        free(store);
    }
}

char *store_name(const struct store *store, const char *name)
{
    const char *base = store->http ? store->options->to : store->options->folder;
    size_t len = strlen(base);
    while (len > 1 && base[len - 1] == '/') {
        len--;
    }
    char *text = NULL;
    return asprintf(&text, "%.*s/%s", (int)len, base, name) < 0 ? NULL : text;
}

const char *store_history_path(const struct store *store)
{
    return store->history;
}

static int get_file(const char *path, size_t size_max, struct tool_bytes *ret_bytes, bool *ret_there)
{
    struct stat st;
    *ret_there = stat(path, &st) == 0 || errno != ENOENT;
    return *ret_there ? tool_read_file(path, size_max, ret_bytes) : 0;
}

int store_get(struct store *store, const char *name, size_t size_max, struct tool_bytes *ret_bytes, bool *ret_there)
{
    if (store->http) {
        return store_http_get(store->http, name, size_max, ret_bytes, ret_there);
    }
    char *path = store_name(store, name);
    int rc = path ? get_file(path, size_max, ret_bytes, ret_there) : tool_refuse("out of memory");
    free(path);
    return rc;
}

static int has_file(const char *path, size_t size)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return tool_refuse("'%s' should be there, and is not", path);
    }
    return (uint64_t)st.st_size == size ? 0 : tool_refuse("'%s' should have %zu bytes, and has %lld", path, size,
                                                          (long long)st.st_size);
}

int store_has(struct store *store, const char *name, size_t size)
{
    if (store->http) {
        return store_http_has(store->http, name, size);
    }
    char *path = store_name(store, name);
    int rc = path ? has_file(path, size) : tool_refuse("out of memory");
    free(path);
    return rc;
}

static int put_files(struct store *store, const struct store_change *change, bool *ret_told)
{
    struct tool_file files[STORE_BLOBS_MAX + 2];
    char *names[STORE_BLOBS_MAX + 1];
    size_t count = change->blobs_count;
    bool named = true;
    for (size_t i = 0; i <= count; i++) {
        names[i] = store_name(store, i < count ? change->blobs[i].name : change->job_name);
        named = named && names[i];
    }
    for (size_t i = 0; i < count; i++) {
        files[i] = (struct tool_file){names[i], change->blobs[i].bytes->data, change->blobs[i].bytes->len, 0644};
    }
    files[count] = (struct tool_file){store->history, change->history, strlen(change->history), 0644};
    files[count + 1] = (struct tool_file){names[count], change->job->data, change->job->len, 0644};
    int rc = named ? tool_write_files(files, count + 2) : tool_refuse("out of memory");
    *ret_told = rc == 0;
    for (size_t i = 0; i <= count; i++) {
        free(names[i]);
    }
    return rc;
}

/* What a device gets must be what was put: a server that says yes and does nothing is found here. */
static int put_job(struct store *store, const struct store_change *change)
{
    struct tool_bytes got = {NULL, 0};
    bool there = false;
    bool is_jws = strlen(change->job_name) > 4 && strcmp(change->job_name + strlen(change->job_name) - 4, ".jws") == 0;
    int rc = store_http_put(store->http, change->job_name, change->job, is_jws ? "application/jose" : "application/json",
                            "no-cache");
    if (rc == 0) {
        rc = store_http_get(store->http, change->job_name, change->job->len + 1, &got, &there);
    }
    if (rc == 0 && (!there || got.len != change->job->len || memcmp(got.data, change->job->data, got.len) != 0)) {
        rc = tool_refuse("'%s' took %s, and then hands out another: somebody else published, or a cache is in between",
                         store->options->to, change->job_name);
    }
    tool_bytes_free(&got);
    return rc;
}

static int put_server(struct store *store, const struct store_change *change, bool *ret_told)
{
    int rc = 0;
    for (size_t i = 0; i < change->blobs_count && rc == 0; i++) {
        const struct store_blob *blob = &change->blobs[i];
        rc = store_http_put(store->http, blob->name, blob->bytes, "application/octet-stream", "public, max-age=31536000, immutable");
        rc = rc == 0 ? store_http_has(store->http, blob->name, blob->bytes->len) : rc;
    }
    rc = rc == 0 ? store_put_history(store, change->history) : rc;
    *ret_told = rc == 0;
    return rc == 0 ? put_job(store, change) : rc;
}

int store_put(struct store *store, const struct store_change *change, bool *ret_told)
{
    *ret_told = false;
    return store->http ? put_server(store, change, ret_told) : put_files(store, change, ret_told);
}

int store_put_history(struct store *store, const char *text)
{
    return tool_write_file(store->history, text, strlen(text), 0644);
}
