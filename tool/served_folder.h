/* SPDX-License-Identifier: Apache-2.0 */
/*
 * served_folder.h - what must not lie in a folder that the world can read.
 */
#ifndef OTTER_TOOL_SERVED_FOLDER_H
#define OTTER_TOOL_SERVED_FOLDER_H

#include "tool/tool.h"

/* Does it hold a PEM private key? For bytes in pieces: pass the same state, zero at first. */
struct tool_key_search {
    char tail[96]; /* the end of the piece before */
    size_t tail_len;
    bool found;
};
void tool_key_search(struct tool_key_search *search, const void *piece, size_t len);

/* 0 when no file at any depth is a private key (or ends in .key), else TOOL_REFUSED after
 * naming one. */
int tool_folder_without_keys(const char *folder);

#endif
