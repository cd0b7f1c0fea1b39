/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws.h - a signed job: JWS compact serialisation (RFC 7515, section 3.1), ES256 only.
 */
#ifndef OTTER_AGENT_JWS_H
#define OTTER_AGENT_JWS_H

#include "otter/image.h"

/* What there is to check it with, and the text, which is used up. */
struct otter_jws {
    const struct otter_key *keys; /* ECDSA P-256 */
    size_t keys_count;
    char *text;
    size_t len;
    void *work; /* for the header, as in json.h */
    size_t work_size;
};

/* Check the signature, then the header. 0: text and len are now the payload's.
 * OTTER_ERR_AUTH: not such a serialisation, by none of these keys, another algorithm, or with
 * a critical header; text and len are then as they were, its bytes are not. */
int otter_jws_open(struct otter_jws *jws);

#endif
