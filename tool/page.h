/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - what `otter serve` asks of the page.
 */
#ifndef OTTER_TOOL_PAGE_H
#define OTTER_TOOL_PAGE_H

#include "tool/serve.h"

/* With a database and without --no-page: at the start. 0 or an exit code. */
int page_start(struct serve *serve);
/* At the end, in the event loop's thread, while connections still live. NULL: nothing. */
void page_stop(struct page *page);
/* Is this path the page's? Then it answers (now, or later through serve_call). */
bool page_request(struct serve *serve, struct evhttp_request *request, const char *path, struct serve_entry *entry);

#endif
