/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c - lwIP on the LAN9118: its interface, its clock, its random numbers; an address by DHCP.
 *
 * Everything here runs in thread mode. The chip's interrupt does nothing but end a WFI.
 */
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "board/qemu-mps2/net_chip.h"
#include "otter/result.h"

#define FRAMES_PER_POLL 8 /* more than the chip can hold */
#define NET_CHIP_PRIORITY 6u

_Static_assert(ETH_PAD_SIZE == NET_CHIP_PAD, "lwIP's frames begin as the chip's do");
_Static_assert(PBUF_POOL_BUFSIZE >= NET_CHIP_PAD + NET_CHIP_FRAME_MAX + 4, "a frame fits one pbuf");

static struct netif netif;
static bool started;
static char address[IP4ADDR_STRLEN_MAX];

u32_t sys_now(void)
{
    return board_millis();
}

/* Ports and sequence numbers. Without entropy TLS refuses to work (board_random); plain HTTP
 * then goes on with numbers that somebody on the path could guess. */
uint32_t otter_lwip_rand(void)
{
    static uint32_t weak;
    uint32_t value;
    if (board_random(NULL, &value, sizeof value) < 0) {
        weak = weak * 1664525u + 1013904223u + board_millis();
        value = weak >> 8;
    }
    return value;
}

void otter_lwip_assert(void)
{
    __builtin_trap(); /* the board's fault handler says where, and resets */
}

static err_t send_frame(struct netif *of, struct pbuf *p)
{
    struct net_chip_frame frame;
    (void)of;
    if (!net_chip_begin(&frame, p->tot_len - NET_CHIP_PAD)) {
        return ERR_IF;
    }
    net_chip_add(&frame, (const uint8_t *)p->payload + NET_CHIP_PAD, p->len - NET_CHIP_PAD);
    for (const struct pbuf *q = p->next; q; q = q->next) {
        net_chip_add(&frame, q->payload, q->len);
    }
    net_chip_end(&frame);
    return ERR_OK;
}

static err_t begin_netif(struct netif *of)
{
    of->name[0] = 'e';
    of->name[1] = 'n';
    of->mtu = 1500;
    of->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    of->output = etharp_output;
    of->linkoutput = send_frame;
    return ERR_OK;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "02:00:5e:00:53:01"; no setting: zeros, which is the chip's own. */
static int read_mac(uint8_t ret_mac[6])
{
    size_t len;
    const char *text = board_setting("mac", 0, &len);
    memset(ret_mac, 0, 6);
    if (!text) {
        return OTTER_OK;
    }
    if (len != 17) {
        return OTTER_ERR_ARG;
    }
    for (uint32_t i = 0; i < 6; i++, text += 3) {
        int high = digit(text[0]);
        int low = digit(text[1]);
        if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0')) {
            return OTTER_ERR_ARG;
        }
        ret_mac[i] = (uint8_t)(high << 4 | low);
    }
    return (ret_mac[0] & 1) != 0 ? OTTER_ERR_ARG : OTTER_OK; /* a group's address is nobody's own */
}

static bool frame_waits(void)
{
    return !net_chip_arm();
}

static int start_dhcp(void)
{
    return dhcp_start(&netif) == ERR_OK ? OTTER_OK : OTTER_ERR_NOSPACE;
}

int board_network_start(void)
{
    uint8_t mac[6];
    if (started) {
        return start_dhcp();
    }
    int err = read_mac(mac);
    err = err < 0 ? err : net_chip_start(mac);
    if (err < 0) {
        return err;
    }
    interrupt_start(NET_CHIP_IRQ, NET_CHIP_PRIORITY, net_chip_interrupt); /* not before the chip's line is idle */
    idle_watch(frame_waits);
    lwip_init();
    (void)netif_add(&netif, NULL, NULL, NULL, NULL, begin_netif, ethernet_input);
    netif.hwaddr_len = sizeof mac;
    memcpy(netif.hwaddr, mac, sizeof mac);
    netif_set_default(&netif);
    netif_set_up(&netif);
    started = true;
    return start_dhcp();
}

/* One frame to lwIP; without room for it, it is lost, and TCP sends it again. */
static void receive_frame(size_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(NET_CHIP_PAD + len), PBUF_POOL);
    net_chip_take(p ? p->payload : NULL, len);
    if (p && netif.input(p, &netif) != ERR_OK) {
        (void)pbuf_free(p);
    }
}

void board_network_poll(void)
{
    if (!started) {
        return;
    }
    for (int i = 0; i < FRAMES_PER_POLL; i++) {
        int len = net_chip_next();
        if (len < 0) {
            break;
        }
        if (len > 0) {
            receive_frame((size_t)len);
        }
    }
    sys_check_timeouts();
}

const char *board_network_address(void)
{
    if (!started || !dhcp_supplied_address(&netif)) {
        return NULL;
    }
    return ip4addr_ntoa_r(netif_ip4_addr(&netif), address, sizeof address);
}
