/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_rig.h - signed jobs as one likes them: any header, any payload, any key, also wrong ones.
 */
#ifndef OTTER_TEST_JOB_RIG_H
#define OTTER_TEST_JOB_RIG_H

#include "tool/key.h"

#define JOB_KEY OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256-other.pem"
#define IMAGE_KEY OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256.pem"
#define ES256 "{\"alg\":\"ES256\"}"

/* Appends base64url (RFC 4648, section 5) to a string. */
static inline void job_encode(char *text, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *from = bytes;
    char *to = text + strlen(text);
    for (size_t i = 0; i < len * 8; i += 6) {
        uint32_t pair = (uint32_t)from[i / 8] << 8 | (i / 8 + 1 < len ? from[i / 8 + 1] : 0);
        *to++ = digits[pair >> (10 - i % 8) & 63];
    }
    *to = '\0';
}

/* r and s of a DER signature, 32 bytes each (RFC 7518, section 3.4). */
static inline void job_raw(const uint8_t *der, uint8_t raw[64])
{
    const uint8_t *at = der + 2;
    for (size_t half = 0; half < 2; half++) {
        size_t len = at[1];
        const uint8_t *bytes = at + 2;
        at = bytes + len;
        while (len > 32) {
            bytes++;
            len--;
        }
        memset(raw + 32 * half, 0, 32 - len);
        memcpy(raw + 32 * half + 32 - len, bytes, len);
    }
}

/* header "." payload "." signature by this key. */
static inline void job_sign(const struct tool_key *key, const char *header, const char *payload,
                            char *ret_text)
{
    uint8_t hash[32];
    uint8_t der[OTTER_SIG_SIZE_MAX];
    uint8_t raw[64];
    size_t len;
    struct otter_sha256 sha;
    *ret_text = '\0';
    job_encode(ret_text, header, strlen(header));
    strcat(ret_text, ".");
    job_encode(ret_text, payload, strlen(payload));
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, ret_text, strlen(ret_text));
    otter_sha256_finish(&sha, hash);
    assert_int_equal(tool_key_sign(key, hash, der, &len), 0);
    job_raw(der, raw);
    strcat(ret_text, ".");
    job_encode(ret_text, raw, sizeof raw);
}

/* The digest of a file as a job names it. */
static inline void job_sha256(const uint8_t *bytes, size_t len, char ret_hex[65])
{
    struct otter_sha256 sha;
    uint8_t hash[32];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, bytes, len);
    otter_sha256_finish(&sha, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
    }
}

#endif
