/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_chip.c - LAN9118, with the ways of QEMU's model of it in mind.
 *
 * A received frame is popped word by word, its checksum too, whether it is wanted or not: the
 * model's fast-forward loses track of its FIFO. A frame is sent with its bytes packed and no
 * padding at the end, in one buffer, and its status is popped, or the status FIFO fills up.
 */
#include "board/qemu-mps2/net_chip.h"

#include "otter/result.h"
#include "part.h"

enum {
    RX_DATA = 0x00,
    TX_DATA = 0x20,
    RX_STATUS = 0x40,
    TX_STATUS = 0x48,
    IRQ_CFG = 0x54,
    INT_STS = 0x58,
    INT_EN = 0x5C,
    BYTE_TEST = 0x64,
    FIFO_INT = 0x68,
    RX_CFG = 0x6C,
    TX_CFG = 0x70,
    HW_CFG = 0x74,
    RX_FIFO_INF = 0x7C,
    TX_FIFO_INF = 0x80,
    MAC_CSR_CMD = 0xA4,
    MAC_CSR_DATA = 0xA8
};

enum { MAC_CR = 1, MAC_ADDRH = 2, MAC_ADDRL = 3 }; /* behind MAC_CSR_CMD */

#define MAC_BUSY 0x80000000u
#define MAC_READ 0x40000000u
#define MAC_FULL_DUPLEX_TX_RX 0x0010000Cu
#define BYTE_TEST_VALUE 0x87654321u
#define HW_SOFT_RESET 1u
#define HW_TX_FIFO_5K (5u << 16)
#define TX_ON 2u
#define TX_FIRST_AND_LAST 0x3000u
#define RX_OFFSET (NET_CHIP_PAD << 8)
#define RX_ERROR 0x8000u
#define INT_RX_STATUS 8u
#define IRQ_ON_PUSH_PULL_HIGH 0x111u
#define CHECKSUM_SIZE 4u
#define HEAD_SIZE 14u
#define TRIES 100000

static volatile uint32_t *reg(uint32_t off)
{
    return (volatile uint32_t *)(PART_LAN9118 + off);
}

static int wait_clear(uint32_t off, uint32_t bits)
{
    for (int i = 0; i < TRIES; i++) {
        if ((*reg(off) & bits) == 0) {
            return OTTER_OK;
        }
    }
    return OTTER_ERR_IO;
}

static int mac_read(uint32_t index, uint32_t *ret_value)
{
    *reg(MAC_CSR_CMD) = MAC_BUSY | MAC_READ | index;
    int err = wait_clear(MAC_CSR_CMD, MAC_BUSY);
    *ret_value = *reg(MAC_CSR_DATA);
    return err;
}

static int mac_write(uint32_t index, uint32_t value)
{
    *reg(MAC_CSR_DATA) = value;
    *reg(MAC_CSR_CMD) = MAC_BUSY | index;
    return wait_clear(MAC_CSR_CMD, MAC_BUSY);
}

static int set_address(const uint8_t mac[6])
{
    uint32_t low = mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24;
    int err = mac_write(MAC_ADDRL, low);
    return err < 0 ? err : mac_write(MAC_ADDRH, mac[4] | (uint32_t)mac[5] << 8);
}

static int own_address(uint8_t mac[6])
{
    uint32_t low;
    uint32_t high;
    int err = mac_read(MAC_ADDRL, &low);
    err = err < 0 ? err : mac_read(MAC_ADDRH, &high);
    if (err < 0) {
        return err;
    }
    for (uint32_t i = 0; i < 4; i++) {
        mac[i] = (uint8_t)(low >> (8 * i));
    }
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
    return OTTER_OK;
}

int net_chip_start(uint8_t mac[6])
{
    bool own = (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0;
    if (*reg(BYTE_TEST) != BYTE_TEST_VALUE) {
        return OTTER_ERR_IO;
    }
    *reg(HW_CFG) = HW_SOFT_RESET;
    int err = wait_clear(HW_CFG, HW_SOFT_RESET);
    if (err < 0) {
        return err;
    }
    *reg(HW_CFG) = HW_TX_FIFO_5K;
    *reg(INT_EN) = 0;
    *reg(INT_STS) = 0xFFFFFFFFu;
    *reg(IRQ_CFG) = IRQ_ON_PUSH_PULL_HIGH;
    *reg(FIFO_INT) = 0; /* one waiting frame is enough */
    *reg(RX_CFG) = RX_OFFSET;
    *reg(TX_CFG) = TX_ON;
    err = own ? own_address(mac) : set_address(mac);
    return err < 0 ? err : mac_write(MAC_CR, MAC_FULL_DUPLEX_TX_RX);
}

int net_chip_next(void)
{
    if ((*reg(RX_FIFO_INF) >> 16 & 0xFFu) == 0) {
        return -1;
    }
    uint32_t status = *reg(RX_STATUS);
    uint32_t len = status >> 16 & 0x3FFFu;
    if (len < CHECKSUM_SIZE + HEAD_SIZE || len > CHECKSUM_SIZE + NET_CHIP_FRAME_MAX || (status & RX_ERROR) != 0) {
        net_chip_take(NULL, len < CHECKSUM_SIZE ? 0 : len - CHECKSUM_SIZE);
        return 0;
    }
    return (int)(len - CHECKSUM_SIZE);
}

void net_chip_take(uint32_t *words, size_t len)
{
    size_t count = (NET_CHIP_PAD + len + CHECKSUM_SIZE + 3) / 4;
    for (size_t i = 0; i < count; i++) {
        uint32_t word = *reg(RX_DATA);
        if (words) {
            words[i] = word;
        }
    }
}

bool net_chip_begin(struct net_chip_frame *frame, size_t len)
{
    uint32_t info = *reg(TX_FIFO_INF);
    if ((info >> 16 & 0xFFu) != 0) {
        (void)*reg(TX_STATUS); /* of the frame before */
    }
    if (len > NET_CHIP_FRAME_MAX || (info & 0xFFFFu) < len + 16) {
        return false;
    }
    *reg(TX_DATA) = TX_FIRST_AND_LAST | len;
    *reg(TX_DATA) = (uint32_t)len << 16 | len;
    frame->word = 0;
    frame->filled = 0;
    return true;
}

void net_chip_add(struct net_chip_frame *frame, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        frame->word |= (uint32_t)bytes[i] << (8 * frame->filled);
        if (++frame->filled == 4) {
            *reg(TX_DATA) = frame->word;
            frame->word = 0;
            frame->filled = 0;
        }
    }
}

void net_chip_end(struct net_chip_frame *frame)
{
    if (frame->filled != 0) {
        *reg(TX_DATA) = frame->word;
    }
}

bool net_chip_arm(void)
{
    *reg(INT_STS) = INT_RX_STATUS;
    *reg(INT_EN) = INT_RX_STATUS;
    return (*reg(RX_FIFO_INF) >> 16 & 0xFFu) == 0;
}

void net_chip_interrupt(void)
{
    *reg(INT_EN) = 0;
}
