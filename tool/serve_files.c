/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_files.c - from a request path to an open file and its validators.
 *
 * The entity tag is the SHA-256 of the content: the same on every server that has the file,
 * and different whenever a byte differs. It is computed once per file version (device,
 * inode, size, times) and remembered. The whole content passes by then, so a private key is
 * found wherever it stands in a file.
 */
#include <errno.h>
#include <event2/http.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tool/print.h"
#include "tool/serve.h"
#include "tool/served_folder.h"

enum { CACHE_SIZE = 256, PIECE = 65536 };

struct known {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    char sha256[65];
    char date[32]; /* Last-Modified */
    bool is_key;
};
static struct known cache[CACHE_SIZE];

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool knows(const struct known *known, const struct stat *st)
{
    return known->sha256[0] && known->device == st->st_dev && known->inode == st->st_ino &&
           known->size == st->st_size && same_time(&known->modified, &st->st_mtim) &&
           same_time(&known->changed, &st->st_ctim);
}

/* Read all of it: its hash, and whether it is a key. */
static bool digest(int fd, struct known *known)
{
    static unsigned char piece[PIECE];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct tool_key_search search = {.found = false};
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    off_t off = 0;
    ssize_t n = 1;
    while (ok && n > 0) {
        n = pread(fd, piece, sizeof piece, off);
        ok = n >= 0 && (n == 0 || EVP_DigestUpdate(md, piece, (size_t)n) == 1);
        if (ok && n > 0) {
            tool_key_search(&search, piece, (size_t)n);
            off += n;
        }
    }
    ok = ok && EVP_DigestFinal_ex(md, hash, &len) == 1 && off == known->size;
    EVP_MD_CTX_free(md);
    if (ok) {
        (void)tool_hex(hash, len, known->sha256);
        known->is_key = search.found;
    }
    return ok;
}

static const struct known *know(int fd, const struct stat *st)
{
    struct known *known = &cache[(st->st_ino ^ (st->st_ino >> 8)) % CACHE_SIZE];
    if (!knows(known, st)) {
        *known = (struct known){.device = st->st_dev, .inode = st->st_ino, .size = st->st_size,
                                .modified = st->st_mtim, .changed = st->st_ctim};
        struct tm tm;
        strftime(known->date, sizeof known->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&st->st_mtime, &tm));
        if (!digest(fd, known)) {
            known->sha256[0] = 0;
            return NULL;
        }
    }
    return known;
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".json", "application/json"}, {".jws", "application/jose"}, {".bin", "application/octet-stream"},
        {".hex", "application/octet-stream"}, {".html", "text/html; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"}, {".md", "text/plain; charset=utf-8"},
        {".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"}, {".png", "image/png"}, {".ico", "image/x-icon"},
        {".jws", "application/jose"}, {".crt", "application/x-pem-file"}, {".pem", "application/x-pem-file"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(dot, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

/* "app-1.2.3-5b59d270.bin", where 5b59d270 begins the content's hash (`otter publish`); patches end in .delta. */
static bool carries_hash(const char *path, const char *sha256)
{
    const char *dash = strrchr(path, '-');
    return dash && strlen(dash) > 9 && strncmp(dash + 1, sha256, 8) == 0 &&
           (strcmp(dash + 9, ".bin") == 0 || strcmp(dash + 9, ".delta") == 0);
}

/* No part of the path may begin with a dot: no "..", no hidden files. */
static bool is_plain(const char *path)
{
    if (path[0] != '/') {
        return false;
    }
    for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
        if (slash[1] == '.') {
            return false;
        }
    }
    return true;
}

/* Most files lie where their path says: one call, and the kernel sees to it that no link was on the
 * way. -1: not so, or a kernel before 5.6. */
static int open_plain(const struct serve *serve, const char *path, char ret_real[PATH_MAX])
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int n = snprintf(ret_real, PATH_MAX, "%s%s", serve->root, path);
    if (n < 0 || n >= PATH_MAX || path[1] == 0 || path[strlen(path) - 1] == '/') {
        return -1;
    }
    path += strspn(path, "/");
    return (int)syscall(SYS_openat2, serve->root_fd, path, &how, sizeof how);
}

/* The file that a path names, links followed, as long as it lies inside the root. */
static int find(const struct serve *serve, const char *path, char ret_real[PATH_MAX])
{
    char joined[PATH_MAX];
    size_t root = strlen(serve->root);
    const char *index = path[strlen(path) - 1] == '/' ? "index.html" : "";
    int n = snprintf(joined, sizeof joined, "%s%s%s", serve->root, path, index);
    if (n < 0 || (size_t)n >= sizeof joined || !realpath(joined, ret_real)) {
        return errno == EACCES ? 403 : 404;
    }
    bool inside = strncmp(ret_real, serve->root, root) == 0 && (ret_real[root] == '/' || root == 1);
    return inside ? 0 : 404;
}

static int examine(const char *real, struct serve_file *file)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0) {
        return 500;
    }
    if (!S_ISREG(st.st_mode)) {
        return 404;
    }
    const struct known *known = know(file->fd, &st);
    if (!known) {
        return 500;
    }
    size_t len = strlen(real);
    if (known->is_key || (len > 4 && strcmp(real + len - 4, ".key") == 0)) {
        return 403;
    }
    file->size = (uint64_t)st.st_size;
    file->changed = st.st_ctim;
    memcpy(file->sha256, known->sha256, sizeof file->sha256);
    memcpy(file->date, known->date, sizeof file->date);
    snprintf(file->etag, sizeof file->etag, "\"%.32s\"", known->sha256);
    file->type = type_of(real);
    file->immutable = carries_hash(real, known->sha256);
    return 0;
}

int serve_file_open(const struct serve *serve, const char *path, struct serve_file *ret_file)
{
    char real[PATH_MAX];
    size_t len = 0;
    char *decoded = evhttp_uridecode(path, 0, &len);
    int status = decoded && strlen(decoded) == len ? 0 : 400; /* %00 */
    if (status == 0) {
        status = is_plain(decoded) ? 0 : 404;
    }
    ret_file->fd = status == 0 ? open_plain(serve, decoded, real) : -1;
    if (status == 0 && ret_file->fd < 0) {
        status = find(serve, decoded, real);
    }
    free(decoded);
    if (status != 0) {
        return status;
    }
    if (ret_file->fd < 0) {
        ret_file->fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (ret_file->fd < 0) {
        return errno == EACCES ? 403 : 404;
    }
    status = examine(real, ret_file);
    if (status != 0) {
        (void)close(ret_file->fd);
    }
    return status;
}

bool serve_file_is_same(const struct serve_file *file)
{
    struct stat st;
    return fstat(file->fd, &st) == 0 && (uint64_t)st.st_size == file->size &&
           (same_time(&st.st_ctim, &file->changed) || st.st_nlink == 0);
}
