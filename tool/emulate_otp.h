/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_otp.h - the factory settings of an emulated board, as its one-time memory holds them.
 *
 * Little endian: "OTTRSET1", u32 length of the entries, u32 CRC-32 (IEEE) of the entries; an
 * entry: u16 length of the name, u16 of the value, name, NUL, value, NUL, zeros up to a
 * multiple of 4. A name may stand there several times; the order is kept.
 */
#ifndef OTTER_TOOL_EMULATE_OTP_H
#define OTTER_TOOL_EMULATE_OTP_H

#include "tool/tool.h"

#define EMULATE_OTP_HEAD 16u

/* Zero-initialise; release with tool_bytes_free(&otp->bytes). */
struct emulate_otp {
    struct tool_bytes bytes; /* head and entries */
    bool failed;             /* out of memory, or a name or value beyond 65,535 bytes */
};

/* Errors are kept for emulate_otp_finish. NULL or "" as text: no entry. */
void emulate_otp_add(struct emulate_otp *otp, const char *name, const void *value, size_t len);
void emulate_otp_text(struct emulate_otp *otp, const char *name, const char *text);
void emulate_otp_number(struct emulate_otp *otp, const char *name, long number);

/* Fill the head in. 0, or TOOL_REFUSED after saying that it is more than `size_max` bytes. */
int emulate_otp_finish(struct emulate_otp *otp, size_t size_max);

#endif
