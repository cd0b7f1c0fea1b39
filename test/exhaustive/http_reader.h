/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reader.h - a second reader of HTTP answers, written from docs/spec/60-http.md, "Answers". It
 * has the whole answer at once, behind which the server closes, and no state but a place in it.
 */
#ifndef OTTER_TEST_HTTP_READER_H
#define OTTER_TEST_HTTP_READER_H

#include "exhaustive.h"

enum answer_verdict {
    ANSWER_WHOLE,
    ANSWER_SHORT, /* good so far, but the connection ends before it does */
    ANSWER_BAD
};

enum { ANSWER_MAX = 1024 };

struct answer {
    enum answer_verdict verdict; /* all below only when WHOLE, or SHORT in the body */
    bool head_whole;
    unsigned status;
    bool has_length, chunked, close, cut, has_range, has_retry;
    uint32_t length, range_from, range_last, range_total, retry;
    char etag[72]; /* "": none */
    uint8_t body[ANSWER_MAX];
    size_t body_len;
};

/* line_max: a line of this many characters or more does not fit the device's buffer. */
void answer_read(const char *bytes, size_t len, size_t line_max, struct answer *ret);

#endif
