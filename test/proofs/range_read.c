/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any Content-Range of up to CHARS characters behind "bytes " and PREFIX: what is taken is a range that
 * is not empty and lies before its total, or a total alone; nothing outside the text is read.
 */
#include "agent/head.c" /* for its static functions */
#include "proof.h"

enum { KNOWN = sizeof PREFIX - 1 + 6, LEN = KNOWN + CHARS };

int main(void)
{
    static struct otter_http http;
    const struct otter_head *head = &http.head;
    char value[LEN + 1] = "bytes " PREFIX;
    for (size_t i = KNOWN; i < LEN; i++) {
        value[i] = (char)nondet_u8();
    }
    value[LEN] = '\0';
    int err = take_range(&http, value);
    PROVE(err == 0 || err == OTTER_ERR_CORRUPT);
    if (err == 0 && head->has_range) {
        PROVE(head->range_from <= head->range_last);
        PROVE(head->range_total == 0 || head->range_last < head->range_total);
    }
    return 0;
}
