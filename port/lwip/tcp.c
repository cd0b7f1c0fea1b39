/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.c - one connection of lwIP's raw API.
 *
 * lwIP calls on_...() from within its own input and timers; they only note what happened,
 * the transport's functions act on it. A pcb that lwIP reports an error for is released
 * already; in every other case it is ours until close().
 */
#include "port/lwip/tcp.h"

#include <lwip/dns.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <string.h>

/* The connection is of no use any more; bytes that came before stay readable. */
static int fail(struct otter_lwip_tcp *tcp, enum otter_lwip_error error)
{
    tcp->state = OTTER_LWIP_DEAD;
    tcp->error = error;
    return OTTER_ERR_IO;
}

static enum otter_lwip_error error_of(err_t err)
{
    switch (err) {
    case ERR_MEM:
    case ERR_BUF:
    case ERR_USE: return OTTER_LWIP_NO_MEMORY; /* USE: every local port is taken */
    case ERR_RTE:
    case ERR_IF: return OTTER_LWIP_NO_ROUTE;
    case ERR_RST: return OTTER_LWIP_RESET;
    default: return OTTER_LWIP_LOST;
    }
}

static void on_error(void *arg, err_t err)
{
    struct otter_lwip_tcp *tcp = arg;
    bool refused = tcp->state == OTTER_LWIP_CONNECT && err == ERR_RST;
    tcp->pcb = NULL; /* lwIP has released it */
    (void)fail(tcp, refused ? OTTER_LWIP_REFUSED : error_of(err));
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct otter_lwip_tcp *tcp = arg;
    (void)pcb;
    (void)err; /* lwIP always says ERR_OK here */
    tcp->state = OTTER_LWIP_OPEN;
    return ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct otter_lwip_tcp *tcp = arg;
    (void)pcb;
    (void)err; /* likewise */
    if (!p) {
        tcp->state = OTTER_LWIP_ENDED;
        tcp->error = OTTER_LWIP_PEER_CLOSED;
        return ERR_OK;
    }
    if (!tcp->received) {
        tcp->received = p;
        return ERR_OK;
    }
    if (tcp->received->tot_len > UINT16_MAX - p->tot_len) {
        return ERR_MEM; /* lwIP keeps it and offers it again */
    }
    pbuf_cat(tcp->received, p);
    return ERR_OK;
}

static void on_found(const char *name, const ip_addr_t *address, void *arg)
{
    struct otter_lwip_tcp *tcp = arg;
    (void)name;
    tcp->looking = false;
    if (tcp->state != OTTER_LWIP_LOOK_UP) {
        return; /* closed meanwhile */
    }
    if (!address) {
        (void)fail(tcp, OTTER_LWIP_NO_NAME);
        return;
    }
    tcp->address = *address;
    tcp->state = OTTER_LWIP_FOUND;
}

/* lwIP takes a dotted address for its own name, and may call on_found at once. */
static void look_up(struct otter_lwip_tcp *tcp, const char *host)
{
    tcp->state = OTTER_LWIP_LOOK_UP;
    tcp->looking = true;
    err_t err = dns_gethostbyname(host, &tcp->address, on_found, tcp);
    if (err == ERR_INPROGRESS) {
        return;
    }
    tcp->looking = false;
    if (err == ERR_OK) {
        tcp->state = OTTER_LWIP_FOUND;
    } else {
        (void)fail(tcp, err == ERR_VAL   ? OTTER_LWIP_NO_NAME_SERVER
                        : err == ERR_ARG ? OTTER_LWIP_NO_NAME
                                         : error_of(err));
    }
}

/* Release the pcb, whatever it does now; what is in its send buffer still goes out. */
static void drop_pcb(struct otter_lwip_tcp *tcp)
{
    struct tcp_pcb *pcb = tcp->pcb;
    if (!pcb) {
        return;
    }
    tcp->pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
    }
}

static void begin(struct otter_lwip_tcp *tcp, uint16_t port)
{
    tcp->pcb = tcp_new();
    if (!tcp->pcb) {
        (void)fail(tcp, OTTER_LWIP_NO_MEMORY);
        return;
    }
    tcp_arg(tcp->pcb, tcp);
    tcp_recv(tcp->pcb, on_received);
    tcp_err(tcp->pcb, on_error);
    tcp_nagle_disable(tcp->pcb);
    tcp->state = OTTER_LWIP_CONNECT;
    err_t err = tcp_connect(tcp->pcb, &tcp->address, port, on_connected);
    if (err != ERR_OK) {
        (void)fail(tcp, error_of(err)); /* close() releases the pcb */
    }
}

static int open_step(struct otter_lwip_tcp *tcp, const char *host, uint16_t port)
{
    if (tcp->state == OTTER_LWIP_CLOSED) {
        tcp->error = OTTER_LWIP_NO_ERROR;
        tcp->start_ms = sys_now();
        tcp->state = OTTER_LWIP_WAIT;
    }
    if (tcp->state == OTTER_LWIP_WAIT && !tcp->looking) {
        look_up(tcp, host);
    }
    if (tcp->state == OTTER_LWIP_FOUND) {
        begin(tcp, port);
    }
    if (tcp->state == OTTER_LWIP_DEAD) {
        return OTTER_ERR_IO;
    }
    return tcp->state >= OTTER_LWIP_OPEN ? OTTER_OK : 1;
}

