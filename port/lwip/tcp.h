/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - struct otter_transport over the raw API of lwIP 2.2.
 *
 * lwIP's raw API has no locks: open, send, recv and close are called from the one thread of
 * execution that also feeds lwIP (frames of the network interface, sys_check_timeouts; on a
 * board: board_network_poll). Nothing moves while lwIP is not fed, and nothing here feeds
 * it. Any number of objects, one connection at a time each; lwIP's own pools are the limit.
 *
 * Needs TCP, DNS and sys_now() of lwIP. port/lwip/include has a configuration that does.
 */
#ifndef OTTER_PORT_LWIP_TCP_H
#define OTTER_PORT_LWIP_TCP_H

#include <lwip/ip_addr.h>
#include <stdbool.h>
#include <stdint.h>

#include "otter/result.h"
#include "otter/transport.h"

/* Name and connection together must be there within this time of the first open(); lwIP asks
 * for the connection every 3 s. */
#define OTTER_LWIP_CONNECT_MS 15000u

struct tcp_pcb;
struct pbuf;

enum otter_lwip_state {
    OTTER_LWIP_CLOSED,
    OTTER_LWIP_WAIT,    /* open() was called; a look-up of before has not come back yet */
    OTTER_LWIP_LOOK_UP, /* the name's address is asked for */
    OTTER_LWIP_FOUND,   /* the address is known */
    OTTER_LWIP_CONNECT, /* lwIP connects */
    OTTER_LWIP_OPEN,
    OTTER_LWIP_ENDED, /* the peer will send no more; what it sent may still lie in `received` */
    OTTER_LWIP_DEAD   /* failed, see `error`; `received` as above */
};

enum otter_lwip_error {
    OTTER_LWIP_NO_ERROR,
    OTTER_LWIP_NO_NAME_SERVER,
    OTTER_LWIP_NO_NAME,
    OTTER_LWIP_NO_ROUTE,
    OTTER_LWIP_NO_MEMORY,
    OTTER_LWIP_NO_ANSWER,
    OTTER_LWIP_REFUSED,
    OTTER_LWIP_RESET,
    OTTER_LWIP_LOST,
    OTTER_LWIP_PEER_CLOSED
};

/* The caller's; contents private. Not to be moved after init. A look-up cannot be taken
 * back: an object closed while `looking` stays known to lwIP until the answer comes or is
 * given up, and must not be released before. */
struct otter_lwip_tcp {
    enum otter_lwip_state state;
    enum otter_lwip_error error; /* of the last failure */
    bool looking;                /* lwIP will call back about a name */
    ip_addr_t address;
    uint32_t start_ms;     /* sys_now() of the first open() */
    struct tcp_pcb *pcb;   /* ours until close() or until lwIP says that it is gone; or NULL */
    struct pbuf *received; /* a chain, ours; NULL: nothing there */
    uint16_t received_off; /* bytes of its first pbuf that were handed out */
};

/* Prepare the object and fill ret_transport, whose ctx it becomes. */
void otter_lwip_tcp_init(struct otter_lwip_tcp *tcp, struct otter_transport *ret_transport);

/* What the last failure was, in plain words; never NULL. */
const char *otter_lwip_tcp_cause(const struct otter_lwip_tcp *tcp);

#endif
