/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.c - the bytes of a signature TLV, beside OpenSSL's verdict on them.
 *
 * Input: which key, then the signature. ECDSA: what is taken here, OpenSSL takes too, once the
 * zeros behind it are gone; what OpenSSL takes as it is, is taken here. RSA-PSS and Ed25519: the
 * same verdict. The signatures of the seeds are right for the hash below.
 */
#include "fuzz.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tool/key.h"

enum { KEYS = 4, SIG_MAX = 512 };
static struct tool_key keys[KEYS];
static EVP_PKEY *theirs[KEYS];
static const uint8_t hash[OTTER_HASH_SIZE] = "thirty-two bytes to be signed...";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[KEYS] = {"ecdsa-p256", "ed25519", "rsa-2048", "rsa-3072"};
    (void)argc;
    (void)argv;
    for (int i = 0; i < KEYS; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/test/keys/not-secret-%s.pem", OTTER_SOURCE_DIR, names[i]);
        REQUIRE(tool_key_read(path, true, &keys[i]) == 0);
        FILE *file = fopen(path, "r");
        REQUIRE(file != NULL);
        theirs[i] = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        REQUIRE(theirs[i] != NULL);
        (void)fclose(file);
    }
    return 0;
}

static bool openssl_takes(int which, const uint8_t *sig, size_t len)
{
    EVP_PKEY_CTX *ctx = NULL;
    bool good;
    if (which == 1) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        REQUIRE(md != NULL && EVP_DigestVerifyInit(md, NULL, NULL, NULL, theirs[which]) == 1);
        good = EVP_DigestVerify(md, sig, len, hash, sizeof hash) == 1;
        EVP_MD_CTX_free(md);
        return good;
    }
    ctx = EVP_PKEY_CTX_new(theirs[which], NULL);
    REQUIRE(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
    REQUIRE(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1);
    if (which >= 2) {
        REQUIRE(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1);
        REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) == 1);
    }
    good = EVP_PKEY_verify(ctx, sig, len, hash, sizeof hash) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > SIG_MAX) {
        return 0;
    }
    int which = data[0] % KEYS;
    const struct otter_key *key = &keys[which].verify;
    const uint8_t *sig = data + 1;
    size_t len = size - 1;
    int ours = key->verify(key, hash, sig, len);
    REQUIRE(ours == OTTER_OK || ours == OTTER_ERR_AUTH);
    if (which == 0 && ours == OTTER_OK) {
        len = (size_t)sig[1] + 2;
    }
    bool they = openssl_takes(which, sig, len);
    REQUIRE((ours == OTTER_OK) == they);
    return 0;
}
