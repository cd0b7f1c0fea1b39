/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_guard.c - clients that begin a request, or a handshake, and never come to its end.
 *
 * libevent closes a connection on which nothing happens; one that gets a byte every minute
 * would live for ever. So for each file descriptor it is noted since when a request has been
 * coming in, and one that is late is shut down. libevent does not say when it closes a
 * connection: the socket's inode tells whether a descriptor is still the same one.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tool/serve.h"

enum { RESERVE = 64, FILES_MAX = 1 << 20 }; /* descriptors kept for files and databases */

struct place {
    ino_t inode;   /* 0: nothing */
    int64_t since; /* milliseconds; 0: no request is coming in */
};

struct newcomer {
    struct newcomer *next;
    struct bufferevent *connection; /* ours as well until its descriptor is known */
};

struct serve_guard {
    struct event *event; /* there are newcomers */
    struct newcomer *newcomers;
    int seconds;
    int files_max;
    struct place *places; /* by descriptor */
    int count;
};

static struct serve_guard *guard_of_process; /* a buffer's callback has room for the connection only */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct place *place_of(struct serve_guard *guard, int fd)
{
    if (fd < 0 || fd >= FILES_MAX) {
        return NULL;
    }
    if (fd >= guard->count) {
        int count = fd < 512 ? 1024 : 2 * fd;
        struct place *places = realloc(guard->places, (size_t)count * sizeof *places);
        if (!places) {
            return NULL;
        }
        for (int i = guard->count; i < count; i++) {
            places[i] = (struct place){0, 0};
        }
        guard->places = places;
        guard->count = count;
    }
    return &guard->places[fd];
}

static ino_t inode_of(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

/* libevent has given them their descriptors by now. */
static void settle(struct serve_guard *guard)
{
    while (guard->newcomers) {
        struct newcomer *newcomer = guard->newcomers;
        int fd = bufferevent_getfd(newcomer->connection);
        struct place *place = place_of(guard, fd);
        guard->newcomers = newcomer->next;
        if (fd >= guard->files_max) {
            (void)shutdown(fd, SHUT_RDWR);
        } else if (place) {
            *place = (struct place){inode_of(fd), now_ms()};
        }
        if (fd >= 0) { /* headers and a short body are two writes: no waiting for an answer between them */
            int on = 1;
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        (void)bufferevent_decref(newcomer->connection);
        free(newcomer);
    }
}

static void settle_soon(evutil_socket_t none, short events, void *ctx)
{
    (void)none;
    (void)events;
    settle(ctx);
}

struct serve_guard *serve_guard_new(struct event_base *base, int seconds)
{
    struct rlimit files = {1024, 1024};
    struct serve_guard *guard = calloc(1, sizeof *guard);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (guard) {
        guard->event = event_new(base, -1, EV_TIMEOUT, settle_soon, guard);
        guard->seconds = seconds;
        guard->files_max = (files.rlim_cur > FILES_MAX ? FILES_MAX : (int)files.rlim_cur) - RESERVE;
        guard_of_process = guard;
    }
    if (guard && !guard->event) {
        free(guard);
        return NULL;
    }
    return guard;
}

/* More of a request has come: it began now, unless it had begun before. */
static void arrives(struct evbuffer *input, const struct evbuffer_cb_info *info, void *ctx)
{
    (void)input;
    if (info->n_added > 0 && guard_of_process) {
        settle(guard_of_process);
        struct place *place = place_of(guard_of_process, bufferevent_getfd(ctx));
        if (place && place->since == 0) {
            place->since = now_ms();
        }
    }
}

void serve_guard_watch(struct serve_guard *guard, struct bufferevent *connection)
{
    struct newcomer *newcomer = malloc(sizeof *newcomer);
    if (!newcomer) {
        return;
    }
    bufferevent_incref(connection);
    *newcomer = (struct newcomer){guard->newcomers, connection};
    guard->newcomers = newcomer;
    event_active(guard->event, EV_TIMEOUT, 1);
    (void)evbuffer_add_cb(bufferevent_get_input(connection), arrives, connection);
}

void serve_guard_whole(struct serve_guard *guard, struct bufferevent *connection)
{
    settle(guard);
    struct place *place = place_of(guard, bufferevent_getfd(connection));
    if (place) {
        place->since = 0;
    }
}

void serve_guard_sweep(struct serve_guard *guard)
{
    int64_t late = now_ms() - guard->seconds * (int64_t)1000;
    for (int fd = 0; fd < guard->count; fd++) {
        struct place *place = &guard->places[fd];
        if (place->since == 0 || place->since > late) {
            continue;
        }
        if (place->inode != 0 && inode_of(fd) == place->inode) {
            (void)shutdown(fd, SHUT_RDWR); /* libevent sees its end, and closes it */
        }
        *place = (struct place){0, 0};
    }
}

void serve_guard_free(struct serve_guard *guard)
{
    if (guard) {
        settle(guard);
        event_free(guard->event);
        free(guard->places);
        free(guard);
        guard_of_process = NULL;
    }
}
