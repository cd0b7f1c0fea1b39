/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.c - the head of an answer, byte by byte.
 *
 * A line is gathered at the start of the buffer; lines that matter here are read there,
 * others may be longer than the buffer and are let through. Refused: a bare CR or LF,
 * folded lines, control characters, space before the colon, two different lengths, a length
 * beside a transfer coding, any transfer coding but "chunked".
 */
#include <string.h>

#include "agent/date.h"
#include "agent/http.h"
#include "agent/text.h"
#include "agent/url.h"
#include "otter/result.h"

enum { RECEIVE_MIN = 64 }; /* of the buffer: never taken by a line */

void otter_head_begin(struct otter_http *http)
{
    memset(&http->head, 0, sizeof http->head);
    http->head.date = -1;
    http->line_len = http->off = http->end = 0;
    http->head_size = 0;
    http->skipping = http->cr = false;
}

bool otter_head_follows(const struct otter_http *http)
{
    bool get = http->request.body == NULL;
    switch (http->head.status) {
    case 301:
    case 302:
    case 303:
        return get;
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

/* A number of at most 32 bits, and nothing else. */
static bool read_number(const char *value, uint32_t *ret)
{
    const char *end = value + strlen(value);
    return otter_text_read_u32(&value, end, UINT32_MAX, ret) && value == end;
}

static int take_length(struct otter_http *http, const char *value)
{
    uint32_t length;
    if (!read_number(value, &length)) {
        return OTTER_ERR_CORRUPT;
    }
    if (http->head.has_length && http->head.length != length) {
        return OTTER_ERR_CORRUPT;
    }
    http->head.has_length = true;
    http->head.length = length;
    return 0;
}

static int take_coding(struct otter_http *http, const char *value)
{
    if (http->head.chunked || !otter_text_same(value, "chunked")) {
        return OTTER_ERR_CORRUPT;
    }
    http->head.chunked = true;
    return 0;
}

static int take_connection(struct otter_http *http, const char *value)
{
    http->head.close |= otter_text_lists(value, "close");
    http->head.keep_alive |= otter_text_lists(value, "keep-alive");
    return 0;
}

/* "0-499" */
static bool read_span(struct otter_head *head, const char **at, const char *end)
{
    if (!otter_text_read_u32(at, end, UINT32_MAX, &head->range_from) || **at != '-') {
        return false;
    }
    ++*at;
    head->has_range = true;
    return otter_text_read_u32(at, end, UINT32_MAX, &head->range_last) &&
           head->range_from <= head->range_last;
}

/* "1234", or "*" beside a span. */
static bool read_total(struct otter_head *head, const char *at, const char *end)
{
    if (head->has_range && strcmp(at, "*") == 0) {
        return true;
    }
    bool fits = otter_text_read_u32(&at, end, UINT32_MAX, &head->range_total);
    return fits && at == end && (!head->has_range || head->range_last < head->range_total);
}

/* "bytes " and a span or "*", then "/" and the total. */
static int take_range(struct otter_http *http, const char *value)
{
    struct otter_head *head = &http->head;
    const char *end = value + strlen(value);
    if (head->has_range || strlen(value) < 6 || !otter_text_same_len(value, 6, "bytes ")) {
        return OTTER_ERR_CORRUPT;
    }
    value += 6;
    if (*value == '*') {
        value++;
    } else if (!read_span(head, &value, end)) {
        return OTTER_ERR_CORRUPT;
    }
    return *value == '/' && read_total(head, value + 1, end) ? 0 : OTTER_ERR_CORRUPT;
}

/* An entity tag: opaque, quoted, perhaps weak. One that is too long is as good as none, and so are
 * two of them. */
static int take_etag(struct otter_http *http, const char *value)
{
    struct otter_head *head = &http->head;
    size_t len = strlen(value);
    const char *quoted = len > 2 && memcmp(value, "W/", 2) == 0 ? value + 2 : value;
    size_t quoted_len = strlen(quoted);
    bool good = quoted_len >= 2 && quoted[0] == '"' &&
                strchr(quoted + 1, '"') == quoted + quoted_len - 1 && len < sizeof head->etag;
    head->etag[0] = '\0';
    if (good && !head->has_etag) {
        memcpy(head->etag, value, len + 1);
    }
    head->has_etag = true;
    return 0;
}

static int take_modified(struct otter_http *http, const char *value)
{
    if (otter_date_read(value) >= 0) {
        memcpy(http->head.modified, value, strlen(value) + 1);
    }
    return 0;
}

static int take_location(struct otter_http *http, const char *value)
{
    struct otter_head *head = &http->head;
    if (!otter_head_follows(http)) {
        return 0;
    }
    if (head->has_location) {
        return OTTER_ERR_CORRUPT;
    }
    struct otter_place before = http->at;
    head->has_location = true;
    head->location_err = otter_url_follow(http->config, value, &http->at, http->path);
    head->location_elsewhere = !otter_url_same_place(&before, &http->at);
    return 0;
}

static int take_retry(struct otter_http *http, const char *value)
{
    uint32_t seconds;
    int64_t date = otter_date_read(value);
    if (date >= 0) {
        http->head.retry = date;
        http->head.has_retry = http->head.retry_is_date = true;
    } else if (read_number(value, &seconds)) {
        http->head.retry = seconds;
        http->head.has_retry = true;
    }
    return 0;
}

static int take_date(struct otter_http *http, const char *value)
{
    http->head.date = otter_date_read(value);
    return 0;
}

static int take_encoding(struct otter_http *http, const char *value)
{
    http->head.encoded = !otter_text_same(value, "identity");
    return 0;
}

struct header {
    const char *name;
    int (*take)(struct otter_http *http, const char *value);
};

static const struct header *find_header(const char *name, size_t len)
{
    static const struct header headers[] = {
        {"Content-Length", take_length}, {"Transfer-Encoding", take_coding},
        {"Connection", take_connection}, {"Content-Range", take_range},
        {"ETag", take_etag},             {"Last-Modified", take_modified},
        {"Location", take_location},     {"Retry-After", take_retry},
        {"Date", take_date},             {"Content-Encoding", take_encoding},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (otter_text_same_len(name, len, headers[i].name)) {
            return &headers[i];
        }
    }
    return NULL;
}

/* RFC 9110 token characters. */
static bool is_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return len > 0;
}

/* "HTTP/1.1 200" and perhaps " reason". */
static int take_status(struct otter_http *http, const char *line)
{
    http->head.http_1_0 = strncmp(line, "HTTP/1.0 ", 9) == 0;
    if (!http->head.http_1_0 && strncmp(line, "HTTP/1.1 ", 9) != 0) {
        return OTTER_ERR_CORRUPT;
    }
    const char *at = line + 9;
    uint32_t status;
    if (strlen(at) < 3 || !otter_text_read_u32(&at, at + 3, 599, &status) || at != line + 12 ||
        status < 100) {
        return OTTER_ERR_CORRUPT;
    }
    http->head.status = (uint16_t)status;
    return *at == ' ' || *at == '\0' ? 0 : OTTER_ERR_CORRUPT;
}

/* 100 Continue and its like: the real answer follows. */
static int skip_interim(struct otter_http *http)
{
    if (http->head.status == 101 || ++http->interim > OTTER_HTTP_INTERIM_MAX) {
        return OTTER_ERR_CORRUPT;
    }
    size_t off = http->off;
    size_t end = http->end;
    otter_head_begin(http);
    http->off = off;
    http->end = end;
    return 0;
}

/* All lines are there: do they agree? 1: yes; 0: the real head is to follow. */
static int finish_head(struct otter_http *http)
{
    struct otter_head *head = &http->head;
    if (head->status == 0 || (head->chunked && (head->has_length || head->http_1_0))) {
        return OTTER_ERR_CORRUPT;
    }
    if (head->encoded && head->status / 100 == 2) {
        return OTTER_ERR_CORRUPT; /* never asked for: the bytes are not the file's */
    }
    if (head->status < 200) {
        return skip_interim(http);
    }
    head->close = head->close || (head->http_1_0 && !head->keep_alive);
    return 1;
}

/* A complete line, without its CRLF, is in buf[0, line_len). */
static int take_line(struct otter_http *http)
{
    char *line = (char *)http->buf;
    size_t len = http->line_len;
    http->line_len = 0;
    if (http->skipping) {
        http->skipping = false;
        return 0;
    }
    if (len == 0) {
        return finish_head(http);
    }
    line[len] = '\0';
    if (http->head.status == 0) {
        return take_status(http, line);
    }
    size_t name_len = strcspn(line, ":");
    if (name_len == len || !is_name(line, name_len)) {
        return OTTER_ERR_CORRUPT;
    }
    const struct header *header = find_header(line, name_len);
    if (header == NULL) {
        return 0;
    }
    char *value = line + name_len + 1;
    value += strspn(value, " \t");
    char *tail = line + len;
    while (tail > value && (tail[-1] == ' ' || tail[-1] == '\t')) {
        tail--;
    }
    *tail = '\0';
    return header->take(http, value);
}

/* The line does not fit. Nothing is lost if it is not one of ours. (No NUL behind it: the byte
 * there may be one that was received and not read yet.) */
static int overflow(struct otter_http *http)
{
    const char *line = (const char *)http->buf;
    const char *colon = memchr(line, ':', http->line_len);
    if (http->head.status == 0 || colon == NULL || !is_name(line, (size_t)(colon - line)) ||
        find_header(line, (size_t)(colon - line)) != NULL) {
        return OTTER_ERR_NOSPACE;
    }
    http->skipping = true;
    http->line_len = 0;
    return 0;
}

static int take_byte(struct otter_http *http, uint8_t byte)
{
    if (++http->head_size > OTTER_HTTP_HEAD_MAX) {
        return OTTER_ERR_NOSPACE;
    }
    if (http->cr) {
        http->cr = false;
        return byte == '\n' ? take_line(http) : OTTER_ERR_CORRUPT;
    }
    if (byte == '\r') {
        http->cr = true;
        return 0;
    }
    if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
        return OTTER_ERR_CORRUPT;
    }
    if (http->skipping) {
        return 0;
    }
    http->buf[http->line_len++] = byte; /* behind it there is at least this byte's old place */
    return http->line_len == http->size - RECEIVE_MIN ? overflow(http) : 0;
}

int otter_head_take(struct otter_http *http)
{
    while (http->off < http->end) {
        int done = take_byte(http, http->buf[http->off++]);
        if (done != 0) {
            return done;
        }
    }
    return 0;
}
