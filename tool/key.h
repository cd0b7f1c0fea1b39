/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - signing keys: PEM files, their public half as MCUboot embeds it, signatures.
 */
#ifndef OTTER_TOOL_KEY_H
#define OTTER_TOOL_KEY_H

#include <openssl/evp.h>

#include "otter/image.h"
#include "tool/tool.h"

struct tool_key {
    EVP_PKEY *pkey;
    bool is_private;
    const char *name;              /* "ECDSA P-256", ... */
    const char *c_name;            /* of the array that imgtool and we write: "ecdsa", ... */
    struct tool_bytes der;         /* the public half: SubjectPublicKeyInfo; RSA: RSAPublicKey */
    uint8_t hash[OTTER_HASH_SIZE]; /* SHA-256 of der: what an image names the key by */
    struct otter_key verify;       /* for slot/image.c; borrows der */
};

/* Read a private or public key from a PEM file. 0, or the exit code after saying why not. */
int tool_key_read(const char *path, bool need_private, struct tool_key *ret_key);
void tool_key_free(struct tool_key *key);

/* Make a key of a type named as in `otter keygen --type`; 0 or TOOL_REFUSED/TOOL_USAGE. */
int tool_key_make(const char *type, struct tool_key *ret_key);

/* Where everybody can get the private half, when it is a key from public examples; else NULL. */
const char *tool_key_known_origin(const struct tool_key *key);

/* Sign an image hash, and verify it. ret_sig takes OTTER_SIG_SIZE_MAX bytes. 0, or TOOL_REFUSED: the key is damaged. */
int tool_key_sign(const struct tool_key *key, const uint8_t hash[OTTER_HASH_SIZE], uint8_t *ret_sig,
                  size_t *ret_len);

#endif
