/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the other end of a connection, which says what the input says.
 *
 * The input is one stream over all connections. 0xfe and a letter:
 *   n  the answer ends: what follows is said to the next request only
 *   c  the connection ends       w  nothing can be had now       x  the next open fails (u8: how)
 *   p  at most u8 bytes a time   s  the next send fails          t  u16 * 16 ms pass
 *   j  the job document          0..3  that image, whole         r  image 1 from u16 on
 *   d  the job document with a patch     q  the patch from u16 on   k  its size less u16, in digits
 *   f  byte u16 of the next of these is wrong in the bits u8        l  u16 bytes of it at most
 *   z  the device is reset (agent harness only)                  0xfe  this byte itself
 */
#ifndef OTTER_TEST_FUZZ_WIRE_H
#define OTTER_TEST_FUZZ_WIRE_H

#include "fuzz.h"
#include "otter/transport.h"

enum { WIRE_TEXTS = 7, WIRE_JOB = 4, WIRE_PATCH_JOB, WIRE_PATCH, WIRE_REQUEST_MAX = 4096 };

struct wire {
    struct otter_transport transport;
    struct fuzz_bytes script;
    const uint8_t *texts[WIRE_TEXTS]; /* images 0..3, the job documents, the patch */
    size_t lens[WIRE_TEXTS];
    const uint8_t *insert; /* of one of them, being sent */
    size_t insert_left;
    size_t limit;          /* of the next one; 0: none */
    const uint8_t *wrong;  /* this byte of the insert, in these bits */
    uint8_t wrong_bits;
    uint32_t wrong_at;     /* in the next one */
    char digits[12];
    size_t piece;          /* bytes per recv */
    bool connected, held;  /* held: until the next request */
    bool begun, ended;     /* the answer, and not whole; the connection */
    bool open_fails, send_fails, reset;
    uint8_t open_how;
    uint32_t pass_ms;      /* taken by who plays the clock */
    char request[WIRE_REQUEST_MAX];
    size_t request_len;
    unsigned ops, requests;
    char host[256];
    uint16_t port;
};

void wire_init(struct wire *wire, const uint8_t *data, size_t size);
/* Everything was said. */
bool wire_is_over(const struct wire *wire);

/* Go behind the next byte of a script, or a control with all that belongs to it: its letter, -1 for a byte. */
int wire_pass(struct fuzz_bytes *script);

/* Told every complete request. */
void wire_on_request(struct wire *wire, const char *request);

#endif
