/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_link.c - struct otter_transport over TCP, for one of many devices. */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tool/fleet_link.h"

/* Edges only: a device goes on until nothing is left to do. A socket that is closed leaves by itself. */
static void watch(const struct fleet_link *link)
{
    int sockets[OTTER_TCP_ADDRESSES_MAX];
    uint32_t count = otter_tcp_sockets(&link->tcp, sockets);
    for (uint32_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = link->device};
        (void)epoll_ctl(link->epoll, EPOLL_CTL_ADD, sockets[i], &event); /* EEXIST: known already */
    }
}

static int link_open(void *ctx, const char *host, uint16_t port)
{
    struct fleet_link *link = ctx;
    if (!link->begun) {
        link->begun = true;
        link->left = link->break_after ? link->break_after(link->ctx) : UINT64_MAX;
    }
    int rc = link->lower.open(link->lower.ctx, host, port);
    if (rc == 1) {
        link->blocked = true;
        watch(link);
    } else if (rc == 0) {
        link->tally->connections++;
        watch(link);
    }
    return rc;
}

static bool is_broken(struct fleet_link *link)
{
    if (link->left != 0) {
        return false;
    }
    if (link->tcp.fd >= 0) {
        link->tally->drops++;
        fleet_link_drop(link);
        link->begun = true; /* dead until it is closed */
    }
    return true;
}

static int moved(struct fleet_link *link, int n, uint64_t *count)
{
    if (n == 0) {
        link->blocked = true;
    } else if (n > 0) {
        *count += (uint64_t)n;
        link->left -= link->left != UINT64_MAX ? (uint64_t)n : 0;
    }
    return n;
}

static int link_send(void *ctx, const void *buf, size_t len)
{
    struct fleet_link *link = ctx;
    if (is_broken(link)) {
        return OTTER_ERR_IO;
    }
    len = len < link->left ? len : (size_t)link->left;
    return moved(link, link->lower.send(link->lower.ctx, buf, len), &link->tally->sent);
}

static int link_recv(void *ctx, void *buf, size_t len)
{
    struct fleet_link *link = ctx;
    if (is_broken(link)) {
        return OTTER_ERR_IO;
    }
    len = len < link->left ? len : (size_t)link->left;
    return moved(link, link->lower.recv(link->lower.ctx, buf, len), &link->tally->received);
}

static void link_close(void *ctx)
{
    struct fleet_link *link = ctx;
    link->lower.close(link->lower.ctx);
    link->begun = false;
    link->left = UINT64_MAX;
}

void fleet_link_init(struct fleet_link *link, struct otter_transport *ret_transport)
{
    otter_tcp_init(&link->tcp, &link->lower);
    link->left = UINT64_MAX;
    link->begun = false;
    *ret_transport = (struct otter_transport){link, link_open, link_send, link_recv, link_close};
}

void fleet_link_drop(struct fleet_link *link)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0}; /* a reset, not a farewell */
    if (link->tcp.fd >= 0) {
        (void)setsockopt(link->tcp.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    link_close(link);
    link->left = 0;
}
