/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.c - where an answer's body ends, and the chunked coding.
 */
#include "agent/http.h"
#include "agent/text.h"
#include "otter/result.h"

enum chunk_state {
    CHUNK_SIZE_FIRST, /* needs a digit */
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF
};

void otter_body_begin(struct otter_http *http)
{
    const struct otter_head *head = &http->head;
    http->state = OTTER_HTTP_BODY;
    http->left = 0;
    http->cut = false;
    http->meta_len = 0;
    if (head->status == 204 || head->status == 304) {
        http->framing = OTTER_HTTP_NO_BODY;
    } else if (head->chunked) {
        http->framing = OTTER_HTTP_CHUNKED;
        http->chunk_state = CHUNK_SIZE_FIRST;
    } else if (head->has_length) {
        http->framing = OTTER_HTTP_LENGTH;
        http->left = head->length;
    } else {
        http->framing = OTTER_HTTP_CLOSE;
        http->head.close = true;
    }
    if (http->framing <= OTTER_HTTP_LENGTH && http->left == 0) {
        http->state = OTTER_HTTP_END;
    }
}

static int take_size(struct otter_http *http, uint8_t byte)
{
    unsigned digit = otter_text_hex((char)byte);
    if (digit <= 15) {
        if (http->left > UINT32_MAX >> 4) {
            return OTTER_ERR_CORRUPT;
        }
        http->left = http->left << 4 | digit;
        http->chunk_state = CHUNK_SIZE;
        return 0;
    }
    if (http->chunk_state == CHUNK_SIZE_FIRST) {
        return OTTER_ERR_CORRUPT;
    }
    if (byte == '\r') {
        http->chunk_state = CHUNK_SIZE_LF;
        return 0;
    }
    http->chunk_state = CHUNK_EXTENSION;
    return byte == ';' || byte == ' ' || byte == '\t' ? 0 : OTTER_ERR_CORRUPT;
}

/* Extensions and trailers are of no use here; their characters are still checked. */
static int take_text(struct otter_http *http, uint8_t byte, enum chunk_state after)
{
    if (byte == '\r') {
        http->chunk_state = (uint8_t)after;
        return 0;
    }
    http->line_empty = false;
    return (byte < ' ' && byte != '\t') || byte == 0x7f ? OTTER_ERR_CORRUPT : 0;
}

static int take_line_end(struct otter_http *http, uint8_t byte)
{
    if (byte != '\n') {
        return OTTER_ERR_CORRUPT;
    }
    if (http->chunk_state == CHUNK_DATA_LF) {
        http->chunk_state = CHUNK_SIZE_FIRST;
    } else if (http->chunk_state == CHUNK_SIZE_LF && http->left > 0) {
        http->chunk_state = CHUNK_DATA;
        http->meta_len = 0;
    } else if (http->chunk_state == CHUNK_TRAILER_LF && http->line_empty) {
        http->state = OTTER_HTTP_END;
    } else {
        http->chunk_state = CHUNK_TRAILER;
        http->line_empty = true;
    }
    return 0;
}

/* One byte that is not payload. */
static int take_meta(struct otter_http *http, uint8_t byte)
{
    if (++http->meta_len > OTTER_HTTP_META_MAX) {
        return OTTER_ERR_NOSPACE;
    }
    switch ((enum chunk_state)http->chunk_state) {
    case CHUNK_SIZE_FIRST:
    case CHUNK_SIZE:
        return take_size(http, byte);
    case CHUNK_EXTENSION:
        return take_text(http, byte, CHUNK_SIZE_LF);
    case CHUNK_TRAILER:
        return take_text(http, byte, CHUNK_TRAILER_LF);
    case CHUNK_DATA_CR:
        http->chunk_state = CHUNK_DATA_LF;
        return byte == '\r' ? 0 : OTTER_ERR_CORRUPT;
    case CHUNK_DATA:
    case CHUNK_SIZE_LF:
    case CHUNK_DATA_LF:
    case CHUNK_TRAILER_LF:
        break;
    }
    return take_line_end(http, byte);
}

int otter_http_body(struct otter_http *http, const uint8_t **ret_bytes)
{
    if (http->state != OTTER_HTTP_BODY) {
        return 0;
    }
    while (http->framing == OTTER_HTTP_CHUNKED && http->chunk_state != CHUNK_DATA) {
        if (http->off == http->end || http->state == OTTER_HTTP_END) {
            return 0;
        }
        int err = take_meta(http, http->buf[http->off++]);
        if (err < 0) {
            return err;
        }
    }
    size_t len = http->end - http->off;
    if (http->framing != OTTER_HTTP_CLOSE && len > http->left) {
        len = http->left;
    }
    *ret_bytes = http->buf + http->off;
    return (int)len;
}

void otter_http_eat(struct otter_http *http, size_t len)
{
    http->off += len;
    if (http->framing == OTTER_HTTP_CLOSE) {
        return;
    }
    http->left -= (uint32_t)len;
    if (http->left > 0) {
        return;
    }
    if (http->framing == OTTER_HTTP_LENGTH) {
        http->state = OTTER_HTTP_END;
    } else {
        http->chunk_state = CHUNK_DATA_CR;
    }
}
