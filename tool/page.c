/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - the page to look at.
 */
#include "tool/page.h"

int page_start(struct serve *serve)
{
    (void)serve;
    return 0;
}

void page_stop(struct page *page)
{
    (void)page;
}

bool page_request(struct serve *serve, struct evhttp_request *request, const char *path, struct serve_entry *entry)
{
    (void)serve;
    (void)request;
    (void)path;
    (void)entry;
    return false;
}
