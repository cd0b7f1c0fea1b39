/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - who may sign: the factory settings "key", P-256 public keys in DER. */
#include "board/board.h"

enum { SPKI_SIZE = 91 }; /* SubjectPublicKeyInfo of an uncompressed P-256 point */

size_t board_keys(struct otter_key *ret_keys, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; found < count; i++) {
        size_t len;
        const char *key = board_setting("key", i, &len);
        if (key == NULL) {
            break;
        }
        if (len == SPKI_SIZE) {
            ret_keys[found++] = (struct otter_key){.type = OTTER_SIG_ECDSA_P256,
                                                   .verify = otter_ecdsa_p256_verify,
                                                   .pubkey = (const uint8_t *)key,
                                                   .pubkey_len = len};
        }
    }
    return found;
}
