/* SPDX-License-Identifier: Apache-2.0 */
/* http_reader.c - a second reader of HTTP answers. */
#include "http_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

struct text {
    const char *bytes;
    size_t len, at;
};

struct head {
    struct answer *answer;
    unsigned version; /* 1.0: 0 */
    bool keep_alive, encoded;
    unsigned etags, ranges;
};

/* The next line, without its end: 1; 0: it does not end; -1: it holds what no line may. */
static int next_line(struct text *text, const char **ret_line, size_t *ret_len)
{
    size_t at = text->at;
    for (; at < text->len && text->bytes[at] != '\r'; at++) {
        unsigned char byte = (unsigned char)text->bytes[at];
        if ((byte < 0x20 && byte != 0x09) || byte == 0x7f) {
            return -1;
        }
    }
    if (at + 1 < text->len && text->bytes[at + 1] != '\n') {
        return -1;
    }
    *ret_line = text->bytes + text->at;
    *ret_len = at - text->at;
    text->at = at + 2;
    return at + 1 < text->len;
}

/* The whole text is a number of at most 32 bits. */
static bool number(const char *text, size_t len, uint32_t *ret)
{
    char copy[ANSWER_MAX];
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (len == 0 || strspn(copy, DIGITS) != len) {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(copy, NULL, 10);
    bool fits = errno == 0 && value <= UINT32_MAX;
    if (fits) {
        *ret = (uint32_t)value;
    }
    return fits;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool read_range(struct answer *answer, const char *value)
{
    const char *slash = strchr(value, '/');
    if (strncasecmp(value, "bytes ", 6) != 0 || slash == NULL) {
        return false;
    }
    value += 6;
    if (slash < value) {
        return false;
    }
    const char *dash = memchr(value, '-', (size_t)(slash - value));
    bool unknown = strcmp(slash + 1, "*") == 0;
    if (!unknown && !number(slash + 1, strlen(slash + 1), &answer->range_total)) {
        return false;
    }
    if (slash - value == 1 && *value == '*') {
        return !unknown;
    }
    answer->has_range = true;
    return dash != NULL && number(value, (size_t)(dash - value), &answer->range_from) &&
           number(dash + 1, (size_t)(slash - dash - 1), &answer->range_last) &&
           answer->range_from <= answer->range_last &&
           (unknown || answer->range_last < answer->range_total);
}

static void read_etag(struct head *head, const char *value)
{
    size_t len = strlen(value);
    const char *open = strncmp(value, "W/", 2) == 0 ? value + 2 : value;
    bool good = *open == '"' && strlen(open) >= 2 && strcspn(open + 1, "\"") == strlen(open) - 2 && len < 72;
    head->answer->etag[0] = '\0';
    if (head->etags++ == 0 && good) {
        memcpy(head->answer->etag, value, len + 1);
    }
}

static void read_connection(struct head *head, char *value)
{
    char *rest;
    for (char *word = strtok_r(value, ", \t", &rest); word != NULL; word = strtok_r(NULL, ", \t", &rest)) {
        head->answer->close |= strcasecmp(word, "close") == 0;
        head->keep_alive |= strcasecmp(word, "keep-alive") == 0;
    }
}

static const char *const names[] = {"Content-Length", "Transfer-Encoding", "Connection", "Content-Range", "ETag",
                                    "Last-Modified", "Location", "Retry-After", "Date", "Content-Encoding"};

static bool is_ours(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_word(name, len, names[i])) {
            return true;
        }
    }
    return false;
}

static bool read_length(struct answer *answer, const char *value)
{
    uint32_t length = 0;
    bool good = number(value, strlen(value), &length) && (!answer->has_length || answer->length == length);
    answer->has_length = true;
    answer->length = length;
    return good;
}

static bool read_field(struct head *head, const char *name, size_t name_len, char *value)
{
    struct answer *answer = head->answer;
    if (is_word(name, name_len, "Content-Length")) {
        return read_length(answer, value);
    }
    if (is_word(name, name_len, "Transfer-Encoding")) {
        bool again = answer->chunked;
        answer->chunked = true;
        return !again && strcasecmp(value, "chunked") == 0;
    }
    if (is_word(name, name_len, "Content-Range")) {
        return head->ranges++ == 0 && read_range(answer, value);
    }
    if (is_word(name, name_len, "ETag")) {
        read_etag(head, value);
    } else if (is_word(name, name_len, "Connection")) {
        read_connection(head, value);
    } else if (is_word(name, name_len, "Content-Encoding")) {
        head->encoded = strcasecmp(value, "identity") != 0;
    } else if (is_word(name, name_len, "Retry-After") && number(value, strlen(value), &answer->retry)) {
        answer->has_retry = true;
    }
    return true;
}

/* A header line. One that does not fit the buffer passes if its name is whole in there and not ours. */
static bool read_line(struct head *head, const char *line, size_t len, size_t line_max)
{
    char copy[ANSWER_MAX];
    memcpy(copy, line, len);
    copy[len] = '\0';
    size_t name_len = strspn(copy, TOKEN);
    if (name_len == 0 || copy[name_len] != ':') {
        return false;
    }
    if (len >= line_max) {
        return name_len < line_max && !is_ours(copy, name_len);
    }
    char *value = copy + name_len + 1;
    value += strspn(value, " \t");
    char *end = copy + len;
    while (end > value && strchr(" \t", end[-1]) != NULL) {
        *--end = '\0';
    }
    return read_field(head, copy, name_len, value);
}

