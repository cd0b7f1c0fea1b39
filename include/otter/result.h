/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h - one vocabulary of results for the whole device side.
 *
 * Functions that can fail return int: negative is an enum otter_err, zero or positive
 * is success (a positive value is a count where the function says so). The error says
 * what the caller should do next; the cause travels as an event (agent.h, boot.h).
 * `ret_*` outputs are written on success only.
 */
#ifndef OTTER_RESULT_H
#define OTTER_RESULT_H

enum otter_err {
    OTTER_OK = 0,
    OTTER_ERR_IO = -1,      /* a driver or the network failed: a retry may help */
    OTTER_ERR_TIMEOUT = -2, /* nothing came in time: a retry may help */
    OTTER_ERR_CORRUPT = -3, /* the bytes do not parse */
    OTTER_ERR_AUTH = -4,    /* hash, signature or certificate is wrong */
    OTTER_ERR_REFUSED = -5, /* genuine, but not for this device or not now */
    OTTER_ERR_NOSPACE = -6, /* does not fit the slot, the area or the buffer */
    OTTER_ERR_ARG = -7      /* the caller's mistake: a bad configuration or argument */
};

/* A short English name of an error ("input/output", "corrupt", ...); never NULL. */
const char *otter_err_str(int err);

#endif