static int tcp_open(void *ctx, const char *host, uint16_t port)
{
    struct otter_lwip_tcp *tcp = ctx;
    int rc = open_step(tcp, host, port);
    if (rc == 1 && sys_now() - tcp->start_ms >= OTTER_LWIP_CONNECT_MS) {
        drop_pcb(tcp);
        rc = fail(tcp, tcp->state < OTTER_LWIP_FOUND ? OTTER_LWIP_NO_NAME : OTTER_LWIP_NO_ANSWER);
    }
    return rc;
}

/* lwIP copies what it takes. With little memory left it may take less than there is window
 * for; with none, what is on its way will free some. */
static int tcp_send(void *ctx, const void *buf, size_t len)
{
    struct otter_lwip_tcp *tcp = ctx;
    if (!tcp->pcb || tcp->state < OTTER_LWIP_OPEN) {
        return OTTER_ERR_IO;
    }
    u16_t room = tcp_sndbuf(tcp->pcb);
    u16_t n = len < room ? (u16_t)len : room;
    err_t err = ERR_MEM;
    while (n > 0 && err == ERR_MEM) {
        err = tcp_write(tcp->pcb, buf, n, TCP_WRITE_FLAG_COPY);
        n = err == ERR_MEM ? n / 2 : n;
    }
    if (err != ERR_OK && err != ERR_MEM) {
        return fail(tcp, error_of(err));
    }
    (void)tcp_output(tcp->pcb); /* what cannot go out now, lwIP's timer sends */
    return n;
}

/* Release the first pbuf of the chain. pbuf_dechain would release the rest as well, which
 * pbuf_cat has left with no owner but the pbuf before it. */
static void drop_first(struct otter_lwip_tcp *tcp)
{
    struct pbuf *first = tcp->received;
    struct pbuf *next = first->next;
    if (next) {
        pbuf_ref(next);
    }
    (void)pbuf_free(first);
    tcp->received = next;
    tcp->received_off = 0;
}

static size_t take(struct otter_lwip_tcp *tcp, uint8_t *buf, size_t len)
{
    size_t taken = 0;
    while (tcp->received && taken < len) {
        const struct pbuf *first = tcp->received;
        size_t left = (size_t)first->len - tcp->received_off;
        size_t n = left < len - taken ? left : len - taken;
        memcpy(buf + taken, (const uint8_t *)first->payload + tcp->received_off, n);
        taken += n;
        tcp->received_off = (uint16_t)(tcp->received_off + n);
        if (tcp->received_off == first->len) {
            drop_first(tcp);
        }
    }
    return taken;
}

static int tcp_receive(void *ctx, void *buf, size_t len)
{
    struct otter_lwip_tcp *tcp = ctx;
    if (!tcp->received) {
        return tcp->state == OTTER_LWIP_OPEN ? 0 : OTTER_ERR_IO;
    }
    size_t taken = take(tcp, buf, len < UINT16_MAX ? len : UINT16_MAX);
    if (tcp->pcb) {
        tcp_recved(tcp->pcb, (u16_t)taken); /* the window opens again */
    }
    return (int)taken;
}

static void tcp_shut(void *ctx)
{
    struct otter_lwip_tcp *tcp = ctx;
    drop_pcb(tcp); /* before the bytes: with some unread, lwIP resets rather than ends */
    if (tcp->received) {
        (void)pbuf_free(tcp->received);
    }
    tcp->received = NULL;
    tcp->received_off = 0;
    tcp->state = OTTER_LWIP_CLOSED;
}

void otter_lwip_tcp_init(struct otter_lwip_tcp *tcp, struct otter_transport *ret_transport)
{
    memset(tcp, 0, sizeof *tcp);
    *ret_transport = (struct otter_transport){tcp, tcp_open, tcp_send, tcp_receive, tcp_shut};
}

const char *otter_lwip_tcp_cause(const struct otter_lwip_tcp *tcp)
{
    switch (tcp->error) {
    case OTTER_LWIP_NO_ERROR: return "no failure";
    case OTTER_LWIP_NO_NAME_SERVER: return "no DNS server is known, so a name cannot be looked up";
    case OTTER_LWIP_NO_NAME: return "the name was not found";
    case OTTER_LWIP_NO_ROUTE: return "the network is down";
    case OTTER_LWIP_NO_MEMORY: return "no buffer or connection is free";
    case OTTER_LWIP_NO_ANSWER: return "the server does not answer";
    case OTTER_LWIP_REFUSED: return "the server refuses connections on this port";
    case OTTER_LWIP_RESET: return "the server broke the connection off";
    case OTTER_LWIP_LOST: return "the connection was lost";
    case OTTER_LWIP_PEER_CLOSED: return "the server closed the connection";
    }
    return "no failure";
}
