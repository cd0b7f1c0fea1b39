/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ed25519.c - Ed25519 verification with libsodium.
 *
 * As MCUboot: PureEdDSA, and the message is the image's 32-byte SHA-256. libsodium refuses
 * keys and points of small order and non-canonical numbers, and needs no initialisation here.
 */
#include <sodium/crypto_sign_ed25519.h>

#include "otter/image.h"
#include "otter/result.h"

enum {
    SPKI_SIZE = 44, /* SubjectPublicKeyInfo of an Ed25519 key */
    POINT_OFF = 12
};

int otter_ed25519_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                         const uint8_t *sig, size_t sig_len)
{
    if (key->pubkey_len != SPKI_SIZE) {
        return OTTER_ERR_ARG;
    }
    if (sig_len != crypto_sign_ed25519_BYTES ||
        crypto_sign_ed25519_verify_detached(sig, hash, OTTER_HASH_SIZE,
                                            key->pubkey + POINT_OFF) != 0) {
        return OTTER_ERR_AUTH;
    }
    return OTTER_OK;
}
