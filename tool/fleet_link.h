/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_link.h - a device's TCP connection: counted, watched by the loop, and cut when its time
 * has come.
 */
#ifndef OTTER_TOOL_FLEET_LINK_H
#define OTTER_TOOL_FLEET_LINK_H

#include "port/posix/tcp.h"
#include "tool/fleet_tally.h"

struct fleet_link {
    struct otter_tcp tcp;
    struct otter_transport lower;
    struct fleet_tally *tally;
    int epoll;
    uint32_t device;  /* what the loop is told when something happened */
    uint64_t left;    /* bytes until it breaks, both ways together; UINT64_MAX: it does not */
    bool begun;       /* open() was called since the last close */
    bool blocked;     /* since this was last cleared: the other side has to do something first */
    uint64_t (*break_after)(void *ctx); /* asked for each connection; NULL: none breaks */
    void *ctx;
};

/* tally, epoll, device, break_after and ctx are the caller's to set. */
void fleet_link_init(struct fleet_link *link, struct otter_transport *ret_transport);

/* At once and without a word, as when power fails. */
void fleet_link_drop(struct fleet_link *link);

#endif