static bool read_status(struct head *head, const char *line, size_t len, size_t line_max)
{
    if (len >= line_max || len < 12 || strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
        (line[7] != '0' && line[7] != '1') || (len > 12 && line[12] != ' ')) {
        return false;
    }
    uint32_t status = 0;
    head->version = (unsigned)(line[7] - '0');
    if (!number(line + 9, 3, &status) || status < 100 || status > 599) {
        return false;
    }
    head->answer->status = status;
    return true;
}

/* The lines of one head agree. */
static bool is_sound(const struct head *head)
{
    const struct answer *answer = head->answer;
    bool coded = answer->chunked && (answer->has_length || head->version == 0);
    return !coded && !(head->encoded && answer->status / 100 == 2) && answer->status != 101;
}

/* A line that has no end yet, but has overflowed the buffer: wrong already? (It may not be ours.) */
static bool is_wrong_unended(const struct text *text, size_t from, bool first, size_t line_max)
{
    const char *line = text->bytes + from;
    size_t len = text->len - from;
    len -= len > 0 && line[len - 1] == '\r' ? 1 : 0;
    if (len < line_max) {
        return false;
    }
    const char *colon = memchr(line, ':', line_max);
    char name[ANSWER_MAX];
    if (first || colon == NULL) {
        return true;
    }
    memcpy(name, line, (size_t)(colon - line));
    name[colon - line] = '\0';
    return name[0] == '\0' || strspn(name, TOKEN) != (size_t)(colon - line) || is_ours(name, (size_t)(colon - line));
}

static enum answer_verdict read_head(struct text *text, size_t line_max, struct answer *answer)
{
    struct head head = {.answer = answer, .version = 1};
    const char *line;
    size_t len;
    for (unsigned count = 0;; count++) {
        size_t from = text->at;
        int ended = next_line(text, &line, &len);
        if (ended <= 0) {
            return ended < 0 || is_wrong_unended(text, from, count == 0, line_max) ? ANSWER_BAD : ANSWER_SHORT;
        }
        if (count == 0 ? !read_status(&head, line, len, line_max) : len > 0 && !read_line(&head, line, len, line_max)) {
            return ANSWER_BAD;
        }
        if (count > 0 && len == 0) {
            break;
        }
    }
    answer->close = answer->close || (head.version == 0 && !head.keep_alive);
    return is_sound(&head) ? ANSWER_WHOLE : ANSWER_BAD;
}

static void add_body(struct answer *answer, const char *bytes, size_t len)
{
    memcpy(answer->body + answer->body_len, bytes, len);
    answer->body_len += len;
}

/* "1f;extension": 1, 0: not whole, -1. Every beginning of a bad one is judged as soon as it is bad. */
static int read_size(struct text *text, uint32_t *ret)
{
    size_t digits = 0;
    uint64_t value = 0;
    for (; text->at < text->len && strchr("0123456789abcdefABCDEF", text->bytes[text->at]) != NULL &&
           text->bytes[text->at] != '\0';
         digits++, text->at++) {
        char digit[2] = {text->bytes[text->at], '\0'};
        value = value * 16 + strtoul(digit, NULL, 16);
        if (value > UINT32_MAX) {
            return -1;
        }
    }
    if (text->at == text->len) {
        return 0;
    }
    if (digits == 0 || text->bytes[text->at] == '\0' || strchr("\r; \t", text->bytes[text->at]) == NULL) {
        return -1;
    }
    const char *line;
    size_t len;
    *ret = (uint32_t)value;
    return next_line(text, &line, &len);
}

static enum answer_verdict of(int ended)
{
    return ended < 0 ? ANSWER_BAD : ended == 0 ? ANSWER_SHORT : ANSWER_WHOLE;
}

static enum answer_verdict read_chunks(struct text *text, struct answer *answer)
{
    const char *line;
    size_t len = 1;
    int ended;
    uint32_t size = 1;
    while (size > 0) {
        ended = read_size(text, &size);
        if (ended <= 0) {
            return of(ended);
        }
        size_t left = text->len - text->at;
        add_body(answer, text->bytes + text->at, left < size ? left : size);
        text->at += left < size ? left : size;
        if (left < size) {
            return ANSWER_SHORT;
        }
        if (size > 0) {
            ended = next_line(text, &line, &len);
            if (ended <= 0 || len > 0) {
                return ended == 0 && len == 0 ? ANSWER_SHORT : ANSWER_BAD;
            }
        }
    }
    do {
        ended = next_line(text, &line, &len);
    } while (ended > 0 && len > 0);
    return of(ended);
}

static enum answer_verdict read_body(struct text *text, struct answer *answer)
{
    size_t left = text->len - text->at;
    if (answer->status == 204 || answer->status == 304) {
        return ANSWER_WHOLE;
    }
    if (answer->chunked) {
        return read_chunks(text, answer);
    }
    if (answer->has_length) {
        add_body(answer, text->bytes + text->at, left < answer->length ? left : answer->length);
        return left < answer->length ? ANSWER_SHORT : ANSWER_WHOLE;
    }
    add_body(answer, text->bytes + text->at, left);
    answer->cut = answer->close = true;
    return ANSWER_WHOLE;
}

void answer_read(const char *bytes, size_t len, size_t line_max, struct answer *ret)
{
    struct text text = {bytes, len, 0};
    unsigned interims = 0;
    do {
        memset(ret, 0, offsetof(struct answer, body));
        ret->body_len = 0;
        ret->verdict = read_head(&text, line_max, ret);
    } while (ret->verdict == ANSWER_WHOLE && ret->status < 200 && ++interims <= 8);
    if (ret->verdict != ANSWER_WHOLE) {
        return;
    }
    if (ret->status < 200) {
        ret->verdict = ANSWER_BAD; /* the ninth in a row */
        return;
    }
    ret->head_whole = true;
    ret->verdict = read_body(&text, ret);
}
