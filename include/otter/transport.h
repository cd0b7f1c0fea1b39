/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h - an authenticated byte stream; the agent never sees a socket.
 *
 * A port implements it (port/posix: TCP; port/mbedtls: TLS over another transport).
 * One connection at a time per object. No function blocks: a call does what can be done
 * now and returns. TLS session resumption, SNI, name and date checks live behind open().
 */
#ifndef OTTER_TRANSPORT_H
#define OTTER_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct otter_transport {
    void *ctx;

    /* Begin, or go on with, connecting to host:port. Call again with the same arguments
     * while it returns 1 (not yet). 0: open, and the server's identity is checked.
     * OTTER_ERR_IO: no connection; OTTER_ERR_AUTH: the server is not who it should be
     * (name, chain, date, protocol version); after an error call close() before open().
     * `host` is borrowed during the call: a name or an address, without brackets. */
    int (*open)(void *ctx, const char *host, uint16_t port);

    /* >0: bytes taken; 0: nothing can be sent now; <0: the connection is dead. */
    int (*send)(void *ctx, const void *buf, size_t len);

    /* >0: bytes received; 0: nothing there now; <0: dead or closed by the peer, never 0.
     * A TLS stream that ends without close_notify is OTTER_ERR_IO like any other end. */
    int (*recv)(void *ctx, void *buf, size_t len);

    /* Give up the connection (also a half-open one). Safe to call at any time. */
    void (*close)(void *ctx);
};

#endif
