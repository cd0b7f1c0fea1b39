/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install.h - image bytes on their way into the secondary.
 *
 * begin, then take bytes and step until nothing is left to do; close, step to the end.
 * Each step is one flash operation.
 */
#ifndef OTTER_AGENT_INSTALL_H
#define OTTER_AGENT_INSTALL_H

#include "otter/agent_object.h"

/* From `off` on (0, or a place where otter_install_checkpoint once was). OTTER_ERR_ARG:
 * bytes below `off` would be erased: begin at 0. */
int otter_install_begin(struct otter_install *install, uint32_t off);

/* Bytes taken so far: the image offset of the next byte. */
uint32_t otter_install_position(const struct otter_install *install);

/* Forget what is not in flash yet. */
void otter_install_rewind(struct otter_install *install);

/* Copy what fits; the number of bytes taken, 0 while a flush is under way. */
size_t otter_install_take(struct otter_install *install, const void *bytes, size_t len);

/* No more bytes come: program the rest too. */
void otter_install_close(struct otter_install *install);

/* 1: one flash operation was done; 0: nothing to do; <0: flash failed. */
int otter_install_step(struct otter_install *install);

/* Is `off` worth remembering: whole sectors, and enough of them since the last time? */
bool otter_install_checkpoint(const struct otter_install *install);

/* The largest image the slot takes. */
uint32_t otter_install_limit(const struct otter_layout *layout);

#endif
