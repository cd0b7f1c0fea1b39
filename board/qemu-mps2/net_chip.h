/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_chip.h - the LAN9118 Ethernet controller of the emulated boards, as far as net.c needs it.
 *
 * Frames go through FIFOs in words of 32 bits: nothing narrower may touch the chip. Its
 * receive FIFO holds seven full frames, and what comes then is lost (see TCP_WND in
 * port/lwip/include/lwipopts.h). A frame here begins with two bytes of nothing, so that the
 * IP header behind its 14 bytes is aligned.
 */
#ifndef OTTER_BOARD_NET_CHIP_H
#define OTTER_BOARD_NET_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_CHIP_PAD 2u
#define NET_CHIP_FRAME_MAX 1514u /* without the checksum; the chip does not look after itself beyond */
#define NET_CHIP_IRQ 13u         /* of the NVIC */

/* Reset and start the chip with this MAC address, or with its own, which is then put there
 * (all zeros: its own). OTTER_ERR_IO: there is no such chip. */
int net_chip_start(uint8_t mac[6]);

/* A frame waits: its length without the checksum, 0 for one that is of no use; else -1. Each
 * one must be taken by net_chip_take before the next is asked for. */
int net_chip_next(void);

/* Take the frame of `len` bytes. `words` has room for NET_CHIP_PAD + len + 4 bytes, rounded up to
 * words; NULL throws the frame away. */
void net_chip_take(uint32_t *words, size_t len);

/* Send one frame in pieces: begin, its bytes in any number of pieces, end. False: it cannot be
 * sent now; then no bytes may follow. */
struct net_chip_frame {
    uint32_t word;
    uint32_t filled; /* bytes in word */
};
bool net_chip_begin(struct net_chip_frame *frame, size_t len);
void net_chip_add(struct net_chip_frame *frame, const uint8_t *bytes, size_t len);
void net_chip_end(struct net_chip_frame *frame);

/* Let the chip raise its interrupt as soon as a frame waits; false: one waits already. */
bool net_chip_arm(void);

/* The interrupt's handler: one interrupt per net_chip_arm. */
void net_chip_interrupt(void);

#endif
