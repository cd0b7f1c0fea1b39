/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws.h - signed documents: JWS compact serialisation (RFC 7515), ES256 and nothing else.
 *
 * b64url(header) "." b64url(payload) "." b64url(r || s), one newline may follow. The signature is
 * over the characters of the first two parts, so what was signed is what was received.
 */
#ifndef OTTER_TOOL_JWS_H
#define OTTER_TOOL_JWS_H

#include "tool/key.h"

enum { JWS_SIGNATURE_SIZE = 64, JWS_KID_SIZE = 17 };

struct tool_jws {
    struct tool_bytes header, payload; /* decoded, NUL-terminated; data NULL: not decoded */
    uint8_t signature[JWS_SIGNATURE_SIZE];
    uint8_t hash[OTTER_HASH_SIZE]; /* SHA-256 of what is signed */
};

/* Does it look like one: letters of base64url and two dots? Nothing else is checked. */
bool tool_jws_is(const void *text, size_t len);

/* Take it apart. NULL: well-formed, ES256, nothing critical; else what is wrong, a constant,
 * and the parts before the fault are there. Release with tool_jws_free in both cases. */
const char *tool_jws_parse(const void *text, size_t len, struct tool_jws *ret_jws);
void tool_jws_free(struct tool_jws *jws);

/* Only after tool_jws_parse found nothing wrong. */
bool tool_jws_verify(const struct tool_jws *jws, const struct tool_key *key);

/* *ret_text: the document and a newline, free() it. 0, or TOOL_REFUSED after saying why. */
int tool_jws_sign(const struct tool_key *key, const void *payload, size_t len, char **ret_text);

/* A key that signs or verifies jobs: P-256. Errors as tool_key_read. */
int tool_job_key_read(const char *path, bool need_private, struct tool_key *ret_key);

/* How the header names the key: what `otter keygen` prints as its id. */
void tool_jws_kid(const struct tool_key *key, char ret_kid[JWS_KID_SIZE]);

#endif
