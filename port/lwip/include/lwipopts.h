/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lwipopts.h - lwIP 2.2 for one interface, IPv4, TCP and DNS, called from one place.
 *
 * TCP_WND: what a server may send without an answer must fit the Ethernet controller while
 * nobody listens to it (the flash erases, TLS computes), or frames are lost and come again
 * late. The LAN9118's FIFO holds seven full frames; the seventh is for others.
 */
#ifndef OTTER_PORT_LWIP_OPTS_H
#define OTTER_PORT_LWIP_OPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_SINGLE_NETIF 1
#define MEM_ALIGNMENT 4
#define MEM_SIZE 8192
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_ACD 0
#define LWIP_DNS 1
#define IP_FRAG 0
#define IP_REASSEMBLY 0
#define LWIP_STATS 0
#define TCP_MSS 1460
#define TCP_WND (6 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define MEMP_NUM_TCP_SEG 12
#define PBUF_POOL_SIZE 10
#define PBUF_POOL_BUFSIZE 1536 /* a frame in one */
#define ETH_PAD_SIZE 2 /* the IP header behind Ethernet's 14 bytes is aligned */

#endif
