/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known_key.c - signing keys that everybody has, recognised so that nobody ships one.
 *
 * The private halves are in public repositories: an image signed with one proves nothing.
 */
#include <string.h>

#include "tool/key.h"

/* SHA-256 of the public key as an image names it (SPEC.md, "TLVs", KEYHASH). */
static const struct {
    uint8_t id[8]; /* the first bytes are enough to tell them from chance */
    const char *origin;
} known_keys[] = {
    {{0x37, 0x0b, 0x89, 0x21, 0x2a, 0xa2, 0x63, 0x63}, "Otter's test/keys/not-secret-ecdsa-p256.pem"},
    {{0x8b, 0x4d, 0x68, 0x86, 0x94, 0x1a, 0xeb, 0x43}, "Otter's test/keys/not-secret-ecdsa-p256-other.pem"},
    {{0x35, 0x18, 0xd8, 0x34, 0xda, 0x8d, 0x83, 0xc3}, "Otter's test/keys/not-secret-ed25519.pem"},
    {{0x6b, 0x73, 0xbd, 0xe4, 0xc1, 0xb8, 0xb6, 0xd5}, "Otter's test/keys/not-secret-rsa-2048.pem"},
    {{0x40, 0xae, 0x0e, 0x94, 0x06, 0x3e, 0xf4, 0x6b}, "Otter's test/keys/not-secret-rsa-3072.pem"},
    {{0xbb, 0x86, 0x8a, 0x72, 0x7f, 0x0e, 0xf7, 0x5e}, "the replaced system's cypress-test-ec-p256.pem"},
    {{0xe3, 0x04, 0x66, 0xf6, 0xb8, 0x47, 0x0c, 0x1f}, "MCUboot's root-ec-p256.pem"},
    {{0xc1, 0x90, 0x7f, 0xa4, 0xea, 0xc7, 0xfa, 0xe3}, "MCUboot's root-ed25519.pem"},
    {{0xfc, 0x57, 0x01, 0xdc, 0x61, 0x35, 0xe1, 0x32}, "MCUboot's root-rsa-2048.pem"},
    {{0x44, 0x97, 0x93, 0xfb, 0x65, 0xcd, 0x76, 0x98}, "MCUboot's root-rsa-3072.pem"},
};

const char *tool_key_known_origin(const struct tool_key *key)
{
    for (size_t i = 0; i < sizeof known_keys / sizeof known_keys[0]; i++) {
        if (memcmp(key->hash, known_keys[i].id, sizeof known_keys[i].id) == 0) {
            return known_keys[i].origin;
        }
    }
    return NULL;
}
