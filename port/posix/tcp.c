/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.c - non-blocking TCP with all addresses of a name tried, staggered.
 *
 * While connecting, `tries` are the sockets under way. One of them is kept as fd, the
 * others are closed. errno stays here; callers get enum otter_err.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "port/posix/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STAGGER_MS 250

static int64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void forget_addresses(struct otter_tcp *tcp)
{
    if (tcp->addresses) {
        freeaddrinfo(tcp->addresses);
    }
    tcp->addresses = NULL;
    tcp->next = NULL;
}

static void tcp_close(void *ctx)
{
    struct otter_tcp *tcp = ctx;
    for (uint32_t i = 0; i < tcp->tries_count; i++) {
        (void)close(tcp->tries[i]);
    }
    tcp->tries_count = 0;
    if (tcp->fd >= 0) {
        (void)close(tcp->fd);
    }
    tcp->fd = -1;
    tcp->wants_write = false;
    forget_addresses(tcp);
}

static int resolve(struct otter_tcp *tcp, const char *host, uint16_t port)
{
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST};
    int rc = getaddrinfo(host, service, &hints, &tcp->addresses);
    if (rc == EAI_NONAME) {
        hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
        rc = getaddrinfo(host, service, &hints, &tcp->addresses);
    }
    if (rc != 0) {
        tcp->addresses = NULL;
        tcp->error = rc; /* EAI_ codes are negative */
        return OTTER_ERR_IO;
    }
    tcp->next = tcp->addresses;
    tcp->next_ms = clock_ms();
    return OTTER_OK;
}

static void keep(struct otter_tcp *tcp, int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (uint32_t i = 0; i < tcp->tries_count; i++) {
        if (tcp->tries[i] != fd) {
            (void)close(tcp->tries[i]);
        }
    }
    tcp->tries_count = 0;
    tcp->fd = fd;
    forget_addresses(tcp);
}

/* Begin to connect to the next address. An address that fails at once is passed over. */
static void start_next(struct otter_tcp *tcp)
{
    const struct addrinfo *address = tcp->next;
    tcp->next = address->ai_next;
    tcp->next_ms = clock_ms() + STAGGER_MS;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    address->ai_protocol);
    if (fd < 0) {
        tcp->error = errno;
        return;
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        tcp->tries[tcp->tries_count++] = fd;
        keep(tcp, fd);
    } else if (errno == EINPROGRESS || errno == EINTR) {
        tcp->tries[tcp->tries_count++] = fd;
    } else {
        tcp->error = errno;
        (void)close(fd);
    }
}

/* Look at the attempts under way: keep one that is through, drop those that failed. */
static void look(struct otter_tcp *tcp)
{
    for (uint32_t i = 0; i < tcp->tries_count && tcp->fd < 0;) {
        struct pollfd entry = {.fd = tcp->tries[i], .events = POLLOUT};
        int error = 0;
        socklen_t len = sizeof error;
        if (poll(&entry, 1, 0) <= 0) {
            i++;
            continue;
        }
        if (getsockopt(entry.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
            error = errno;
        }
        if (error == 0) {
            keep(tcp, entry.fd);
        } else {
            tcp->error = error;
            (void)close(entry.fd);
            tcp->tries[i] = tcp->tries[--tcp->tries_count];
        }
    }
}

static int tcp_open(void *ctx, const char *host, uint16_t port)
{
    struct otter_tcp *tcp = ctx;
    if (tcp->fd >= 0) {
        return OTTER_OK;
    }
    if (!tcp->addresses) {
        tcp->error = 0;
        int err = resolve(tcp, host, port);
        if (err < 0) {
            return err;
        }
    }
    look(tcp);
    while (tcp->fd < 0 && tcp->next && tcp->tries_count < OTTER_TCP_ADDRESSES_MAX &&
           (tcp->tries_count == 0 || clock_ms() >= tcp->next_ms)) {
        start_next(tcp);
    }
    if (tcp->fd >= 0) {
        return OTTER_OK;
    }
    return tcp->tries_count > 0 ? 1 : OTTER_ERR_IO;
}

static int tcp_send(void *ctx, const void *buf, size_t len)
{
    struct otter_tcp *tcp = ctx;
    if (tcp->fd < 0) {
        return OTTER_ERR_IO;
    }
    ssize_t n = send(tcp->fd, buf, len < INT32_MAX ? len : INT32_MAX, MSG_NOSIGNAL);
    tcp->wants_write = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (n >= 0) {
        return (int)n;
    }
    if (tcp->wants_write || errno == EINTR) {
        return 0;
    }
    tcp->error = errno;
    return OTTER_ERR_IO;
}

static int tcp_recv(void *ctx, void *buf, size_t len)
{
    struct otter_tcp *tcp = ctx;
    if (tcp->fd < 0) {
        return OTTER_ERR_IO;
    }
    ssize_t n = recv(tcp->fd, buf, len < INT32_MAX ? len : INT32_MAX, 0);
    if (n > 0) {
        return (int)n;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return 0;
    }
    tcp->error = n == 0 ? ECONNRESET : errno; /* n == 0: the peer closed */
    return OTTER_ERR_IO;
}

void otter_tcp_init(struct otter_tcp *tcp, struct otter_transport *ret_transport)
{
    memset(tcp, 0, sizeof *tcp);
    tcp->fd = -1;
    *ret_transport = (struct otter_transport){tcp, tcp_open, tcp_send, tcp_recv, tcp_close};
}

void otter_tcp_wait(const struct otter_tcp *tcp, uint32_t timeout_ms)
{
    struct pollfd entries[OTTER_TCP_ADDRESSES_MAX + 1];
    nfds_t count = 0;
    for (uint32_t i = 0; i < tcp->tries_count; i++) {
        entries[count++] = (struct pollfd){.fd = tcp->tries[i], .events = POLLOUT};
    }
    if (tcp->fd >= 0) {
        short events = tcp->wants_write ? POLLIN | POLLOUT : POLLIN;
        entries[count++] = (struct pollfd){.fd = tcp->fd, .events = events};
    }
    if (tcp->next && timeout_ms > STAGGER_MS) {
        timeout_ms = STAGGER_MS;
    }
    (void)poll(entries, count, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
}

uint32_t otter_tcp_sockets(const struct otter_tcp *tcp, int ret_sockets[OTTER_TCP_ADDRESSES_MAX])
{
    if (tcp->fd >= 0) {
        ret_sockets[0] = tcp->fd;
        return 1;
    }
    memcpy(ret_sockets, tcp->tries, tcp->tries_count * sizeof tcp->tries[0]);
    return tcp->tries_count;
}

const char *otter_tcp_cause(const struct otter_tcp *tcp)
{
    if (tcp->error == 0) {
        return "no failure";
    }
    return tcp->error < 0 ? gai_strerror(tcp->error) : strerror(tcp->error);
}

int otter_posix_random(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    uint8_t *bytes = buf;
    while (len > 0) {
        ssize_t n = getrandom(bytes, len, 0);
        if (n < 0 && errno != EINTR) {
            return OTTER_ERR_IO;
        }
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return OTTER_OK;
}
