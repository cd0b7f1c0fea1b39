/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - files read whole, and written so that they are never half there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/tool.h"

void tool_bytes_free(struct tool_bytes *bytes)
{
    free(bytes->data);
    bytes->data = NULL;
    bytes->len = 0;
}

static int read_all(int fd, const char *path, struct tool_bytes *bytes)
{
    size_t got = 0;
    while (got < bytes->len) {
        ssize_t n = read(fd, bytes->data + got, bytes->len - got);
        if (n < 0) {
            return tool_refuse("cannot read '%s': %s", path, strerror(errno));
        }
        if (n == 0) {
            break;
        }
        got += (size_t)n;
    }
    bytes->len = got;
    bytes->data[got] = 0;
    return 0;
}

int tool_read_file(const char *path, size_t size_max, struct tool_bytes *ret_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return tool_refuse("cannot read '%s': %s", path, strerror(errno));
    }
    struct stat st;
    struct tool_bytes bytes = {NULL, 0};
    int rc = 0;
    if (fstat(fd, &st) != 0) {
        rc = tool_refuse("cannot read '%s': %s", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        rc = tool_refuse("'%s' is a directory, a file is needed", path);
    } else if ((uint64_t)st.st_size > size_max) {
        rc = tool_refuse("'%s' is too large: %lld bytes, at most %zu", path, (long long)st.st_size, size_max);
    } else {
        bytes.len = (size_t)st.st_size;
        bytes.data = malloc(bytes.len + 1);
        rc = bytes.data ? read_all(fd, path, &bytes) : tool_refuse("'%s': out of memory", path);
    }
    (void)close(fd);
    if (rc != 0) {
        tool_bytes_free(&bytes);
        return rc;
    }
    *ret_bytes = bytes;
    return 0;
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(folder);
}

/* A device or a pipe (/dev/stdout, /dev/null) is written to, never replaced. */
static int write_through(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    const uint8_t *at = data;
    ssize_t n = fd < 0 ? -1 : 0;
    while (n >= 0 && len > 0) {
        n = write(fd, at, len);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    int rc = n < 0 ? tool_refuse("cannot write '%s': %s", path, strerror(errno)) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

/* A whole new file beside `path`; *ret_aside is its name, to be freed. */
static int write_aside(const char *path, const struct tool_file *file, char **ret_aside)
{
    char *aside = NULL;
    if (asprintf(&aside, "%s" TOOL_ASIDE "XXXXXX", path) < 0) {
        return tool_refuse("'%s': out of memory", path);
    }
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0) {
        int rc = tool_refuse("cannot write '%s': %s", path, strerror(errno));
        free(aside);
        return rc;
    }
    bool written = write_all(fd, file->data, file->len) && fchmod(fd, (mode_t)file->mode) == 0;
    int error = errno;
    if (close(fd) != 0 && written) {
        written = false;
        error = errno;
    }
    if (!written) {
        (void)unlink(aside);
        free(aside);
        return tool_refuse("cannot write '%s': %s", path, strerror(error));
    }
    *ret_aside = aside;
    return 0;
}

static int move_in_place(const char *aside, const char *path)
{
    if (rename(aside, path) != 0) {
        return tool_refuse("cannot write '%s': %s", path, strerror(errno));
    }
    sync_folder_of(path);
    return 0;
}

int tool_write_files(const struct tool_file *files, size_t count)
{
    struct stat st;
    char **real = calloc(2 * count, sizeof *real);
    char **aside = real ? real + count : NULL;
    int rc = real ? 0 : tool_refuse("out of memory");
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (stat(files[i].path, &st) == 0 && S_ISDIR(st.st_mode)) {
            rc = tool_refuse("cannot write '%s': it is a directory", files[i].path);
            break;
        }
        real[i] = realpath(files[i].path, NULL); /* a link stays a link; NULL: a new file */
        rc = write_aside(real[i] ? real[i] : files[i].path, &files[i], &aside[i]);
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = move_in_place(aside[i], real[i] ? real[i] : files[i].path);
        if (rc == 0) {
            free(aside[i]);
            aside[i] = NULL;
        }
    }
    for (size_t i = 0; real && i < count; i++) {
        if (aside[i]) {
            (void)unlink(aside[i]);
        }
        free(aside[i]);
        free(real[i]);
    }
    free(real);
    return rc;
}

int tool_write_file(const char *path, const void *data, size_t len, unsigned mode)
{
    struct stat st;
    struct tool_file file = {path, data, len, mode};
    bool there = stat(path, &st) == 0;
    if (strncmp(path, "/dev/std", 8) == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
        (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        return write_through(path, data, len);
    }
    return tool_write_files(&file, 1);
}

int tool_make_folder(const char *folder, bool *ret_made)
{
    struct stat st;
    *ret_made = mkdir(folder, 0755) == 0;
    if (!*ret_made && errno != EEXIST) {
        return tool_refuse("cannot make the folder '%s': %s", folder, strerror(errno));
    }
    if (stat(folder, &st) == 0 && !S_ISDIR(st.st_mode)) {
        return tool_refuse("'%s' is a file, a folder is needed", folder);
    }
    return 0;
}
