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

static int replace(const char *path, const void *data, size_t len, unsigned mode)
{
    char *aside = NULL;
    if (asprintf(&aside, "%s.XXXXXX", path) < 0) {
        return tool_refuse("'%s': out of memory", path);
    }
    int rc = 0;
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0) {
        rc = tool_refuse("cannot write '%s': %s", path, strerror(errno));
        free(aside);
        return rc;
    }
    bool written = write_all(fd, data, len) && fchmod(fd, (mode_t)mode) == 0;
    int error = errno;
    if (close(fd) != 0 && written) {
        written = false;
        error = errno;
    }
    if (written && rename(aside, path) != 0) {
        written = false;
        error = errno;
    }
    if (written) {
        sync_folder_of(path);
    } else {
        rc = tool_refuse("cannot write '%s': %s", path, strerror(error));
        (void)unlink(aside);
    }
    free(aside);
    return rc;
}

int tool_write_file(const char *path, const void *data, size_t len, unsigned mode)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return tool_refuse("cannot write '%s': it is a directory", path);
    }
    if (strncmp(path, "/dev/std", 8) == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
        (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
        return write_through(path, data, len);
    }
    char *real = realpath(path, NULL); /* a link stays a link; NULL: a new file */
    int rc = real ? replace(real, data, len, mode) : replace(path, data, len, mode);
    free(real);
    return rc;
}
