/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - struct otter_transport over a TCP socket of a POSIX system; and its random bytes.
 *
 * Every call returns at once, with one exception that POSIX leaves no way around: a name
 * (not an address) is resolved by getaddrinfo(3) in the first open() of a connection, and
 * that waits for the resolver. Of a name with several addresses, each is tried: the next
 * one starts beside the others 250 ms later, or at once when all before it have failed;
 * the first that connects is kept (RFC 8305 in short).
 */
#ifndef OTTER_PORT_POSIX_TCP_H
#define OTTER_PORT_POSIX_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "otter/result.h"
#include "otter/transport.h"

#define OTTER_TCP_ADDRESSES_MAX 6u

struct addrinfo;

/* The caller's; contents private. One connection at a time. */
struct otter_tcp {
    struct addrinfo *addresses; /* while connecting, and then no more */
    struct addrinfo *next;
    int tries[OTTER_TCP_ADDRESSES_MAX];
    uint32_t tries_count;
    int64_t next_ms; /* when the next address begins */
    int fd;          /* connected, or -1 */
    bool wants_write;
    int error; /* errno of the last failure, or an EAI_ code below zero */
};

/* Prepare the object and fill ret_transport, whose ctx it becomes. */
void otter_tcp_init(struct otter_tcp *tcp, struct otter_transport *ret_transport);

/* Wait until the connection has something to do, at most timeout_ms: for an application
 * whose loop has nothing else to wait for. */
void otter_tcp_wait(const struct otter_tcp *tcp, uint32_t timeout_ms);

/* The sockets that have something to do, for a loop that waits for many connections: their
 * number, 0 when closed. They stay the connection's, and change until open() returns 0. */
uint32_t otter_tcp_sockets(const struct otter_tcp *tcp, int ret_sockets[OTTER_TCP_ADDRESSES_MAX]);

/* What the last failure was, in the system's words; never NULL. */
const char *otter_tcp_cause(const struct otter_tcp *tcp);

/* Random bytes of the kernel, in the form that otter_tls_config.random takes. */
int otter_posix_random(void *ctx, void *buf, size_t len);

#endif
