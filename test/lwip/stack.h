/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h - the whole network of the lwIP tests: one stack that talks to itself.
 *
 * A clock that only poll() moves, an interface that hands packets to its own address back
 * and lets all others vanish, a DNS server (it knows "ota.example" and "void.example", and
 * says nothing at all about "silent.example"), and a memory that can fail.
 */
#ifndef OTTER_TEST_LWIP_STACK_H
#define OTTER_TEST_LWIP_STACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lwip/dns.h>
#include <lwip/inet.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/priv/memp_priv.h>
#include <lwip/stats.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <string.h>

#define OWN_ADDRESS "192.0.2.15"
#define VOID_ADDRESS "192.0.2.99" /* nobody is there */

static uint32_t clock_ms;
static struct netif stack_netif;
static uint32_t packets_lost; /* sent to others than ourselves */
static uint32_t asserts;      /* lwIP's own, failed */
static uint32_t allocations;  /* since the start */
static uint32_t fail_at;      /* the allocation that fails; 0: none */
static size_t fail_above = SIZE_MAX; /* larger ones always fail */

u32_t sys_now(void)
{
    return clock_ms;
}

void otter_lwip_assert(void)
{
    asserts++;
}

uint32_t otter_lwip_rand(void)
{
    static uint32_t x = 1;
    x = x * 1664525u + 1013904223u;
    return x >> 8;
}

/* Room for a timer never fails: lwIP asserts that, and on a device its pool has all there are. */
void *test_lwip_malloc(size_t size)
{
    size_t helper = LWIP_MEM_ALIGN_SIZE(sizeof(mem_size_t));
    bool is_timer = size == helper + LWIP_MEM_ALIGN_SIZE(sizeof(struct sys_timeo));
    allocations++;
    return (!is_timer && allocations == fail_at) || size > fail_above ? NULL : malloc(size);
}

static void poll_for(uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        netif_poll(&stack_netif);
        clock_ms++;
        sys_check_timeouts();
    }
    netif_poll(&stack_netif);
}

static err_t lose(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif;
    (void)p;
    (void)to;
    packets_lost++;
    return ERR_OK;
}

static err_t netif_begin(struct netif *netif)
{
    netif->output = lose;
    netif->mtu = 1500;
    netif->name[0] = 't';
    netif->name[1] = 'e';
    return ERR_OK;
}

/* Answer a query for one name: the question again, then an A record or "no such name". */
static void dns_answer(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
    uint8_t message[512];
    u16_t len = pbuf_copy_partial(p, message, sizeof message - 32, 0);
    ip_addr_t address;
    (void)arg;
    pbuf_free(p);
    const char *name = (const char *)message + 13; /* its first label, "\3ota\7example" */
    if (len < 20 || strncmp(name, "silent", 6) == 0) {
        return;
    }
    bool known = strncmp(name, "ota", 3) == 0 || strncmp(name, "void", 4) == 0;
    ipaddr_aton(strncmp(name, "void", 4) == 0 ? VOID_ADDRESS : OWN_ADDRESS, &address);
    message[2] = 0x81;
    message[3] = known ? 0x80 : 0x83;
    message[7] = known;
    if (known) {
        memcpy(message + len, record, sizeof record);
        memcpy(message + len + sizeof record, &address, 4);
        len = (u16_t)(len + sizeof record + 4);
    }
    struct pbuf *answer = pbuf_alloc(PBUF_TRANSPORT, len, PBUF_RAM);
    if (answer) {
        pbuf_take(answer, message, len);
        udp_sendto(pcb, answer, from, port);
        pbuf_free(answer);
    }
}

static void dns_is_known(bool known)
{
    ip_addr_t address = *IP_ADDR_ANY;
    if (known) {
        ipaddr_aton(OWN_ADDRESS, &address);
    }
    dns_setserver(0, &address);
}

static int stack_begin(void **state)
{
    ip4_addr_t address;
    ip4_addr_t mask;
    (void)state;
    lwip_init();
    ip4addr_aton(OWN_ADDRESS, &address);
    ip4addr_aton("255.255.255.0", &mask);
    netif_add(&stack_netif, &address, &mask, &address, NULL, netif_begin, ip_input);
    netif_set_default(&stack_netif);
    netif_set_link_up(&stack_netif);
    netif_set_up(&stack_netif);
    struct udp_pcb *dns = udp_new();
    udp_bind(dns, IP_ADDR_ANY, 53);
    udp_recv(dns, dns_answer, NULL);
    return 0;
}

/* Long enough for the last connection to leave its TIME_WAIT; returns bytes in use then. */
static size_t settle(void)
{
    for (uint32_t i = 0; i < 1000; i++) {
        clock_ms += 249;
        poll_for(1);
    }
    return lwip_stats.mem.used;
}

#endif
