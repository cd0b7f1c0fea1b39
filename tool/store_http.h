/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_http.h - files on a server that takes GET and PUT: WebDAV, S3 and their like.
 *
 * No redirect is followed, no certificate is taken on trust, and no secret goes over plain HTTP
 * to another machine.
 */
#ifndef OTTER_TOOL_STORE_HTTP_H
#define OTTER_TOOL_STORE_HTTP_H

#include "tool/store.h"

struct store_http;

int store_http_open(const struct store_options *options, struct store_http **ret_http);
void store_http_close(struct store_http *http);

/* Names are joined to the URL of --to. A name that is not there: *ret_there is false. */
int store_http_get(struct store_http *http, const char *name, size_t size_max, struct tool_bytes *ret_bytes,
                   bool *ret_there);
/* type: Content-Type; cache: Cache-Control, which object stores keep with the file. */
int store_http_put(struct store_http *http, const char *name, const struct tool_bytes *bytes, const char *type,
                   const char *cache);
/* 0 when the server has it with this size, as far as it says. */
int store_http_has(struct store_http *http, const char *name, size_t size);

#endif
