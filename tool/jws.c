/* SPDX-License-Identifier: Apache-2.0 */
/* jws.c - signed documents, made and checked with OpenSSL's P-256. */
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/jws.h"
#include "tool/print.h"

enum { HALF = JWS_SIGNATURE_SIZE / 2, DER_MAX = 80 };
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Returns the end; room for 4 characters of every begun 3 bytes. */
static char *encode(const uint8_t *bytes, size_t len, char *to)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 6; have -= 6) {
            *to++ = alphabet[bits >> (have - 6) & 63];
        }
    }
    if (have > 0) {
        *to++ = alphabet[bits << (6 - have) & 63];
    }
    return to;
}

/* No padding, no other character, no stray bits at the end. */
static bool decode(const char *text, size_t len, struct tool_bytes *ret_bytes)
{
    uint32_t bits = 0;
    unsigned have = 0;
    struct tool_bytes bytes = {malloc(len / 4 * 3 + 4), 0};
    bool good = bytes.data && len % 4 != 1;
    for (size_t i = 0; good && i < len; i++) {
        int value = value_of(text[i]);
        good = value >= 0;
        bits = bits << 6 | ((uint32_t)value & 63);
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes.data[bytes.len++] = (uint8_t)(bits >> have);
        }
    }
    good = good && (bits & ((1u << have) - 1)) == 0;
    if (!good) {
        tool_bytes_free(&bytes);
        return false;
    }
    bytes.data[bytes.len] = 0;
    *ret_bytes = bytes;
    return true;
}

bool tool_jws_is(const void *text, size_t len)
{
    const char *at = text;
    unsigned dots = 0;
    len -= len > 0 && at[len - 1] == '\n';
    for (size_t i = 0; i < len; i++) {
        dots += at[i] == '.';
        if (at[i] != '.' && value_of(at[i]) < 0) {
            return false;
        }
    }
    return dots == 2 && len > 2;
}

void tool_jws_free(struct tool_jws *jws)
{
    tool_bytes_free(&jws->header);
    tool_bytes_free(&jws->payload);
}

static const char *judge_header(const struct tool_bytes *header)
{
    json_t *root = json_loadb((const char *)header->data, header->len, JSON_REJECT_DUPLICATES, NULL);
    const char *alg = json_string_value(json_object_get(root, "alg"));
    const char *why = NULL;
    if (!json_is_object(root)) {
        why = "its header is no JSON object";
    } else if (!alg || strcmp(alg, "ES256") != 0) {
        why = "its header names another algorithm than ES256";
    } else if (json_object_get(root, "crit")) {
        why = "its header has crit: nothing is understood that must be";
    }
    json_decref(root);
    return why;
}

const char *tool_jws_parse(const void *text, size_t len, struct tool_jws *ret_jws)
{
    const char *start = text;
    struct tool_bytes signature = {NULL, 0};
    memset(ret_jws, 0, sizeof *ret_jws);
    len -= len > 0 && start[len - 1] == '\n';
    const char *end = start + len;
    const char *payload = memchr(start, '.', len);
    const char *sig = payload ? memchr(payload + 1, '.', (size_t)(end - payload - 1)) : NULL;
    if (!sig || memchr(sig + 1, '.', (size_t)(end - sig - 1))) {
        return "it has not three parts with a dot between";
    }
    if (!decode(start, (size_t)(payload - start), &ret_jws->header) ||
        !decode(payload + 1, (size_t)(sig - payload - 1), &ret_jws->payload)) {
        return "it is not base64url (RFC 4648, section 5, without padding)";
    }
    if (!decode(sig + 1, (size_t)(end - sig - 1), &signature) || signature.len != JWS_SIGNATURE_SIZE) {
        tool_bytes_free(&signature);
        return "its signature has not 64 bytes";
    }
    memcpy(ret_jws->signature, signature.data, JWS_SIGNATURE_SIZE);
    tool_bytes_free(&signature);
    if (EVP_Digest(start, (size_t)(sig - start), ret_jws->hash, NULL, EVP_sha256(), NULL) != 1) {
        return "it could not be hashed";
    }
    return judge_header(&ret_jws->header);
}

/* r || s becomes what OpenSSL takes; 0: out of memory. */
static int der_of(const uint8_t raw[JWS_SIGNATURE_SIZE], uint8_t der[DER_MAX])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, HALF, NULL);
    BIGNUM *s = BN_bin2bn(raw + HALF, HALF, NULL);
    int len = 0;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = NULL;
        s = NULL;
        len = i2d_ECDSA_SIG(sig, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0 ? len : 0;
}

static bool raw_of(const uint8_t *der, size_t len, uint8_t raw[JWS_SIGNATURE_SIZE])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, HALF) == HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + HALF, HALF) == HALF;
    ECDSA_SIG_free(sig);
    return good;
}

bool tool_jws_verify(const struct tool_jws *jws, const struct tool_key *key)
{
    uint8_t der[DER_MAX];
    int len = der_of(jws->signature, der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool good = ctx && len > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
                EVP_PKEY_verify(ctx, der, (size_t)len, jws->hash, sizeof jws->hash) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

void tool_jws_kid(const struct tool_key *key, char ret_kid[JWS_KID_SIZE])
{
    (void)tool_hex(key->hash, (JWS_KID_SIZE - 1) / 2, ret_kid);
}

int tool_jws_sign(const struct tool_key *key, const void *payload, size_t len, char **ret_text)
{
    char header[80];
    char kid[JWS_KID_SIZE];
    uint8_t hash[OTTER_HASH_SIZE];
    uint8_t der[OTTER_SIG_SIZE_MAX];
    uint8_t raw[JWS_SIGNATURE_SIZE];
    size_t der_len = 0;
    tool_jws_kid(key, kid);
    int n = snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    char *text = malloc(((size_t)n + len + sizeof raw) / 3 * 4 + 24);
    if (!text) {
        return tool_refuse("out of memory");
    }
    char *end = encode((const uint8_t *)header, (size_t)n, text);
    *end++ = '.';
    end = encode(payload, len, end);
    int rc = EVP_Digest(text, (size_t)(end - text), hash, NULL, EVP_sha256(), NULL) == 1
                 ? tool_key_sign(key, hash, der, &der_len)
                 : tool_refuse("OpenSSL could not hash");
    if (rc == 0 && !raw_of(der, der_len, raw)) {
        rc = tool_refuse("OpenSSL could not sign");
    }
    if (rc != 0) {
        free(text);
        return rc;
    }
    *end++ = '.';
    end = encode(raw, sizeof raw, end);
    memcpy(end, "\n", 2);
    *ret_text = text;
    return 0;
}

int tool_job_key_read(const char *path, bool need_private, struct tool_key *ret_key)
{
    int rc = tool_key_read(path, need_private, ret_key);
    if (rc != 0) {
        return rc;
    }
    if (ret_key->verify.type != OTTER_SIG_ECDSA_P256) {
        rc = tool_refuse("'%s' is a key of type %s: jobs are signed with ECDSA P-256 "
                         "(`otter keygen --type ecdsa-p256 job.pem`)", path, ret_key->name);
        tool_key_free(ret_key);
    }
    return rc;
}
