/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_at.c - preloaded into a program: it ends like kill -9 before its Nth call that changes
 * something outside (KILL_AT=N), a write or send after half of its bytes (KILL_TORN=1).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_now(void)
{
    static int count;
    const char *at = getenv("KILL_AT");
    return at && ++count == atoi(at);
}

static void end(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause();
    }
}

static size_t torn(size_t len)
{
    return getenv("KILL_TORN") ? len / 2 : 0;
}

ssize_t write(int fd, const void *data, size_t len)
{
    ssize_t (*next)(int, const void *, size_t) = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (fd > 2 && is_now()) {
        (void)!next(fd, data, torn(len));
        end();
    }
    return next(fd, data, len);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    ssize_t (*next)(int, const void *, size_t, int) =
        (ssize_t (*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
    if (is_now()) {
        (void)!next(fd, data, torn(len), flags);
        end();
    }
    return next(fd, data, len, flags);
}

#define BEFORE(name, parameters, arguments)                                                                            \
    int name parameters                                                                                                \
    {                                                                                                                  \
        int(*next) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name);                                            \
        if (is_now()) {                                                                                                \
            end();                                                                                                     \
        }                                                                                                              \
        return next arguments;                                                                                         \
    }

BEFORE(fsync, (int fd), (fd))
BEFORE(fchmod, (int fd, mode_t mode), (fd, mode))
BEFORE(rename, (const char *from, const char *to), (from, to))
BEFORE(unlink, (const char *path), (path))
BEFORE(mkdir, (const char *path, mode_t mode), (path, mode))
BEFORE(rmdir, (const char *path), (path))
BEFORE(mkostemp, (char *path, int flags), (path, flags))
