/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - the bootloader's key: its type decides which verifier is linked. */
#include "test/sizes/board.h"

#ifdef OTTER_SIZES_ED25519
static const uint8_t pubkey[44] = {0x30, 0x2a};
const struct otter_key board_key = {OTTER_SIG_ED25519, otter_ed25519_verify, pubkey, sizeof pubkey};
#else
static const uint8_t pubkey[91] = {0x30, 0x59};
const struct otter_key board_key = {OTTER_SIG_ECDSA_P256, otter_ecdsa_p256_verify, pubkey, sizeof pubkey};
#endif
