/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.c - Ethernet frames between your part and lwIP, and DHCP.
 *
 * Three places are yours: begin, send and take. With a TCP/IP stack of your own this file goes,
 * and port/template/transport.c takes its place.
 */
#include "board/board.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/ip4_addr.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "otter/result.h"
#include "part.h"

#define FRAME_MAX 1514u /* bytes, without the checksum at the end */

static struct netif interface;

/* UNFINISHED: bring the hardware up, and fill in its address. 0, or a negative error. */
static int frames_begin(uint8_t ret_mac[ETH_HWADDR_LEN])
{
    (void)ret_mac;
    return OTTER_ERR_IO;
}

/* UNFINISHED: send one frame. 0, or a negative error; TCP sends it again then. */
static int frame_send(const uint8_t *frame, size_t len)
{
    (void)frame;
    (void)len;
    return OTTER_ERR_IO;
}

/* UNFINISHED: the next frame that came; its bytes, 0: none. It never waits. */
static size_t frame_take(uint8_t frame[FRAME_MAX])
{
    (void)frame;
    return 0;
}

static err_t output(struct netif *netif, struct pbuf *frame)
{
    static uint8_t buf[FRAME_MAX];
    (void)netif;
    if (frame->tot_len > sizeof buf) {
        return ERR_BUF;
    }
    (void)pbuf_copy_partial(frame, buf, frame->tot_len, 0);
    return frame_send(buf, frame->tot_len) == OTTER_OK ? ERR_OK : ERR_IF;
}

static err_t begin(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = output;
    return frames_begin(netif->hwaddr) == OTTER_OK ? ERR_OK : ERR_IF;
}

/* lwIP once, the interface once; whatever fails may be tried again. */
int board_network_start(void)
{
    static bool has_lwip, has_interface;
    if (!has_lwip) {
        lwip_init();
        has_lwip = true;
    }
    if (!has_interface) {
        if (!netif_add(&interface, NULL, NULL, NULL, NULL, begin, ethernet_input)) {
            return OTTER_ERR_IO;
        }
        netif_set_default(&interface);
        netif_set_up(&interface);
        has_interface = true;
    }
    return dhcp_start(&interface) == ERR_OK ? OTTER_OK : OTTER_ERR_IO;
}

void board_network_poll(void)
{
    static uint8_t buf[FRAME_MAX];
    size_t len = frame_take(buf);
    while (len > 0) {
        struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
        if (frame) { /* NULL: no room now; TCP sends it again */
            (void)pbuf_take(frame, buf, (u16_t)len);
            if (interface.input(frame, &interface) != ERR_OK) {
                (void)pbuf_free(frame);
            }
        }
        len = frame_take(buf);
    }
    sys_check_timeouts();
}

const char *board_network_address(void)
{
    return dhcp_supplied_address(&interface) ? ip4addr_ntoa(netif_ip4_addr(&interface)) : NULL;
}

/* ---- what lwIP asks of a board ---- */

u32_t sys_now(void)
{
    return board_millis();
}

/* Port and sequence numbers: guessed ones let a stranger into a connection. */
uint32_t otter_lwip_rand(void)
{
    uint32_t value;
    if (board_random(NULL, &value, sizeof value) < 0) {
        unfinished("board_random fails: no numbers for TCP");
    }
    return value;
}

void otter_lwip_assert(void)
{
    unfinished("lwIP found a mistake of its caller");
}
