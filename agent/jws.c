/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws.c - a signed job: header "." payload "." signature, each base64url without padding.
 *
 * The signature comes first: nothing of the text is taken apart before it is known to be
 * genuine. The algorithm is the key's, never the header's: the header can only agree.
 */
#include <stdbool.h>
#include <string.h>

#include "agent/json.h"
#include "agent/jws.h"
#include "otter/result.h"

enum {
    RAW_SIZE = 64, /* r and s, RFC 7518, section 3.4 */
    HALF_SIZE = RAW_SIZE / 2,
    DER_SIZE = 2 + 2 * (2 + 1 + HALF_SIZE)
};

/* Decode where it lies (RFC 4648, section 5). False: not base64url, or with bits behind its end that are not 0. */
static bool decode(char *text, size_t len, size_t *ret_len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *out = text;
    uint32_t bits = 0;
    unsigned count = 0; /* of bits that are not written yet */
    for (size_t i = 0; i < len; i++) {
        const char *digit = memchr(digits, text[i], 64);
        if (digit == NULL) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = (char)(bits >> count);
        }
    }
    *ret_len = (size_t)(out - text);
    return count < 6 && (bits & ((1u << count) - 1)) == 0;
}

/* A DER INTEGER. Bytes written. */
static size_t put_integer(uint8_t *der, const uint8_t *raw)
{
    size_t skip = 0;
    while (skip < HALF_SIZE - 1 && raw[skip] == 0) {
        skip++;
    }
    size_t len = HALF_SIZE - skip;
    size_t zero = raw[skip] >> 7;
    der[0] = 0x02;
    der[1] = (uint8_t)(zero + len);
    der[2] = 0;
    memcpy(der + 2 + zero, raw + skip, len);
    return 2 + zero + len;
}

static bool is_genuine(const struct otter_jws *jws, size_t signed_len, const uint8_t *raw)
{
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    uint8_t der[DER_SIZE];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, jws->text, signed_len);
    otter_sha256_finish(&sha, hash);
    size_t len = 2 + put_integer(der + 2, raw);
    len += put_integer(der + len, raw + HALF_SIZE);
    der[0] = 0x30;
    der[1] = (uint8_t)(len - 2);
    for (size_t i = 0; i < jws->keys_count; i++) {
        const struct otter_key *key = &jws->keys[i];
        if (key->type == OTTER_SIG_ECDSA_P256 && key->verify(key, hash, der, len) == OTTER_OK) {
            return true;
        }
    }
    return false;
}

static int take_header(void *ctx, const struct otter_json_member *member)
{
    bool *es256 = ctx;
    if (member->parent != NULL) {
        return 0;
    }
    if (strcmp(member->key, "alg") == 0) {
        *es256 = member->kind == OTTER_JSON_STRING && strcmp(member->value, "ES256") == 0;
    }
    return strcmp(member->key, "crit") == 0 ? OTTER_ERR_AUTH : 0;
}

static bool is_header_good(const struct otter_jws *jws, size_t len)
{
    bool es256 = false;
    int err = otter_json_read(jws->text, len, jws->work, jws->work_size, take_header, &es256);
    return err == 0 && es256;
}

/* Characters up to the next dot, or the end. */
static size_t part_len(const char *text, size_t len)
{
    const char *dot = memchr(text, '.', len);
    return dot != NULL ? (size_t)(dot - text) : len;
}

int otter_jws_open(struct otter_jws *jws)
{
    char *text = jws->text;
    size_t len = jws->len;
    len -= len > 0 && text[len - 1] == '\n';
    size_t header = part_len(text, len);
    size_t payload = header < len ? part_len(text + header + 1, len - header - 1) : 0;
    size_t signed_len = header + 1 + payload;
    if (signed_len >= len) {
        return OTTER_ERR_AUTH;
    }
    char *raw = text + signed_len + 1;
    size_t raw_len;
    if (!decode(raw, len - signed_len - 1, &raw_len) || raw_len != RAW_SIZE ||
        !is_genuine(jws, signed_len, (const uint8_t *)raw) ||
        !decode(text, header, &raw_len) || !is_header_good(jws, raw_len)) {
        return OTTER_ERR_AUTH;
    }
    char *document = text + header + 1;
    if (!decode(document, payload, &raw_len)) {
        return OTTER_ERR_AUTH;
    }
    jws->text = document;
    jws->len = raw_len;
    return OTTER_OK;
}
