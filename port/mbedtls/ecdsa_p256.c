/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecdsa_p256.c - ECDSA P-256 verification with p256-m, the driver that mbedTLS bundles.
 *
 * p256-m needs no heap, and half the code of mbedTLS's general curves (docs/sizes.md). It takes raw
 * integers; the strict DER reader here turns a signature TLV into them: minimal positive
 * integers, nothing behind them but the zeros of imgtool's --pad-sig.
 */
#include <string.h>

#include <p256-m.h>

#include "otter/image.h"
#include "otter/result.h"

enum {
    INTEGER_SIZE = 32,
    SPKI_SIZE = 91,  /* SubjectPublicKeyInfo of an uncompressed P-256 point */
    POINT_OFF = 27,  /* of its x coordinate; the byte before it says uncompressed */
    SIG_SIZE_MAX = 128, /* zeros included: the buffer of MCUboot */
    DER_SEQUENCE = 0x30,
    DER_INTEGER = 0x02
};

/* Reads one INTEGER at sig[*off] into 32 big-endian bytes. */
static bool take_integer(const uint8_t *sig, size_t end, size_t *off, uint8_t *ret_integer)
{
    if (end - *off < 2 || sig[*off] != DER_INTEGER) {
        return false;
    }
    size_t len = sig[*off + 1];
    const uint8_t *bytes = sig + *off + 2;
    if (len == 0 || len > end - *off - 2) {
        return false;
    }
    *off += 2 + len;
    if ((bytes[0] & 0x80) != 0) {
        return false; /* negative */
    }
    if (bytes[0] == 0 && len > 1) {
        if ((bytes[1] & 0x80) == 0) {
            return false; /* not minimal */
        }
        bytes++;
        len--;
    }
    if (len > INTEGER_SIZE) {
        return false;
    }
    memset(ret_integer, 0, INTEGER_SIZE - len);
    memcpy(ret_integer + INTEGER_SIZE - len, bytes, len);
    return true;
}

static bool take_signature(const uint8_t *sig, size_t len, uint8_t ret_raw[2 * INTEGER_SIZE])
{
    if (len < 2 || len > SIG_SIZE_MAX || sig[0] != DER_SEQUENCE || sig[1] > len - 2) {
        return false;
    }
    size_t off = 2;
    size_t end = off + sig[1];
    if (!take_integer(sig, end, &off, ret_raw) ||
        !take_integer(sig, end, &off, ret_raw + INTEGER_SIZE) || off != end) {
        return false;
    }
    while (off < len) {
        if (sig[off++] != 0) {
            return false;
        }
    }
    return true;
}

int otter_ecdsa_p256_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                            const uint8_t *sig, size_t sig_len)
{
    uint8_t raw[2 * INTEGER_SIZE];
    if (key->pubkey_len != SPKI_SIZE || key->pubkey[POINT_OFF - 1] != 4) {
        return OTTER_ERR_ARG;
    }
    if (!take_signature(sig, sig_len, raw) ||
        p256_ecdsa_verify(raw, key->pubkey + POINT_OFF, hash, OTTER_HASH_SIZE) != P256_SUCCESS) {
        return OTTER_ERR_AUTH;
    }
    return OTTER_OK;
}
